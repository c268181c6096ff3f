"""A residual U-Net without pooling.

    lightness -- down /2 -- down /4 -- ... -- down /2^depth
        |          |          |                    |
        +-- 3x3 -- up /1 ---- up /2 ---- ... ---- up

Going down, a 4x4 convolution of stride 2 halves the size, and a residual link carries the block's input past it. Going
up, a transposed one doubles it. The idea of the U-Net is of Ronneberger et al. 2015, of the residual link of
He et al. 2016.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.errors import ConfigError
from tintype.networks import family
from tintype.networks.encoders.squeezenet import Semantic


class Config(family.Config, frozen=True):
    """Settings of the residual U-Net."""

    width: int = 64
    """Channels of the first stage; they double at each of the next three and stay there."""
    depth: int = 5
    """How often the size is halved."""
    semantic: str = ""
    """A safetensors file with SqueezeNet 1.0, whose sight of the gray picture joins the innermost map; empty: none."""
    semantic_layer: Literal["features", "logits"] = "features"
    """What joins: its last map, or the scores of ImageNet's classes."""

    def files(self) -> dict[str, str]:
        return {"semantic": self.semantic}


class _Down(nn.Module):
    """Half the size: conv4 of stride 2 and norm, plus the block's input through conv1 of stride 2; then LeakyReLU."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 4, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(outside)
        self.link = nn.Conv2d(inside, outside, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(self.bn(self.conv(x)) + self.link(x), 0.2)


class _Up(nn.Module):
    """Twice the size: transposed conv4 of stride 2, norm, ReLU."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h, w]; h and w are multiples of 2^depth, with
    `semantic` of 32 at least.

    Args:
        channels: of the last layer.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if config.width < 1:
            raise ConfigError(f"network.width must be at least 1, not {config.width}")
        if not 1 <= config.depth <= 8:
            raise ConfigError(f"network.depth must be 1 to 8, not {config.depth}")
        self.stride = max(2**config.depth, 32 if config.semantic else 1)
        widths = [config.width * min(2**i, 8) for i in range(config.depth)]
        self.downs = nn.ModuleList(_Down(inside, outside) for inside, outside in pairwise([1, *widths]))
        self.semantic = Semantic(widths[-1], config.semantic_layer) if config.semantic else None
        self.ups = nn.ModuleList()
        inside = widths[-1]
        for skip in [*reversed(widths[:-1]), 1]:  # the last is the input itself
            outside = max(skip, config.width)
            self.ups.append(_Up(inside, outside))
            inside = outside + skip
        self.head = nn.Conv2d(inside, channels, 3, 1, 1)

    def load_pretrained(self) -> None:
        if self.semantic is not None:
            self.semantic.load(self.config.semantic)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        x = (lightness - 50) / 100
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(x)
        if self.semantic is not None:
            x = self.semantic(x, lightness)
        for up in self.ups:
            x = torch.cat([up(x), skips.pop()], dim=1)
        output: torch.Tensor = self.head(x)
        return output
