"""DeOldify's generators (Antic 2018 to 2019), under the names of their published files.

    RGB - ResNet, to 1/32 - norm, ReLU - two 3x3 - up /16 - up /8, attention - up /4 - up /2 - up /1 - joined with RGB
          |    |    |    |                         |        |                |       |
          /2   /4   /8   /16 ----------------------+--------+----------------+-------+        - two 3x3 - 1x1 - sigmoid

The dynamic U-Net of fastai 1 with spectral norm: it enlarges by a 1x1 to four times the channels that are laid out as
pixels (Shi et al. 2016, initialised as by Aitken et al. 2017) and blurred, and has self-attention (Zhang et al. 2018,
SAGAN) at 1/8. The artistic one stands on ResNet-34 and has two convolutions in a block; the wide one, published as
stable and as video, stands on ResNet-101 and has one.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from tintype.color import lab
from tintype.networks import family
from tintype.networks.encoders.imagenet import DEVIATION, MEAN
from tintype.networks.encoders.resnet18 import Block

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue in the Y of YUV (Rec. 601)."""


class Bottleneck(nn.Module):
    """The residual block of ResNet-50 and larger (He et al. 2016) with torchvision's names: 1x1, 3x3, 1x1 to four times
    the width; its 3x3 changes the size."""

    def __init__(self, inside: int, width: int, stride: int):
        super().__init__()
        outside = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outside, 1, bias=False), nn.BatchNorm2d(outside)
        self.downsample = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + short)


class Attention(nn.Module):
    """Self-attention (Zhang et al. 2018): each place adds what it finds at all others, times a learned factor.

    x [n, c, h, w] to the same. The weights of the places that are looked at sum to 1 for each place that looks.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.query = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv1d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(2)
        # What the file calls the query is what is looked at: the softmax is over its places.
        weights = torch.softmax(self.query(flat).transpose(1, 2) @ self.key(flat), dim=1)
        result: torch.Tensor = self.gamma * (self.value(flat) @ weights) + flat
        return result.view(x.shape)


class Enlarged(nn.Module):
    """1x1 to `factor`² times the channels, ReLU, laid out as pixels, and the mean of each 2x2.

    x [n, inside, h, w] to [n, outside, factor h, factor w].
    """

    def __init__(self, inside: int, outside: int, factor: int = 2, *, norm: bool = True):
        super().__init__()
        conv = nn.Conv2d(inside, outside * factor**2, 1, bias=not norm)
        self.conv = nn.Sequential(conv, *([nn.BatchNorm2d(outside * factor**2)] if norm else []))
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.pixel_shuffle(functional.relu(self.conv(x)), self.factor)
        # The first row and column stand twice, so that the size stays.
        return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


def convolution(inside: int, outside: int, *, attention: bool = False) -> nn.Sequential:
    """3x3, ReLU, BatchNorm, and attention if asked for."""
    layers = [nn.Conv2d(inside, outside, 3, 1, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(outside)]
    return nn.Sequential(*layers, *([Attention(outside)] if attention else []))


class Up(nn.Module):
    """A block going up: enlarged, joined with the normalised map of the way down, ReLU, one or two convolutions.

    Args:
        inside, skip: channels from below, and of the map of the way down.
        enlarged: channels after enlarging.
        names: of the convolutions.
    """

    def __init__(
        self, inside: int, skip: int, enlarged: int, outside: int, names: tuple[str, ...], *, attention: bool = False
    ):
        super().__init__()
        self.shuf = Enlarged(inside, enlarged)
        self.bn = nn.BatchNorm2d(skip)
        self.names = names
        channels = enlarged + skip
        for name in names:
            self.add_module(name, convolution(channels, outside, attention=attention and name == names[-1]))
            channels = outside

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = functional.relu(torch.cat([self.shuf(x), self.bn(skip)], dim=1))
        for name in self.names:
            x = self.get_submodule(name)(x)
        return x


class Rest(nn.Module):
    """What two convolutions with ReLU add to a map [n, channels, h, w]."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU()) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added = x
        for layer in self.layers:
            added = layer(added)
        return x + added


