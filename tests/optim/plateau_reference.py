"""The learning rates of PyTorch's ReduceLROnPlateau(mode="max") after each of a row of metrics, a line a row.

usage: plateau_reference.py ROW...
where ROW is LR,FACTOR,PATIENCE,THRESHOLD,COOLDOWN,MIN_LR,METRIC,METRIC,…
"""

import sys

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau


def follow(lr, factor, patience, threshold, cooldown, min_lr, *metrics):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=float(lr))
    scheduler = ReduceLROnPlateau(
        optimizer,
        mode="max",
        factor=float(factor),
        patience=int(patience),
        threshold=float(threshold),
        cooldown=int(cooldown),
        min_lr=float(min_lr),
    )
    rates = []
    for metric in metrics:
        scheduler.step(float(metric))
        rates.append(f"{optimizer.param_groups[0]['lr']:.17g}")
    print(*rates)


for row in sys.argv[1:]:
    follow(*row.split(","))
