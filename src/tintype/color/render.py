"""Lightness and colour together: the sRGB pixels of the finished photograph, strip by strip.

The arithmetic is that of `lab.lab_to_rgb` and `gamut.fit_chroma`, laid out for speed: cubes in place of powers,
blocks that stay in the processor's cache, a table for the sRGB curve at 8 bits, and the chroma fit only for the
pixels that need one. Every step works pixel by pixel, so the bytes do not depend on strips or threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import Enlarger
from tintype.color.gamut import FROM_X, FROM_Z, KNEE, TOLERANCE, linear_rgb, reach
from tintype.color.lab import srgb_encode
from tintype.color.palette import Palette
from tintype.threads import ahead

BLOCK = 1 << 15
"""Pixels worked on at a time: a dozen float32 planes of them fit a second-level cache of one to two megabytes."""

STRIP = 1 << 18
"""Pixels, about, that one thread renders at a time; it looks up twice as many."""

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
"""sRGB-encoded codes of 8 or 16 bits, or floats in [0, 1]."""

_CODES = {8: (np.uint8, 255), 16: (np.uint16, 65535), 32: (np.float32, 1)}
_LEVELS = 65536  # of linear light in the table for 8 bits: 20 per code where the curve is steepest

# Linear light may miss the boundary of the gamut by this much: below 1/6 of a code at black, where it is most.
_NEAR = {8: 5e-5, 16: TOLERANCE, 32: TOLERANCE}


@overload
def render(lightness: NDArray[np.float32], ab: NDArray[np.float32], depth: Literal[8] = 8) -> NDArray[np.uint8]: ...
@overload
def render(lightness: NDArray[np.float32], ab: NDArray[np.float32], depth: int) -> Pixels: ...
def render(lightness: NDArray[np.float32], ab: NDArray[np.float32], depth: int = 8) -> Pixels:
    """sRGB pixels from lightness and colour; chroma that sRGB cannot hold is shrunk, so that the lightness stays.

    Args:
        lightness: float32 [rows, W], CIE L* in [0, 100].
        ab: float32 [2, rows, W], CIE a*, b*, up to 100 000.
        depth: 8, 16 or 32 bits per channel.
    Returns:
        sRGB-encoded [rows, W, 3]: uint8, uint16, or float32 in [0, 1]. Where a = b = 0 the three are equal.
    Raises:
        ValueError: shapes that do not belong together, or another depth.
    """
    if depth not in _CODES:
        raise ValueError(f"a depth of 8, 16 or 32 bits is needed, not {depth}")
    if lightness.ndim != 2 or ab.shape != (2, *lightness.shape):
        raise ValueError(f"ab of shape {(2, *lightness.shape)} is needed, not {ab.shape}")
    light = np.ascontiguousarray(lightness, np.float32).reshape(-1)
    a, b = np.ascontiguousarray(ab, np.float32).reshape(2, -1)
    rgb = np.empty((light.size, 3), _CODES[depth][0])
    outside = [np.empty(0, np.intp)]
    scratch = np.empty((7, min(BLOCK, light.size)), np.float32)
    for start in range(0, light.size, BLOCK):
        part = slice(start, start + BLOCK)
        codes = rgb[part]
        outside.append(start + _block(light[part], a[part], b[part], codes, scratch[:, : len(codes)], depth))
    at = np.concatenate(outside)
    if at.size:
        light, a, b = light[at], a[at], b[at]
        scale = reach(light, a, b, _NEAR[depth])
        linear = linear_rgb(light, a * scale, b * scale)
        rgb[at] = np.stack([_encode(channel, depth) for channel in linear], axis=-1)
    return rgb.reshape(*lightness.shape, 3)


def render_strips(
    lightness: Callable[[int, int], NDArray[np.float32] | NDArray[np.uint8]],
    enlarger: Enlarger,
    part: tuple[slice, slice],
    depth: int = 8,
    vividness: float = 1.0,
    blend: float = 1.0,
    threads: int = 1,
    overlay: Callable[[int, int, NDArray[np.float32]], object] | None = None,
    scale: NDArray[np.float32] | None = None,
) -> Iterator[Pixels]:
    """A part of the finished photograph as sRGB strips [rows, columns, 3], from top to bottom.

    Args:
        lightness: gives L* float32 [bottom - top, columns] of the part's columns, for rows (top, bottom) of the
            photograph; called in order, in the caller's thread.
        enlarger: the colour.
        part: rows and columns of the photograph.
        depth: 8, 16 or 32 bits per channel.
        vividness: multiplies a* and b*.
        blend: 1 is the full colour, 0 the original gray.
        threads: that many strips are rendered at once, and at most one more waits. One thread is the caller's own.
        overlay: called with the first row and column of a strip and its a*b*, float32 [2, rows, columns], which it may
            change in place; vividness has no effect on what it lays there. Called from several threads.
        scale: float32 [256], CIE L* of every gray code; with it `lightness` gives codes, uint8. At 8 bits the pixels of
            a large photograph are looked up then, which rounds a* and b* (see `Palette`).
    """
    down, across = part
    height, width = down.stop - down.start, across.stop - across.start
    factor = np.float32(vividness if overlay else vividness * blend)

    palette = None
    if scale is not None and depth == 8 and overlay is None:
        palette = Palette(enlarger, float(factor), lambda codes, ab: _swatches(scale.take(codes), ab))

        if not palette.suits:
            palette = None
    # Of a preview all threads have their share.
    rows = max(1, min((STRIP if palette is None else 2 * STRIP) // width, -(-height // threads)))

    def strip(rows: tuple[int, NDArray[Any]]) -> Pixels:
        top, light = rows
        if palette is not None:
            return palette.paint(light, top, across)
        if scale is not None:
            light = scale.take(light, mode="clip")
        ab = enlarger.rows(top, top + len(light), across)
        ab *= factor
        if overlay is not None:
            overlay(top, across.start, ab)
            ab *= np.float32(blend)
        return render(light, ab, depth)

    lit = ((top, lightness(top, min(top + rows, down.stop))) for top in range(down.start, down.stop, rows))
    return ahead(strip, lit, threads)


def _swatches(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.uint8]:
    """`render` for single pixels: [n], [2, n] -> [n, 3]."""
    pixels: NDArray[np.uint8] = render(lightness[None], ab[:, None])[0]
    return pixels


def _block(
    light: NDArray[np.float32],
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    rgb: Pixels,
    scratch: NDArray[np.float32],
    depth: int,
) -> NDArray[np.intp]:
    """Fills `rgb` with codes, clipped; returns the indices of the pixels that sRGB cannot hold.

    light, a, b: CIE L*, a*, b*, [n]. rgb: [n, 3], of the depth. scratch: seven planes [7, n], which are overwritten.
    """
    x, y, z, red, green, blue, spare = scratch
    np.add(light, np.float32(16), out=y)
    y *= np.float32(1 / 116)
    np.multiply(a, np.float32(1 / 500), out=x)
    x += y
    np.multiply(b, np.float32(-1 / 200), out=z)
    z += y
    for plane in (x, y, z):
        _cube(plane, red, spare)
    x -= y
    z -= y
    for channel, p, q in zip((red, green, blue), FROM_X, FROM_Z, strict=True):
        np.multiply(x, np.float32(p), out=channel)
        channel += y
        channel += np.multiply(z, np.float32(q), out=spare)
    most = np.maximum(np.maximum(red, green, out=x), blue, out=x)
    least = np.minimum(np.minimum(red, green, out=z), blue, out=z)
    for channel, codes in zip((red, green, blue), rgb.T, strict=True):
        codes[:] = _encode(channel, depth)
    if most.max() <= 1 + TOLERANCE and least.min() >= -TOLERANCE:
        return np.empty(0, np.intp)
    return np.flatnonzero((most > 1 + TOLERANCE) | (least < -TOLERANCE))


def _cube(f: NDArray[np.float32], square: NDArray[np.float32], toe: NDArray[np.float32]) -> None:
    """X/Xn from f(X/Xn), in place; all [n], the other two are overwritten."""
    straight = f.min() < KNEE
    if straight:  # seldom in a whole block
        np.minimum(f, KNEE, out=toe)
        toe -= KNEE
        toe *= 3 * KNEE**2
        np.maximum(f, KNEE, out=f)
    f *= np.multiply(f, f, out=square)
    if straight:
        f += toe


def _encode(linear: NDArray[np.float32], depth: int) -> Pixels:
    """Codes [n] of linear light [n], which is clipped to [0, 1]; `linear` is used up."""
    if depth == 8:
        linear *= _LEVELS
        return np.take(_curve(), linear.astype(np.intp), mode="clip")
    kind, top = _CODES[depth]
    encoded: NDArray[np.float32] = np.clip(srgb_encode(np.clip(linear, 0, 1, out=linear)), 0, 1)
    return encoded if depth == 32 else (encoded * top + 0.5).astype(kind)


@cache
def _curve() -> NDArray[np.uint8]:
    """The 8-bit code in the middle of every level of linear light, uint8 [_LEVELS]."""
    codes: NDArray[np.uint8] = np.round(srgb_encode((np.arange(_LEVELS) + 0.5) / _LEVELS) * 255).astype(np.uint8)
    return codes
