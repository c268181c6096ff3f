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


DOUBT = (255, 0, 128)
"""The colour of an overlay of doubts, sRGB: one that hardly any photograph has."""


def overlay(shares: NDArray[np.float32]) -> bytes:
    """A PNG file in one colour, the more opaque the larger a share [height, width] is, 0 to 1."""
    height, width = shares.shape
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., :3] = DOUBT
    pixels[..., 3] = np.clip(shares * 255 + 0.5, 0, 255)
    image = pyvips.Image.new_from_memory(pixels.data, width, height, 4, "uchar").copy(interpretation="srgb")
    return bytes(image.pngsave_buffer(compression=1, keep="none"))
