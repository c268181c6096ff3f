"""What a model holds possible where it colours a photograph: its distribution over colours, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import Enlarger
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb

COUNT = 10
"""Number of colours listed for a place."""

Measure = Literal["deviation", "entropy"]

MEASURES: dict[Measure, tuple[str, float]] = {
    "deviation": ("expected deviation of the colour, in a*b*", 40.0),
    "entropy": ("entropy, in bits", 8.0),
}
"""What a map may show: its name, and where its scale ends, the same for all photographs."""


@dataclass(frozen=True)
class Region:
    """A part of a photograph, in pixels of the upright photograph from its upper left corner."""

    x: int
    y: int
    width: int = 1
    height: int = 1

    def __str__(self) -> str:
        if (self.width, self.height) == (1, 1):
            return f"pixel {self.x},{self.y}"
        return f"region of {self.width} x {self.height} pixels at {self.x},{self.y}"


@dataclass(frozen=True)
class Likely:
    """A colour that a model holds possible.

    color: as #rrggbb at the lightness of the place, with as much chroma as sRGB holds there. a, b: CIE a*b* of its bin.
    """

    color: str
    a: float
    b: float
    probability: float


@dataclass(frozen=True, eq=False)
class Distribution:
    """How probable each colour is at each place of a photograph, at temperature 1; `Colours.distribution` gives it."""

    probabilities: NDArray[np.floating]
    """float32 [Q, h', w'], sums to 1 over Q."""
    bins: NDArray[np.float64]
    """float64 [Q, 2], CIE a*b*."""
    size: tuple[int, int]
    """(height, width) of the photograph, in pixels."""
    guide: NDArray[np.float32]
    """float32 [h, w], CIE L* of the photograph, finer than the cells; a map follows its edges."""

    @classmethod
    def of(
        cls, logits: NDArray[np.float32], bins: NDArray[np.float64], size: tuple[int, int], guide: NDArray[np.float32]
    ) -> Distribution:
        """That of logits [Q, h', w'] over bins [Q, 2]."""
        weights = np.exp(logits - logits.max(axis=0))
        return cls(weights / weights.sum(axis=0), bins, size, guide)

    @property
    def entropy(self) -> NDArray[np.floating]:
        """In bits, float32 [h', w']: 0 where one colour is certain, log2 Q where all are alike."""
        p = self.probabilities
        entropy: NDArray[np.floating] = -(p * np.log2(np.maximum(p, 1e-30))).sum(axis=0)
        return entropy

    @property
    def deviation(self) -> NDArray[np.float32]:
        """The root of the expected squared distance from the mean colour, in a*b* units; float32 [h', w']."""
        mean = np.einsum("qc,qhw->chw", self.bins, self.probabilities)
        squares = np.einsum("q,qhw->hw", (self.bins**2).sum(axis=1), self.probabilities)
        return np.asarray(np.sqrt(np.maximum(squares - (mean**2).sum(axis=0), 0)), np.float32)

    def mean(self, plane: NDArray[np.floating], region: Region) -> NDArray[np.floating]:
        """The mean of a plane [..., h', w'] of cells over the pixels of a region; [...]."""
        down = _shares(region.y, region.height, self.size[0], plane.shape[-2])
        across = _shares(region.x, region.width, self.size[1], plane.shape[-1])
        return np.asarray(np.einsum("...hw,h,w->...", plane, down, across))

    def likeliest(self, region: Region, lightness: float, count: int = COUNT) -> list[Likely]:
        """The most probable colours of a region, most probable first, shown at a CIE L*."""
        return ranked(self.mean(self.probabilities, region), self.bins, lightness, count)

    def map(self, measure: Measure, size: tuple[int, int]) -> NDArray[np.float32]:
        """A measure at (height, width) `size`, along the edges of the lightness as the colours are; float32 [h, w]."""
        plane = self.deviation if measure == "deviation" else self.entropy
        both = np.stack([plane, plane]).astype(np.float32, copy=False)
        return np.asarray(Enlarger(both, self.guide, size).rows(0, size[0])[0])


def ranked(
    probabilities: NDArray[np.floating], bins: NDArray[np.float64], lightness: float, count: int, apart: float = 0.0
) -> list[Likely]:
    """The most probable of the colours in `bins` [Q, 2], most probable first, shown at a CIE L*.

    apart: a*b* units within which others are the same colour as the most probable of them, which gets their share.
    """
    if apart > 0:
        near = np.hypot(*(bins[:, None] - bins).transpose(2, 0, 1)) < apart
        shares, free = np.zeros_like(probabilities), np.ones(len(bins), bool)
        for i in np.argsort(-probabilities, kind="stable"):
            if free[i]:
                alike = near[i] & free
                shares[i] = probabilities[alike].sum()
                free &= ~alike
        probabilities, count = shares, min(count, int(np.count_nonzero(shares)))
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [
        Likely(code(lightness, bins[i]), float(bins[i, 0]), float(bins[i, 1]), float(probabilities[i])) for i in best
    ]


def code(lightness: float, ab: NDArray[np.floating]) -> str:
    """#rrggbb of a*b* [2] at a CIE L*, with as much chroma as sRGB holds there."""
    rgb = lab_to_rgb(fit_chroma(np.array([lightness, *ab])))
    return "#" + bytes((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)).hex()


def _shares(start: int, length: int, size: int, cells: int) -> NDArray[np.float64]:
    """The share that each of the cells along an axis has in the pixels from `start` on; sums to 1."""
    edges = np.clip(np.arange(cells + 1) * (size / cells), start, start + length)
    return np.asarray(np.diff(edges) / length)


def disc(x: float, y: float, radius: float, size: tuple[int, int], cells: tuple[int, ...]) -> NDArray[np.float32]:
    """The share that each of (rows, columns) `cells` has in a disc; float32 [rows, columns], sums to 1.

    x, y, radius: in pixels of a photograph of (height, width) `size`. A disc too small to be seen is its cell.
    """
    rows, columns = cells
    down, across = ((np.arange(side * _POINTS) + 0.5) / _POINTS for side in (rows, columns))
    y_, x_ = down * (size[0] / rows) - y, across * (size[1] / columns) - x
    inside = (y_[:, None] ** 2 + x_**2 <= radius**2).reshape(rows, _POINTS, columns, _POINTS)
    shares = inside.mean(axis=(1, 3), dtype=np.float32)
    if not shares.any():
        shares[int(y * rows / size[0]), int(x * columns / size[1])] = 1
    return np.asarray(shares / shares.sum())


_POINTS = 2
"""Along each side of a cell at which it is looked whether it lies in a disc."""
