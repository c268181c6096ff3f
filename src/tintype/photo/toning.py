"""Whether a picture is a colour photograph, or a gray one that is toned, faded, stained or stamped.

The colour of a toned print depends on its lightness alone, and that of a cast or a stain changes slowly over the
picture. Both are estimated and taken away; of a gray photograph hardly any colour is left then.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import rgb_to_lab

SAMPLES = 384
"""Pixels across and down that are looked at, at least, where there are so many."""

_CELLS = 48
"""Cells across and down over which they are averaged, so that noise does not count."""
_TONES = 16
_DISTANCE = 5.0
"""How far in a*b* from what toning and stains explain the colour of a cell is one."""


class Samples:
    """Collects some of the pixels of a picture of a given size, strip by strip from the top."""

    def __init__(self, height: int, width: int):
        self._down, self._across = max(1, height // SAMPLES), max(1, width // SAMPLES)
        self._rows: list[np.ndarray] = []

    def take(self, top: int, strip: np.ndarray) -> None:
        """strip: sRGB or CMYK [rows, width, 3 or 4], uint8, uint16 or float32 in [0, 1]; its first row is `top`."""
        rows = strip[-top % self._down :: self._down, :: self._across]
        if len(rows):
            self._rows.append(rows.copy())

    def share_in_colour(self) -> float:
        """The share of the picture that has a colour of its own, 0 to 1."""
        pixels = np.concatenate(self._rows)
        if pixels.dtype != np.float32:
            pixels = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
        if pixels.shape[2] == 4:
            pixels = (1 - pixels[..., :3]) * (1 - pixels[..., 3:])
        lab = rgb_to_lab(_averaged(np.nan_to_num(np.clip(pixels, 0, 1))))
        left = lab[..., 1:].astype(np.float64)
        for _ in range(2):
            _take_tone_away(left, lab[..., 0])
            _take_stains_away(left)
        return float((np.hypot(left[..., 0], left[..., 1]) > _DISTANCE).mean())


def _averaged(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over cells of equal size, [height, width, 3] to [down, across, 3].

    What is left over at the right and at the bottom is not looked at.
    """
    down, across = (max(1, side // _CELLS) for side in pixels.shape[:2])
    rows, columns = pixels.shape[0] // down, pixels.shape[1] // across
    cells = pixels[: rows * down, : columns * across].reshape(rows, down, columns, across, 3)
    means: NDArray[np.float32] = cells.mean(axis=(1, 3))
    return means


def _take_tone_away(ab: np.ndarray, lightness: np.ndarray) -> None:
    """Subtract from each cell the median of those that are as light as it."""
    edges = np.quantile(lightness, np.linspace(0, 1, _TONES + 1)[1:-1])
    tone = np.searchsorted(edges, lightness, side="right")
    for i in range(_TONES):
        if (alike := tone == i).any():
            ab[alike] -= np.median(ab[alike], axis=0)


def _take_stains_away(ab: np.ndarray) -> None:
    """Subtract a surface of second order through the medians of parts of the picture."""
    height, width = ab.shape[:2]
    if min(height, width) < 10:
        return
    down, across = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    places, medians = [], []
    for rows in np.array_split(np.arange(height), 5):
        for columns in np.array_split(np.arange(width), 5):
            places.append((down[rows].mean(), across[columns].mean()))
            medians.append(np.median(ab[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], axis=(0, 1)))

    def terms(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.ones_like(x), y, x, y * y, x * x, x * y], axis=-1)

    surface = np.linalg.lstsq(terms(*np.array(places).T), np.array(medians), rcond=None)[0]
    ab -= terms(*np.meshgrid(down, across, indexing="ij")) @ surface
