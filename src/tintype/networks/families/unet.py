"""A U-Net whose way down is ResNet-18, as it comes pretrained on ImageNet.

    lightness -- 7x7 /2 -- pool - layer1 /4 -- layer2 /8 -- layer3 /16
        |           |             |               |             |
        +-- up /1 --+--- up /2 ---+---- up /4 ----+--- up /8 ---+

The encoder (He et al. 2016) goes to layer3; its first kernels are summed over RGB to take one gray channel. A block
going up enlarges, joins the map of the same size, and has two convolutions with norm and ReLU. `optimizer.encoder = 0`
keeps the encoder as it came.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.errors import ConfigError
from tintype.networks import family
from tintype.networks.encoders import resnet18
from tintype.networks.encoders.imagenet import GRAY_DEVIATION, GRAY_MEAN
from tintype.networks.encoders.squeezenet import Semantic


class Config(family.Config, frozen=True):
    """Settings of the U-Net."""

    width: int = 64
    """Channels of the encoder's first stage; the second and third have two and four times as many."""
    decoder: tuple[float, float, float, float] = (4, 2, 1, 0.5)
    """Channels going up at 1/8, 1/4, 1/2 and 1/1 of the size as multiples of `width`, rounded."""
    encoder: str = ""
    """A safetensors file with ResNet-18 to layer3 in torchvision's names; empty: random weights."""
    semantic: str = ""
    """A safetensors file with SqueezeNet 1.0, whose sight of the gray picture joins the innermost map; empty: none."""
    semantic_layer: Literal["features", "logits"] = "features"
    """What joins: its last map, or the scores of ImageNet's classes."""

    def files(self) -> dict[str, str]:
        return {"encoder": self.encoder, "semantic": self.semantic}


class _Up(nn.Module):
    """Twice the size, joined with the skip, then twice conv3, norm, ReLU."""

    def __init__(self, inside: int, skip: int, outside: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inside + skip, outside, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = functional.relu(self.bn1(self.conv1(torch.cat([x, skip], dim=1))))
        return functional.relu(self.bn2(self.conv2(x)))


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h, w]; h and w are multiples of 16, with `semantic` of 32.

    Args:
        channels: of the last layer.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config
    encoder_parts = resnet18.PARTS

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        if config.width < 1:
            raise ConfigError(f"network.width must be at least 1, not {config.width}")
        if config.encoder and config.width != 64:
            raise ConfigError(f"network.encoder has a width of 64, not network.width = {config.width}; leave one out")
        decoder = [round(multiple * config.width) for multiple in config.decoder]
        if min(decoder) < 1:
            raise ConfigError(
                "each number of network.decoder must give at least one channel when multiplied by network.width, not "
                f"{decoder}"
            )
        self.stride = 32 if config.semantic else 16
        w = config.width
        self.conv1 = nn.Conv2d(1, w, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.layer1 = resnet18.stage(w, w, 1)
        self.layer2 = resnet18.stage(w, 2 * w, 2)
        self.layer3 = resnet18.stage(2 * w, 4 * w, 2)
        self.semantic = Semantic(4 * w, config.semantic_layer) if config.semantic else None
        self.ups = nn.ModuleList()
        inside = 4 * w
        for skip, outside in zip((2 * w, w, w, 1), decoder, strict=True):
            self.ups.append(_Up(inside, skip, outside))
            inside = outside
        self.head = nn.Conv2d(inside, channels, 1)

    @property
    def pretrained_parts(self) -> tuple[str, ...]:
        return self.encoder_parts if self.config.encoder else ()

    def load_pretrained(self) -> None:
        if self.config.encoder:
            resnet18.load(self, self.config.encoder)
        if self.semantic is not None:
            self.semantic.load(self.config.semantic)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        x = (lightness / 100 - GRAY_MEAN) / GRAY_DEVIATION
        skips = [x]
        x = functional.relu(self.bn1(self.conv1(x)))
        skips.append(x)
        x = self.layer1(functional.max_pool2d(x, 3, 2, 1))
        skips.append(x)
        x = self.layer2(x)
        skips.append(x)
        x = self.layer3(x)
        if self.semantic is not None:
            x = self.semantic(x, lightness)
        for up in self.ups:
            x = up(x, skips.pop())
        output: torch.Tensor = self.head(x)
        return output
