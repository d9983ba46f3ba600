"""Writes the files with which the fuzz targets begin: tiny valid ones of every kind.

Usage: make_corpus.py FOLDER. The results are committed in tests/fuzz/corpus; needs Pillow, tifffile and numpy.
"""

import pathlib
import sys

import numpy
import tifffile
from PIL import Image

WIDTH, HEIGHT = 19, 13


def picture():
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(numpy.stack([x * 13, y * 19, (x * y) % 256], -1).astype(numpy.uint8))


def mask():
    y, x = numpy.mgrid[0:60, 0:80]
    return Image.fromarray((((x - 40) ** 2 + (y - 30) ** 2 < 400) * 255).astype(numpy.uint8))


def write_pngs(folder):
    rgb = picture()
    rgb.save(folder / "rgb.png")
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("1").save(folder / "bits1.png")
    rgb.quantize(4).save(folder / "palette2.png")
    rgb.quantize(200).save(folder / "palette8.png")
    rgb.quantize(16).save(folder / "transparent.png", transparency=bytes(range(0, 256, 16)))
    rgb.convert("RGBA").save(folder / "rgba.png")
    rgb.convert("LA").save(folder / "grey_alpha.png")
    Image.fromarray(numpy.asarray(rgb.convert("L")).astype(numpy.uint16) * 257).save(folder / "grey16.png")
    mask().save(folder / "mask.png")


def write_jpegs(folder):
    rgb = picture()
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        rgb.save(folder / f"rgb{subsampling.replace(':', '')}.jpg", quality=80, subsampling=subsampling)
    rgb.save(folder / "progressive.jpg", quality=80, progressive=True)
    rgb.save(folder / "restarts.jpg", quality=80, restart_marker_blocks=1)
    rgb.convert("L").save(folder / "grey.jpg", quality=80)
    rgb.convert("CMYK").save(folder / "cmyk.jpg", quality=80)


def write_rows(folder):
    """The kind, the width, then rows behind the number of their filter."""
    generator = numpy.random.default_rng(3)
    for kind in range(11):
        levels = generator.choice([0, 0, 0, 0, 255, 1, 90], 400).astype(numpy.uint8)
        (folder / f"kind{kind:02}").write_bytes(bytes([kind, 39 + kind]) + levels.tobytes())


def write_tiffs(folder):
    z, y, x = numpy.mgrid[0:3, 0:HEIGHT, 0:WIDTH]
    grey = (z * 40 + y * 5 + x).astype(numpy.uint8)
    deep = grey.astype(numpy.uint16) * 257
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(folder / "raw.tif", grey, **options)
    tifffile.imwrite(folder / "raw16_big_endian.tif", deep, byteorder=">", rowsperstrip=5, **options)
    tifffile.imwrite(folder / "deflate.tif", grey, compression="zlib", rowsperstrip=4, **options)
    tifffile.imwrite(folder / "deflate16_tiles.tif", deep, compression="zlib", predictor=True, tile=(16, 16), **options)
    tifffile.imwrite(folder / "big.tif", deep, bigtiff=True, compression="zlib", **options)
    pages = [Image.fromarray(page) for page in grey]
    for compression in ("tiff_lzw", "packbits"):
        pages[0].save(folder / f"{compression}.tif", compression=compression, save_all=True, append_images=pages[1:])


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, write in (("png", write_pngs), ("jpeg", write_jpegs), ("png_rows", write_rows), ("tiff", write_tiffs)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        write(folder / name)


main()
