"""A student's first network: ten 3x3 convolutions at the full size of a tiny picture, no strides, no skips.

    lightness - 32 - 128 - 256 - 512 - 512 - 512 - 256 - 128 - 64 - output

It was made for CIFAR's 32x32 pixels, of which each output sees a square of 21, and for hue and saturation. Three of its
convolutions were transposed ones of stride 1, which is another order of the same weights; a LeakyReLU after a ReLU did
nothing. Both are left out.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from tintype.errors import ConfigError
from tintype.networks import family


class Config(family.Config, frozen=True):
    """Settings; the defaults give the network of 7.8 M parameters."""

    width: int = 32
    """Channels of the first convolution."""
    widths: tuple[float, ...] = (1, 4, 8, 16, 16, 16, 8, 4, 2)
    """Channels of all convolutions but the last as multiples of `width`, rounded. The smaller one that was tried:
    (1, 2, 4, 4, 2, 1, 0.5) of 128."""
    centre: float = 50.0
    """The network sees (L* - centre) / spread."""
    spread: float = 50.0


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h, w], of any size.

    Args:
        channels: of the output; 2 for ab, 3 for the cosine and sine of hue and saturation.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config
    stride = 1

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if config.width < 1:
            raise ConfigError(f"network.width is {config.width}; it must be at least 1")
        widths = [round(multiple * config.width) for multiple in config.widths]
        if not widths or min(widths) < 1:
            raise ConfigError(
                f"network.widths is {config.widths}; it needs at least one number, each giving at least one channel "
                "when multiplied by network.width"
            )
        if config.spread == 0:
            raise ConfigError("network.spread is 0; the lightness cannot be divided by it")
        layers: list[nn.Module] = []
        for inside, outside in pairwise([1, *widths]):
            conv = nn.Conv2d(inside, outside, 3, 1, 1)
            # With one normalisation only, smaller weights would let nothing through ten layers.
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.get_parameter("bias"))
            layers += [conv, nn.ReLU()] if layers else [conv, nn.BatchNorm2d(outside), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, 1, 1))

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        output: torch.Tensor = self.body((lightness - self.config.centre) / self.config.spread)
        return output
