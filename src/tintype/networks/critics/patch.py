"""PatchGAN: a score for each patch."""

from __future__ import annotations

from torch import nn

from tintype.errors import ConfigError
from tintype.networks.critics.critic import Config, Critic, layer


class Patch(Critic):
    """PatchGAN of Isola et al. 2017 (arXiv 1611.07004, section 6.1.2): each score sees 70x70 pixels.

    lightness [n, 1, h, w] (L* 0..100) and ab [n, 2, h, w] (CIE a*b*) to scores [n, 1, h / 8 - 2, w / 8 - 2].
    2 765 633 parameters.
    """

    SMALLEST = 24

    def __init__(self, config: Config, side: int):
        super().__init__(config, 64, 0.0)
        width, dropout = self.width, self.dropout
        if side < self.SMALLEST:
            raise ConfigError(
                f"a patch critic needs an ab plane of at least {self.SMALLEST} pixels a side, not {side}; "
                "set adversarial.critic.kind=dense or a larger data.side"
            )
        self.body = nn.Sequential(
            nn.Conv2d(self.channels, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            *layer(width, 2 * width, 2, dropout, bias=False),
            *layer(2 * width, 4 * width, 2, dropout, bias=False),
            *layer(4 * width, 8 * width, 1, dropout, bias=False),
            nn.Conv2d(8 * width, 1, 4, 1, 1),
        )
        for module in self.body:
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
