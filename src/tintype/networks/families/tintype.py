"""The flagship: a pretrained encoder that sees lightness, a light decoder, a distribution over ab bins.

    lightness -- 7x7 s2 - pool --(+ hints)-- layer1 /4 -- layer2 /8 -- layer3 /16 -- layer4 /32 --+
                                    |            |            |                         global mean
                                    |            |            |                                   |
    output /4 -- 1x1 -- 3x3 --------+---- 3x3 ---+---- 3x3 ---+---------- 1x1 --------------------+

The encoder is ResNet-18 (He et al. 2016) to layer3, whose first kernels are summed over RGB to take one gray channel,
and a fourth stage of our own; or EfficientNet-Lite2 (Tan, Le 2019), which knows more for less work; or, for small
models, MobileNetV2 (Sandler et al. 2018) to two blocks at 1/32 or EfficientNet-Lite0. Hints enter at a quarter of the
size, averaged over cells of 4x4 pixels, as a sum on the encoder's first map: at full size they would cost as much as
the rest of the stem for three maps that are nearly empty.
Widths are multiples of 16, for which the kernels of the run-time library are fastest.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.errors import ConfigError
from tintype.networks import family
from tintype.networks.encoders import resnet18
from tintype.networks.encoders.efficientnet_lite import LiteFeatures
from tintype.networks.encoders.imagenet import GRAY_DEVIATION, GRAY_MEAN
from tintype.networks.encoders.mobilenetv2 import MobileFeatures


class Config(family.Config, frozen=True):
    """Settings of the flagship."""

    backbone: Literal["resnet18", "mobilenetv2", "efficientnet_lite0", "efficientnet_lite2"] = "resnet18"
    """The encoder. The next two settings are for ResNet-18 alone: the others have widths of their own."""
    width: int = 64
    """Channels of the encoder's first stage; the second and third have two and four times as many."""
    context: int = 384
    """Channels of the fourth stage, at 1/32 of the size."""
    decoder: tuple[int, int, int, int] = (256, 160, 96, 64)
    """Channels of the decoder at 1/32, 1/16, 1/8 and 1/4."""
    encoder: str = ""
    """A safetensors file with ResNet-18 to layer3 in torchvision's names, MobileNetV2 1.0 in timm's, or
    EfficientNet-Lite in those of its PyTorch conversions; empty: random weights."""

    def files(self) -> dict[str, str]:
        return {"encoder": self.encoder}


HINT_SCALE = (1 / 50, 1 / 50, 1.0)
"""Brings a*, b* and the mask to about one."""


class _Join(nn.Module):
    """conv3 - norm - relu over the joined maps of the deeper stage, enlarged, and of the encoder."""

    def __init__(self, deep: int, skip: int, outside: int):
        super().__init__()
        self.conv = nn.Conv2d(deep + skip, outside, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        deep = functional.interpolate(deep, scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.relu(self.bn(self.conv(torch.cat([deep, skip], dim=1))))


class _Sum(nn.Module):
    """conv3 - norm - relu over the sum of the encoder's map and the deeper stage's, given its channels and enlarged.

    A third of the work of `_Join`, for the small encoders.
    """

    def __init__(self, deep: int, skip: int, outside: int):
        super().__init__()
        self.narrow = nn.Conv2d(deep, skip, 1)
        self.conv = nn.Conv2d(skip, outside, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        deep = functional.interpolate(self.narrow(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.relu(self.bn(self.conv(deep + skip)))


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) and hints [n, 3, h, w] (a*, b*, mask) to [n, channels, h/4, w/4].

    h and w are multiples of 32.
    """

    config: Config
    stride = 32
    scale = 4
    takes_hints = True
    encoder_parts: tuple[str, ...] = resnet18.PARTS
    hint_scale: torch.Tensor

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if min(config.width, config.context, *config.decoder) < 1:
            raise ConfigError("network.width, network.context and network.decoder must be at least 1")
        resnet = config.backbone == "resnet18"
        if config.encoder and config.width != 64 and resnet:
            raise ConfigError(f"network.encoder has a width of 64, not network.width = {config.width}; leave one out")
        d4, d3, d2, d1 = config.decoder
        if resnet:
            e1, e2, e3, e4 = config.width, 2 * config.width, 4 * config.width, config.context
            self.conv1 = nn.Conv2d(1, e1, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(e1)
        elif config.backbone == "mobilenetv2":
            self.encoder_parts = ("mobile",)
            self.mobile = MobileFeatures()
            e1, e2, e3, e4 = self.mobile.CHANNELS
        else:
            self.encoder_parts = ("lite",)
            self.lite = LiteFeatures(0 if config.backbone == "efficientnet_lite0" else 2)
            e1, e2, e3, e4 = self.lite.channels
        self.hints = nn.Conv2d(3, e1, 3, 1, 1, bias=False)
        if resnet:
            self.layer1 = resnet18.stage(e1, e1, 1)
            self.layer2 = resnet18.stage(e1, e2, 2)
            self.layer3 = resnet18.stage(e2, e3, 2)
            self.layer4 = resnet18.stage(e3, e4, 2)
        self.local = nn.Conv2d(e4, d4, 1)
        self.globe = nn.Conv2d(e4, d4, 1)
        join = _Sum if config.backbone in ("mobilenetv2", "efficientnet_lite0") else _Join
        self.join3 = join(d4, e3, d3)
        self.join2 = join(d3, e2, d2)
        self.join1 = join(d2, e1, d1)
        self.head = nn.Conv2d(d1, channels, 1)
        self.register_buffer("hint_scale", torch.tensor(HINT_SCALE).view(1, 3, 1, 1), persistent=False)
        # Without hints the network starts as if the branch were not there.
        nn.init.zeros_(self.hints.weight)

    @property
    def pretrained_parts(self) -> tuple[str, ...]:
        return self.encoder_parts if self.config.encoder else ()

    def load_pretrained(self) -> None:
        if not self.config.encoder:
            return
        if self.config.backbone == "resnet18":
            resnet18.load(self, self.config.encoder)
        else:
            self._features().load(self.config.encoder)

    def _features(self) -> MobileFeatures | LiteFeatures:
        """The encoder, where it is not ResNet-18."""
        return self.mobile if self.config.backbone == "mobilenetv2" else self.lite

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor) -> torch.Tensor:
        x = (lightness / 100 - GRAY_MEAN) / GRAY_DEVIATION
        given = self.hints(functional.avg_pool2d(hints, 4) * self.hint_scale)
        if self.config.backbone != "resnet18":
            x1, x2, x3, x4 = self._features()(x, given)
        else:
            x = functional.relu(self.bn1(self.conv1(x)))
            x1 = self.layer1(functional.max_pool2d(x, 3, 2, 1) + given)
            x2 = self.layer2(x1)
            x3 = self.layer3(x2)
            x4 = self.layer4(x3)
        x = functional.relu(self.local(x4) + self.globe(x4.mean(dim=(2, 3), keepdim=True)))
        x = self.join1(self.join2(self.join3(x, x3), x2), x1)
        output: torch.Tensor = self.head(x)
        return output
