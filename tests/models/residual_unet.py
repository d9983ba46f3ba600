"""A residual-encoder 3D U-Net of PyTorch's own modules, built by nnU-Net's rules. Its parameters have the names that
Lockstep's have."""

import torch
from torch import nn
from torch.nn import functional as F


def plan(patch, width, blocks):
    """[(stride, kernel, channels, blocks)] from fine to coarse."""
    size, stride, scales = list(patch), [1, 1, 1], []
    while True:
        thin = [2 * side < max(size) for side in size]
        kernel = [1 if is_thin else 3 for is_thin in thin]
        count = blocks[min(len(scales), len(blocks) - 1)]
        scales.append((stride, kernel, min(width * 2 ** len(scales), 320), count))
        stride = [2 if not is_thin and side >= 8 else 1 for side, is_thin in zip(size, thin)]
        size = [-(-side // s) for side, s in zip(size, stride)]
        if len(scales) == 6 or stride == [1, 1, 1]:
            return scales


def conv(before, after, kernel, stride=(1, 1, 1)):
    return nn.Conv3d(before, after, kernel, stride, [k // 2 for k in kernel], bias=False)


def norm(channels):
    return nn.InstanceNorm3d(channels, affine=True)


class Stem(nn.Module):
    def __init__(self, channels, kernel):
        super().__init__()
        self.conv, self.norm = conv(1, channels, kernel), norm(channels)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), 0.01)


class Block(nn.Module):
    def __init__(self, before, after, kernel, stride):
        super().__init__()
        self.conv1, self.norm1 = conv(before, after, kernel, stride), norm(after)
        self.conv2, self.norm2 = conv(after, after, kernel), norm(after)
        if before != after or stride != [1, 1, 1]:
            self.projection, self.projection_norm = conv(before, after, [1, 1, 1], stride), norm(after)

    def forward(self, x):
        inner = F.leaky_relu(self.norm1(self.conv1(x)), 0.01)
        shortcut = self.projection_norm(self.projection(x)) if hasattr(self, "projection") else x
        return F.leaky_relu(self.norm2(self.conv2(inner)) + shortcut, 0.01)


class Up(nn.Module):
    def __init__(self, before, after, stride, kernel):
        super().__init__()
        self.up = nn.ConvTranspose3d(before, after, stride, stride)
        self.conv, self.norm = conv(2 * after, after, kernel), norm(after)

    def forward(self, x, skipped):
        x = self.up(x)
        depth, height, width = skipped.shape[2:]
        x = torch.cat([x[:, :, :depth, :height, :width], skipped], 1)
        return F.leaky_relu(self.norm(self.conv(x)), 0.01)


class Network(nn.Module):
    def __init__(self, scales):
        super().__init__()
        self.encoder, self.decoder, self.side_heads = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = None
        for stride, kernel, channels, count in scales:
            blocks = nn.ModuleList() if before else nn.ModuleList([Stem(channels, kernel)])
            for i in range(count):
                first = before is not None and i == 0
                blocks.append(Block(before if first else channels, channels, kernel, stride if first else [1, 1, 1]))
            self.encoder.append(blocks)
            before = channels
        for fine, coarse in zip(scales, scales[1:]):
            self.decoder.append(Up(coarse[2], fine[2], coarse[0], fine[1]))
        self.head = nn.Conv3d(scales[0][2], 1, 1)
        for scale in scales[1:-1]:
            self.side_heads.append(nn.Conv3d(scale[2], 1, 1))

    def forward(self, x):
        features, outputs = [], []
        for blocks in self.encoder:
            for block in blocks:
                x = block(x)
            features.append(x)
        for scale in reversed(range(len(self.decoder))):
            x = self.decoder[scale](x, features[scale])
            if scale > 0:
                outputs.append(self.side_heads[scale - 1](x))
        return [self.head(x), *reversed(outputs)]
