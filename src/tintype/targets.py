"""What a network is trained against, and how its output becomes colours.

A network ends in a linear layer of `Target.channels`. The target gives these channels their meaning: a*b*, a
distribution over bins, red, green and blue, or hue and saturation. It makes the truth of the same form from a batch,
and a*b* from the network's output, in torch alone, so that the same lines train a network and stand in its released
file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tintype.color import lab
from tintype.color.bins import annealed_mean, own_bins, published_bins, siggraph17_bins, srgb_bins

AB_REACH = 110.0
"""No a* or b* of sRGB is beyond it, so that a*b* / 110 fits a tanh."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the target."""

    kind: Literal["bins", "ab", "rgb", "hue"] = "bins"
    """A distribution over bins, a*b*, sRGB, or the hue's cosine and sine times the saturation (of HSV)."""
    bins: Literal["published", "own", "srgb", "siggraph17"] = "published"
    """The table: the published 313, the grid points that the training photographs touch, those that sRGB touches, or
    all 529 of SIGGRAPH17."""
    step: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Of the grid of `own` and `srgb`, in a*b* units."""
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """A grid point is an own bin when more than this share of the colours is nearest to it."""
    scale: Annotated[float, msgspec.Meta(gt=0)] = AB_REACH
    """a*b* are divided by it."""
    bounded: bool = False
    """Whether a tanh bounds a*b* or the hue's plane (a sigmoid always bounds RGB)."""
    sampling: Literal["area", "point"] = "area"
    """How the truth comes to the output's resolution: the mean light of a cell, or its upper left pixel."""


