"""How a side of a comparison talks with compare.py: it prints READY, and then, for each line "go" on its input, runs one
round and prints the figures of it as one line of JSON."""

import json
import os
import statistics
import sys
import tempfile
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

CLASSES = 10  # that the networks tell apart


def serve(run_round):
    """`run_round()` gives the figures of a round by name."""
    print("READY", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run_round()), flush=True)


def serve_ranks(world_size, prepare, pinned=True):
    """Starts ranks in processes of their own, each with one thread, connected by Gloo; `pinned`: on the core of its
    number. `prepare(rank)` gives a rank's function for a round; what that of rank 0 gives is printed."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)  # before the processes fork: none of them may own threads
    with tempfile.TemporaryDirectory() as folder:
        arguments = (world_size, prepare, os.path.join(folder, "store"), pinned)
        others = None
        if world_size > 1:
            others = mp.start_processes(
                _work_for_others, arguments, nprocs=world_size - 1, start_method="fork", join=False
            )
        _join_group(0, world_size, *arguments[2:])
        run_round = prepare(0)

        def run_together():
            dist.broadcast(torch.ones(1), 0)
            return run_round()

        serve(run_together)
        dist.broadcast(torch.zeros(1), 0)
        dist.destroy_process_group()
        if others:
            others.join()


def _work_for_others(index, world_size, prepare, store, pinned):
    rank = index + 1
    _join_group(rank, world_size, store, pinned)
    run_round = prepare(rank)
    more = torch.ones(1)
    while True:
        dist.broadcast(more, 0)
        if more.item() == 0:
            break
        run_round()
    dist.destroy_process_group()


def _join_group(rank, world_size, store, pinned):
    torch.set_num_threads(1)
    if pinned:
        os.sched_setaffinity(0, {rank})
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world_size)


def milliseconds(work):
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def median_of(count, measure):
    """The median of as many measurements."""
    return statistics.median(measure() for _ in range(count))
