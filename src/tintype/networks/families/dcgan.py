"""A U-Net generator of 4x4 convolutions that enlarges by repeating pixels; its partner is the dense critic of ab alone.

    conv 64 - conv 128 /2 - 256 /4 - 512 /8 - 512 /16 - 512 /32 - 512 /64
    then six times: twice the size - conv 512, 512, 512, 256, 128, 64 - joined with the map of the same size; 1x1

Each convolution is followed by norm and ReLU. 41 826 690 trainable parameters with two channels out. Convolutions and
norms throughout are after DCGAN (Radford et al. 2016).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from tintype.errors import ConfigError
from tintype.networks import family


class Config(family.Config, frozen=True):
    """Settings of the generator."""

    width: int = 64
    """Channels of the first stage; they double at each of the next three and stay there."""
    depth: int = 6
    """How often the size is halved."""


class _Conv(nn.Module):
    """conv4, norm, ReLU; the size stays, or is halved at stride 2."""

    def __init__(self, inside: int, outside: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 4, stride)
        self.bn = nn.BatchNorm2d(outside)
        # An even kernel has no middle: at stride 1 it looks one pixel further to the right and downwards.
        self.padding = (1, 1, 1, 1) if stride == 2 else (1, 2, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(functional.pad(x, self.padding))))


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h, w]; h and w are multiples of 2^depth.

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
        self.stride = 2**config.depth
        widths = [config.width * min(2**i, 8) for i in range(config.depth + 1)]
        self.first = _Conv(1, widths[0])
        self.downs = nn.ModuleList(_Conv(inside, outside, 2) for inside, outside in pairwise(widths))
        self.ups = nn.ModuleList()
        inside = widths[-1]
        for outside in reversed(widths[:-1]):
            self.ups.append(_Conv(inside, outside))
            inside = 2 * outside
        self.head = nn.Conv2d(inside, channels, 1)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        x = self.first((lightness - 50) / 100)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(x)
        for up in self.ups:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = torch.cat([up(x), skips.pop()], dim=1)
        output: torch.Tensor = self.head(x)
        return output
