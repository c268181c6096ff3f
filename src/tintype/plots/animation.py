"""A photograph that turns from gray to colour."""

from __future__ import annotations

import io
import os

import numpy as np

from tintype.colorizer import Colorizer
from tintype.errors import OptionError
from tintype.models import Model
from tintype.photo import from_array
from tintype.plots import output

FORMATS = ("gif", "webp")

HOLD_GRAY, HOLD_COLOUR = 800, 1800
"""Milliseconds that the first and the last frame stay."""


def frames(model: Model, rgb: np.ndarray, count: int = 20) -> list[np.ndarray]:
    """A photograph, uint8 [h, w, 3] sRGB, from gray to colour in even steps of the blend, of the same shape.

    Raises:
        OptionError: fewer than 2 frames, or more than 200.
    """
    if not 2 <= count <= 200:
        raise OptionError(f"An animation has 2 to 200 frames, not {count}")
    colours = Colorizer(model).look(from_array(rgb))
    return [np.concatenate(list(colours.paint(blend=float(blend)))) for blend in np.linspace(0, 1, count)]


def save(pictures: list[np.ndarray], path: str | os.PathLike[str], seconds: float = 1.6) -> None:
    """Write frames, uint8 [h, w, 3], as an animated GIF or WebP that begins again for ever.

    Args:
        seconds: from the first colour to the last; gray and the full colour stay for longer.
    Raises:
        OptionError: another suffix, or no time. UnwritableFile: the folder does not take it.
    """
    from PIL import Image

    format = output.check(path, FORMATS)
    if not seconds > 0:
        raise OptionError(f"The animation must last longer than 0 seconds, not {seconds:g}")
    each = max(20, round(1000 * seconds / max(1, len(pictures) - 1)))
    times = [HOLD_GRAY, *[each] * (len(pictures) - 2), HOLD_COLOUR]
    images = [Image.fromarray(picture) for picture in pictures]
    options = {"quality": 82, "method": 4}
    if format == "gif":
        # One palette for all: with one for each frame the grain of the colours would flicker.
        middle = images[len(images) // 2]
        both = Image.new("RGB", (middle.width, 3 * middle.height))
        for row, image in enumerate((images[0], middle, images[-1])):
            both.paste(image, (0, row * middle.height))
        palette = both.quantize(256, Image.Quantize.MEDIANCUT)
        images = [image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for image in images]
        options = {"optimize": False}
    memory = io.BytesIO()
    images[0].save(memory, format, save_all=True, append_images=images[1:], duration=times, loop=0, **options)
    output.put(memory.getvalue(), path)
