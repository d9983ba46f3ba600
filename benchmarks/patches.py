"""Patches of volumes by MONAI's transforms, on one thread: the same steps as Lockstep's, on volumes that are in memory,
normalised, with the places of their labels looked up beforehand.

usage: patches.py FOLDER DEPTH HEIGHT WIDTH
"""

import os
import pathlib
import sys

import numpy
import tifffile
import torch
from monai.data import list_data_collate
from monai.transforms import (
    Compose,
    EnsureTyped,
    FgBgToIndicesd,
    NormalizeIntensityd,
    RandAdjustContrastd,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandRotate90d,
    RandScaleIntensityd,
    RandScaleIntensityFixedMeand,
)

from protocol import milliseconds, serve

BATCH, BATCHES = 4, 16


def load(folder):
    """What MONAI's CacheDataset keeps: all that is not random."""
    prepare = Compose(
        [
            EnsureTyped(("image", "label"), track_meta=False),
            NormalizeIntensityd("image"),
            FgBgToIndicesd("label"),
        ]
    )
    volumes = []
    for image in sorted((folder / "train_images").glob("*.tif")):
        label = tifffile.imread(folder / "train_labels" / image.name)
        volume = {"image": tifffile.imread(image)[None].astype(numpy.float32), "label": (label == 1)[None].astype(numpy.uint8)}
        volumes.append(prepare(volume))
    return volumes


def main():
    torch.set_num_threads(1)
    os.sched_setaffinity(0, {0})
    folder = pathlib.Path(sys.argv[1])
    patch = tuple(int(side) for side in sys.argv[2:5])
    both = ("image", "label")
    transform = Compose(
        [
            RandCropByPosNegLabeld(
                both, "label", patch, pos=1, neg=2, num_samples=1,
                fg_indices_key="label_fg_indices", bg_indices_key="label_bg_indices",
            ),
            RandFlipd(both, prob=0.5, spatial_axis=0),
            RandFlipd(both, prob=0.5, spatial_axis=1),
            RandFlipd(both, prob=0.5, spatial_axis=2),
            RandRotate90d(both, prob=0.75, max_k=3, spatial_axes=(1, 2)),
            RandScaleIntensityd("image", factors=0.25, prob=0.15),
            RandScaleIntensityFixedMeand("image", factors=0.25, prob=0.15),
            RandAdjustContrastd("image", prob=0.3, gamma=(0.7, 1.5)),
            RandGaussianNoised("image", prob=0.1, std=0.1),
        ]
    )
    transform.set_random_state(1)
    volumes = load(folder)

    def run():
        for batch in range(BATCHES):
            list_data_collate([transform(volumes[i % len(volumes)])[0] for i in range(batch * BATCH, (batch + 1) * BATCH)])

    serve(lambda: {"patches_per_second": 1e3 * BATCHES * BATCH / milliseconds(run)})


main()
