"""What PyTorch's schedulers give, run after run, one line a step: learning rate, beta1.

usage: schedule_reference.py RUN...
where RUN is KIND,LR,WARMUP_STEPS,TOTAL_STEPS,… and what the kind needs:
    constant
    cosine,…,MIN_LR
    restarts,…,MIN_LR,T_0,T_MULT
    onecycle
    polynomial,…,POWER
    step,…,STEP_SIZE,GAMMA
"""

import sys
import warnings

import torch
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)

warnings.simplefilter("ignore")

MAKERS = {
    "constant": lambda optimizer, lr, steps: ConstantLR(optimizer, factor=1.0, total_iters=1),
    "cosine": lambda optimizer, lr, steps, min_lr: CosineAnnealingLR(optimizer, steps, float(min_lr)),
    "restarts": lambda optimizer, lr, steps, min_lr, t_0, t_mult: CosineAnnealingWarmRestarts(
        optimizer, int(t_0), int(t_mult), float(min_lr)
    ),
    "onecycle": lambda optimizer, lr, steps: OneCycleLR(optimizer, max_lr=lr, total_steps=steps),
    "polynomial": lambda optimizer, lr, steps, power: PolynomialLR(optimizer, steps, float(power)),
    "step": lambda optimizer, lr, steps, size, gamma: StepLR(optimizer, int(size), float(gamma)),
}


def follow(kind, lr, warmup, total, *others):
    lr, warmup, total = float(lr), int(warmup), int(total)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = MAKERS[kind](optimizer, lr, total - warmup, *others)
    if warmup > 0:
        before = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
        scheduler = SequentialLR(optimizer, [before, scheduler], milestones=[warmup])
    for _ in range(total):
        group = optimizer.param_groups[0]
        print(f"{group['lr']:.17g} {group['betas'][0]:.17g}")
        optimizer.step()
        scheduler.step()


for run in sys.argv[1:]:
    follow(*run.split(","))
