"""What a case asks for besides the network, in PyTorch's own classes and timm's."""

import torch
from timm.utils import ModelEmaV3
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

OPTIMIZERS = {
    "adamw": lambda groups, options, rate: torch.optim.AdamW(groups, lr=rate),
    "adam": lambda groups, options, rate: torch.optim.Adam(groups, lr=rate),
    "sgd": lambda groups, options, rate: torch.optim.SGD(groups, lr=rate, momentum=options["momentum"]),
}

SCHEDULERS = {
    "constant": lambda optimizer, options, steps: ConstantLR(optimizer, factor=1.0, total_iters=1),
    "cosine": lambda optimizer, options, steps: CosineAnnealingLR(
        optimizer, steps, eta_min=options["min_learning_rate"]
    ),
    "restarts": lambda optimizer, options, steps: CosineAnnealingWarmRestarts(
        optimizer, options["restart_steps"], options["restart_factor"], eta_min=options["min_learning_rate"]
    ),
    "onecycle": lambda optimizer, options, steps: OneCycleLR(
        optimizer, max_lr=options["learning_rate"], total_steps=steps
    ),
    "polynomial": lambda optimizer, options, steps: PolynomialLR(optimizer, steps, options["power"]),
    "step": lambda optimizer, options, steps: StepLR(optimizer, options["step_length"], options["gamma"]),
}


def make_optimizer(options, network, learning_rate):
    """For all parameters: those that are frozen have no gradients, which leaves them and their state alone. Weight decay
    is for what has two dimensions and more."""
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[options["kind"]](groups, options, learning_rate)


class Schedule:
    """Of a stage of so many steps."""

    def __init__(self, options, optimizer, steps):
        self.warmup_steps = options["warmup_steps"]
        self.steps_done = 0
        on_plateau = options["kind"] == "plateau"
        kind = "constant" if on_plateau else options["kind"]
        self.scheduler = SCHEDULERS[kind](optimizer, options, steps - self.warmup_steps)
        if self.warmup_steps > 0:
            before = LinearLR(optimizer, start_factor=1 / (self.warmup_steps + 1), total_iters=self.warmup_steps)
            self.scheduler = SequentialLR(optimizer, [before, self.scheduler], milestones=[self.warmup_steps])
        self.plateau = make_plateau(options, optimizer) if on_plateau else None

    def stepped(self):
        """After each step of the optimizer."""
        self.scheduler.step()
        self.steps_done += 1

    def evaluated(self, metric):
        if self.plateau is not None and self.steps_done >= self.warmup_steps:
            self.plateau.step(metric)


def make_plateau(options, optimizer):
    return ReduceLROnPlateau(
        optimizer,
        mode="max",
        factor=options["plateau_factor"],
        patience=options["plateau_patience"],
        threshold=options["plateau_threshold"],
        cooldown=options["plateau_cooldown"],
        min_lr=options["min_learning_rate"],
    )


def make_average(options, network):
    """None where there is to be none."""
    if options["decay"] == 0:
        return None
    return ModelEmaV3(network, decay=options["decay"], use_warmup=options["warmup"])
