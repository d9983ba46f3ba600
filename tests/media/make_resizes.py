"""Writes inputs of resize_test with what Pillow and PyTorch make of them.

Usage: make_resizes.py FOLDER. Each line of pixels.txt: SOURCE_WIDTH SOURCE_HEIGHT CHANNELS X Y CROP_WIDTH CROP_HEIGHT
WIDTH HEIGHT FLIP; the raw files of line N are N.source, N.pillow, N.torch and N.nearest. Each line of planes.txt:
WIDTH HEIGHT NEW_WIDTH NEW_HEIGHT, with N.plane and N.scaled (float32).
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
]
PLANES = [((64, 64), (353, 271)), ((88, 88), (61, 40)), ((1, 1), (7, 3)), ((5, 9), (5, 9)), ((3, 2), (1000, 1))]


def torch_resize(pixels, size, **mode):
    """pixels: (height, width, channels) uint8; size: (width, height)."""
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    result = torch.nn.functional.interpolate(planes, (size[1], size[0]), **mode)
    return result[0].permute(1, 2, 0).contiguous().numpy()


def write_pixels(folder):
    random = numpy.random.default_rng(5)
    with open(folder / "pixels.txt", "w") as cases:
        for number, ((width, height), channels, crop, size, flip) in enumerate(PIXELS):
            source = random.integers(0, 256, (height, width, channels), dtype=numpy.uint8)
            x, y, crop_width, crop_height = crop
            cut = numpy.ascontiguousarray(source[y : y + crop_height, x : x + crop_width])
            image = Image.fromarray(cut if channels == 3 else cut[..., 0])
            pillow = numpy.asarray(image.resize(size, Image.Resampling.BILINEAR)).reshape(size[1], size[0], channels)
            results = {
                "pillow": pillow,
                "torch": torch_resize(cut, size, mode="bilinear", antialias=True, align_corners=False),
                "nearest": torch_resize(cut, size, mode="nearest-exact"),
            }
            (folder / f"{number}.source").write_bytes(source.tobytes())
            for name, result in results.items():
                (folder / f"{number}.{name}").write_bytes((result[:, ::-1] if flip else result).tobytes())
            print(width, height, channels, *crop, *size, flip, file=cases)


def write_planes(folder):
    generator = torch.Generator().manual_seed(5)
    with open(folder / "planes.txt", "w") as cases:
        for number, ((width, height), (new_width, new_height)) in enumerate(PLANES):
            plane = torch.rand((1, 1, height, width), generator=generator)
            scaled = torch.nn.functional.interpolate(plane.double(), (new_height, new_width), mode="bilinear")
            (folder / f"{number}.plane").write_bytes(plane.numpy().tobytes())
            (folder / f"{number}.scaled").write_bytes(scaled.float().numpy().tobytes())
            print(width, height, new_width, new_height, file=cases)


folder = pathlib.Path(sys.argv[1])
write_pixels(folder)
write_planes(folder)
