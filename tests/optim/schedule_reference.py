"""What PyTorch's schedulers give, run after run, one line a step: learning rate, beta1.

usage: schedule_reference.py RUN...
where RUN is cosine,LR,MIN_LR,WARMUP_STEPS,TOTAL_STEPS or onecycle,LR,TOTAL_STEPS
"""

import sys
import warnings

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR

warnings.simplefilter("ignore")


def cosine(optimizer, min_lr, warmup, total):
    after = CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=min_lr)
    if warmup == 0:
        return after
    before = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [before, after], milestones=[warmup])


def follow(kind, lr, *others):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=float(lr))
    total = int(others[-1])
    if kind == "cosine":
        scheduler = cosine(optimizer, float(others[0]), int(others[1]), total)
    else:
        scheduler = OneCycleLR(optimizer, max_lr=float(lr), total_steps=total)
    for _ in range(total):
        group = optimizer.param_groups[0]
        print(f"{group['lr']:.17g} {group['betas'][0]:.17g}")
        optimizer.step()
        scheduler.step()


for run in sys.argv[1:]:
    follow(*run.split(","))
