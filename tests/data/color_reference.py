"""Writes what torchvision makes of pixels, for each factor: brightness, contrast, saturation, each of the original.

color_reference.py IN OUT FACTOR...; IN holds (pixels, 3) uint8, OUT three such arrays a factor.
"""

import sys

import torch
from torchvision.transforms import functional

source, destination = sys.argv[1:3]
with open(source, "rb") as file:
    pixels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(1, -1, 3)  # (1, pixels, 3)
image = pixels.permute(2, 0, 1)  # (3, 1, pixels)
with open(destination, "wb") as file:
    for factor in map(float, sys.argv[3:]):
        for adjust in (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation):
            file.write(adjust(image, factor).permute(1, 2, 0).contiguous().numpy().tobytes())
