"""What a critic is made of: its settings, and what it sees.

A critic gives raw scores, high for what it takes for true; the adversarial loss turns them into a scalar. It reads
lightness and ab at one resolution. One that sees the ab plane alone cannot know whether colours belong to the picture:
it asks for likely colours anywhere, and is here to be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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


class Critic(nn.Module):
    """lightness [n, 1, h, w] (L* 0..100) and ab [n, 2, h, w] (CIE a*b*) to scores.

    Args:
        width, dropout: the published ones, where the configuration leaves them out.
    Raises:
        ConfigError: a setting cannot work.
    """

    body: nn.Sequential

    def __init__(self, config: Config, width: int, dropout: float):
        super().__init__()
        self.sees = config.sees
        self.channels = 3 if config.sees == "both" else 2
        self.width = width if config.width is None else config.width
        self.dropout = dropout if config.dropout is None else config.dropout
        if self.width < 1:
            raise ConfigError(f"adversarial.critic.width must be at least 1, not {self.width}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"adversarial.critic.dropout must be at least 0 and below 1, not {self.dropout}")

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        seen = ab / 110 if self.sees == "ab" else torch.cat([(lightness - 50) / 100, ab / 110], dim=1)
        scores: torch.Tensor = self.body(seen)
        return scores

    if TYPE_CHECKING:

        def __call__(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor: ...


def layer(inside: int, outside: int, stride: int, dropout: float, bias: bool = True) -> list[nn.Module]:
    """conv4, norm, LeakyReLU, and dropout where there is any."""
    layer = [
        nn.Conv2d(inside, outside, 4, stride, 1, bias=bias),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(0.2),
    ]
    return [*layer, nn.Dropout(dropout)] if dropout else layer
