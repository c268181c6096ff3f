"""Photographs coloured at one temperature of the annealed mean after the other, from the mean to the mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.colorizer import Colorizer
from tintype.errors import OptionError
from tintype.models import Model
from tintype.plots.methods import gray_of
from tintype.plots.sheet import Row, lay_out

if TYPE_CHECKING:
    from PIL.Image import Image

MODE = 1e-3
"""What stands for a temperature of 0, which has no softmax: the most probable bin alone is left of it."""

TEMPERATURES = (1, 0.77, 0.58, 0.38, 0.29, 0.14, 0)


def strip(
    model: Model, photographs: dict[str, NDArray[np.uint8]], temperatures: Sequence[float] = TEMPERATURES
) -> tuple[list[str], list[Row]]:
    """The heads of the columns, and each photograph by name in gray and at each temperature.

    Args:
        photographs: uint8 [h, w, 3], sRGB.
        temperatures: from 0, the mode.
    Raises:
        OptionError: the model has no temperature, or one is below 0.
    """
    if not model.takes_temperature:
        raise OptionError(f"The model {model.name} has no temperature: choose one that predicts a distribution")
    for temperature in temperatures:
        if not 0 <= temperature <= 100:
            raise OptionError(f"A temperature must be from 0 to 100, not {temperature:g}")
    colorizers = [Colorizer(model, temperature=max(temperature, MODE)) for temperature in temperatures]
    rows = [
        Row(name, [gray_of(rgb), *(colorize(gray_of(rgb)) for colorize in colorizers)])
        for name, rgb in photographs.items()
    ]
    words: dict[float, str] = {0: "T \N{RIGHTWARDS ARROW} 0 (mode)", 1: "T = 1 (mean)"}
    return ["gray", *(words.get(t, f"T = {t:g}") for t in temperatures)], rows


def draw(
    model: Model,
    photographs: dict[str, NDArray[np.uint8]],
    temperatures: Sequence[float] = TEMPERATURES,
    cell: int = 220,
) -> Image:
    """One row per photograph; see `strip`."""
    return lay_out(*strip(model, photographs, temperatures), cell)
