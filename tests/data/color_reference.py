"""Writes what torchvision makes of pixels by changes of colour.

color_reference.py IN OUT CHANGE...; IN holds (pixels, 3) uint8, OUT one such array a change. A change is
BRIGHTNESS,CONTRAST,SATURATION,HUE: those that are not 1 (the hue: not 0) are made one after the other.
"""

import sys

import torch
from torchvision.transforms import functional

source, destination = sys.argv[1:3]
with open(source, "rb") as file:
    pixels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(1, -1, 3)  # (1, pixels, 3)
steps = [
    (functional.adjust_brightness, 1.0),
    (functional.adjust_contrast, 1.0),
    (functional.adjust_saturation, 1.0),
    (functional.adjust_hue, 0.0),
]
with open(destination, "wb") as file:
    for change in sys.argv[3:]:
        image = pixels.permute(2, 0, 1)  # (3, 1, pixels)
        for (adjust, neutral), factor in zip(steps, map(float, change.split(","))):
            if factor != neutral:
                image = adjust(image, factor)
        file.write(image.permute(1, 2, 0).contiguous().numpy().tobytes())
