"""VGG16 (Simonyan, Zisserman 2015), which losses look through."""

from __future__ import annotations

import torch
from torch import nn

from tintype.networks.encoders.imagenet import Frozen
from tintype.networks.encoders.weights import load, read_weights

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each stage; between two stages the size is halved."""


def layers(stages: int) -> tuple[nn.Sequential, list[int]]:
    """The first stages with random weights, and the place of the last layer of each."""
    made: list[nn.Module] = []
    ends, inside = [], 3
    for outside, count in STAGES[:stages]:
        if made:
            made.append(nn.MaxPool2d(2))
        for _ in range(count):
            made += [nn.Conv2d(inside, outside, 3, 1, 1), nn.ReLU()]
            inside = outside
        ends.append(len(made) - 1)
    return nn.Sequential(*made), ends


def load_layers(made: nn.Sequential, path: str, what: str) -> None:
    """Give `layers` the weights of a file with torchvision's names, `features.0.weight` or `0.weight`.

    Args:
        what: whose weights, for the error.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """
    weights = {name.removeprefix("features."): value for name, value in read_weights(path, what).items()}
    load(made, weights, path, "VGG16 in torchvision's names")


class VGG16(Frozen):
    """VGG16 to relu3_3.

    RGB [n, 3, h, w] in [0, 1] to its maps relu1_2 [n, 64, h, w], relu2_2 [n, 128, h/2, w/2] and
    relu3_3 [n, 256, h/4, w/4].

    Args:
        path: a safetensors file, as `load_layers` takes it.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """

    def __init__(self, path: str):
        super().__init__()
        self.features, self.ends = layers(3)
        load_layers(self.features, path, "encoder's")
        self.freeze()

    def forward(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        x = self.normalised(rgb)
        maps = []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in self.ends:
                maps.append(x)
        return maps
