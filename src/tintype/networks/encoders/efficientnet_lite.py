"""EfficientNet-Lite (Tan, Le 2019) as an encoder of lightness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.networks.encoders.imagenet import GRAY_DEVIATION, GRAY_MEAN
from tintype.networks.encoders.mobilenetv2 import norm
from tintype.networks.encoders.weights import fitting, read_weights


class LiteBlock(nn.Module):
    """The block of EfficientNet-Lite (Tan, Le 2019, without squeeze-and-excite, ReLU6), with the names of its PyTorch
    conversions: 1x1 to `grown` times the channels, k x k channel by channel, 1x1 to the new number without a
    nonlinearity; a shortcut where size and channels stay.

    The first block of the network does not grow, and has no first 1x1.
    """

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, grown: int):
        super().__init__()
        wide = inside * grown
        self.shortcut = stride == 1 and inside == outside
        if grown > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(inside, wide, 1, bias=False), norm(wide)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self._bn1 = norm(wide)
        self._project_conv, self._bn2 = nn.Conv2d(wide, outside, 1, bias=False), norm(outside)
        self.grows = grown > 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x
        if self.grows:
            x = functional.relu6(self._bn0(self._expand_conv(x)))
        x = functional.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + short if self.shortcut else x


class LiteFeatures(nn.Module):
    """EfficientNet-Lite0 or Lite2 as an encoder of lightness, without head and classifier.

    Gray [n, 1, h, w], normalised as (gray - GRAY_MEAN) / GRAY_DEVIATION, and a sum for the map at a quarter of the size
    [n, 24, h/4, w/4], to maps of `channels` at 1/4, 1/8, 1/16 and 1/32. Random until `load`.

    Padded alike on all sides, as `MobileFeatures` is, and for the same reason.

    Args:
        size: 0 or 2.
    """

    STAGES = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
    )
    """Of each stage of Lite0 but the last: blocks, kernel, stride, growth, channels (Tan, Le 2019, table 1)."""
    LAST = (1, 3, 1, 6, 320)
    SCALES: Mapping[int, tuple[float, float]] = {0: (1.0, 1.0), 2: (1.1, 1.2)}
    """Width and depth of each size as multiples of Lite0's; the depth of the first and last stage stays."""

    def __init__(self, size: Literal[0, 2]):
        super().__init__()
        self.size = size
        width, depth = self.SCALES[size]
        self._conv_stem, self._bn0 = nn.Conv2d(1, 32, 3, 2, padding=1, bias=False), norm(32)
        blocks, inside = [], 32
        self.ends: list[int] = []
        for number, (count, kernel, stride, grown, channels) in enumerate((*self.STAGES, self.LAST)):
            outside = _eighths(channels * width)
            for repeat in range(count if number in (0, len(self.STAGES)) else math.ceil(count * depth)):
                blocks.append(LiteBlock(inside, outside, kernel, 1 if repeat else stride, grown))
                inside = outside
            self.ends.append(len(blocks))
        self._blocks = nn.ModuleList(blocks)
        self.channels = tuple(_eighths(channels * width) for channels in (24, 40, 112, 320))

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with the names of the PyTorch conversions (`_blocks.0._bn1`).

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        shapes = {name: value.shape for name, value in self.state_dict().items()}
        shapes["_conv_stem.weight"] = torch.Size((32, 3, 3, 3))
        weights = fitting(read_weights(path), shapes, path, f"EfficientNet-Lite{self.size}")
        # It was trained on (code - 127) / 128; gray takes the place of three equal channels.
        kernels = weights["_conv_stem.weight"].sum(dim=1, keepdim=True)
        weights["_conv_stem.weight"] = kernels * (255 / 128 * GRAY_DEVIATION)
        shift = kernels.sum(dim=(1, 2, 3)) * (255 * GRAY_MEAN - 127) / 128
        weights["_bn0.running_mean"] = weights["_bn0.running_mean"] - shift
        self.load_state_dict(weights, strict=False)

    def forward(self, gray: torch.Tensor, added: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = functional.relu6(self._bn0(self._conv_stem(gray)))
        maps = []
        for number, block in enumerate(self._blocks, 1):
            x = block(x)
            if number == self.ends[1]:
                x = x + added
            if number in (self.ends[1], self.ends[2], self.ends[4], self.ends[6]):
                maps.append(x)
        return tuple(maps)


def _eighths(channels: float) -> int:
    """The nearest multiple of eight, as EfficientNet rounds its channels."""
    return int(channels + 4) // 8 * 8
