"""Writes what timm's EdgeNeXt computes with random weights: NAME.weights.safetensors and NAME.values.safetensors with the
image, the features of the four stages, and the gradients of every parameter for loss = sum(features * probes).

usage: edgenext_reference.py FOLDER NAME HEIGHT WIDTH
"""

import os
import sys

import timm
import torch
from safetensors.torch import save_file

folder, name, height, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(0)
torch.set_num_threads(1)
model = timm.create_model(name, num_classes=0).eval()

# Layer scales start at 1e-6, biases at 0, temperatures at 1: every parameter gets a value that shows.
with torch.no_grad():
    for key, parameter in model.named_parameters():
        if parameter.ndim == 1 or key.endswith("temperature"):
            parameter.add_(0.5 * torch.randn_like(parameter))
        else:
            parameter.copy_(torch.randn_like(parameter) / parameter[0].numel() ** 0.5)

image = torch.randn(2, 3, height, width)
features = model.forward_intermediates(image, intermediates_only=True)
values = {"image": image}
loss = 0
for stage, feature in enumerate(features):
    probe = torch.randn_like(feature) / feature[0].numel() ** 0.5
    loss = loss + (feature * probe).sum()
    values[f"feature.{stage}"] = feature.detach().contiguous()
    values[f"probe.{stage}"] = probe.contiguous()
loss.backward()
for key, parameter in model.named_parameters():
    if parameter.grad is not None:
        values[f"gradient.{key}"] = parameter.grad.contiguous()

save_file(model.state_dict(), os.path.join(folder, f"{name}.weights.safetensors"))
save_file(values, os.path.join(folder, f"{name}.values.safetensors"))
