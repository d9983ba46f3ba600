"""Ends with 0 if Pillow and, where it is there, tifffile read these voxels in a TIFF file.

Usage: same_volume.py FILE.tif VOXELS.raw DEPTH HEIGHT WIDTH
"""

import sys

import numpy
from PIL import Image, ImageSequence

path, raw, *shape = sys.argv[1:]
expected = numpy.fromfile(raw, numpy.uint8).reshape([int(side) for side in shape])
read = numpy.stack([numpy.asarray(page) for page in ImageSequence.Iterator(Image.open(path))])
assert read.dtype == numpy.uint8 and numpy.array_equal(read, expected), "Pillow reads other voxels"
try:
    import tifffile
except ImportError:
    sys.exit(0)
with tifffile.TiffFile(path) as file:
    assert len(file.pages) == expected.shape[0], "tifffile sees other pages"
    if file.pages[0].compression != 5:  # LZW needs a package of its own
        assert numpy.array_equal(file.asarray(), expected), "tifffile reads other voxels"
