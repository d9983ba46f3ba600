"""Runs torch.optim's own loops, and writes what they started from, got and gave.

usage: optimizer_reference.py FOLDER SEED STEPS RUN...
where RUN is NAME,OPTIMIZER,WEIGHT_DECAY[,KEY=VALUE...] such as a,SGD,0.1,momentum=0.9,nesterov=True. NAME.safetensors gets
"start.pI" and "end.pI" of every parameter, "gradient.STEP.pI" where it got one, "rates" (steps) and "momenta" (steps).
Parameters with more than one dimension have the weight decay. The learning rate changes, and so does
the momentum (Adam's beta1) where it is not 0.
"""

import ast
import sys

import torch
from safetensors.torch import save_file

SIZES = [(5, 7), (7,), (33, 3), (1,), (64,), (41, 50)]


def rates(step):
    return 10 ** -(2 + step % 3)


def momenta(step, first):
    return first * (1 - 0.01 * (step % 5))


def run(folder, steps, name, kind, decay, *others):
    options = {key: ast.literal_eval(value) for key, value in (other.split("=") for other in others)}
    parameters = [torch.nn.Parameter(torch.randn(size)) for size in SIZES]
    tensors = {f"start.p{i}": parameter.detach().clone() for i, parameter in enumerate(parameters)}
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": float(decay)},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = getattr(torch.optim, kind)(groups, lr=1.0, foreach=False, fused=False, **options)
    first = options.get("momentum", 0.0) if kind == "SGD" else 0.9
    for step in range(steps):
        optimizer.zero_grad(set_to_none=True)
        for i, parameter in enumerate(parameters):
            if torch.rand(()) < 0.8:
                parameter.grad = torch.randn_like(parameter) * 10 ** torch.randint(-6, 2, ()).item()
                tensors[f"gradient.{step}.p{i}"] = parameter.grad.clone()
        for group in optimizer.param_groups:
            group["lr"] = rates(step)
            if kind == "SGD":
                group["momentum"] = momenta(step, first)
            else:
                group["betas"] = (momenta(step, first), group["betas"][1])
        optimizer.step()
    tensors |= {f"end.p{i}": parameter.detach().clone() for i, parameter in enumerate(parameters)}
    tensors["rates"] = torch.tensor([rates(step) for step in range(steps)], dtype=torch.float64)
    tensors["momenta"] = torch.tensor([momenta(step, first) for step in range(steps)], dtype=torch.float64)
    save_file(tensors, f"{folder}/{name}.safetensors")


folder, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(seed)
for argument in sys.argv[4:]:
    run(folder, steps, *argument.split(","))
