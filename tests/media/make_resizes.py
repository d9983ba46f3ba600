"""Writes inputs of resize_test with what Pillow and PyTorch make of them.

Usage: make_resizes.py FOLDER [PHOTOGRAPH...]. Each line of pixels.txt, and of photographs.txt: SOURCE_WIDTH
SOURCE_HEIGHT CHANNELS X Y CROP_WIDTH CROP_HEIGHT WIDTH HEIGHT FLIP; the raw files of line N are pixels.N.source, .pillow,
.torch and .nearest. Each line of boxes.txt: the same with a box of fractions of pixels, boxes.N.source and .pillow. Each
line of planes.txt: WIDTH HEIGHT NEW_WIDTH NEW_HEIGHT, with planes.N.plane and .scaled (float32).
"""

import pathlib
import sys

import numpy
import torch
from PIL import Image

PIXELS = [  # source size, channels, crop (x, y, width, height), size, flip
    ((640, 427), 3, (0, 0, 640, 427), (128, 128), 0),
    ((640, 427), 3, (131, 17, 400, 333), (224, 224), 1),
    ((97, 61), 3, (3, 5, 50, 40), (352, 352), 0),
    ((97, 61), 1, (0, 0, 97, 61), (33, 47), 1),
    ((97, 61), 1, (90, 55, 7, 6), (7, 6), 0),
    ((20, 31), 3, (19, 30, 1, 1), (5, 4), 1),
    ((64, 48), 3, (0, 0, 64, 48), (1, 1), 0),
    ((2000, 3), 1, (0, 0, 2000, 3), (3, 200), 0),
    ((1024, 768), 3, (40, 21, 890, 667), (352, 352), 1),
    ((1024, 768), 1, (40, 21, 890, 667), (352, 352), 0),
    ((700, 525), 3, (3, 4, 600, 500), (352, 352), 0),
    ((700, 330), 3, (0, 0, 700, 330), (21, 33), 0),  # as many taps as the quick way takes
    ((700, 330), 3, (0, 0, 700, 330), (20, 19), 1),  # more
    ((33, 17), 3, (0, 0, 33, 17), (1, 18), 0),
    ((5, 300), 3, (2, 0, 2, 300), (1, 7), 0),
]
BOXES = [  # source size, channels, box (x, y, width, height), size, flip; a source of four channels is RGB and noise
    ((512, 384), 3, (10.25, 20.5, 444.625, 301.125), (352, 352), 0),
    ((512, 384), 4, (10.25, 20.5, 444.625, 301.125), (352, 352), 1),
    ((512, 384), 4, (0.0, 0.125, 511.875, 383.875), (224, 97), 0),
    ((40, 30), 4, (3.5, 2.25, 20.75, 19.5), (352, 352), 0),
    ((300, 200), 1, (0.5, 0.5, 299.5, 199.5), (61, 50), 1),
    ((3, 3), 3, (0.75, 1.125, 0.5, 0.25), (9, 6), 0),
    ((900, 700), 4, (7.5, 3.25, 880.25, 690.5), (20, 18), 1),  # more taps than the quick way takes
]
PLANES = [((64, 64), (353, 271)), ((88, 88), (61, 40)), ((1, 1), (7, 3)), ((5, 9), (5, 9)), ((3, 2), (1000, 1))]


def torch_resize(pixels, size, **mode):
    """pixels: (height, width, channels) uint8; size: (width, height)."""
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    result = torch.nn.functional.interpolate(planes, (size[1], size[0]), **mode)
    return result[0].permute(1, 2, 0).contiguous().numpy()


def pillow_resize(pixels, size, box):
    """pixels: (height, width, channels) uint8; size: (width, height); box: (x, y, width, height)."""
    channels = min(pixels.shape[2], 3)
    image = Image.fromarray(numpy.ascontiguousarray(pixels[..., :3]) if channels == 3 else pixels[..., 0])
    x, y, width, height = box
    result = image.resize(size, Image.Resampling.BILINEAR, box=(x, y, x + width, y + height))
    return numpy.asarray(result).reshape(size[1], size[0], channels)


def write_pixels(folder, name, cases):
    """cases: of each the source, (height, width, channels) uint8, the crop, the size and whether to flip."""
    with open(folder / f"{name}.txt", "w") as lines:
        for number, (source, crop, size, flip) in enumerate(cases):
            x, y, crop_width, crop_height = crop
            cut = numpy.ascontiguousarray(source[y : y + crop_height, x : x + crop_width])
            results = {
                "pillow": pillow_resize(cut, size, (0, 0, crop_width, crop_height)),
                "torch": torch_resize(cut, size, mode="bilinear", antialias=True, align_corners=False),
                "nearest": torch_resize(cut, size, mode="nearest-exact"),
            }
            (folder / f"{name}.{number}.source").write_bytes(source.tobytes())
            for kind, result in results.items():
                (folder / f"{name}.{number}.{kind}").write_bytes((result[:, ::-1] if flip else result).tobytes())
            height, width, channels = source.shape
            print(width, height, channels, *crop, *size, flip, file=lines)


def cases_of_noise():
    random = numpy.random.default_rng(5)
    for (width, height), channels, crop, size, flip in PIXELS:
        yield random.integers(0, 256, (height, width, channels), dtype=numpy.uint8), crop, size, flip


def cases_of_photographs(paths):
    for path in paths:
        photograph = numpy.asarray(Image.open(path).convert("RGB"))
        height, width, _ = photograph.shape
        yield photograph, (width // 9, height // 7, width * 3 // 4, height * 3 // 4), (352, 352), 1
        yield photograph, (0, 0, width, height), (97, 600), 0


def write_boxes(folder):
    random = numpy.random.default_rng(6)
    with open(folder / "boxes.txt", "w") as lines:
        for number, ((width, height), channels, box, size, flip) in enumerate(BOXES):
            source = random.integers(0, 256, (height, width, channels), dtype=numpy.uint8)
            result = pillow_resize(source, size, box)
            (folder / f"boxes.{number}.source").write_bytes(source.tobytes())
            (folder / f"boxes.{number}.pillow").write_bytes((result[:, ::-1] if flip else result).tobytes())
            print(width, height, channels, *box, *size, flip, file=lines)


def write_planes(folder):
    generator = torch.Generator().manual_seed(5)
    with open(folder / "planes.txt", "w") as cases:
        for number, ((width, height), (new_width, new_height)) in enumerate(PLANES):
            plane = torch.rand((1, 1, height, width), generator=generator)
            scaled = torch.nn.functional.interpolate(plane.double(), (new_height, new_width), mode="bilinear")
            (folder / f"planes.{number}.plane").write_bytes(plane.numpy().tobytes())
            (folder / f"planes.{number}.scaled").write_bytes(scaled.float().numpy().tobytes())
            print(width, height, new_width, new_height, file=cases)


folder = pathlib.Path(sys.argv[1])
write_pixels(folder, "pixels", cases_of_noise())
write_pixels(folder, "photographs", cases_of_photographs(sys.argv[2:]))
write_boxes(folder)
write_planes(folder)
