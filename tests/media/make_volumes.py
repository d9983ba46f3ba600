"""Writes small volumes as TIFF files of every kind that is read, by other people's programs.

Usage: make_volumes.py FOLDER. Beside NAME.tif lie its voxels, NAME.raw, (depth, height, width) in this machine's byte
order; cases.txt has a line "NAME depth height width bits" for each. Files under bad/ are of kinds that are not read.
"""

import pathlib
import sys

import numpy
import tifffile
from PIL import Image

SHAPE = (5, 37, 53)


def volume(dtype):
    generator = numpy.random.default_rng(7)
    z, y, x = numpy.mgrid[0 : SHAPE[0], 0 : SHAPE[1], 0 : SHAPE[2]]
    smooth = (numpy.sin(z) + numpy.sin(y / 5) + numpy.cos(x / 7) + 3) / 6 * numpy.iinfo(dtype).max
    noise = generator.integers(0, numpy.iinfo(dtype).max // 9, SHAPE)
    return numpy.where(y > x, 0, numpy.clip(smooth + noise, 0, numpy.iinfo(dtype).max)).astype(dtype)


def by_tifffile(folder, cases):
    for dtype in (numpy.uint8, numpy.uint16):
        for order in "<>":
            for kind, options in {
                "raw": {},
                "raw_strips": {"rowsperstrip": 4},
                "deflate": {"compression": "zlib"},
                "deflate_strips": {"compression": "zlib", "rowsperstrip": 10},
                "deflate_predictor": {"compression": "zlib", "predictor": True},
                "tiles": {"tile": (16, 32)},
                "deflate_tiles": {"compression": "zlib", "tile": (32, 16)},
                "big": {"bigtiff": True},
                "big_deflate_tiles": {"bigtiff": True, "compression": "zlib", "tile": (16, 16)},
            }.items():
                name = f"{kind}_{numpy.dtype(dtype).itemsize * 8}_{'little' if order == '<' else 'big'}_endian"
                tifffile.imwrite(folder / f"{name}.tif", volume(dtype), byteorder=order, photometric="minisblack", **options)
                cases[name] = volume(dtype)
    tifffile.imwrite(folder / "imagej.tif", volume(numpy.uint16), imagej=True)
    cases["imagej"] = volume(numpy.uint16)


def by_pillow(folder, cases):
    for dtype in (numpy.uint8, numpy.uint16):
        for compression in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate"):
            name = f"pillow_{compression}_{numpy.dtype(dtype).itemsize * 8}"
            first, *others = [Image.fromarray(page) for page in volume(dtype)]
            first.save(folder / f"{name}.tif", compression=compression, save_all=True, append_images=others)
            cases[name] = volume(dtype)


def single_slice(folder, cases):
    tifffile.imwrite(folder / "one_slice.tif", volume(numpy.uint8)[0])
    cases["one_slice"] = volume(numpy.uint8)[:1]


def bad(folder):
    grey = volume(numpy.uint8)
    tifffile.imwrite(folder / "colour.tif", numpy.stack([grey] * 3, -1), photometric="rgb")
    tifffile.imwrite(folder / "float.tif", grey.astype(numpy.float32), photometric="minisblack")
    tifffile.imwrite(folder / "signed.tif", grey.astype(numpy.int16), photometric="minisblack")
    tifffile.imwrite(folder / "bits32.tif", grey.astype(numpy.uint32), photometric="minisblack")
    tifffile.imwrite(folder / "complex.tif", grey.astype(numpy.complex64), photometric="minisblack")
    tifffile.imwrite(folder / "inverted.tif", grey, photometric="miniswhite")
    tifffile.imwrite(folder / "volumetric.tif", volume(numpy.uint8)[:, :32, :48], photometric="minisblack", volumetric=True,
                     tile=(4, 16, 16))
    Image.fromarray(grey[0]).convert("P").save(folder / "palette.tif")
    Image.fromarray(grey[0]).save(folder / "jpeg.tif", compression="jpeg")
    Image.fromarray(grey[0] > 9).save(folder / "bits1.tif")
    Image.fromarray(grey[0]).save(folder / "not_tiff.tif", format="PNG")
    with tifffile.TiffWriter(folder / "other_page.tif") as writer:
        writer.write(grey[0], photometric="minisblack", contiguous=False)
        writer.write(grey[0], photometric="minisblack", contiguous=False)
        writer.write(grey[0, :20, :30], photometric="minisblack", contiguous=False)
    with tifffile.TiffWriter(folder / "other_bits.tif") as writer:
        writer.write(grey[0], photometric="minisblack", contiguous=False)
        writer.write(grey[0].astype(numpy.uint16), photometric="minisblack", contiguous=False)
    tifffile.imwrite(folder / "imagej_one_page.tif", grey[0], description="ImageJ=1.53t\nimages=320\nslices=320\n", metadata=None)


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = {}
    by_tifffile(folder, cases)
    by_pillow(folder, cases)
    single_slice(folder, cases)
    lines = []
    for name, voxels in cases.items():
        voxels.tofile(folder / f"{name}.raw")
        lines.append(f"{name} {' '.join(map(str, voxels.shape))} {voxels.dtype.itemsize * 8}\n")
    (folder / "cases.txt").write_text("".join(lines))
    (folder / "bad").mkdir()
    bad(folder / "bad")


main()
