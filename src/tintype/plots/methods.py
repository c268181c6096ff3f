"""All methods against all photographs: gray, each model's colours, and the truth where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import gray, lightness
from tintype.colorizer import Colorizer
from tintype.plots.photographs import in_colour
from tintype.plots.sheet import Row, lay_out

if TYPE_CHECKING:
    from PIL.Image import Image


def gray_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The gray that has a photograph's CIE lightness; uint8 [h, w, 3] of uint8 [h, w, 3] sRGB."""
    codes = np.rint(gray(lightness(rgb / 255)) * 255).astype(np.uint8)
    return np.repeat(codes[..., None], 3, axis=2)


def compare(colorizers: Sequence[Colorizer], photographs: dict[str, NDArray[np.uint8]]) -> tuple[list[str], list[Row]]:
    """The heads of the columns, and each photograph by name: in gray, by each colorizer, and as it was.

    The last column is there when any photograph is in colour, and empty for those that are not.
    """
    true = {name: rgb for name, rgb in photographs.items() if in_colour(rgb)}
    rows = []
    for name, rgb in photographs.items():
        pictures = [gray_of(rgb), *(colorize(gray_of(rgb)) for colorize in colorizers)]
        rows.append(Row(name, pictures + ([true.get(name)] if true else [])))
    heads = ["gray", *(colorizer.model.name for colorizer in colorizers), *(["truth"] if true else [])]
    return heads, rows


def draw(colorizers: Sequence[Colorizer], photographs: dict[str, NDArray[np.uint8]], cell: int = 220) -> Image:
    """One row per photograph; see `compare`."""
    return lay_out(*compare(colorizers, photographs), cell)
