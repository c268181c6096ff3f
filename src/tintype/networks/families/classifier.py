"""A student's network for classification: seven pairs of convolutions, some dilated, and three enlargements, no skips.

    lightness - pair 64 /2 - 128 /4 - 256 /8 - 512 - 512 (dilated) - 512 (dilated) - 256 - 3 x up 256 - 1x1 - output

ReLU after each convolution, BatchNorm after each of the seven pairs. A ReLU before its softmax, which kept all logits
at 0 or more, is left out.
"""

from __future__ import annotations

import torch
from torch import nn

from tintype.errors import ConfigError
from tintype.networks import family


class Config(family.Config, frozen=True):
    """Settings; the defaults give the network of 17.7 M parameters."""

    width: int = 64
    """Channels of the first pair; all others are multiples of it."""
    scale: int = 1
    """The output stands at 1/scale of the input: 2, 4 and 8 leave out one, two and all enlargements, not their
    convolutions."""
    centre: float = 50.0
    """The network sees (L* - centre) / spread."""
    spread: float = 50.0


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h/scale, w/scale]; h and w are multiples of 8.

    Args:
        channels: of the output; 313 for the published bins.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config
    stride = 8

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if config.width < 1:
            raise ConfigError(f"network.width is {config.width}; it must be at least 1")
        if config.scale not in (1, 2, 4, 8):
            raise ConfigError(f"network.scale is {config.scale}; it must be 1, 2, 4 or 8")
        if config.spread == 0:
            raise ConfigError("network.spread is 0; the lightness cannot be divided by it")
        self.scale = config.scale
        w1, w2, w4, w8 = (multiple * config.width for multiple in (1, 2, 4, 8))
        enlargements = (8, 4, 2, 1).index(config.scale)
        ups = [nn.Upsample(scale_factor=2) if number < enlargements else nn.Identity() for number in range(3)]
        self.body = nn.Sequential(
            *(*_conv(1, w1), *_conv(w1, w1, stride=2), nn.BatchNorm2d(w1)),
            *(*_conv(w1, w2), *_conv(w2, w2, stride=2), nn.BatchNorm2d(w2)),
            *(*_conv(w2, w4), *_conv(w4, w4, stride=2), nn.BatchNorm2d(w4)),
            *(*_conv(w4, w8), *_conv(w8, w8), nn.BatchNorm2d(w8)),
            *(*_conv(w8, w8, dilation=2), *_conv(w8, w8, dilation=2), nn.BatchNorm2d(w8)),
            *(*_conv(w8, w8, dilation=2), *_conv(w8, w8, dilation=2), nn.BatchNorm2d(w8)),
            *(*_conv(w8, w4), *_conv(w4, w4), nn.BatchNorm2d(w4)),
            *(layer for up in ups for layer in (up, *_conv(w4, w4))),
            nn.Conv2d(w4, channels, 1),
        )

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        output: torch.Tensor = self.body((lightness - self.config.centre) / self.config.spread)
        return output


def _conv(inside: int, outside: int, stride: int = 1, dilation: int = 1) -> tuple[nn.Module, nn.Module]:
    conv = nn.Conv2d(inside, outside, 3, stride, dilation, dilation)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.get_parameter("bias"))
    return conv, nn.ReLU()
