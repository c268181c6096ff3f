"""Networks pretrained on ImageNet, shared by families, losses and measures; each takes its weights from a file that the
user names. All were trained on RGB in [0, 1], normalised by ImageNet's mean and deviation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from tintype.color.lab import gray
from tintype.errors import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
GRAY_MEAN = 0.456
GRAY_DEVIATION = 0.224


class Block(nn.Module):
    """The basic residual block of ResNet-18 (He et al. 2016), with torchvision's names."""

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


def stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    """A stage of ResNet-18: two blocks, of which the first changes channels and size."""
    return nn.Sequential(Block(inside, outside, stride), Block(outside, outside))


RESNET18_PARTS = ("conv1", "bn1", "layer1", "layer2", "layer3")
"""The members of a family that stand on ResNet-18, with torchvision's names; its `conv1` takes one channel."""


def load_resnet18(network: nn.Module, path: str) -> None:
    """Give the `RESNET18_PARTS` of a network their weights.

    The three channels of a gray picture are equal: the first kernels act as one, their sum, and the normalisation is
    folded in. It then reads (gray - GRAY_MEAN) / GRAY_DEVIATION; what is left of the mean is BatchNorm's to absorb.

    Args:
        path: a safetensors file with torchvision's names.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """
    shapes = {name: v.shape for name, v in network.state_dict().items() if name.split(".")[0] in RESNET18_PARTS}
    shapes["conv1.weight"] = torch.Size((64, 3, 7, 7))
    weights = _fitting(read_weights(path), shapes, path, "ResNet-18 in torchvision's names")
    weights["conv1.weight"] = _of_gray(weights["conv1.weight"])
    network.load_state_dict(weights, strict=False)


def _of_gray(kernels: torch.Tensor) -> torch.Tensor:
    """First kernels [outside, 3, k, k] that read normalised RGB, as [outside, 1, k, k] that read normalised gray."""
    deviation = torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
    return (kernels / deviation * GRAY_DEVIATION).sum(dim=1, keepdim=True)


