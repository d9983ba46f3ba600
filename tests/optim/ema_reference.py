"""What timm's ModelEmaV3 makes of a network in training.

usage: ema_reference.py FOLDER SEED STEPS RUN...
where RUN is NAME[,KEY=VALUE...] with arguments of ModelEmaV3. FOLDER/NAME.safetensors gets, for every step, counted from
1, "network.STEP.NAME" and "average.STEP.NAME" of every parameter and buffer, "network.0.NAME" of where it started, and
"decay" (steps) float64. In the second half of the steps the first layer is frozen.
"""

import ast
import sys

import torch
from safetensors.torch import save_file
from timm.utils import ModelEmaV3


def run(file, steps, options):
    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7), torch.nn.Linear(7, 3))
    ema = ModelEmaV3(network, **options)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    tensors = {f"network.0.{name}": value.clone() for name, value in network.state_dict().items()}
    for step in range(1, steps + 1):
        optimizer.zero_grad(set_to_none=True)
        network[0].requires_grad_(step <= steps // 2)
        network(torch.randn(16, 5)).square().mean().backward()
        optimizer.step()
        ema.update(network, step=step)
        tensors |= {f"network.{step}.{name}": value.clone() for name, value in network.state_dict().items()}
        tensors |= {f"average.{step}.{name}": value.clone() for name, value in ema.module.state_dict().items()}
    tensors["decay"] = torch.tensor([ema.get_decay(step) for step in range(1, steps + 1)], dtype=torch.float64)
    save_file(tensors, file)


folder, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(seed)
for argument in sys.argv[4:]:
    name, *others = argument.split(",")
    run(f"{folder}/{name}.safetensors", steps, {k: ast.literal_eval(v) for k, v in (o.split("=") for o in others)})
