"""The networks of the parity suite in PyTorch; networks.cpp has the same ones, with the same names of the weights."""

import timm
import torch
from torch import nn
from torch.nn import functional as F


class EdgeNeXtClassifier(nn.Module):
    """timm's EdgeNeXt under a linear layer."""

    def __init__(self, variant, classes):
        super().__init__()
        self.backbone = timm.create_model(variant, num_classes=0)
        self.backbone.head = nn.Identity()  # it still holds a norm
        self.head = nn.Linear(self.backbone.num_features, classes)

    def forward(self, images):
        return self.head(self.backbone.forward_features(images).mean((2, 3)))


class SmallBackbone(nn.Module):
    """One convolution stands at two places, with the same weights. All of it is smooth: at the kink of a ReLU a gradient
    jumps by more than the differences that are looked for."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.stem_norm = nn.GroupNorm(4, 16)
        self.shared = nn.Conv2d(16, 16, 3, padding=1)
        self.first_norm = nn.GroupNorm(4, 16)
        self.second_norm = nn.GroupNorm(2, 16)
        self.reduce = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.reduce_norm = nn.GroupNorm(8, 32)

    def forward(self, images):
        x = F.silu(self.stem_norm(self.stem(images)))
        x = x + F.gelu(self.first_norm(self.shared(x)))
        x = x + F.gelu(self.second_norm(self.shared(x)))
        return F.silu(self.reduce_norm(self.reduce(x)))


class SmallConvolutions(nn.Module):
    """`spare` takes part in nothing, and `rare` in the samples whose first value is high: in many steps, none."""

    def __init__(self, classes):
        super().__init__()
        self.backbone = SmallBackbone()
        self.rare = nn.Linear(32, 32)
        self.head = nn.Linear(32, classes)
        self.spare = nn.Parameter(torch.zeros(4, 4))

    def forward(self, images):
        x = self.backbone(images).mean((2, 3))
        chosen = (images[:, 0, 0, 0] > 1.3).nonzero().squeeze(1)
        if len(chosen) > 0:
            x = x.index_add(0, chosen, self.rare(x[chosen]))
        return self.head(x)


class PoolBlock(nn.Module):
    """Pooling over neighbours, then a perceptron at each place."""

    def __init__(self, channels):
        super().__init__()
        self.pool_norm = nn.GroupNorm(1, channels)
        self.pool_scale = nn.Parameter(torch.full((channels, 1, 1), 1e-2))
        self.norm = nn.GroupNorm(1, channels)
        self.widen = nn.Conv2d(channels, 4 * channels, 1)
        self.narrow = nn.Conv2d(4 * channels, channels, 1)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 1e-2))

    def forward(self, x):
        normed = self.pool_norm(x)
        pooled = F.avg_pool2d(normed, 3, stride=1, padding=1, count_include_pad=False)
        x = x + self.pool_scale * (pooled - normed)
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(x))))


class PoolNetwork(nn.Module):
    """11.4 M parameters in 132 tensors: four stages as those of PoolFormer-S12 (Yu et al., "MetaFormer is actually what
    you need for vision", CVPR 2022)."""

    def __init__(self, classes):
        super().__init__()
        layers = [nn.Conv2d(3, 64, 7, stride=4, padding=2)]
        before = 64
        for channels, depth in ((64, 2), (128, 2), (320, 6), (512, 2)):
            if channels != before:
                layers.append(nn.Conv2d(before, channels, 3, stride=2, padding=1))
            layers += [PoolBlock(channels) for _ in range(depth)]
            before = channels
        self.backbone = nn.Sequential(*layers)
        self.norm = nn.GroupNorm(1, before)
        self.head = nn.Linear(before, classes)

    def forward(self, images):
        return self.head(self.norm(self.backbone(images)).mean((2, 3)))


def make_network(name, classes):
    others = {"small_convolutions": SmallConvolutions, "pool_network": PoolNetwork}
    return others[name](classes) if name in others else EdgeNeXtClassifier(name, classes)
