"""Real-Time User-Guided Image Colorization with Learned Deep Priors (Zhang et al. 2017, arXiv 1705.02999).

    lightness, hints - 1 -- 2 /2 -- 3 /4 -- 4 /8 - 5 (dilated) - 6 (dilated) - 7
                       |      |       |                                        |
            main - 10 /1 -- 9 /2 -- 8 /4 --------------------------------------+
                                      |
                                      + side: 529 classes

The body of Colorful Image Colorization, which takes every second pixel in place of strides, with maps of the way down
added on the way up. Layers and names are those of the authors' PyTorch port, whose file fits key by key; 34 187 027
parameters.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from tintype.color.bins import siggraph17_bins
from tintype.errors import ConfigError
from tintype.networks import family
from tintype.networks.encoders.weights import load, read_weights


class Config(family.Config, frozen=True):
    """Settings; the defaults give the network of the PyTorch port."""

    width: int = 64
    """Channels of the first block."""
    mask_centre: float = 0.5
    """Subtracted from the hints' mask. The released weights, converted from Caffe, need 0; the port trains with 0.5."""
    detached: Literal["", "main", "side"] = ""
    """Which output learns from the body without shaping it: the main one while classes are trained, the side one while
    colours are; empty: both shape it."""
    published: str = ""
    """A file with the weights of the authors' PyTorch port, .pth or .safetensors; empty: random weights."""

    def files(self) -> dict[str, str]:
        return {"published": self.published}


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) and hints [n, 3, h, w] (a*, b*, mask) to two outputs.

    main [n, channels, h, w], for a* / 110 and b* / 110 before their tanh, and side [n, 529, h/4, w/4], logits. h and w
    are multiples of 8.

    Args:
        channels: of the main output.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config
    stride = 8
    takes_hints = True
    side_bins = siggraph17_bins()
    """The whole grid of step 10 over a* and b* of -110 to 110, 529 points."""

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if config.width < 1:
            raise ConfigError(f"network.width must be at least 1, not {config.width}")
        if config.published and (config.width, channels) != (64, 2):
            raise ConfigError(
                "network.published holds a network of width 64 with two channels for a* and b*, not of width "
                f"{config.width} with {channels}; set network.width and target.kind, or leave it out"
            )
        w = config.width
        self.model1 = nn.Sequential(*_convs(4, w, 2))
        self.model2 = nn.Sequential(*_convs(w, 2 * w, 2))
        self.model3 = nn.Sequential(*_convs(2 * w, 4 * w, 3))
        self.model4 = nn.Sequential(*_convs(4 * w, 8 * w, 3))
        self.model5 = nn.Sequential(*_convs(8 * w, 8 * w, 3, dilation=2))
        self.model6 = nn.Sequential(*_convs(8 * w, 8 * w, 3, dilation=2))
        self.model7 = nn.Sequential(*_convs(8 * w, 8 * w, 3))
        # Members of one layer, because their names in the port's file end in 0.
        self.model8up = nn.Sequential(nn.ConvTranspose2d(8 * w, 4 * w, 4, 2, 1))
        self.model3short8 = nn.Sequential(nn.Conv2d(4 * w, 4 * w, 3, 1, 1))
        self.model8 = nn.Sequential(nn.ReLU(), *_convs(4 * w, 4 * w, 2))
        self.model9up = nn.Sequential(nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1))
        self.model2short9 = nn.Sequential(nn.Conv2d(2 * w, 2 * w, 3, 1, 1))
        self.model9 = nn.Sequential(nn.ReLU(), *_convs(2 * w, 2 * w, 1))
        self.model10up = nn.Sequential(nn.ConvTranspose2d(2 * w, 2 * w, 4, 2, 1))
        self.model1short10 = nn.Sequential(nn.Conv2d(w, 2 * w, 3, 1, 1))
        self.model10 = nn.Sequential(nn.ReLU(), nn.Conv2d(2 * w, 2 * w, 3, 1, 1), nn.LeakyReLU(0.2))
        self.model_class = nn.Sequential(nn.Conv2d(4 * w, len(self.side_bins), 1))
        self.model_out = nn.Sequential(nn.Conv2d(2 * w, channels, 1))

    @property
    def pretrained_parts(self) -> tuple[str, ...]:
        return tuple(dict(self.named_children())) if self.config.published else ()

    def load_pretrained(self) -> None:
        path = self.config.published
        if path:
            load(self, read_weights(path, "published"), path, "SIGGRAPH17 in the names of its PyTorch port")

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given = [(lightness - 50) / 100, hints[:, :2] / 110, hints[:, 2:] - self.config.mask_centre]
        x1 = self.model1(torch.cat(given, dim=1))
        x2 = self.model2(x1[:, :, ::2, ::2])
        x3 = self.model3(x2[:, :, ::2, ::2])
        x = self.model7(self.model6(self.model5(self.model4(x3[:, :, ::2, ::2]))))
        x = self.model8(self.model8up(x) + self.model3short8(x3))
        side = self.model_class(x.detach() if self.config.detached == "side" else x)
        if self.config.detached == "main":
            x, x2, x1 = x.detach(), x2.detach(), x1.detach()
        x = self.model9(self.model9up(x) + self.model2short9(x2))
        x = self.model10(self.model10up(x) + self.model1short10(x1))
        return self.model_out(x), side


def _convs(inside: int, outside: int, count: int, dilation: int = 1) -> list[nn.Module]:
    """conv3, ReLU, ..., conv3, ReLU, norm."""
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [nn.Conv2d(inside, outside, 3, 1, dilation, dilation), nn.ReLU()]
        inside = outside
    return [*layers, nn.BatchNorm2d(outside)]
