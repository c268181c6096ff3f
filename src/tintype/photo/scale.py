"""From the code values of a file to CIE L*.

A photograph is held as one plane: 8- or 16-bit codes together with a scale (a table from code to L*), or L* itself
as float32. Gray files keep their own codes, so nothing of a scan is rounded; everything else becomes 16-bit codes
of L* in steps of 100 / 65535.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import RGB_TO_XYZ, luminance_to_lightness, srgb_decode

LEVELS = 65535

BLOCK = 1 << 16
"""Pixels that are worked on at a time: few enough that every step finds them in the cache of the processor."""

LIGHT = 2**20 - 1
"""Steps of linear light: a step is less than a thousandth of L* even in the deepest shadow."""


@cache
def gray_scale(depth: int) -> np.ndarray:
    """L* of every sRGB-encoded gray code; float32 [2 ** depth]."""
    top = 2**depth - 1
    return _frozen(luminance_to_lightness(srgb_decode(np.arange(top + 1) / top)).astype(np.float32))


@cache
def lightness_scale() -> np.ndarray:
    """L* of the 16-bit codes that colour is turned into; float32 [65536]."""
    return _frozen((np.arange(LEVELS + 1) * (100 / LEVELS)).astype(np.float32))


def lightness_codes(rgb: np.ndarray) -> np.ndarray:
    """16-bit codes of L*: sRGB codes uint8 or uint16 [rows, width, 3] -> uint16 [rows, width]."""
    return codes_of_weighted(rgb, _srgb_light(8 * rgb.dtype.itemsize))


def codes_of_luminance(luminance: NDArray[np.floating]) -> NDArray[np.uint16]:
    """16-bit codes of L*: relative luminance, clipped to [0, 1], any shape -> uint16."""
    lightness = luminance_to_lightness(np.clip(luminance, 0, 1))
    codes: NDArray[np.uint16] = (lightness * (LEVELS / 100) + 0.5).astype(np.uint16)
    return codes


def codes_of_light(curves: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """How many steps of light each code of red, green and blue adds: tables for `codes_of_weighted`.

    Args:
        curves: linear light in [0, 1] of every code, [3, codes].
        weights: what full red, green and blue add to the luminance of white, [3]; their sum is 1.
    """
    red, green, blue = (np.round(curve * weight * LIGHT) for curve, weight in zip(curves, weights, strict=True))
    # White is exact whatever the rounding of the three did.
    green[-1] += LIGHT - (red[-1] + green[-1] + blue[-1])
    return [plane.astype(np.int32) for plane in (red, green, blue)]


def codes_of_weighted(rgb: np.ndarray, light: list[np.ndarray]) -> np.ndarray:
    """16-bit codes of L*: codes [rows, width, 3] whose light the three tables give -> uint16 [rows, width]."""
    # `take` with clipping looks up twice as fast as an index. No code lies outside its table; the sum can, where a
    # profile's primaries are no real colours.
    total = light[0].take(rgb[..., 0], mode="clip")
    total += light[1].take(rgb[..., 1], mode="clip")
    total += light[2].take(rgb[..., 2], mode="clip")
    return _lightness_of_light().take(total, mode="clip")


@cache
def _srgb_light(depth: int) -> list[np.ndarray]:
    top = 2**depth - 1
    linear = srgb_decode(np.arange(top + 1) / top)
    return codes_of_light(np.stack([linear] * 3), RGB_TO_XYZ[1] / RGB_TO_XYZ[1].sum())


@cache
def _lightness_of_light() -> np.ndarray:
    return _frozen(codes_of_luminance(np.arange(LIGHT + 1) / LIGHT))


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
