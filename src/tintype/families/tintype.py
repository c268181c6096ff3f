"""The flagship: a pretrained encoder that sees lightness, a light decoder, a distribution over ab bins.

    lightness -- 7x7 s2 - pool --(+ hints)-- layer1 /4 -- layer2 /8 -- layer3 /16 -- layer4 /32 --+
                                    |            |            |                         global mean
                                    |            |            |                                   |
    logits /4 -- 1x1 -- 3x3 --------+---- 3x3 ---+---- 3x3 ---+---------- 1x1 --------------------+

The encoder is ResNet-18 (He et al. 2016) to layer3, whose first kernels are summed over RGB to take one gray channel,
and a fourth stage of our own. Hints enter at a quarter of the size, averaged over cells of 4x4 pixels, as a sum on the
encoder's first map: at full size they would cost as much as the rest of the stem for three maps that are nearly empty.
Widths are multiples of 16, for which the kernels of the run-time library are fastest.
"""

from __future__ import annotations

import msgspec
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tintype.color.bins import published_bins
from tintype.errors import ConfigError
from tintype.families import Prediction


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Knobs of the flagship."""

    context: int = 384
    """Channels of the fourth stage, at 1/32 of the size."""
    decoder: tuple[int, int, int, int] = (256, 160, 96, 64)
    """Channels of the decoder at 1/32, 1/16, 1/8 and 1/4."""
    encoder: str = ""
    """A safetensors file with ResNet-18 to layer3 in torchvision's names; empty: random weights."""


# What torchvision's encoders were trained on: RGB in [0, 1], normalised by ImageNet's mean and deviation.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
GRAY_MEAN = 0.456
GRAY_DEVIATION = 0.224

HINT_SCALE = (1 / 50, 1 / 50, 1.0)
"""Brings a*, b* and the mask to about one."""


class Block(nn.Module):
    """The basic residual block of ResNet-18, with torchvision's names."""

    def __init__(self, inside: int, outside: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.downsample = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + short)


def _stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Block(inside, outside, stride), Block(outside, outside))


class _Join(nn.Module):
    """conv3 - norm - relu over the joined maps of the deeper stage, enlarged, and of the encoder."""

    def __init__(self, deep: int, skip: int, outside: int):
        super().__init__()
        self.conv = nn.Conv2d(deep + skip, outside, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        deep = functional.interpolate(deep, scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.relu(self.bn(self.conv(torch.cat([deep, skip], dim=1))))


class Network(nn.Module):
    """lightness [n, 1, h, w] (L* 0..100) and hints [n, 3, h, w] (a*, b*, mask) to logits [n, 313, h/4, w/4].

    h and w are multiples of 32.
    """

    stride = 32
    encoder_parts = ("conv1", "bn1", "layer1", "layer2", "layer3")
    """What comes pretrained, and may learn at a rate of its own."""

    def __init__(self, config: Config | None = None):
        super().__init__()
        config = config or Config()
        self.config = config
        d4, d3, d2, d1 = config.decoder
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.hints = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.layer1 = _stage(64, 64, 1)
        self.layer2 = _stage(64, 128, 2)
        self.layer3 = _stage(128, 256, 2)
        self.layer4 = _stage(256, config.context, 2)
        self.local = nn.Conv2d(config.context, d4, 1)
        self.globe = nn.Conv2d(config.context, d4, 1)
        self.join3 = _Join(d4, 256, d3)
        self.join2 = _Join(d3, 128, d2)
        self.join1 = _Join(d2, 64, d1)
        self.head = nn.Conv2d(d1, len(published_bins()), 1)
        self.register_buffer("bins", torch.tensor(np.array(published_bins()), dtype=torch.float32), persistent=False)
        self.register_buffer("hint_scale", torch.tensor(HINT_SCALE).view(1, 3, 1, 1), persistent=False)
        # Without hints the network starts as if the branch were not there.
        nn.init.zeros_(self.hints.weight)

    def load_pretrained(self) -> None:
        """Take the encoder from the file that the configuration names, if it names one."""
        if self.config.encoder:
            self.load_encoder(self.config.encoder)

    def load_encoder(self, path: str) -> None:
        """Take conv1 to layer3 from a safetensors file with torchvision's names.

        Raises:
            ConfigError: the file is missing, is no safetensors file, or holds another network.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = {name: value.float() for name, value in load_file(path).items()}
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{path}: the encoder's weights cannot be read ({error}); set network.encoder") from error
        ours = {
            name: value
            for name, value in self.state_dict().items()
            if name.split(".")[0] in self.encoder_parts and not name.endswith("num_batches_tracked")
        }
        for name, value in ours.items():
            shape = (64, 3, 7, 7) if name == "conv1.weight" else tuple(value.shape)
            if name not in weights or tuple(weights[name].shape) != shape:
                found = f"of shape {tuple(weights[name].shape)}" if name in weights else "missing"
                raise ConfigError(
                    f"{path}: not ResNet-18 in torchvision's names: {name} must be {shape}, and is {found}"
                )
        # The three channels of a gray picture are equal: their kernels act as one, and the normalisation is folded in.
        # The input is scaled to zero mean (see `forward`); what is left of the mean is BatchNorm's to absorb.
        deviation = torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
        weights["conv1.weight"] = (weights["conv1.weight"] / deviation * GRAY_DEVIATION).sum(dim=1, keepdim=True)
        self.load_state_dict({name: weights[name] for name in ours}, strict=False)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor) -> Prediction:
        x = (lightness / 100 - GRAY_MEAN) / GRAY_DEVIATION
        given = functional.avg_pool2d(hints, 4) * self.hint_scale
        x = functional.relu(self.bn1(self.conv1(x)))
        x1 = self.layer1(functional.max_pool2d(x, 3, 2, 1) + self.hints(given))
        x2 = self.layer2(x1)
        x3 = self.layer3(x2)
        x4 = self.layer4(x3)
        x = functional.relu(self.local(x4) + self.globe(x4.mean(dim=(2, 3), keepdim=True)))
        x = self.join1(self.join2(self.join3(x, x3), x2), x1)
        return Prediction(logits=self.head(x))
