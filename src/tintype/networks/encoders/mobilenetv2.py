"""MobileNetV2 1.0 (Sandler et al. 2018): an encoder of lightness, and the classifier that measures look through."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tintype.networks.encoders.imagenet import Frozen, of_gray
from tintype.networks.encoders.weights import fitting, load, read_weights


class Same(nn.Conv2d):
    """A convolution padded as TensorFlow does, whatever `padding` says: to ceil(side / stride) places a side, with the
    odd pixel at the end."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sides = []
        for side, kernel, stride in zip(x.shape[:1:-1], self.kernel_size, self.stride, strict=True):
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            sides += [missing // 2, missing - missing // 2]
        return functional.conv2d(functional.pad(x, sides), self.weight, self.bias, self.stride, groups=self.groups)


class Inverted(nn.Module):
    """The block of MobileNetV2 (Sandler et al. 2018, table 1), with timm's names: 1x1 to `grown` times the channels,
    3x3 channel by channel, 1x1 to the new number without a nonlinearity; a shortcut where size and channels stay.

    The first block of the network does not grow, and has no first 1x1.
    """

    def __init__(self, inside: int, outside: int, stride: int, grown: int = 6, convolution: type[nn.Conv2d] = Same):
        super().__init__()
        wide = inside * grown
        self.shortcut, self.grows = stride == 1 and inside == outside, grown > 1
        depthwise = convolution(wide, wide, 3, stride, padding=1, groups=wide, bias=False)
        narrow = nn.Conv2d(wide, outside, 1, bias=False)
        if self.grows:
            self.conv_pw, self.bn1 = nn.Conv2d(inside, wide, 1, bias=False), norm(wide)
            self.conv_dw, self.bn2 = depthwise, norm(wide)
            self.conv_pwl, self.bn3 = narrow, norm(outside)
        else:
            self.conv_dw, self.bn1 = depthwise, norm(wide)
            self.conv_pw, self.bn2 = narrow, norm(outside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x
        if self.grows:
            x = functional.relu6(self.bn1(self.conv_pw(x)))
            x = functional.relu6(self.bn2(self.conv_dw(x)))
            x = self.bn3(self.conv_pwl(x))
        else:
            x = functional.relu6(self.bn1(self.conv_dw(x)))
            x = self.bn2(self.conv_pw(x))
        return x + short if self.shortcut else x


def norm(channels: int) -> nn.BatchNorm2d:
    """As networks have it that TensorFlow trained."""
    return nn.BatchNorm2d(channels, eps=1e-3)


Stages = tuple[tuple[int, int, int], ...]
"""Of each stage: channels, blocks, and stride of the first block."""


def _stages(stages: Stages, convolution: type[nn.Conv2d]) -> nn.Sequential:
    """Stages of MobileNetV2, from the 32 channels of its stem."""
    made: list[nn.Module] = []
    inside = 32
    for outside, count, stride in stages:
        blocks = []
        for number in range(count):
            blocks.append(
                Inverted(inside, outside, 1 if number else stride, grown=6 if made else 1, convolution=convolution)
            )
            inside = outside
        made.append(nn.Sequential(*blocks))
    return nn.Sequential(*made)


class MobileFeatures(nn.Module):
    """MobileNetV2 1.0 as an encoder of lightness, to two blocks of its stage at 1/32, without one of the two at 1/4.

    Gray [n, 1, h, w], normalised as (gray - GRAY_MEAN) / GRAY_DEVIATION, and a sum for the map at a quarter of the size
    [n, 24, h/4, w/4], to maps of `CHANNELS` at 1/4, 1/8, 1/16 and 1/32. Random until `load`.

    Its convolutions are padded alike on all sides, not as TensorFlow does: that moves what a stage of stride 2 sees by
    one pixel, which training makes good, and saves a fifth of the time in onnxruntime.
    """

    CHANNELS = (24, 32, 96, 160)
    STAGES: Stages = ((16, 1, 1), (24, 1, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 2, 2))

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(1, 32, 3, 2, padding=1, bias=False), norm(32)
        self.blocks = _stages(self.STAGES, nn.Conv2d)

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with timm's names (`mobilenetv2_100`).

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        shapes = {name: value.shape for name, value in self.state_dict().items()}
        shapes["conv_stem.weight"] = torch.Size((32, 3, 3, 3))
        weights = fitting(read_weights(path), shapes, path, "MobileNetV2 1.0 in timm's names")
        weights["conv_stem.weight"] = of_gray(weights["conv_stem.weight"])
        self.load_state_dict(weights, strict=False)

    def forward(self, gray: torch.Tensor, added: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = functional.relu6(self.bn1(self.conv_stem(gray)))
        x1 = self.blocks[1](self.blocks[0](x)) + added
        x2 = self.blocks[2](x1)
        x3 = self.blocks[4](self.blocks[3](x2))
        return x1, x2, x3, self.blocks[5](x3)


class MobileNetV2(Frozen):
    """MobileNetV2 1.0 with its classifier (Sandler et al. 2018, table 2) as TensorFlow trained it, frozen; random until
    `load`. RGB [n, 3, h, w] in [0, 1] to the logits of ImageNet's 1000 classes [n, 1000].
    """

    STAGES: Stages = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = Same(3, 32, 3, 2, bias=False), norm(32)
        self.blocks = _stages(self.STAGES, Same)
        inside = self.STAGES[-1][0]
        self.conv_head, self.bn2 = nn.Conv2d(inside, 1280, 1, bias=False), norm(1280)
        self.classifier = nn.Linear(1280, 1000)
        self.freeze()

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with timm's names (`mobilenetv2_100`).

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        load(self, read_weights(path, "classifier's"), path, "MobileNetV2 1.0 in timm's names")

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.bn1(self.conv_stem(self.normalised(rgb))))
        x = functional.relu6(self.bn2(self.conv_head(self.blocks(x))))
        logits: torch.Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits
