"""The ab plane with its bins: which colours a network can name, and which of these sRGB can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.color.bins import own_bins, published_bins, siggraph17_bins, srgb_bins
from tintype.color.gamut import TOLERANCE, overflow
from tintype.color.lab import lab_to_rgb
from tintype.errors import OptionError
from tintype.plots.figure import FAINT, INK, new, style
from tintype.plots.photographs import colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLES = ("313", "529", "srgb")

REACH = 117
"""Of the axes, in a*b* units: sRGB and both published tables lie within."""


@dataclass(frozen=True)
class Bins:
    """A table of bins and what is known of them."""

    name: str
    centres: NDArray[np.float64]
    """[Q, 2], CIE a*b*."""
    step: float
    """Of the grid."""
    empty: NDArray[np.bool_]
    """bool [Q]: the bin is the nearest to no colour of sRGB."""


def load(source: str = "313", step: float = 10.0) -> Bins:
    """A table of bins.

    Args:
        source: "313" (Zhang et al. 2016), "529" (all of SIGGRAPH17's grid), "srgb" (the grid points nearest to some
            colour of sRGB), or a set, a folder of photographs or one photograph, which masks the grid.
        step: of the grid of the last two.
    Raises:
        OptionError: the step is not within 1 to 50. DataError, PhotoError: the photographs cannot be read.
    """
    if not 1 <= step <= 50:
        raise OptionError(f"The step of the grid must be from 1 to 50, not {step:g}")
    if source == "313":
        name, centres, step = "313 published bins", published_bins(), 10.0
    elif source == "529":
        name, centres, step = "529 bins of SIGGRAPH17", siggraph17_bins(), 10.0
    elif source == "srgb":
        centres = srgb_bins(step)
        name = f"{len(centres)} bins of sRGB, step {step:g}"
    else:
        centres = own_bins(np.concatenate(list(colours(source))), step)
        name = f"{len(centres)} bins of {Path(source).absolute().name}, step {step:g}"
    return Bins(name, centres, step, empty(centres, step))


def empty(centres: NDArray[np.float64], step: float) -> NDArray[np.bool_]:
    """bool [Q]: bins of a square grid that are the nearest to no colour of sRGB."""
    shown = {tuple(centre) for centre in np.rint(srgb_bins(step) / step).astype(int)}
    return np.array([tuple(centre) not in shown for centre in np.rint(centres / step).astype(int)])


def held(centres: NDArray[np.float64], lightness: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of bins [Q, 2] at one lightness: their sRGB in [0, 1], [Q, 3], and whether sRGB holds them, bool [Q]."""
    light = np.full(len(centres), float(lightness))
    inside = overflow(light, *centres.T) <= TOLERANCE
    return np.clip(lab_to_rgb(np.column_stack([light, centres])), 0, 1), inside


def draw(bins: Bins, lightness: Sequence[float] = (50,)) -> Figure:
    """One panel per lightness: the bins that sRGB holds there in their colours, those that it holds at another
    lightness blank, and those that it never comes near crossed out.

    Raises:
        OptionError: a lightness that is not within 0 and 100.
    """
    for each in lightness:
        if not 0 <= each <= 100:
            raise OptionError(f"The lightness must be from 0 to 100, not {each:g}")
    with style():
        return _draw(bins, list(lightness))


def _draw(bins: Bins, lightness: list[float]) -> Figure:
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import Rectangle

    columns = min(3, len(lightness))
    rows = -(-len(lightness) // columns)
    page = new((6 if columns == 1 else 4.2 * columns), (6.2 if columns == 1 else 4.1 * rows + 0.5))
    panels = page.subplots(rows, columns, squeeze=False).reshape(-1)
    for panel in panels[len(lightness) :]:
        panel.set_visible(False)
    half = bins.step / 2
    cells = [Rectangle(centre - half, bins.step, bins.step) for centre in bins.centres]
    lost = bins.centres[bins.empty]
    arm = half * 0.45
    crosses = [[(a - arm, b + s * arm), (a + arm, b - s * arm)] for a, b in lost for s in (1, -1)]
    size = min(1.0, bins.step / 10)
    line = np.linspace(-REACH, REACH, 461)
    a, b = np.meshgrid(line, line)
    for panel, light in zip(panels, lightness, strict=False):
        rgb, inside = held(bins.centres, light)
        rgb[~inside] = 0.96
        panel.add_collection(PatchCollection(cells, facecolor=rgb, edgecolor="white", linewidth=0.7 * size))
        panel.add_collection(LineCollection(crosses, colors=INK, linewidth=0.9 * size))
        if 0 < light < 100:
            edge = overflow(np.full(a.shape, light), a, b)
            panel.contour(a, b, edge, levels=[0], colors=INK, linewidths=0.9)
        panel.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="a*", ylabel="b*", aspect="equal")
        panel.set_title(f"L* = {light:g}")
        panel.set_xticks(range(-100, 101, 50))
        panel.set_yticks(range(-100, 101, 50))
        panel.grid(visible=False)
    note = [f"{bins.name}; line: what sRGB holds at this lightness"]
    if len(lost):
        note.append(f"crossed out: {len(lost)} that are the nearest to no colour of sRGB")
    page.suptitle(("\n" if columns == 1 else "; ").join(note), x=0.01, ha="left", fontsize=8.5, color=FAINT)
    return page