class VGG16(nn.Module):
    """VGG16 to relu3_3 (Simonyan, Zisserman 2015), frozen.

    RGB [n, 3, h, w] in [0, 1] to its maps relu1_2 [n, 64, h, w], relu2_2 [n, 128, h/2, w/2] and
    relu3_3 [n, 256, h/4, w/4]. Gradients go through it to its input.

    Args:
        path: a safetensors file with torchvision's names, `features.0.weight` or `0.weight`.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """

    MAPS = (3, 8, 15)
    """Layers whose output is given."""

    def __init__(self, path: str):
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for outside, count in ((64, 2), (128, 2), (256, 3)):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(count):
                layers += [nn.Conv2d(inside, outside, 3, 1, 1), nn.ReLU()]
                inside = outside
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        weights = {name.removeprefix("features."): value for name, value in read_weights(path).items()}
        load(self.features, weights, path, "VGG16 in torchvision's names")
        self.eval().requires_grad_(False)

    def forward(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        x = (rgb - self.mean) / self.deviation
        maps = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.MAPS:
                maps.append(x)
        return maps


class Fire(nn.Module):
    """The block of SqueezeNet, with torchvision's names: 1x1 to few channels, then 1x1 and 3x3 side by side."""

    def __init__(self, inside: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze = nn.Conv2d(inside, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.squeeze(x))
        return functional.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class SqueezeNet(nn.Module):
    """SqueezeNet 1.0 with its classifier (Iandola et al. 2016), frozen; random until `load`.

    RGB [n, 3, h, w] in [0, 1], of 21 pixels a side or more, to its last map [n, 512, about h/16, about w/16] and the
    scores of ImageNet's 1000 classes [n, 1000, 1, 1], both not negative.
    """

    def __init__(self):
        super().__init__()

        def pool() -> nn.Module:
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, 2),
            nn.ReLU(),
            pool(),
            Fire(96, 16, 64),
            Fire(128, 16, 64),
            Fire(128, 32, 128),
            pool(),
            Fire(256, 32, 128),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            pool(),
            Fire(512, 64, 256),
        )
        # Training had dropout in the first place.
        self.classifier = nn.Sequential(nn.Identity(), nn.Conv2d(512, 1000, 1), nn.ReLU())
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with torchvision's names.

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        load(self, read_weights(path), path, "SqueezeNet 1.0 in torchvision's names")

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.features((rgb - self.mean) / self.deviation)
        return features, self.classifier(features).mean(dim=(2, 3), keepdim=True)


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
        self.shortcut = stride == 1 and inside == outside
        depthwise = convolution(wide, wide, 3, stride, padding=1, groups=wide, bias=False)
        narrow = nn.Conv2d(wide, outside, 1, bias=False)
        if grown == 1:
            self.conv_dw, self.bn1 = depthwise, _norm(wide)
            self.conv_pw, self.bn2 = narrow, _norm(outside)
        else:
            self.conv_pw, self.bn1 = nn.Conv2d(inside, wide, 1, bias=False), _norm(wide)
            self.conv_dw, self.bn2 = depthwise, _norm(wide)
            self.conv_pwl, self.bn3 = narrow, _norm(outside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short = x
        if hasattr(self, "conv_pwl"):
            x = functional.relu6(self.bn1(self.conv_pw(x)))
            x = functional.relu6(self.bn2(self.conv_dw(x)))
            x = self.bn3(self.conv_pwl(x))
        else:
            x = functional.relu6(self.bn1(self.conv_dw(x)))
            x = self.bn2(self.conv_pw(x))
        return x + short if self.shortcut else x


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


Stages = tuple[tuple[int, int, int], ...]
"""Of each stage: channels, blocks, and stride of the first block."""


def _stages(stages: Stages, convolution: type[nn.Conv2d]) -> nn.Sequential:
    """Stages of MobileNetV2, from the 32 channels of its stem."""
    made = []
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

    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(1, 32, 3, 2, padding=1, bias=False), _norm(32)
        self.blocks = _stages(self.STAGES, nn.Conv2d)

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with timm's names (`mobilenetv2_100`).

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        shapes = {name: value.shape for name, value in self.state_dict().items()}
        shapes["conv_stem.weight"] = torch.Size((32, 3, 3, 3))
        weights = _fitting(read_weights(path), shapes, path, "MobileNetV2 1.0 in timm's names")
        weights["conv_stem.weight"] = _of_gray(weights["conv_stem.weight"])
        self.load_state_dict(weights, strict=False)

    def forward(self, gray: torch.Tensor, added: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = functional.relu6(self.bn1(self.conv_stem(gray)))
        x1 = self.blocks[1](self.blocks[0](x)) + added
        x2 = self.blocks[2](x1)
        x3 = self.blocks[4](self.blocks[3](x2))
        return x1, x2, x3, self.blocks[5](x3)


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
            self._expand_conv, self._bn0 = nn.Conv2d(inside, wide, 1, bias=False), _norm(wide)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv, self._bn2 = nn.Conv2d(wide, outside, 1, bias=False), _norm(outside)
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
        self._conv_stem, self._bn0 = nn.Conv2d(1, 32, 3, 2, padding=1, bias=False), _norm(32)
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
        weights = _fitting(read_weights(path), shapes, path, f"EfficientNet-Lite{self.size}")
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


class MobileNetV2(nn.Module):
    """MobileNetV2 1.0 with its classifier (Sandler et al. 2018, table 2) as TensorFlow trained it, frozen; random until
    `load`. RGB [n, 3, h, w] in [0, 1] to the logits of ImageNet's 1000 classes [n, 1000].
    """

    STAGES: Stages = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))

    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1 = Same(3, 32, 3, 2, bias=False), _norm(32)
        self.blocks = _stages(self.STAGES, Same)
        inside = self.STAGES[-1][0]
        self.conv_head, self.bn2 = nn.Conv2d(inside, 1280, 1, bias=False), _norm(1280)
        self.classifier = nn.Linear(1280, 1000)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def load(self, path: str) -> None:
        """Take the weights from a safetensors file with timm's names (`mobilenetv2_100`).

        Raises:
            ConfigError: the file cannot be read, or holds another network.
        """
        load(self, read_weights(path, "classifier's"), path, "MobileNetV2 1.0 in timm's names")

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.bn1(self.conv_stem((rgb - self.mean) / self.deviation)))
        x = functional.relu6(self.bn2(self.conv_head(self.blocks(x))))
        return self.classifier(x.mean(dim=(2, 3)))