class Config(family.Config, frozen=True):
    """Settings; the defaults give the artistic generator."""

    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Blocks of the ResNet's stages: 3, 4, 6, 3 of ResNet-34; 3, 4, 23, 3 of ResNet-101."""
    wide: bool = False
    """Bottlenecks in the encoder, and one wide convolution in each block going up in place of two."""
    width: int = 64
    """Channels of the encoder's first stage, before bottlenecks make four times as many of it."""
    decoder: float = 1.5
    """Artistic: factor on the channels going up, which follow from the maps joined. Wide: half the channels going up,
    in units of 512."""


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to CIE a*b* [n, 2, h, w]; h and w are multiples of 32.

    Its RGB is brought to the gray's luma as the authors' program does, which keeps U and V of YUV and takes Y from the
    photograph; the a*b* are of that. The program stretches photographs to squares before; here they keep their shape.
    """

    config: Config
    stride = 32

    def __init__(self, config: Config, channels: int = 2):
        super().__init__(config, channels)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1), persistent=False)
        w, wide = config.width, config.wide
        block, grown = (Bottleneck, 4) if wide else (Block, 1)
        stages: list[nn.Module] = []
        inside = w
        for number, depth in enumerate(config.depths):
            blocks = []
            for place in range(depth):
                blocks.append(block(inside, w * 2**number, 2 if number and not place else 1))
                inside = w * 2**number * grown
            stages.append(nn.Sequential(*blocks))
        stem = [nn.Conv2d(3, w, 7, 2, 3, bias=False), nn.BatchNorm2d(w), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        middle = nn.Sequential(convolution(inside, 2 * inside), convolution(2 * inside, inside))
        layers: list[nn.Module] = [nn.Sequential(*stem, *stages), nn.BatchNorm2d(inside), nn.ReLU(), middle]
        skips = [4 * w * grown, 2 * w * grown, w * grown, w]
        for number, skip in enumerate(skips):
            last = number == len(skips) - 1
            names: tuple[str, ...] = ("conv",) if wide else ("conv1", "conv2")
            if wide:
                outside = int(512 * config.decoder) // (4 if last else 2)
                enlarged = outside
            else:
                enlarged = inside // 2
                joined = enlarged + skip
                outside = int((joined // 2 if last else joined) * config.decoder)
            layers.append(Up(inside, skip, enlarged, outside, names, attention=number == 1))
            inside = outside
        # In the files, the place of what joins the output with the input is a layer without weights.
        layers += [Enlarged(inside, inside, norm=False), nn.Identity(), Rest(inside + 3)]
        layers.append(nn.Sequential(nn.Conv2d(inside + 3, 3, 1)))
        self.layers = nn.ModuleList(layers)

    def rgb(self, gray: torch.Tensor) -> torch.Tensor:
        """RGB codes [n, 3, h, w] in 0..1 of gray codes [n, 1, h, w] in 0..1."""
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        seen = (gray - mean) / deviation
        x, skips = seen, []
        for place, layer in enumerate(cast(nn.Sequential, self.layers[0])):
            x = layer(x)
            if place in (2, 4, 5, 6):
                skips.append(x)
        for layer in self.layers[1:4]:
            x = layer(x)
        for up in self.layers[4:8]:
            x = up(x, skips.pop())
        x = torch.cat([self.layers[8](x), seen], dim=1)
        # The last sigmoid spans three deviations about the mean.
        normal = 6 * torch.sigmoid(self.layers[11](self.layers[10](x))) - 3
        return (normal * deviation + mean).clamp(0, 1)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        gray = lab.gray(lightness)
        rgb = self.rgb(gray)
        # With U and V kept and another Y, all three channels move by the same.
        rgb = rgb + gray - (rgb * self.get_buffer("luma")).sum(dim=1, keepdim=True)
        colours: torch.Tensor = lab.rgb_to_lab(rgb.clamp(0, 1), axis=1)
        return colours[:, 1:]
