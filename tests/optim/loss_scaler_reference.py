"""The scale of torch.amp.GradScaler, run after run, one line a step: the scale and the growth tracker after it.

usage: loss_scaler_reference.py RUN...
where RUN is INITIAL,GROWTH,BACKOFF,INTERVAL,STEPS and STEPS are joined by '/', one letter a pass of backward: 'o' for finite
gradients, 'x' for ones that overflow. Gradients of the passes of a step add up.
"""

import sys

import torch

for run in sys.argv[1:]:
    initial, growth, backoff, interval, steps = run.split(",")
    scaler = torch.amp.GradScaler(
        "cpu",
        init_scale=float(initial),
        growth_factor=float(growth),
        backoff_factor=float(backoff),
        growth_interval=int(interval),
    )
    parameter = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    for step in steps.split("/"):
        optimizer.zero_grad(set_to_none=True)
        for one in step:
            gradient = torch.tensor([1e-38, float("inf") if one == "x" else 0.0])
            scaler.scale((parameter * gradient).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        state = scaler.state_dict()
        print(f"{state['scale']:.17g} {state['_growth_tracker']}")
