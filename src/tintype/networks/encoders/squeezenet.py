"""SqueezeNet 1.0 (Iandola et al. 2016), and what families take of it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.color.lab import gray
from tintype.networks.encoders.imagenet import Frozen
from tintype.networks.encoders.weights import load, read_weights


class Fire(nn.Module):
    """The block of SqueezeNet, with torchvision's names: 1x1 to few channels, then 1x1 and 3x3 side by side."""

    def __init__(self, inside: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze = nn.Conv2d(inside, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.squeeze(x))
        return functional.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class SqueezeNet(Frozen):
    """SqueezeNet 1.0 with its classifier (Iandola et al. 2016), frozen; random until `load`.

    RGB [n, 3, h, w] in [0, 1], of 21 pixels a side or more, to its last map [n, 512, about h/16, about w/16] and the
    scores of ImageNet's 1000 classes [n, 1000, 1, 1], both not negative.
    """

    def __init__(self) -> None:
        super().__init__()

        def pool() -> nn.Module:
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, 2),
            nn.ReLU(),
            pool(),
            Fire(96, 16, 64),
            Fire(128, 16, 64),
            Fire(128, 32, 128),
            pool(),
            Fire(256, 32, 128),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            pool(),
            Fire(512, 64, 256),
        )
        # Training had dropout in the first place.
        self.classifier = nn.Sequential(nn.Identity(), nn.Conv2d(512, 1000, 1), nn.ReLU())
        self.freeze()

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with torchvision's names.

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        load(self, read_weights(path), path, "SqueezeNet 1.0 in torchvision's names")

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.features(self.normalised(rgb))
        return features, self.classifier(features).mean(dim=(2, 3), keepdim=True)


class Semantic(nn.Module):
    """What a frozen SqueezeNet sees in the gray picture, joined with the innermost map of a family: concatenated, 1x1,
    ReLU.

    inner [n, channels, h', w'] and lightness [n, 1, h, w] (L* 0..100, 32 pixels a side or more) to
    [n, channels, h', w']. SqueezeNet is a part of it, so that checkpoints and released files carry it.

    Args:
        layer: its last map, or the scores of ImageNet's classes, the same everywhere.
    """

    def __init__(self, channels: int, layer: Literal["features", "logits"]):
        super().__init__()
        self.layer = layer
        self.scale = 1 / 40 if layer == "features" else 1 / 5  # brings what it sees on photographs to about one
        self.network = SqueezeNet()
        self.join = nn.Conv2d(channels + (512 if layer == "features" else 1000), channels, 1)

    def load(self, path: str) -> None:
        """As `SqueezeNet.load`."""
        self.network.load(path)

    def forward(self, inner: torch.Tensor, lightness: torch.Tensor) -> torch.Tensor:
        features, logits = self.network(gray(lightness).repeat(1, 3, 1, 1))
        seen = (features if self.layer == "features" else logits) * self.scale
        seen = functional.interpolate(seen, size=inner.shape[2:], mode="bilinear", align_corners=False)
        return functional.relu(self.join(torch.cat([inner, seen], dim=1)))
