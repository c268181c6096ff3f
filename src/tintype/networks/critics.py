"""Critics: networks that learn to tell true colours from predicted ones, for adversarial training.

A critic gives raw scores, high for what it takes for true; the adversarial loss turns them into a scalar. It reads
lightness and ab at one resolution. One that sees the ab plane alone cannot know whether colours belong to the picture:
it asks for likely colours anywhere, and is here to be compared.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import torch
from torch import nn

from tintype.errors import ConfigError


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a critic."""

    kind: Literal["patch", "dense"] = "patch"
    """patch: a score for each patch of 70x70 pixels; dense: one score for the whole picture, of one size."""
    sees: Literal["both", "ab"] = "both"
    """Lightness and ab, or ab alone."""
    width: int | None = None
    """Channels of the first layer; the published 64 (patch) or 32 (dense) when left out."""
    dropout: float | None = None
    """Share dropped after each layer that does not stand first or last; the published 0 (patch) or 0.25 (dense)
    when left out."""


def make(config: Config, side: int) -> nn.Module:
    """The critic of a configuration, for squares of `side` pixels at the resolution of the ab plane.

    Raises:
        ConfigError: a setting or the side cannot work.
    """
    return {"patch": Patch, "dense": Dense}[config.kind](config, side)


class Patch(nn.Module):
    """PatchGAN of Isola et al. 2017 (arXiv 1611.07004, section 6.1.2): each score sees 70x70 pixels.

    lightness [n, 1, h, w] (L* 0..100) and ab [n, 2, h, w] (CIE a*b*) to scores [n, 1, h / 8 - 2, w / 8 - 2].
    2 765 633 parameters.
    """

    SMALLEST = 24

    def __init__(self, config: Config, side: int):
        super().__init__()
        self.sees, width, dropout = _checked(config, 64, 0.0)
        if side < self.SMALLEST:
            raise ConfigError(
                f"a patch critic needs an ab plane of at least {self.SMALLEST} pixels a side, not {side}; "
                "set adversarial.critic.kind=dense or a larger data.side"
            )
        self.body = nn.Sequential(
            nn.Conv2d(_channels(self.sees), width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            *_layer(width, 2 * width, 2, dropout, bias=False),
            *_layer(2 * width, 4 * width, 2, dropout, bias=False),
            *_layer(4 * width, 8 * width, 1, dropout, bias=False),
            nn.Conv2d(8 * width, 1, 4, 1, 1),
        )
        for module in self.body:
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.body(_scaled(lightness, ab, self.sees))
        return scores


class Dense(nn.Module):
    """Three convolutions and one score for the whole picture, in the manner of DCGAN (Radford et al. 2016).

    lightness [n, 1, side, side] (L* 0..100) and ab [n, 2, side, side] (CIE a*b*) to scores [n, 1].
    198 305 parameters for ab alone at a side of 128.
    """

    def __init__(self, config: Config, side: int):
        super().__init__()
        self.sees, width, dropout = _checked(config, 32, 0.25)
        if side < 8 or side % 8:
            raise ConfigError(
                f"a dense critic needs an ab plane whose side is a multiple of 8, not {side}; "
                "set adversarial.critic.kind=patch or another data.side"
            )
        self.body = nn.Sequential(
            *_layer(_channels(self.sees), width, 2, 0.0),
            *_layer(width, 2 * width, 2, dropout),
            *_layer(2 * width, 4 * width, 2, dropout),
            nn.Flatten(),
            nn.Linear(4 * width * (side // 8) ** 2, 1),
        )

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.body(_scaled(lightness, ab, self.sees))
        return scores


def _checked(config: Config, width: int, dropout: float) -> tuple[str, int, float]:
    """What it sees, its width and its dropout, where the configuration leaves them out the published ones."""
    width = width if config.width is None else config.width
    dropout = dropout if config.dropout is None else config.dropout
    if width < 1:
        raise ConfigError(f"adversarial.critic.width must be at least 1, not {width}")
    if not 0 <= dropout < 1:
        raise ConfigError(f"adversarial.critic.dropout must be at least 0 and below 1, not {dropout}")
    return config.sees, width, dropout


def _layer(inside: int, outside: int, stride: int, dropout: float, bias: bool = True) -> list[nn.Module]:
    layer = [
        nn.Conv2d(inside, outside, 4, stride, 1, bias=bias),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(0.2),
    ]
    return [*layer, nn.Dropout(dropout)] if dropout else layer


def _channels(sees: str) -> int:
    return 3 if sees == "both" else 2


def _scaled(lightness: torch.Tensor, ab: torch.Tensor, sees: str) -> torch.Tensor:
    return ab / 110 if sees == "ab" else torch.cat([(lightness - 50) / 100, ab / 110], dim=1)
