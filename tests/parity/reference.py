"""Trains with PyTorch what the cases of the parity suite ask for, and writes down losses and weights.

usage: reference.py FOLDER...

Each folder is a case. In it lie
  case.json          what to do; "steps" says which samples go where: [step][rank][pass][sample]
  start.safetensors  the first weights
  data.safetensors   "images" (samples, 3, side, side), "labels" (samples)
and afterwards
  reference.safetensors  "losses", "gradient_norms" (before clipping), "learning_rates", each (steps), and "weights.NAME"
                         after the last step

A case whose "reference" is "ddp" is trained by as many processes as it has ranks, with DistributedDataParallel over Gloo;
one that is "plain" by one process, which takes all samples of a step in one pass.
"""

import contextlib
import json
import os
import sys
import tempfile
import warnings

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from networks import make_network
from recipe import make_optimizer, make_scheduler


class Case:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "case.json")) as file:
            self.options = json.load(file)
        data = load_file(os.path.join(folder, "data.safetensors"))
        self.images, self.labels = data["images"], data["labels"]
        self.processes = self.options["ranks"] if self.options["reference"] == "ddp" else 1

    def passes(self, step, rank):
        """The samples of each forward pass of a process."""
        by_rank = self.options["steps"][step]
        if self.options["reference"] == "ddp":
            return by_rank[rank]
        return [[sample for passes in by_rank for one in passes for sample in one]]

    def samples(self, step):
        return sum(len(one) for passes in self.options["steps"][step] for one in passes)


def run_passes(case, network, passes):
    """Forward and backward over this process's share of a step. Gives the sum of the samples' losses."""
    without_sync = getattr(network, "no_sync", contextlib.nullcontext)
    total = torch.zeros((), dtype=torch.float64)
    for number, samples in enumerate(passes, start=1):
        with without_sync() if number < len(passes) else contextlib.nullcontext():
            losses = F.cross_entropy(network(case.images[samples]), case.labels[samples], reduction="none")
            (losses.mean() / len(passes)).backward()
        total += losses.detach().double().sum()
    return total


def norm_of_gradients(network):
    gradients = [parameter.grad.double() for parameter in network.parameters() if parameter.grad is not None]
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt().item()


def train(case, rank, group):
    """`group` is that of the processes that train this case together, or None."""
    network = make_network(case.options["network"], case.options["classes"])
    network.load_state_dict(load_file(os.path.join(case.folder, "start.safetensors")))
    clip_norm = case.options["clip_norm"]
    curves = {"losses": [], "gradient_norms": [], "learning_rates": []}
    for stage in case.options["stages"]:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not (stage["frozen"] and name.startswith(stage["frozen"])))
        optimizer = make_optimizer(case.options["optimizer"], network, stage["schedule"]["learning_rate"])
        scheduler = make_scheduler(stage["schedule"], optimizer, stage["steps"])
        trained = DistributedDataParallel(network, process_group=group, find_unused_parameters=True) if group else network
        for _ in range(stage["steps"]):
            step = len(curves["losses"])
            total = run_passes(case, trained, case.passes(step, rank))
            if group:
                dist.all_reduce(total, group=group)
            curves["losses"].append(total.item() / case.samples(step))
            curves["gradient_norms"].append(norm_of_gradients(network))
            curves["learning_rates"].append(optimizer.param_groups[0]["lr"])
            if clip_norm > 0:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    if rank == 0:
        write_down(case, network, curves)


def write_down(case, network, curves):
    tensors = {f"weights.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}
    tensors.update({name: torch.tensor(curve, dtype=torch.float64) for name, curve in curves.items()})
    save_file(tensors, os.path.join(case.folder, "reference.safetensors"))


def work(rank, cases, world_size, store):
    """One of the processes: first the cases for several of them, then its share of the others."""
    warnings.simplefilter("ignore")  # of schedulers about each other's way of calling them
    torch.set_num_threads(1)
    if world_size > 1:
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world_size)
        for processes in sorted({case.processes for case in cases} - {1}):
            group = dist.new_group(range(processes))  # a call of all processes
            if rank < processes:
                for case in cases:
                    if case.processes == processes:
                        train(case, rank, group)
    for case in [case for case in cases if case.processes == 1][rank::world_size]:
        train(case, 0, None)
    if world_size > 1:
        dist.destroy_process_group()


def main():
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)  # before the processes fork: none of them may own threads
    cases = [Case(folder) for folder in sys.argv[1:]]
    world_size = max(case.processes for case in cases)
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        mp.start_processes(work, (cases, world_size, store), nprocs=world_size, start_method="fork")


if __name__ == "__main__":
    main()
