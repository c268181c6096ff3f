"""ResNet-18 (He et al. 2016) to its third stage, as the encoder of families."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tintype.networks.encoders.imagenet import of_gray
from tintype.networks.encoders.weights import fitting, read_weights


class Block(nn.Module):
    """The basic residual block of ResNet-18 (He et al. 2016), with torchvision's names."""

    def __init__(self, inside: int, outside: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.downsample = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + short)


def stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    """A stage of ResNet-18: two blocks, of which the first changes channels and size."""
    return nn.Sequential(Block(inside, outside, stride), Block(outside, outside))


PARTS = ("conv1", "bn1", "layer1", "layer2", "layer3")
"""The members of a family that stand on ResNet-18, with torchvision's names; its `conv1` takes one channel."""


def load(network: nn.Module, path: str) -> None:
    """Give the `PARTS` of a network their weights.

    The three channels of a gray picture are equal: the first kernels act as one, their sum, and the normalisation is
    folded in. It then reads (gray - GRAY_MEAN) / GRAY_DEVIATION; what is left of the mean is BatchNorm's to absorb.

    Args:
        path: a safetensors file with torchvision's names.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """
    shapes = {name: v.shape for name, v in network.state_dict().items() if name.split(".")[0] in PARTS}
    shapes["conv1.weight"] = torch.Size((64, 3, 7, 7))
    weights = fitting(read_weights(path), shapes, path, "ResNet-18 in torchvision's names")
    weights["conv1.weight"] = of_gray(weights["conv1.weight"])
    network.load_state_dict(weights, strict=False)
