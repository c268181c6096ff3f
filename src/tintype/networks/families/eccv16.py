"""Colorful Image Colorization (Zhang, Isola, Efros 2016, arXiv 1603.08511): eight blocks of convolutions, no skips.

    lightness - block 1 /2 - block 2 /4 - block 3 /8 - 4 - 5 (dilated) - 6 (dilated) - 7 - block 8 /4 - 1x1 - output

Each of blocks 1 to 7 is conv, ReLU, ..., conv, ReLU, BatchNorm; block 8 enlarges and has no normalisation. What others
made of it are configurations: a head of two channels is the Euclidean twin (32.2 M parameters like the original);
`upsampling = "nearest"` a rebuild without the transposed convolution (30.7 M); two convolutions in every block and
widths of 6.5 in blocks 4 to 7 the simplified network (15.4 M).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tintype.errors import ConfigError
from tintype.networks import family

UPSAMPLINGS = ("transposed", "nearest")


class Config(family.Config, frozen=True):
    """Settings; the defaults give the published network."""

    width: int = 64
    """Channels of the first block."""
    widths: tuple[float, float, float, float, float, float, float, float] = (1, 2, 4, 8, 8, 8, 8, 4)
    """Channels of blocks 1 to 8 as multiples of `width`, rounded."""
    depth: tuple[int, int, int, int, int, int, int, int] = (2, 2, 3, 3, 3, 3, 3, 3)
    """Convolutions of blocks 1 to 8; in block 8 those that enlarge count too."""
    scale: int = 4
    """The output stands at 1/scale of the input: 8 leaves out the enlargement of block 8, 2 and 1 enlarge again."""
    upsampling: str = "transposed"
    """How block 8 enlarges: "transposed", a convolution that learns to, or "nearest", which has no weights; a 3x3
    convolution takes the place of each that is not needed."""
    dropout: float = 0.0
    """Share of values dropped after each of blocks 1 to 7."""
    affine: bool = True
    """Whether BatchNorm learns a scale and a shift, as in the PyTorch port; it did not in the Caffe original."""
    centre: float = 50.0
    """The network sees (L* - centre) / spread. The Caffe original: 50 and 1."""
    spread: float = 100.0
    published: str = ""
    """A file with the weights of the authors' PyTorch port, .pth or .safetensors; empty: random weights."""

    def files(self) -> dict[str, str]:
        return {"published": self.published}


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to [n, channels, h/scale, w/scale]; h and w are multiples of 8.

    The children are the eight blocks in their order, under the names of the authors' PyTorch port, so that its file
    fits key by key. Its last layer, `model_out`, which makes ab of the softmax without a temperature, is left out: the
    output here are the logits under it.

    Args:
        channels: of the output; 313 for the published bins, 2 for the Euclidean twin.
    Raises:
        ConfigError: a setting cannot work.
    """

    config: Config
    stride = 8

    def __init__(self, config: Config, channels: int):
        super().__init__(config, channels)
        self.scale = config.scale
        _check(config)
        enlargements = (8, 4, 2, 1).index(config.scale)
        widths = [round(multiple * config.width) for multiple in config.widths]
        inside = 1
        for number, (outside, depth) in enumerate(zip(widths, config.depth, strict=True), start=1):
            layers: list[nn.Module] = []
            for place in range(depth):
                if number == 8 and place < enlargements and config.upsampling == "nearest":
                    layers.append(nn.Upsample(scale_factor=2))
                    continue
                conv: nn.Conv2d | nn.ConvTranspose2d
                if number == 8 and place < enlargements:
                    conv = nn.ConvTranspose2d(inside, outside, 4, 2, 1)
                else:
                    stride = 2 if number <= 3 and place == depth - 1 else 1
                    dilation = 2 if number in (5, 6) else 1
                    conv = nn.Conv2d(inside, outside, 3, stride, dilation, dilation)
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                nn.init.zeros_(conv.get_parameter("bias"))
                layers += [conv, nn.ReLU()]
                inside = outside
            if number < 8:
                layers.append(nn.BatchNorm2d(outside, affine=config.affine))
                layers += [nn.Dropout(config.dropout)] if config.dropout else []
            else:
                layers.append(nn.Conv2d(inside, channels, 1))
            self.add_module(f"model{number}", nn.Sequential(*layers))

    @property
    def pretrained_parts(self) -> tuple[str, ...]:
        return tuple(dict(self.named_children())) if self.config.published else ()

    def load_pretrained(self) -> None:
        if not self.config.published:
            return
        weights = _read(self.config.published)
        ours = self.state_dict()
        for name in sorted(ours.keys() | weights.keys()):
            # Older files do not count batches; the count does nothing here.
            if name.endswith("num_batches_tracked") or name == "model_out.weight":
                weights.pop(name, None)
                continue
            wanted, found = (str(tuple(table[name].shape)) if name in table else "absent" for table in (ours, weights))
            if wanted != found:
                raise ConfigError(
                    f"{self.config.published}: {name} is {found}, and {wanted} in this network; "
                    f"network.published fits only the published configuration and its 313 bins"
                )
        self.load_state_dict(weights, strict=False)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        x = (lightness - self.config.centre) / self.config.spread
        for block in self.children():
            x = block(x)
        return x


def _check(config: Config) -> None:
    if config.width < 1:
        raise ConfigError(f"network.width is {config.width}; it must be at least 1")
    if any(round(multiple * config.width) < 1 for multiple in config.widths):
        raise ConfigError(
            f"network.widths is {config.widths}; each must give at least one channel when multiplied by network.width"
        )
    if min(config.depth) < 1:
        raise ConfigError(f"network.depth is {config.depth}; each block needs at least one convolution")
    if config.scale not in (1, 2, 4, 8):
        raise ConfigError(f"network.scale is {config.scale}; it must be 1, 2, 4 or 8")
    if config.upsampling not in UPSAMPLINGS:
        raise ConfigError(f"network.upsampling is {config.upsampling!r}; it must be one of {', '.join(UPSAMPLINGS)}")
    if config.depth[7] < (8, 4, 2, 1).index(config.scale):
        raise ConfigError(
            f"network.depth is {config.depth[7]} in block 8; network.scale {config.scale} needs a larger one"
        )
    if not 0 <= config.dropout < 1:
        raise ConfigError(f"network.dropout is {config.dropout}; it must be at least 0 and less than 1")
    if config.spread == 0:
        raise ConfigError("network.spread is 0; the lightness cannot be divided by it")


def _read(path: str) -> dict[str, torch.Tensor]:
    try:
        if Path(path).suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"{path}: the published weights cannot be read ({error}); set network.published") from error
    except Exception as error:  # torch and safetensors raise many kinds for broken files
        raise ConfigError(f"{path}: broken, or not a file of weights; set network.published") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise ConfigError(f"{path}: not a table of weights; set network.published")
    return weights
