"""One colour as what a network that classifies is trained towards: its soft code over the bins (Y to Z in section 2.1
of Zhang et al. 2016)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.color.bins import published_bins, soft_encode
from tintype.color.lab import rgb_to_lab
from tintype.errors import OptionError
from tintype.plots.figure import FAINT, INK, new, style
from tintype.plots.photographs import read
from tintype.plots.priors import bin_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 640


@dataclass(frozen=True)
class Pixel:
    """A pixel of a photograph."""

    photograph: NDArray[np.uint8]
    """[h, w, 3]."""
    x: int
    y: int


@dataclass(frozen=True)
class Code:
    """A colour and its soft code."""

    rgb: NDArray[np.uint8]
    """[3], sRGB."""
    lab: NDArray[np.float64]
    """[3], CIE L*a*b*."""
    bins: NDArray[np.float64]
    """[K, 2], a*b* of the nearest bins, nearest first."""
    weights: NDArray[np.float64]
    """[K], sums to 1."""
    pixel: Pixel | None = None
    """Where the colour is that of a pixel."""

    @property
    def decoded(self) -> NDArray[np.float64]:
        """[2]: the a*b* that the code stands for."""
        mean: NDArray[np.float64] = self.weights @ self.bins
        return mean


def of_colour(text: str, neighbours: int = 5, sigma: float = 5.0) -> Code:
    """The code of a colour such as "#8b5a2b".

    Raises:
        OptionError: it is not such a text, or the code cannot be made of so many bins.
    """
    if not re.fullmatch("#?[0-9a-fA-F]{6}", text):
        raise OptionError(f"A colour is written as #8b5a2b, not {text!r}")
    return _code(np.array(list(bytes.fromhex(text.removeprefix("#"))), np.uint8), neighbours, sigma)


def of_pixel(
    photograph: str | PathLike[str], at: tuple[int, int] | None = None, neighbours: int = 5, sigma: float = 5.0
) -> Code:
    """The code of a pixel of a photograph, whose short side is reduced to SIDE pixels at most.

    Args:
        at: x and y of the pixel in the reduced photograph, from its upper left corner; default: the middle.
    Raises:
        OptionError: the pixel is outside. PhotoError: the photograph cannot be read.
    """
    rgb = read(photograph, SIDE)
    height, width = rgb.shape[:2]
    x, y = at or (width // 2, height // 2)
    if not (0 <= x < width and 0 <= y < height):
        raise OptionError(f"There is no pixel {x}, {y}: the photograph is shown with {width} x {height} pixels")
    code = _code(rgb[y, x], neighbours, sigma)
    return replace(code, pixel=Pixel(rgb, x, y))


def _code(rgb: NDArray[np.uint8], neighbours: int, sigma: float) -> Code:
    table = published_bins()
    if not 1 <= neighbours <= 20:
        raise OptionError(f"The number of neighbours must be from 1 to 20, not {neighbours}")
    if not sigma > 0:
        raise OptionError(f"The sigma of the soft code must be above 0, not {sigma:g}")
    lab = rgb_to_lab(rgb / 255)
    index, weights = soft_encode(lab[1:], neighbours=neighbours, sigma=sigma)
    return Code(rgb, lab, table[index], weights)


def draw(code: Code) -> Figure:
    """The photograph with its pixel or the colour alone; where it lies among the bins; the weight of each."""
    with style():
        return _draw(code)


def _draw(code: Code) -> Figure:
    from matplotlib.patches import Rectangle

    page = new(11.5, 3.9)
    left, middle, right = page.subplots(1, 3, width_ratios=(1.15, 1, 1))
    ours = tuple(code.rgb / 255)
    if code.pixel is not None:
        left.imshow(code.pixel.photograph)
        for edge, width in (("white", 2.6), ("black", 1)):
            left.plot(
                code.pixel.x,
                code.pixel.y,
                "s",
                markersize=11,
                markerfacecolor="none",
                markeredgecolor=edge,
                markeredgewidth=width,
            )
    else:
        left.add_patch(Rectangle((0, 0), 1, 1, color=ours))
        left.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    left.set_title("Y: L* {:.1f}, a* {:.1f}, b* {:.1f}".format(*code.lab).replace("-", "\N{MINUS SIGN}"))
    left.set_axis_off()

    table = published_bins()
    a, b = code.lab[1:]
    chosen = {tuple(centre): weight for centre, weight in zip(code.bins, code.weights, strict=True)}
    reach = 10.0 + max(25.0, np.abs(code.bins - code.lab[1:]).max())
    middle.set(xlim=(a - reach, a + reach), ylim=(b - reach, b + reach), xlabel="a*", ylabel="b*", aspect="equal")
    # The bins at the pixel's own lightness, as far as sRGB holds them.
    for centre, colour in zip(table, bin_colours(table, code.lab[0]), strict=True):
        if np.abs(centre - code.lab[1:]).max() > reach + 5:
            continue
        weight = chosen.get(tuple(centre))
        middle.add_patch(
            Rectangle(centre - 5, 10, 10, facecolor=colour, edgecolor="white", alpha=1 if weight else 0.35)
        )
        if weight:
            middle.plot([a, centre[0]], [b, centre[1]], color=INK, linewidth=0.7)
            middle.scatter(*centre, s=320 * weight, color="white", edgecolor=INK, linewidth=1, zorder=3)
    middle.plot(a, b, "o", color=ours, markeredgecolor="white", markeredgewidth=1.5, markersize=8, zorder=4)
    middle.grid(visible=False)
    middle.set_title(f"its {len(code.bins)} nearest bins")

    names = ["{:.0f}, {:.0f}".format(*centre).replace("-", "\N{MINUS SIGN}") for centre in code.bins]
    places = np.arange(len(names))
    right.barh(
        places, code.weights, height=0.7, color=bin_colours(code.bins, code.lab[0]), edgecolor=FAINT, linewidth=0.5
    )
    for place, weight in zip(places, code.weights, strict=True):
        right.annotate(f"{weight:.3f}", (weight, place), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
    right.set_yticks(places, names)
    right.set(ylim=(len(names) - 0.4, -0.6), xlim=(0, code.weights.max() * 1.2))
    right.grid(axis="y", visible=False)
    right.tick_params(axis="y", length=0)
    right.set_title("Z: {:.1f}, {:.1f} when decoded".format(*code.decoded).replace("-", "\N{MINUS SIGN}"))
    return page
