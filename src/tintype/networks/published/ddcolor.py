"""DDColor (Kang et al. 2023, arXiv 2212.11613), under the names of its published files.

    RGB - ConvNeXt: /4, /8, /16, /32 - up /16 - up /8 - up /4 - pixels /1 -------------+
                     |   |    |          |  |     |  |    |  |                         product - joined with RGB - 1x1
                     |   |    +----------+  |     |  |    |  |                         |
                     |   +------------------------+  |    |  |    colour queries ------+
                     +-------------------------------|----+  |    |
                                            +--------+-------+----+ three sizes in turn, nine layers

A U-Net gives a map of features for each pixel, and a transformer gives 100 colour queries, which look at three maps of
the U-Net in turn (Cheng et al. 2022, Mask2Former). The products of both, with the picture, are mixed to a*b*.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from tintype.color import lab
from tintype.networks import family
from tintype.networks.encoders.imagenet import DEVIATION, MEAN
from tintype.networks.published.deoldify import Enlarged, Up

REACH = 134.0
"""The largest chroma of a colour in sRGB, that of blue."""

HEADS = 8
"""Of each attention."""


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of each place of [n, c, h, w]."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normal = functional.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6)
        return normal.permute(0, 3, 1, 2)


class Block(nn.Module):
    """The block of ConvNeXt (Liu et al. 2022): 7x7 channel by channel, LayerNorm, 1x1 to four times the channels, GELU,
    1x1 back, times a factor for each channel, and added."""

    def __init__(self, channels: int):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        added = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(added)))
        result: torch.Tensor = x + added.permute(0, 3, 1, 2)
        return result


class ConvNeXt(nn.Module):
    """RGB [n, 3, h, w], normalised, to its normalised maps at 1/4, 1/8, 1/16 and 1/32 of the size."""

    def __init__(self, depths: tuple[int, ...], widths: tuple[int, ...]):
        super().__init__()
        downs: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, widths[0], 4, 4), ChannelNorm(widths[0]))]
        for inside, outside in pairwise(widths):
            downs.append(nn.Sequential(ChannelNorm(inside), nn.Conv2d(inside, outside, 2, 2)))
        self.downsample_layers = nn.ModuleList(downs)
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth))) for depth, width in zip(depths, widths, strict=True)
        )
        for number, width in enumerate(widths):
            self.add_module(f"norm{number}", ChannelNorm(width))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        for number, (down, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            x = stage(down(x))
            maps.append(self.get_submodule(f"norm{number}")(x))
        return maps


class Attention(nn.Module):
    """Attention of several heads (Vaswani et al. 2017) with the names of torch's: queries [n, q, c], keys and values
    [n, k, c] to [n, q, c]."""

    def __init__(self, channels: int):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        parts = zip((queries, keys, values), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)
        q, k, v = (self._heads(functional.linear(*part)) for part in parts)
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[3]), dim=-1)
        found: torch.Tensor = self.out_proj((weights @ v).transpose(1, 2).flatten(2))
        return found

    @staticmethod
    def _heads(x: torch.Tensor) -> torch.Tensor:
        """[n, q, c] to [n, heads, q, c / heads]."""
        return x.view(x.shape[0], x.shape[1], HEADS, x.shape[2] // HEADS).transpose(1, 2)


class Looking(nn.Module):
    """An attention of the colour queries, added to them and normalised; `name`: the attention's in the file."""

    def __init__(self, channels: int, name: str):
        super().__init__()
        self.name = name
        self.add_module(name, Attention(channels))
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        normal: torch.Tensor = self.norm(x + self.get_submodule(self.name)(queries, keys, values))
        return normal


class Thinking(nn.Module):
    """Two linear layers with ReLU between them, added to the colour queries and normalised."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normal: torch.Tensor = self.norm(x + self.linear2(functional.relu(self.linear1(x))))
        return normal


class Three(nn.Module):
    """Three linear layers with ReLU between them."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(channels, channels) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.layers[1](functional.relu(self.layers[0](x))))
        result: torch.Tensor = self.layers[2](x)
        return result


