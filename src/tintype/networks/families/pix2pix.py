"""The U-Net generator of pix2pix (Isola et al. 2017, arXiv 1611.07004, section 6.1.1).

    C64 - C128 - C256 - C512 - C512 - C512 - C512 - C512, then CD512 - CD512 - CD512 - C512 - C256 - C128 - C64 - out

C is a 4x4 convolution of stride 2 with norm; going down LeakyReLU, going up transposed, with ReLU and the map of the
same size joined. D is dropout, which is the generator's only noise; it is silent outside of training. The paper's
layers fit 256 pixels; `depth` takes the innermost ones away for smaller pictures. 54 413 955 parameters between
pictures of three channels.
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
    depth: int = 8
    """How often the size is halved."""
    dropout: float = 0.5
    """Share dropped in the first three blocks that go up."""


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
        if not 2 <= config.depth <= 8:
            raise ConfigError(f"network.depth must be 2 to 8, not {config.depth}")
        if not 0 <= config.dropout < 1:
            raise ConfigError(f"network.dropout must be at least 0 and below 1, not {config.dropout}")
        self.stride = 2**config.depth
        self.dropout = config.dropout
        widths = [config.width * min(2**i, 8) for i in range(config.depth)]
        self.downs = nn.ModuleList()
        for i, (inside, outside) in enumerate(pairwise([1, *widths])):
            conv = nn.Conv2d(inside, outside, 4, 2, 1, bias=False)
            # The first has no norm in the paper; on the innermost, of one pixel, it would leave nothing.
            norm = nn.Identity() if i in (0, config.depth - 1) else nn.BatchNorm2d(outside)
            self.downs.append(nn.Sequential(conv, norm))
        self.ups = nn.ModuleList()
        inside = widths[-1]
        for outside in reversed(widths[:-1]):
            enlarging = nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False)
            self.ups.append(nn.Sequential(enlarging, nn.BatchNorm2d(outside)))
            inside = 2 * outside
        self.head = nn.ConvTranspose2d(inside, channels, 4, 2, 1)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(module.weight, 0.0, 0.02)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        x = (lightness - 50) / 100
        skips = []
        for down in self.downs:
            x = functional.leaky_relu(down(x), 0.2)
            skips.append(x)
        x = skips.pop()
        for i, up in enumerate(self.ups):
            x = up(x)
            if i < 3:
                x = functional.dropout(x, self.dropout, self.training)
            x = torch.cat([functional.relu(x), skips.pop()], dim=1)
        output: torch.Tensor = self.head(x)
        return output
