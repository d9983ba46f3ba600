"""Writes what MONAI's sliding_window_inference makes of random volumes with a small random network, a convolution of
5 voxels a side and a sigmoid: values.safetensors with "weight", "bias", and "volume.i" and "result.i" of each case.

usage: sliding_window_reference.py FOLDER CASE …     (CASE: VOLUME:WINDOW:OVERLAP, the first two as D,H,W)
"""

import os
import sys

import torch
from monai.inferers import sliding_window_inference
from safetensors.torch import save_file


def numbers(word):
    return [int(part) for part in word.split(",")]


folder, *cases = sys.argv[1:]
torch.manual_seed(0)
torch.set_num_threads(1)
network = torch.nn.Conv3d(1, 1, 5, padding=2)
values = {"weight": network.weight.detach(), "bias": network.bias.detach()}
for i, case in enumerate(cases):
    volume, window, overlap = case.split(":")
    image = torch.randn(1, 1, *numbers(volume))
    with torch.no_grad():
        result = sliding_window_inference(
            image, numbers(window), 3, lambda x: network(x).sigmoid(), float(overlap), mode="gaussian"
        )
    values[f"volume.{i}"], values[f"result.{i}"] = image[0, 0], result[0, 0].contiguous()
save_file(values, os.path.join(folder, "values.safetensors"))
