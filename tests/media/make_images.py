"""Writes images of every kind that decode_test reads, with the pixels that Pillow decodes from them.

Usage: make_images.py FOLDER. For each image NAME it writes NAME, NAME.rgb and NAME.grey (raw bytes), and a line
"NAME WIDTH HEIGHT" into cases.txt. For some JPEGs it also writes NAME.reducedN, what Pillow decodes at 1/N as RGB, and
a line "NAME N" into reduced.txt.
"""

import pathlib
import struct
import sys
import zlib

import numpy
from PIL import Image

WIDTH, HEIGHT = 61, 43
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]  # Adam7


def photo(channels):
    """A smooth picture with some noise, (height, width, channels) uint8."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH] / 10.0
    waves = [numpy.sin(x * (1 + c) + y) * numpy.cos(y - c) for c in range(channels)]
    noise = numpy.random.default_rng(3).normal(0, 8, (HEIGHT, WIDTH, channels))
    return (127 + 110 * numpy.stack(waves, -1) + noise).clip(0, 255).astype(numpy.uint8)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """The filtered scan lines of samples, (height, width * channels)."""
    rows = b""
    for row in samples:
        bits = "".join(format(int(value), f"0{depth}b") for value in row)
        bits += "0" * (-len(bits) % 8)
        rows += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    return rows


def write_png(path, samples, depth, color_type, interlaced):
    """A PNG of the kinds that Pillow reads but does not write; samples are (height, width, channels)."""
    height, width, _ = samples.shape
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES] if interlaced else [samples]
    rows = b"".join(packed_rows(part.reshape(len(part), -1), depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def write_pngs(folder):
    rgb = Image.fromarray(photo(3))
    rgb.save(folder / "rgb.png")
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("1").save(folder / "bits1.png")
    rgb.quantize(200).save(folder / "palette.png")
    rgb.quantize(5).save(folder / "palette_few.png")
    rgb.quantize(16).save(folder / "palette_transparent.png", transparency=bytes(range(0, 256, 16)))
    rgb.save(folder / "rgb_transparent.png", transparency=rgb.getpixel((5, 5)))
    Image.fromarray(photo(4), "RGBA").save(folder / "rgba.png")
    Image.fromarray(photo(2), "LA").save(folder / "grey_alpha.png")
    rgb.save(folder / "named_as_jpeg.jpg", format="png")
    for interlaced in (False, True):
        suffix = "_interlaced.png" if interlaced else ".png"
        for depth in (2, 4):
            write_png(folder / f"bits{depth}{suffix}", photo(1) >> (8 - depth), depth, 0, interlaced)
        for channels, color_type, name in ((1, 0, "grey16"), (3, 2, "rgb16"), (4, 6, "rgba16")):
            samples = photo(channels).astype(numpy.uint32) * 256 + photo(channels)[::-1]
            write_png(folder / (name + suffix), samples, 16, color_type, interlaced)
    write_png(folder / "rgb_interlaced.png", photo(3), 8, 2, True)


def write_jpegs(folder):
    rgb = Image.fromarray(photo(3))
    rgb.save(folder / "rgb420.jpg", quality=90, subsampling="4:2:0")
    rgb.save(folder / "rgb422.jpg", quality=75, subsampling="4:2:2")
    rgb.save(folder / "rgb444.jpg", quality=95, subsampling="4:4:4")
    rgb.save(folder / "progressive.jpg", quality=80, progressive=True)
    rgb.save(folder / "restarts.jpg", quality=80, restart_marker_blocks=3)
    rgb.convert("L").save(folder / "grey.jpg", quality=85)
    Image.fromarray(photo(4), "CMYK").save(folder / "cmyk.jpg", quality=95)
    rgb.save(folder / "named_as_png.png", format="jpeg")


def expected(path):
    """The image as RGB and as grey."""
    with Image.open(path) as image:
        if image.mode == "I;16":  # Pillow has no single rule for 16-bit grey; the higher half is what it keeps of RGB
            grey = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
            return grey.convert("RGB"), grey
        rgb = image.convert("RGB")
        # From a palette or CMYK Pillow goes to grey by other roundings than from the colours themselves.
        return rgb, image.convert("L") if image.mode in ("1", "L", "LA") else rgb.convert("L")


def write_reduced(folder):
    with open(folder / "reduced.txt", "w") as cases:
        for name in ("rgb420", "rgb422", "rgb444", "progressive", "restarts", "grey", "cmyk"):
            for denominator in (2, 4, 8):
                with Image.open(folder / f"{name}.jpg") as image:
                    image.draft(None, (WIDTH // denominator, HEIGHT // denominator))
                    pixels = image.convert("RGB").tobytes()
                (folder / f"{name}.jpg.reduced{denominator}").write_bytes(pixels)
                cases.write(f"{name}.jpg {denominator}\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    write_pngs(folder)
    write_jpegs(folder)
    write_reduced(folder)
    with open(folder / "cases.txt", "w") as cases:
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".png", ".jpg"):
                continue
            rgb, grey = expected(path)
            path.with_name(path.name + ".rgb").write_bytes(rgb.tobytes())
            path.with_name(path.name + ".grey").write_bytes(grey.tobytes())
            cases.write(f"{path.name} {rgb.width} {rgb.height}\n")


main()
