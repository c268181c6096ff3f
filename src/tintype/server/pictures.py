"""Previews: rows of pixels to the bytes of a JPEG file, quickly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyvips
from numpy.typing import NDArray

QUALITY = 90
"""Of previews; colour is kept at full resolution."""


def jpeg(strips: Iterable[NDArray[np.generic]]) -> bytes:
    """A JPEG file of strips, uint8 [rows, width, 3], sRGB, top to bottom."""
    pixels = np.concatenate(list(strips))
    height, width = pixels.shape[:2]
    image = pyvips.Image.new_from_memory(pixels.data, width, height, 3, "uchar")
    return bytes(image.jpegsave_buffer(Q=QUALITY, subsample_mode="off", keep="none"))
