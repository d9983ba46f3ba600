"""Writes pictures with each of EXIF's orientations, as orientation_test reads them, and what Pillow turns them into.

Usage: make_turned.py FOLDER. For each picture NAME it writes NAME, NAME.upright (the raw bytes behind
ImageOps.exif_transpose) and a line "NAME ORIENTATION WIDTH HEIGHT" with the upright size into cases.txt.
"""

import pathlib
import sys

import numpy
from PIL import ExifTags, Image, ImageOps

WIDTH, HEIGHT = 71, 37


def write(folder, name, picture, orientation, **options):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a description that stands before the orientation"
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(folder / name, exif=exif, **options)
    with Image.open(folder / name) as image:
        upright = ImageOps.exif_transpose(image)
    (folder / f"{name}.upright").write_bytes(upright.tobytes())
    return f"{name} {orientation} {upright.width} {upright.height}\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    levels = numpy.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), numpy.uint8)
    colour = Image.fromarray(levels)
    with open(folder / "cases.txt", "w") as cases:
        for orientation in range(1, 9):
            cases.write(write(folder, f"colour{orientation}.jpg", colour, orientation, quality=90))
            cases.write(write(folder, f"colour{orientation}.png", colour, orientation))
            cases.write(write(folder, f"grey{orientation}.png", colour.convert("L"), orientation))


main()
