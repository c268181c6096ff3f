"""A photograph taken apart into its lightness and the two planes of its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.color.gamut import fit_chroma
from tintype.color.lab import gray, lab_to_rgb, rgb_to_lab
from tintype.plots.sheet import Row, lay_out

if TYPE_CHECKING:
    from PIL.Image import Image

LIGHTNESS = 60
"""CIE L* at which a* and b* are shown."""

COLUMNS = ("photograph", "L*: lightness", "a*: green to red", "b*: blue to yellow")


def planes(rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """L* as gray, and a* and b* each as its own colours at one lightness; uint8 [h, w, 3] of uint8 [h, w, 3] sRGB."""
    lightness, a, b = np.moveaxis(rgb_to_lab(rgb / 255), -1, 0)
    level, none = np.full_like(a, LIGHTNESS), np.zeros_like(a)
    colours = [lab_to_rgb(fit_chroma(np.stack(lab, axis=-1))) for lab in ((level, a, none), (level, none, b))]
    pictures = [np.repeat(gray(lightness)[..., None], 3, axis=2), *colours]
    return [np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in pictures]


def draw(photographs: dict[str, NDArray[np.uint8]], cell: int = 320) -> Image:
    """One row per photograph, by name, uint8 [h, w, 3] sRGB: itself, its lightness, a* and b*."""
    return lay_out(COLUMNS, [Row(name, [rgb, *planes(rgb)]) for name, rgb in photographs.items()], cell)
