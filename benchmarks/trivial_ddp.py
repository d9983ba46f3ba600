"""The least that a program under torchrun can do: one step of a linear layer. Prints when the step was done."""

import time

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
network = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 8))
optimizer = torch.optim.AdamW(network.parameters())
network(torch.randn(4, 8)).sum().backward()
optimizer.step()
if dist.get_rank() == 0:
    print(f"first step done at {time.time()}", flush=True)
dist.destroy_process_group()