class Semantic(nn.Module):
    """What a frozen SqueezeNet sees in the gray picture, joined with the innermost map of a family: concatenated, 1x1,
    ReLU.

    inner [n, channels, h', w'] and lightness [n, 1, h, w] (L* 0..100, 32 pixels a side or more) to
    [n, channels, h', w']. SqueezeNet is a part of it, so that checkpoints and released files carry it.

    Args:
        layer: its last map, or the scores of ImageNet's classes, the same everywhere.
    """

    def __init__(self, channels: int, layer: Literal["features", "logits"]):
        super().__init__()
        self.layer = layer
        self.scale = 1 / 40 if layer == "features" else 1 / 5  # brings what it sees on photographs to about one
        self.network = SqueezeNet()
        self.join = nn.Conv2d(channels + (512 if layer == "features" else 1000), channels, 1)

    def load(self, path: str) -> None:
        """As `SqueezeNet.load`."""
        self.network.load(path)

    def forward(self, inner: torch.Tensor, lightness: torch.Tensor) -> torch.Tensor:
        features, logits = self.network(gray(lightness).repeat(1, 3, 1, 1))
        seen = (features if self.layer == "features" else logits) * self.scale
        seen = functional.interpolate(seen, size=inner.shape[2:], mode="bilinear", align_corners=False)
        return functional.relu(self.join(torch.cat([inner, seen], dim=1)))


def read_weights(path: str, what: str = "encoder's") -> dict[str, torch.Tensor]:
    """The tensors of a file of weights as float32: safetensors, or torch's own where its name ends in .pth or .pt.

    Args:
        what: whose weights, for the error.
    Raises:
        ConfigError: the file is missing, broken, or not a file of weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if Path(path).suffix in (".pth", ".pt"):
            weights = torch.load(path, map_location="cpu", weights_only=True)
        else:
            weights = load_file(path)
        return {name: value.float() for name, value in weights.items()}
    except OSError as error:
        reason = error.strerror or error
    except SafetensorError as error:
        reason = error
    except Exception:  # torch raises many kinds for broken files, and a file may hold anything but a table of weights
        reason = "broken, or not a file of weights"
    raise ConfigError(
        f"{path}: the {what} weights cannot be read ({reason}); give a .safetensors or .pth file with them"
    )


def load(network: nn.Module, weights: Mapping[str, torch.Tensor], path: str, what: str) -> None:
    """Give a network all its weights by name; other tensors of the file are ignored.

    Args:
        weights: what `read_weights` gave of `path`.
        what: the network that the file should hold, for the error.
    Raises:
        ConfigError: one is missing or has another shape; it names the first.
    """
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    network.load_state_dict(_fitting(weights, shapes, path, what), strict=False)


def _fitting(
    weights: Mapping[str, torch.Tensor], shapes: Mapping[str, torch.Size], path: str, what: str
) -> dict[str, torch.Tensor]:
    # How many batches a norm has seen is not in every file, and does nothing.
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}
    for name, shape in shapes.items():
        if name not in weights or weights[name].shape != shape:
            found = f"of shape {tuple(weights[name].shape)}" if name in weights else "missing"
            raise ConfigError(f"{path}: not {what}: {name} must be {tuple(shape)}, but is {found}")
    return {name: weights[name] for name in shapes}
