"""From the code values of a file to CIE L*.

A photograph is held as one plane: 8- or 16-bit codes together with a scale (a table from code to L*), or L* itself
as float32. Gray files keep their own codes, so nothing of a scan is rounded; everything else becomes 16-bit codes
of L* in steps of 100 / 65535.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tintype.color.lab import RGB_TO_XYZ, luminance_to_lightness, srgb_decode

LEVELS = 65535
_FINE = 2**20 - 1  # linear light in 20 bits: below a hundredth of L* even in the deepest shadow


@cache
def gray_scale(depth: int) -> np.ndarray:
    """L* of every sRGB-encoded gray code; float32 [2 ** depth]."""
    top = 2**depth - 1
    return _frozen(luminance_to_lightness(srgb_decode(np.arange(top + 1) / top)))


@cache
def lightness_scale() -> np.ndarray:
    """L* of the 16-bit codes that colour is turned into; float32 [65536]."""
    return _frozen(np.arange(LEVELS + 1) * (100 / LEVELS))


def lightness_codes(rgb: np.ndarray) -> np.ndarray:
    """16-bit codes of L*: sRGB codes uint8 or uint16 [..., 3] -> uint16 [...]."""
    weights = _weights(8 * rgb.dtype.itemsize)
    light = weights[0][rgb[..., 0]]
    light += weights[1][rgb[..., 1]]
    light += weights[2][rgb[..., 2]]
    return _codes_of_light()[light]


def codes_of_luminance(luminance: np.ndarray) -> np.ndarray:
    """16-bit codes of L*: relative luminance in [0, 1], any shape -> uint16."""
    lightness = luminance_to_lightness(np.clip(luminance, 0, 1))
    return (lightness * (LEVELS / 100) + 0.5).astype(np.uint16)


@cache
def _weights(depth: int) -> list[np.ndarray]:
    """How much each code of red, green and blue adds to linear light in 20 bits."""
    top = 2**depth - 1
    linear = srgb_decode(np.arange(top + 1) / top)
    row = RGB_TO_XYZ[1] / RGB_TO_XYZ[1].sum()
    red, green, blue = (np.round(linear * weight * _FINE) for weight in row)
    # White is exact whatever the rounding of the three did.
    green[-1] = _FINE - red[-1] - blue[-1]
    return [plane.astype(np.uint32) for plane in (red, green, blue)]


@cache
def _codes_of_light() -> np.ndarray:
    codes = codes_of_luminance(np.arange(_FINE + 2) / _FINE)
    codes.setflags(write=False)
    return codes


def _frozen(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float32)
    values.setflags(write=False)
    return values
