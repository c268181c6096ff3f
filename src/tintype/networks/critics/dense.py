"""A score for the whole picture."""

from __future__ import annotations

from torch import nn

from tintype.errors import ConfigError
from tintype.networks.critics.critic import Config, Critic, layer


class Dense(Critic):
    """Three convolutions and one score for the whole picture, in the manner of DCGAN (Radford et al. 2016).

    lightness [n, 1, side, side] (L* 0..100) and ab [n, 2, side, side] (CIE a*b*) to scores [n, 1].
    198 305 parameters for ab alone at a side of 128.
    """

    def __init__(self, config: Config, side: int):
        super().__init__(config, 32, 0.25)
        width, dropout = self.width, self.dropout
        if side < 8 or side % 8:
            raise ConfigError(
                f"a dense critic needs an ab plane whose side is a multiple of 8, not {side}; "
                "set adversarial.critic.kind=patch or another data.side"
            )
        self.body = nn.Sequential(
            *layer(self.channels, width, 2, 0.0),
            *layer(width, 2 * width, 2, dropout),
            *layer(2 * width, 4 * width, 2, dropout),
            nn.Flatten(),
            nn.Linear(4 * width * (side // 8) ** 2, 1),
        )
