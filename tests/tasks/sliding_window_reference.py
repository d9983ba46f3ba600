"""Writes what MONAI's sliding_window_inference makes of a random volume with a small random network, a convolution of
5 voxels a side and a sigmoid: values.safetensors with "volume", "weight", "bias" and "result".

usage: sliding_window_reference.py FOLDER VOLUME WINDOW OVERLAP     (VOLUME, WINDOW: D,H,W)
"""

import os
import sys

import torch
from monai.inferers import sliding_window_inference
from safetensors.torch import save_file


def numbers(word):
    return [int(part) for part in word.split(",")]


folder, volume, window, overlap = sys.argv[1:]
torch.manual_seed(0)
torch.set_num_threads(1)
image = torch.randn(1, 1, *numbers(volume))
network = torch.nn.Conv3d(1, 1, 5, padding=2)
with torch.no_grad():
    result = sliding_window_inference(
        image, numbers(window), 3, lambda x: network(x).sigmoid(), float(overlap), mode="gaussian"
    )
values = {
    "volume": image[0, 0],
    "weight": network.weight.detach(),
    "bias": network.bias.detach(),
    "result": result[0, 0].contiguous(),
}
save_file(values, os.path.join(folder, "values.safetensors"))
