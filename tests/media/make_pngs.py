"""Writes PNGs of the kinds that masks come in, with the pixels that Pillow decodes from them.

Usage: make_pngs.py FOLDER. For each image NAME it writes NAME, NAME.rgb and NAME.grey (raw bytes), and its name into
cases.txt.
"""

import pathlib
import sys

import numpy
from PIL import Image

WIDTH, HEIGHT = 203, 97


def disc():
    """A mask, 0 and 255."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray((((x - 90) ** 2 + (y - 50) ** 2 < 1600) * 255).astype(numpy.uint8))


def photo():
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH] / 15.0
    waves = numpy.stack([numpy.sin(x + y), numpy.cos(x - y), numpy.sin(2 * x)], -1)
    noise = numpy.random.default_rng(7).normal(0, 6, waves.shape)
    return Image.fromarray((127 + 110 * waves + noise).clip(0, 255).astype(numpy.uint8))


def main():
    folder = pathlib.Path(sys.argv[1])
    rgb, mask = photo(), disc()
    soft = rgb.convert("L")
    images = {"mask": mask, "mask_01": mask.point(lambda level: level // 255), "mask_bits1": mask.convert("1"),
              "mask_la": mask.convert("LA"), "mask_rgb": mask.convert("RGB"), "mask_rgba": mask.convert("RGBA"),
              "soft": soft, "rgb": rgb, "rgba": Image.merge("RGBA", (*rgb.split(), soft)),
              "la": Image.merge("LA", (soft, mask))}
    for colours in (2, 4, 16, 256):
        images[f"palette{colours}"] = rgb.quantize(colours)
    for name, image in images.items():
        image.save(folder / f"{name}.png")
    rgb.quantize(4).save(folder / "palette_transparent.png", transparency=bytes([0, 90, 255, 255]))
    mask.save(folder / "mask_transparent.png", transparency=0)
    soft.save(folder / "soft_stored.png", compress_level=0)
    with open(folder / "cases.txt", "w") as cases:
        for path in sorted(folder.glob("*.png")):
            with Image.open(path) as image:
                colour = image.convert("RGB")
                # From a palette Pillow goes to grey by another rounding than from the colours themselves.
                grey = image.convert("L") if image.mode in ("1", "L", "LA") else colour.convert("L")
            path.with_name(path.name + ".rgb").write_bytes(colour.tobytes())
            path.with_name(path.name + ".grey").write_bytes(grey.tobytes())
            cases.write(f"{path.name}\n")


main()
