"""Whole steps with PyTorch: forward, backward, clip_grad_norm_, fused AdamW, one-cycle schedule, zero_grad.

usage: step.py NETWORK SIDE BATCH ddp|threads fp32|bf16
ddp: two processes of one thread, BATCH samples each, under DistributedDataParallel over Gloo
threads: one process of two threads, 2 * BATCH samples
"""

import contextlib
import sys

import torch
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from networks import make_network
from protocol import CLASSES, median_of, milliseconds, serve, serve_ranks

name, side, batch, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
autocast = contextlib.nullcontext
if sys.argv[5] == "bf16":
    autocast = lambda: torch.autocast("cpu", torch.bfloat16)
STEPS = 5


def make_round(network, samples):
    images = torch.randn(samples, 3, side, side)
    labels = torch.randint(0, CLASSES, (samples,))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-4, total_steps=10**6)

    def forward_backward(model):
        with autocast():
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        return loss

    def alone():
        inner = getattr(network, "module", network)
        forward_backward(inner)
        optimizer.zero_grad()

    def step():
        loss = forward_backward(network)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return loss.item()  # it goes into the log

    def run_round():
        step_ms = median_of(STEPS, lambda: milliseconds(step))
        alone_ms = median_of(STEPS, lambda: milliseconds(alone))
        return {
            "step_ms": step_ms,
            "forward_backward_ms": alone_ms,
            "samples_per_second": 2 * batch / step_ms * 1e3,
        }

    return run_round


def prepare(rank):
    return make_round(DistributedDataParallel(make_network(name, CLASSES), gradient_as_bucket_view=True), batch)


if how == "ddp":
    serve_ranks(2, prepare)
else:
    torch.set_num_threads(2)
    serve(make_round(make_network(name, CLASSES), 2 * batch))
