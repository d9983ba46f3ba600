"""Writes what torchvision's Normalize makes of pixels: normalise_reference.py IN OUT.

IN holds (pixels, 3) uint8, OUT gets (3, pixels) float32.
"""

import sys

import torch
from torchvision.transforms import functional

with open(sys.argv[1], "rb") as file:
    pixels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(1, -1, 3)  # (1, pixels, 3)
planes = pixels.permute(2, 0, 1).to(torch.float64) / 255
result = functional.normalize(planes, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
with open(sys.argv[2], "wb") as file:
    file.write(result.to(torch.float32).numpy().tobytes())
