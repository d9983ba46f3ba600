"""Writes what the residual-encoder 3D U-Net of residual_unet.py computes with random weights, in float64:
weights.safetensors, and values.safetensors with the volumes, the logits, the side outputs and the gradient of every
parameter for loss = sum(outputs * probes). All are stored as float32.

usage: residual_unet_reference.py FOLDER PATCH WIDTH BLOCKS VOLUME     (PATCH, VOLUME: D,H,W; BLOCKS: 1,2,2)
"""

import os
import sys

import torch
from safetensors.torch import save_file

from residual_unet import Network, plan


def numbers(word):
    return [int(part) for part in word.split(",")]


folder, patch, width, blocks, volume = sys.argv[1:]
torch.manual_seed(0)
torch.set_num_threads(1)
model = Network(plan(numbers(patch), int(width), numbers(blocks)))
with torch.no_grad():
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.add_(0.3 * torch.randn_like(parameter))
        else:
            parameter.copy_(torch.randn_like(parameter) * (2 / parameter[0].numel()) ** 0.5)

save_file(model.state_dict(), os.path.join(folder, "weights.safetensors"))
model.double()
volumes = torch.randn(2, 1, *numbers(volume))
values = {"volumes": volumes}
loss = 0
for i, output in enumerate(model(volumes.double())):
    probe = torch.randn(output.shape) / output[0].numel() ** 0.5
    loss = loss + (output * probe.double()).sum()
    values[f"output.{i}"], values[f"probe.{i}"] = output.detach().contiguous(), probe
loss.backward()
for name, parameter in model.named_parameters():
    values[f"gradient.{name}"] = parameter.grad.contiguous()
save_file({name: value.float() for name, value in values.items()}, os.path.join(folder, "values.safetensors"))
