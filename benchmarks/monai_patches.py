"""Patches of volumes by MONAI's transforms: the same steps as Lockstep's, on volumes that are in memory, normalised, with
the places of their labels looked up beforehand."""

import numpy
import tifffile
from monai.data import CacheDataset, DataLoader
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
from torch.utils.data import RandomSampler

BOTH = ("image", "label")
ENDLESS = 10**7  # patches: more than anybody waits for


def read_volumes(folder, kind="train"):
    """[{"image": (1, D, H, W) float32, "label": (1, D, H, W) uint8 of 0, 1 and 2 to be ignored}]"""
    volumes = []
    for image in sorted((folder / f"{kind}_images").glob("*.tif")):
        label = tifffile.imread(folder / f"{kind}_labels" / image.name)
        volumes.append({"image": tifffile.imread(image)[None].astype(numpy.float32), "label": label[None]})
    return volumes


def random_patches(patch):
    """What is done anew for each patch, behind what is kept of a volume."""
    return [
        RandCropByPosNegLabeld(
            BOTH, "surface", patch, pos=1, neg=2, num_samples=1, allow_smaller=True,
            fg_indices_key="surface_fg_indices", bg_indices_key="surface_bg_indices",
        ),
        RandFlipd(BOTH, prob=0.5, spatial_axis=0),
        RandFlipd(BOTH, prob=0.5, spatial_axis=1),
        RandFlipd(BOTH, prob=0.5, spatial_axis=2),
        RandRotate90d(BOTH, prob=0.75, max_k=3, spatial_axes=(1, 2)),
        RandScaleIntensityd("image", factors=0.25, prob=0.15),
        RandScaleIntensityFixedMeand("image", factors=0.25, prob=0.15),
        RandAdjustContrastd("image", prob=0.3, gamma=(0.7, 1.5)),
        RandGaussianNoised("image", prob=0.1, std=0.1),
    ]  # fmt: skip


def patch_loader(volumes, patch, batch, workers, seed):
    """Batches of {"image": (batch, 1, D, H, W) float32, "label": (batch, 1, D, H, W) uint8} without end."""
    kept = [EnsureTyped(BOTH, track_meta=False), NormalizeIntensityd("image"), FgBgToIndicesd("surface")]
    transform = Compose([*kept, *random_patches(patch)]).set_random_state(seed)
    with_surface = [{**volume, "surface": (volume["label"] == 1).astype(numpy.uint8)} for volume in volumes]
    # Without a copy of the whole volume for each patch, which takes most of the time otherwise: nothing here changes it.
    dataset = CacheDataset(with_surface, transform, progress=False, num_workers=1, copy_cache=False)
    sampler = RandomSampler(dataset, replacement=True, num_samples=ENDLESS)
    return DataLoader(dataset, batch_size=batch, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)
