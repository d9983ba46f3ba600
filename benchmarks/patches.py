"""Patches of volumes by MONAI, on one core without workers, or by so many workers of a DataLoader.

usage: patches.py FOLDER DEPTH HEIGHT WIDTH WORKERS
"""

import itertools
import os
import pathlib
import sys

import torch

from monai_patches import patch_loader, read_volumes
from protocol import milliseconds, serve

BATCH, BATCHES = 4, 32


def main():
    torch.set_num_threads(1)
    folder, workers = pathlib.Path(sys.argv[1]), int(sys.argv[5])
    if workers == 0:
        os.sched_setaffinity(0, {0})
    patch = tuple(int(side) for side in sys.argv[2:5])
    batches = iter(patch_loader(read_volumes(folder), patch, BATCH, workers, seed=1))
    rounds = BATCHES * max(1, workers)

    def run():
        for batch in itertools.islice(batches, rounds):
            assert batch["image"].shape == (BATCH, 1, *patch)

    serve(lambda: {"patches_per_second": 1e3 * BATCH * rounds / milliseconds(run)})


main()