class ColourDecoder(nn.Module):
    """Maps of the U-Net [n, ., ., .], at 1/16, 1/8 and 1/4, to a vector for each colour query [n, queries, c]."""

    def __init__(self, inside: tuple[int, ...], channels: int, queries: int, layers: int, hidden: int):
        super().__init__()
        self.query_feat, self.query_embed = nn.Embedding(queries, channels), nn.Embedding(queries, channels)
        self.level_embed = nn.Embedding(len(inside), channels)
        self.input_proj = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in inside)
        self.transformer_self_attention_layers = nn.ModuleList(Looking(channels, "self_attn") for _ in range(layers))
        self.transformer_cross_attention_layers = nn.ModuleList(
            Looking(channels, "multihead_attn") for _ in range(layers)
        )
        self.transformer_ffn_layers = nn.ModuleList(Thinking(channels, hidden) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(channels)
        self.color_embed = Three(channels)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        levels = []
        for number, (projection, found) in enumerate(zip(self.input_proj, maps, strict=True)):
            seen = projection(found)
            values = seen.flatten(2).transpose(1, 2) + self.level_embed.weight[number]
            levels.append((values + places(seen), values))
        at = self.query_embed.weight
        x = self.query_feat.weight.expand(maps[0].shape[0], -1, -1)
        layers = zip(
            self.transformer_cross_attention_layers,
            self.transformer_self_attention_layers,
            self.transformer_ffn_layers,
            strict=True,
        )
        for number, (across, among, thinking) in enumerate(layers):
            keys, values = levels[number % len(levels)]
            x = across(x, x + at, keys, values)
            x = thinking(among(x, x + at, x + at, x))
        vectors: torch.Tensor = self.color_embed(self.decoder_norm(x))
        return vectors


def places(like: torch.Tensor) -> torch.Tensor:
    """Sines and cosines that tell where a place lies (Carion et al. 2020, DETR); [1, h w, c] for a map [n, c, h, w].

    Half of the channels are of its row and half of its column, counted from 1 and scaled so that the last is 2 pi.
    """
    half = like.shape[1] // 2
    pairs = torch.arange(half, dtype=torch.float32, device=like.device).div(2, rounding_mode="floor")
    waves = 10000 ** (2 * pairs / half)
    sides = []
    for axis in (2, 3):
        # Made from the map, so that a traced graph takes maps of any size.
        count = torch.ones_like(like[0, 0].select(1 if axis == 2 else 0, 0)).cumsum(0)
        angle = (count / (count[-1] + 1e-6) * (2 * math.pi))[:, None] / waves
        sides.append(torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1))
    rows, columns = sides[0][:, None], sides[1][None]
    rows, columns = rows + 0 * columns, columns + 0 * rows
    return torch.cat([rows, columns], dim=2).flatten(0, 1)[None]


class Config(family.Config, frozen=True):
    """Settings; the defaults give DDColor-tiny."""

    depths: tuple[int, int, int, int] = (3, 3, 9, 3)
    """Blocks of ConvNeXt's stages: 3, 3, 9, 3 of the tiny one; 3, 3, 27, 3 of the large one."""
    widths: tuple[int, int, int, int] = (96, 192, 384, 768)
    """Channels of these stages; the large one has twice as many."""
    decoder: int = 512
    """Channels going up; half as many at 1/4 and in the colour queries."""
    queries: int = 100
    layers: int = 9
    """Of the transformer."""
    hidden: int = 2048
    """Channels inside the transformer's linear layers."""


class _Encoder(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.arch = ConvNeXt(config.depths, config.widths)


class _Decoder(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        wide, half = config.decoder, config.decoder // 2
        *skips, inside = config.widths
        ups = []
        for skip, outside in zip(reversed(skips), (wide, wide, half), strict=True):
            ups.append(Up(inside, skip, outside, outside, ("conv",)))
            inside = outside
        self.layers = nn.Sequential(*ups)
        self.last_shuf = Enlarged(half, half, 4, norm=False)
        self.color_decoder = ColourDecoder((wide, wide, half), half, config.queries, config.layers, config.hidden)


class Network(family.Network):
    """lightness [n, 1, h, w] (L* 0..100) to CIE a*b* [n, 2, h, w]; h and w are multiples of 32.

    The network sees the gray of that lightness in sRGB. Nothing bounds its output, and it may be far beyond any colour
    of sRGB, which bleeds when the plane is enlarged: chroma beyond `REACH` is cut to that, hue kept. The authors'
    program squashes photographs to squares before; here they keep their shape.
    """

    config: Config
    stride = 32

    def __init__(self, config: Config, channels: int = 2):
        super().__init__(config, channels)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.encoder, self.decoder = _Encoder(config), _Decoder(config)
        self.refine_net = nn.Sequential(nn.Sequential(nn.Conv2d(config.queries + 3, 2, 1)))

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor | None = None) -> torch.Tensor:
        seen = (lab.gray(lightness) - self.get_buffer("mean")) / self.get_buffer("deviation")
        *skips, x = self.encoder.arch(seen)
        maps = []
        for up in self.decoder.layers:
            x = up(x, skips.pop())
            maps.append(x)
        features = self.decoder.last_shuf(x)
        colours = self.decoder.color_decoder(maps)
        # The last 1x1 mixes a map for each query, its product with the features. Mixing the queries first gives the
        # same, and spares a hundred maps of full size.
        last = cast(nn.Conv2d, self.refine_net.get_submodule("0.0"))
        of_queries, of_picture = last.weight[:, : self.config.queries, 0, 0], last.weight[:, self.config.queries :]
        mixed = (of_queries @ colours) @ features.flatten(2)
        ab: torch.Tensor = mixed.view(mixed.shape[0], 2, *features.shape[2:])
        ab = ab + functional.conv2d(seen, of_picture, last.bias)
        chroma = ab.square().sum(dim=1, keepdim=True).clamp(min=1e-12).sqrt()
        return ab * (REACH / chroma).clamp(max=1)
