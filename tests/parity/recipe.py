"""What a case asks for besides the network, in PyTorch's own classes."""

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR


def make_optimizer(options, network, learning_rate):
    """Weight decay is for what has two dimensions and more."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kinds = {"adamw": torch.optim.AdamW}
    return kinds[options["kind"]](groups, lr=learning_rate)


def make_scheduler(options, optimizer, steps):
    """For a stage of that many steps; one call of its step() after each of the optimizer's."""
    learning_rate = options["learning_rate"]
    warmup = options["warmup_steps"]
    if options["kind"] == "onecycle":
        return OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps)
    makers = {
        "cosine": lambda: CosineAnnealingLR(optimizer, steps - warmup, eta_min=options["min_learning_rate"]),
    }
    main = makers[options["kind"]]()
    if warmup == 0:
        return main
    before = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [before, main], milestones=[warmup])
