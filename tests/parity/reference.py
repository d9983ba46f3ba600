"""Trains with PyTorch what the cases of the parity suite ask for, and writes down what came of it.

usage: reference.py FOLDER...

Each folder is a case. In it lie
  case.json          what to do: stages of epochs of steps; a step says which samples go where: [rank][pass][sample]
  start.safetensors  the first weights
  data.safetensors   "images" (samples, 3, side, side), "labels" (samples), and "evaluation_images", "evaluation_labels"
and afterwards
  reference.safetensors  "losses", "gradient_norms" (before clipping), "learning_rates", each (steps), "metrics"
                         (evaluations), and after the last step "weights.NAME" and, of their average, "averages.NAME"

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
from recipe import Schedule, make_average, make_optimizer


class Case:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "case.json")) as file:
            self.options = json.load(file)
        self.data = load_file(os.path.join(folder, "data.safetensors"))
        self.processes = self.options["ranks"] if self.options["reference"] == "ddp" else 1

    def passes(self, step, rank):
        """The samples of each forward pass of a process."""
        if self.options["reference"] == "ddp":
            return step[rank]
        return [[sample for passes in step for one in passes for sample in one]]


class Training:
    """A process's part in a case."""

    def __init__(self, case, rank, group):
        """`group` is that of the processes that train this case together, or None."""
        self.case, self.rank, self.group = case, rank, group
        self.network = make_network(case.options["network"], case.options["classes"])
        self.network.load_state_dict(load_file(os.path.join(case.folder, "start.safetensors")))
        self.average = make_average(case.options["average"], self.network)
        self.updates = 0
        self.curves = {"losses": [], "gradient_norms": [], "learning_rates": [], "metrics": []}

    def run(self):
        for stage in self.case.options["stages"]:
            self.optimizer = make_optimizer(
                self.case.options["optimizer"], self.network, stage["schedule"]["learning_rate"]
            )
            steps = sum(len(epoch["steps"]) for epoch in stage["epochs"])
            schedule = Schedule(stage["schedule"], self.optimizer, steps)
            for epoch in stage["epochs"]:
                self.freeze(epoch["frozen"])
                for step in epoch["steps"]:
                    self.take(step)
                    schedule.stepped()
                if epoch["evaluated"]:
                    schedule.evaluated(self.evaluate())

    def freeze(self, prefixes):
        """DistributedDataParallel decides when it is made which parameters it sums."""
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not name.startswith(tuple(prefixes)))
        self.trained = self.network
        if self.group:
            self.trained = DistributedDataParallel(
                self.network, process_group=self.group, find_unused_parameters=True
            )

    def take(self, step):
        loss = self.run_passes(self.case.passes(step, self.rank))
        if self.group:
            dist.all_reduce(loss, group=self.group)
        samples = sum(len(one) for passes in step for one in passes)
        self.curves["losses"].append(loss.item() / samples)
        self.curves["gradient_norms"].append(norm_of_gradients(self.network))
        self.curves["learning_rates"].append(self.optimizer.param_groups[0]["lr"])
        clip_norm = self.case.options["clip_norm"]
        if clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.updates += 1
        if self.average is not None:
            self.average.update(self.network, step=self.updates)

    def run_passes(self, passes):
        """Forward and backward over this process's share of a step. Gives the sum of the samples' losses."""
        without_sync = getattr(self.trained, "no_sync", contextlib.nullcontext)
        total = torch.zeros((), dtype=torch.float64)
        for number, samples in enumerate(passes, start=1):
            with without_sync() if number < len(passes) else contextlib.nullcontext():
                logits = self.trained(self.case.data["images"][samples])
                losses = F.cross_entropy(logits, self.case.data["labels"][samples], reduction="none")
                (losses.mean() / len(passes)).backward()
            total += losses.detach().double().sum()
        return total

    @torch.no_grad()
    def evaluate(self):
        """The mean probability of the right class."""
        network = self.network if self.average is None else self.average.module
        network.eval()
        logits = network(self.case.data["evaluation_images"])
        network.train()
        losses = F.cross_entropy(logits, self.case.data["evaluation_labels"], reduction="none")
        self.curves["metrics"].append(losses.double().neg().exp().mean().item())
        return self.curves["metrics"][-1]

    def write_down(self):
        tensors = {name: torch.tensor(curve, dtype=torch.float64) for name, curve in self.curves.items()}
        networks = {"weights": self.network, "averages": self.average.module if self.average is not None else None}
        for prefix, network in networks.items():
            for name, tensor in network.state_dict().items() if network is not None else ():
                tensors[f"{prefix}.{name}"] = tensor.contiguous()
        save_file(tensors, os.path.join(self.case.folder, "reference.safetensors"))


def norm_of_gradients(network):
    gradients = [parameter.grad.double() for parameter in network.parameters() if parameter.grad is not None]
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt().item()


def train(case, rank, group):
    training = Training(case, rank, group)
    training.run()
    if rank == 0:
        training.write_down()


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
