"""How often each colour occurs: the density of a*b* over photographs, on a logarithmic scale (as figure 3 of Zhang et
al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.data.shards import describe
from tintype.errors import DataError
from tintype.plots.figure import INK, new, powers, style
from tintype.plots.photographs import colours
from tintype.plots.priors import bin_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 2
"""Side of the cells in which colours are counted, in a*b* units; a prepared set has its own."""
REACH = 110
"""Of the axes."""


@dataclass(frozen=True)
class Density:
    """Where the colours lie."""

    name: str
    share: NDArray[np.float64]
    """float64 [rows of a*, columns of b*]: the share of the pixels that falls into each cell; sums to 1."""
    first: float
    """a* and b* of the middle of the first cell."""
    step: float
    """Side of a cell."""

    def chroma_below(self, chroma: float) -> float:
        """The share of the pixels whose chroma is below a value, by the middles of the cells."""
        line = self.first + self.step * np.arange(len(self.share))
        return float(self.share[np.hypot(line[:, None], line[None]) < chroma].sum())


def count(sources: Sequence[str | PathLike[str]]) -> Density:
    """The density over prepared sets, folders of shards, folders of photographs, or photographs.

    A single prepared set already contains it, counted over all its pixels.

    Raises:
        DataError: there is no photograph. PhotoError: one that is named cannot be read.
    """
    name = Path(sources[0]).absolute().name if len(sources) == 1 else f"{len(sources)} sources"
    if len(sources) == 1 and Path(sources[0]).is_dir():
        description = describe(Path(sources[0]))
        if description is not None:
            try:
                histogram = description["histogram"]
                pixels = np.array(histogram["pixels"], np.float64)
                return Density(name, pixels / pixels.sum(), histogram["first"], histogram["step"])
            except (KeyError, TypeError, ValueError):
                raise DataError(f"{sources[0]}: its description has no histogram; prepare the set again") from None
    reach = 128 // CELL
    counts = np.zeros((2 * reach + 1, 2 * reach + 1))
    for source in sources:
        for ab in colours(source):
            a, b = np.rint(ab / CELL).astype(int).T + reach
            np.add.at(counts, (a, b), 1)
    return Density(name, counts / counts.sum(), -reach * CELL, CELL)


def draw(density: Density) -> Figure:
    """The ab plane, each cell the brighter the more often its colour is met, with its hues along the rim."""
    with style():
        return _draw(density)


def _draw(density: Density) -> Figure:
    from matplotlib.colors import LogNorm

    page = new(6.6, 5.6)
    panel = page.subplots()
    share = density.share / density.step**2
    low, high = density.first - density.step / 2, density.first + density.step * (len(share) - 0.5)
    peak = share.max()
    picture = panel.imshow(
        np.where(share > 0, share, np.nan).T,
        origin="lower",
        extent=(low, high, low, high),
        norm=LogNorm(peak * 1e-6, peak),
        cmap="magma",
        interpolation="nearest",
    )
    _rim(panel)
    panel.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="a*", ylabel="b*", facecolor="black")
    panel.set_xticks(range(-100, 101, 50))
    panel.set_yticks(range(-100, 101, 50))
    panel.grid(visible=False)
    panel.set_title(f"{density.name}: {density.chroma_below(10):.0%} of the pixels have a chroma below 10")
    bar = page.colorbar(picture, ax=panel, shrink=0.85, pad=0.02)
    powers(bar.ax.yaxis)
    bar.set_label("share of the pixels in a cell of 1 x 1", color=INK)
    bar.outline.set_visible(False)
    return page


def _rim(panel: Axes) -> None:
    """What a* and b* mean: their own colours along the axes."""
    line = np.linspace(-REACH, REACH, 221)
    zero = np.zeros_like(line)
    width = 0.035 * REACH
    for ab, extent in (
        (np.stack([line, zero], axis=-1)[None], (-REACH, REACH, -REACH, width - REACH)),
        (np.stack([zero, line], axis=-1)[:, None], (-REACH, width - REACH, -REACH, REACH)),
    ):
        rgb = bin_colours(ab.reshape(-1, 2)).reshape(*ab.shape[:2], 3)
        panel.imshow(rgb, origin="lower", extent=extent, zorder=2)
