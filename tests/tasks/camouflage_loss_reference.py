"""The structure loss as PyTorch programs of the field write it, with its gradient.

usage: camouflage_loss_reference.py FOLDER BATCH HEIGHT WIDTH

Reads logits.bin and mask.bin (float32) and writes loss.bin (one value a sample) and gradient.bin (of the sum of the
losses, with respect to the logits).
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
batch, height, width = map(int, sys.argv[2:])


def read(name):
    return torch.from_numpy(np.fromfile(folder / name, np.float32).reshape(batch, 1, height, width))


logits, mask = read("logits.bin").requires_grad_(), read("mask.bin")
weight = 1 + 5 * torch.abs(F.avg_pool2d(mask, kernel_size=31, stride=1, padding=15) - mask)
wbce = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
wbce = (weight * wbce).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
probability = torch.sigmoid(logits)
inter = (probability * mask * weight).sum(dim=(2, 3))
union = ((probability + mask) * weight).sum(dim=(2, 3))
wiou = 1 - (inter + 1) / (union - inter + 1)
loss = (wbce + wiou).squeeze(1)
loss.sum().backward()
loss.detach().numpy().tofile(folder / "loss.bin")
logits.grad.numpy().tofile(folder / "gradient.bin")
