"""Training of a surface network as one would write it with PyTorch and MONAI: a 3D U-Net of the same scales, widths and
blocks as Lockstep's, DistributedDataParallel, MONAI's patches, fused AdamW."""

import contextlib

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from monai_patches import patch_loader, read_volumes
from residual_unet import Network, plan

PATCH, WIDTH, BLOCKS, BATCH, RATE = (16, 96, 96), 12, (1, 2, 2, 2, 2, 2), 2, 4e-3
RANKS = 2

# The same in Lockstep's words.
FLAGS = ["--devices", f"cpu:{RANKS}", "--patch-size", ",".join(map(str, PATCH)), "--width", str(WIDTH),
         "--batch-size", str(BATCH), "--accumulation-steps", "1", "--scheduler", "cosine", "--lr", str(RATE),
         "--tuning-volumes", "0"]  # fmt: skip


def make_network():
    network = Network(plan(PATCH, WIDTH, BLOCKS))
    for module in network.modules():
        if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d)):
            nn.init.kaiming_normal_(module.weight, a=0.01)
    return network


def loss_of_scale(logits, labels):
    """Soft Dice and cross-entropy, without the voxels that are not decided."""
    counts = (labels != 2).float()
    truth = (labels == 1).float()
    axes = (1, 2, 3, 4)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, counts, reduction="none").sum(axes)
    probability = logits.sigmoid() * counts
    dice = (2 * (probability * truth).sum(axes) + 1) / ((probability + truth).sum(axes) + 1)
    return (entropy / counts.sum(axes).clamp_min(1) + 1 - dice).mean()


def loss_of(outputs, labels):
    loss = 0
    for i, logits in enumerate(outputs):
        strides = [-(-whole // part) for whole, part in zip(labels.shape[2:], logits.shape[2:])]
        loss = loss + 0.5**i * loss_of_scale(logits.float(), labels[:, :, :: strides[0], :: strides[1], :: strides[2]])
    return loss


class PlainTraining:
    """One of the ranks."""

    def __init__(self, folder, precision, seed=1):
        torch.manual_seed(seed)
        self.network = make_network()
        self.model = DistributedDataParallel(self.network, gradient_as_bucket_view=True)
        decayed = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0}]
        self.optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
        self.autocast = contextlib.nullcontext
        if precision == "bf16":
            self.autocast = lambda: torch.autocast("cpu", torch.bfloat16)
        seed_of_rank = seed * 1000 + dist.get_rank()
        torch.manual_seed(seed_of_rank)  # of the order
        self.batches = iter(patch_loader(read_volumes(folder), PATCH, BATCH, workers=1, seed=seed_of_rank))

    def step(self):
        batch = next(self.batches)
        with self.autocast():
            outputs = self.model(batch["image"])
        loss = loss_of(outputs, batch["label"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()  # it goes into the log

    def set_rate(self, rate):
        for group in self.optimizer.param_groups:
            group["lr"] = rate
