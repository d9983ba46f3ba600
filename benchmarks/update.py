"""The update with PyTorch: clip_grad_norm_, fused AdamW, foreach EMA and zero_grad, on one thread.

usage: update.py
"""

import os

import timm.utils
import torch

from networks import make_network
from protocol import CLASSES, median_of, milliseconds, serve

REPEATS = 9

torch.set_num_threads(1)
os.sched_setaffinity(0, {0})
network = make_network("pool_network", CLASSES)
parameters = list(network.parameters())
for parameter in parameters:
    parameter.grad = 1e-3 * torch.randn_like(parameter)
gradients = [parameter.grad.clone() for parameter in parameters]
optimizer = torch.optim.AdamW(
    [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 1e-2},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ],
    lr=1e-4,
    fused=True,
)
average = timm.utils.ModelEmaV3(network, decay=0.999, foreach=True)


def clip():
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)


def update_average():
    average.update(network)


def zero():
    optimizer.zero_grad(set_to_none=False)


PARTS = {"clip_ms": clip, "adamw_ms": optimizer.step, "ema_ms": update_average, "zero_ms": zero}


def measure():
    torch._foreach_copy_([parameter.grad for parameter in parameters], gradients)
    return {name: milliseconds(part) for name, part in PARTS.items()}


def run_round():
    repeats = [measure() for _ in range(REPEATS)]
    middle = sorted(repeats, key=lambda figures: sum(figures.values()))[REPEATS // 2]
    return {**middle, "update_ms": sum(middle.values())}


serve(run_round)