class Target(nn.Module, ABC):
    """The interface of all four kinds.

    lightness is [n, 1, h, w], CIE L*, at the resolution of the output or at a multiple of it.
    """

    channels: int
    bins: torch.Tensor | None
    """[Q, 2], a*b*, where there is a distribution."""

    def __init__(self, bins: NDArray[np.float64] | None = None):
        super().__init__()
        table = None if bins is None else torch.tensor(np.array(bins), dtype=torch.float32)
        self.register_buffer("bins", table, persistent=False)

    @abstractmethod
    def values(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        """What the network regresses, of about unit size, [n, ., h', w']; it compares with `truth`."""

    @abstractmethod
    def truth(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        """The same of the true colours, ab [n, 2, h', w'] in CIE units."""

    @abstractmethod
    def ab(self, raw: torch.Tensor, lightness: torch.Tensor, temperature: float) -> torch.Tensor:
        """The colours of an output, [n, 2, h', w'], CIE a*b*."""


class Ab(Target):
    """a*b* themselves, divided by a scale."""

    channels = 2

    def __init__(self, scale: float = AB_REACH, bounded: bool = False):
        super().__init__()
        self.scale, self.bounded = scale, bounded

    def values(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        return torch.tanh(raw) if self.bounded else raw

    def truth(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return ab / self.scale

    def ab(self, raw: torch.Tensor, lightness: torch.Tensor, temperature: float) -> torch.Tensor:
        return self.values(raw, temperature) * self.scale


class Bins(Target):
    """A distribution over bins of the ab plane (Zhang et al. 2016); its colours are the annealed mean (equation 5)."""

    def __init__(self, table: NDArray[np.float64]):
        super().__init__(table)
        self.channels = len(table)

    def values(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        return self._mean(raw, temperature) / AB_REACH

    def truth(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return ab / AB_REACH

    def ab(self, raw: torch.Tensor, lightness: torch.Tensor, temperature: float) -> torch.Tensor:
        return self._mean(raw, temperature)

    def _mean(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        ab: torch.Tensor = annealed_mean(raw, temperature, self.bins)
        return ab


class Rgb(Target):
    """sRGB in [0, 1] through a sigmoid, as some published regressions have it; only its a*b* are used.

    Args:
        value: whether the input gray is the V of HSV, max(R, G, B), and not lightness.
    """

    channels = 3

    def __init__(self, value: bool = False):
        super().__init__()
        self.value = value

    def values(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        return torch.sigmoid(raw)

    def truth(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return _rgb(lightness, ab, self.value)

    def ab(self, raw: torch.Tensor, lightness: torch.Tensor, temperature: float) -> torch.Tensor:
        colours: torch.Tensor = lab.rgb_to_lab(torch.sigmoid(raw), axis=1)
        return colours[:, 1:]


class Hue(Target):
    """Hue and saturation of HSV as the vector (S cos H, S sin H): the hue has no end, and counts for nothing in gray.

    Args:
        bounded: by a tanh.
        value: whether the input gray is the V of HSV, max(R, G, B), as published; else it is lightness, and V is what
            gives the colour that lightness.
    """

    channels = 2

    def __init__(self, bounded: bool = False, value: bool = False):
        super().__init__()
        self.bounded, self.value = bounded, value

    def values(self, raw: torch.Tensor, temperature: float) -> torch.Tensor:
        return torch.tanh(raw) if self.bounded else raw

    def truth(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return hue_plane(_rgb(lightness, ab, self.value))

    def ab(self, raw: torch.Tensor, lightness: torch.Tensor, temperature: float) -> torch.Tensor:
        plane = self.values(raw, temperature)
        length = (plane.square().sum(dim=1, keepdim=True) + 1e-12).sqrt()
        pure = _pure(plane / length, length.clamp(max=1))
        lightness = at_resolution(lightness, plane)
        v = lab.gray(lightness.clamp(0, 100))
        if not self.value:
            v = _value_of(pure, lab.lightness_to_luminance(lightness.clamp(0.01, 100)))
        colours: torch.Tensor = lab.rgb_to_lab(pure * v, axis=1)
        return colours[:, 1:]


def _rgb(lightness: torch.Tensor, ab: torch.Tensor, value: bool) -> torch.Tensor:
    """sRGB in [0, 1] of true colours, [n, 3, h', w']; their lightness is found again where the gray is their V."""
    lightness = at_resolution(lightness, ab)
    if value:
        lightness = _lightness_of(lab.gray(lightness), ab)
    rgb: torch.Tensor = lab.lab_to_rgb(torch.cat([lightness, ab], dim=1), axis=1)
    return rgb.clamp(0, 1)


def hue_plane(rgb: torch.Tensor) -> torch.Tensor:
    """(S cos H, S sin H) of sRGB in [0, 1]; [n, 3, h, w] to [n, 2, h, w], within the unit disc."""
    value, low = rgb.amax(dim=1), rgb.amin(dim=1)
    span = (value - low).clamp(min=1e-6)
    red, green, blue = rgb.unbind(1)
    sextant = torch.where(
        value == red,
        (green - blue) / span,
        torch.where(value == green, 2 + (blue - red) / span, 4 + (red - green) / span),
    )
    angle = sextant * (torch.pi / 3)
    saturation = (value - low) / value.clamp(min=1e-6)
    return torch.stack([saturation * angle.cos(), saturation * angle.sin()], dim=1)


def _pure(direction: torch.Tensor, saturation: torch.Tensor) -> torch.Tensor:
    """sRGB with V = 1 of a hue, given as a unit vector [n, 2, h, w], and a saturation [n, 1, h, w]; [n, 3, h, w]."""
    sextant = torch.atan2(direction[:, 1:], direction[:, :1]) * (3 / torch.pi)
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(offset + sextant, 6)
        channels.append(1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.cat(channels, dim=1)


def _value_of(pure: torch.Tensor, luminance: torch.Tensor) -> torch.Tensor:
    """V such that V times `pure` has the luminance, at most 1; [n, 1, h, w]."""
    weights = [float(w) for w in lab.RGB_TO_XYZ[1]]

    def light(v: torch.Tensor) -> torch.Tensor:
        linear: torch.Tensor = lab.srgb_decode(pure * v)
        return weights[0] * linear[:, :1] + weights[1] * linear[:, 1:2] + weights[2] * linear[:, 2:]

    v = torch.ones_like(luminance)
    # Nearly a power law, so that a few steps end far below what 8 bits show.
    for _ in range(5):
        v = (v * (luminance / light(v).clamp(min=1e-6)) ** (1 / 2.3)).clamp(1e-3, 4.0)
    return v.clamp(max=1.0)


def _lightness_of(value: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    """L* that gives a*b* [n, 2, h, w] the V of HSV, the largest of red, green and blue; both [n, 1, h, w]."""
    low, high = torch.zeros_like(value), torch.full_like(value, 100.0)
    # V rises with L*, and 17 halvings leave less than 0.001 of it.
    for _ in range(17):
        middle = (low + high) / 2
        below = lab.lab_to_rgb(torch.cat([middle, ab], dim=1), axis=1).amax(dim=1, keepdim=True) < value
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def at_resolution(plane: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A plane averaged over cells to the resolution of another, whose sides divide its own."""
    cell = plane.shape[-1] // like.shape[-1]
    return functional.avg_pool2d(plane, cell) if cell > 1 else plane


def table(config: Config, colours: Callable[[], NDArray[np.float64]] | None = None) -> NDArray[np.float64] | None:
    """The bins of a target, float64 [Q, 2]; None where it has no distribution.

    Args:
        colours: gives a*b* of the training photographs, [..., 2]; asked for own bins alone.
    """
    if config.kind != "bins":
        return None
    if config.bins == "own":
        if colours is None:
            raise ValueError("own bins are made of colours")
        return own_bins(colours(), config.step, config.share)
    if config.bins == "srgb":
        return srgb_bins(config.step)
    return siggraph17_bins() if config.bins == "siggraph17" else published_bins()


def make(config: Config, bins: NDArray[np.float64] | None = None, value: bool = False) -> Target:
    """The target of a configuration.

    Args:
        bins: what `table` gave.
        value: whether the input is the V of HSV.
    """
    if config.kind == "bins":
        if bins is None:
            raise ValueError("a distribution needs a table of bins")
        return Bins(bins)
    if config.kind == "ab":
        return Ab(config.scale, config.bounded)
    return Rgb(value) if config.kind == "rgb" else Hue(config.bounded, value)
