"""A frame in colour, at the lightness that it has.

Chroma is made first, as coarse as it is stored. Luma is then chosen pixel by pixel, such that what a player makes of
it together with the chroma around it has the L* of the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import DETAIL, Enlarger
from tintype.color.gamut import TOLERANCE, linear_rgb, reach
from tintype.color.render import render_strips
from tintype.film.form import Form
from tintype.film.reader import Film, Frame
from tintype.film.signal import WEIGHTS, Codes, Signal, leveller

BLOCK = 1 << 15
"""Pixels of chroma that are worked on at a time, so that they stay in the cache of the processor."""

_LEVELS = 1 << 16  # of linear light in the table of the curve


@dataclass(frozen=True, eq=False)
class Planes:
    """The pixels of a coloured frame, as they are encoded."""

    planes: tuple[Codes, ...] = field(repr=False)
    """Y [h, w], Cb and Cr, smaller where the form subsamples them; or RGB [h, w, 3] alone."""
    signal: Signal
    """What they mean."""
    size: tuple[int, int]
    """(width, height) of the frame: some forms add a row or a column."""

    def rgb(self) -> NDArray[np.uint8]:
        """sRGB [height, width, 3] of 8 bits, for previews."""
        width, height = self.size
        luma, *chroma = self.planes
        if not chroma:
            return (luma if luma.dtype == np.uint8 else luma >> 8).astype(np.uint8)[:height, :width]
        across = luma.shape[1] // chroma[0].shape[1]
        cb, cr = (_at_luma(plane, luma.shape, across).astype(np.float32) for plane in chroma)
        channels = self.signal.rgb(luma.astype(np.float32), cb, cr)
        rgb = np.dstack([(channel * 255 + np.float32(0.5)).astype(np.uint8) for channel in channels])
        return rgb[:height, :width]


class Painter:
    """Lays colours over the frames of a film. Several threads may paint at once.

    film: whose frames they are. form: how they will be encoded. vividness: factor on the chroma, from 0. blend: 0 gives
    the original gray, 1 the full colour. threads: processors that one frame takes.
    """

    def __init__(self, film: Film, form: Form, *, vividness: float = 1.0, blend: float = 1.0, threads: int = 1) -> None:
        self._tones, self._form, self._threads = film.tones, form, threads
        self._factor = np.float32(vividness * blend)
        self._size = film.width, film.height
        self._leveller = leveller(film.signal, form.signal)

    def __call__(self, frame: Frame, ab: NDArray[np.float32]) -> Planes:
        """The frame in colour: enlarged along its edges, within sRGB, at its own L*.

        ab: float32 [2, h', w'], CIE a*b* of a coarse grid over the frame.
        """
        gray, form = self._padded(frame.gray), self._form
        if form.subsampling is None:
            return Planes((self._rgb(gray, ab),), form.signal, self._size)
        cb, cr = self._chroma(gray, ab)
        across = form.subsampling[0]
        luma = self._leveller(gray, *(_at_luma(plane, gray.shape, across) for plane in (cb, cr)))
        return Planes((luma, cb, cr), form.signal, self._size)

    def _padded(self, gray: Codes) -> Codes:
        """With the rows and columns that the form asks for besides those that there are."""
        (width, height), (own_height, own_width) = self._form.size, gray.shape
        if (height, width) == gray.shape:
            return gray
        return cast("Codes", np.pad(gray, ((0, height - own_height), (0, width - own_width)), mode="edge"))

    def _chroma(self, gray: Codes, ab: NDArray[np.float32]) -> tuple[Codes, Codes]:
        assert self._form.subsampling is not None
        across, down = self._form.subsampling
        height, width = gray.shape[0] // down, gray.shape[1] // across
        lightness = self._tones.take(gray)
        parts = self._parts(lightness, ab, height)
        light = lightness
        if down > 1:
            light = _resized(light, (light.shape[1], height))
        if across > 1:
            # Chroma lies on every second pixel, not between two of them.
            light = _on_second(light)
        return self._encoded(light, [_resized_at(part, (width, height), across) for part in parts])

    def _parts(self, lightness: NDArray[np.float32], ab: NDArray[np.float32], height: int) -> NDArray[np.float32]:
        """The colours along the edges of the frame, about as fine as its chroma."""
        cells = ab.shape[1], ab.shape[2]
        detail = min(DETAIL, max(1, round(height / cells[0])))
        size = min(cells[1] * detail, lightness.shape[1]), min(cells[0] * detail, lightness.shape[0])
        guide = _resized(lightness, size)
        return Enlarger(ab * self._factor, guide, lightness.shape, self._threads).parts

    def _encoded(self, lightness: NDArray[np.float32], ab: list[NDArray[np.float32]]) -> tuple[Codes, Codes]:
        """Cb and Cr of colours at a lightness, all [h, w]: within sRGB, rounded."""
        signal = self._form.signal
        flat, a, b = lightness.reshape(-1), ab[0].reshape(-1), ab[1].reshape(-1)
        cb, cr = np.empty(flat.size, signal.kind), np.empty(flat.size, signal.kind)
        red_weight, blue_weight = WEIGHTS[signal.matrix]
        curve = _curve(signal)
        for start in range(0, flat.size, BLOCK):
            part = slice(start, start + BLOCK)
            red, green, blue = _within(flat[part], a[part], b[part])
            red, green, blue = (
                curve.take((channel * np.float32(_LEVELS - 1)).astype(np.intp), mode="clip")
                for channel in (red, green, blue)
            )
            luma = np.float32(red_weight) * red + np.float32(blue_weight) * blue
            luma += np.float32(1 - red_weight - blue_weight) * green
            for codes, channel, weight in ((cb, blue, blue_weight), (cr, red, red_weight)):
                channel -= luma
                channel *= np.float32(signal.reach / (2 - 2 * weight))
                channel += np.float32(signal.middle + 0.5)
                codes[part] = np.clip(channel, 0, signal.top)
        shape = lightness.shape
        return cast("Codes", cb.reshape(shape)), cast("Codes", cr.reshape(shape))

    def _rgb(self, gray: Codes, ab: NDArray[np.float32]) -> Codes:
        height, width = gray.shape
        cells = ab.shape[1], ab.shape[2]
        guide = _resized(self._tones.take(gray), (min(width, cells[1] * DETAIL), min(height, cells[0] * DETAIL)))
        enlarger = Enlarger(ab * self._factor, guide, (height, width), self._threads)
        depth = 8 if self._form.signal.depth == 8 else 16
        if gray.dtype == np.uint8:
            codes = cast("NDArray[np.uint8]", gray)
            strips = render_strips(
                lambda top, bottom: codes[top:bottom],
                enlarger,
                (slice(0, height), slice(0, width)),
                depth,
                threads=self._threads,
                scale=self._tones,
            )
        else:
            strips = render_strips(
                lambda top, bottom: self._tones.take(gray[top:bottom]),
                enlarger,
                (slice(0, height), slice(0, width)),
                depth,
                threads=self._threads,
            )
        return np.concatenate([cast("Codes", strip) for strip in strips])


def _within(
    lightness: NDArray[np.float32], a: NDArray[np.float32], b: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Linear R, G, B of colours [n], with as much of their chroma as sRGB holds."""
    red, green, blue = linear_rgb(lightness, a, b)
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    (at,) = np.nonzero((most > 1 + TOLERANCE) | (least < -TOLERANCE))
    if at.size:
        light, a, b = lightness[at], a[at], b[at]
        part = reach(light, a, b, 1e-4)
        for channel, fitted in zip((red, green, blue), linear_rgb(light, a * part, b * part), strict=True):
            channel[at] = fitted
    return red, green, blue


@cache
def _curve(signal: Signal) -> NDArray[np.float32]:
    """Values in [0, 1] of linear light in [0, 1]: float32 [_LEVELS]."""
    return signal.encode(np.linspace(0, 1, _LEVELS)).astype(np.float32)


def _resized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A smaller plane, (width, height) `size`, of the means of its pixels."""
    if plane.shape == size[::-1]:
        return plane
    return cast("NDArray[np.float32]", cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _on_second(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every second column, with half of each of its neighbours."""
    even, odd = plane[:, ::2], plane[:, 1::2]
    before = np.concatenate([even[:, :1], odd[:, :-1]], axis=1)
    return np.asarray(even * np.float32(0.5) + (odd + before) * np.float32(0.25))


def _resized_at(plane: NDArray[np.float32], size: tuple[int, int], across: int) -> NDArray[np.float32]:
    """A plane at the size (width, height) of the chroma, of which each sample lies on the first of `across` pixels."""
    width, height = size
    step = plane.shape[1] / width, plane.shape[0] / height
    off = -0.25 if across > 1 else 0.0
    matrix = np.array([[step[0], 0, (0.5 + off) * step[0] - 0.5], [0, step[1], 0.5 * step[1] - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cast(
        "NDArray[np.float32]", cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )


def _at_luma(plane: Codes, shape: tuple[int, ...], across: int) -> Codes:
    """Chroma at the size of luma, interpolated as players do: it lies on every second column, and between two rows."""
    height, width = shape[0], shape[1]
    if plane.shape == (height, width):
        return plane
    if plane.shape[0] != height:
        plane = cast("Codes", cv2.resize(plane, (plane.shape[1], height), interpolation=cv2.INTER_LINEAR))
    if across == 1:
        return plane
    wide = np.empty((height, width), plane.dtype)
    wide[:, ::2] = plane
    if plane.shape[1] > 1:
        wide[:, 1:-1:2] = cv2.addWeighted(plane[:, :-1], 0.5, plane[:, 1:], 0.5, 0)
    wide[:, -1] = plane[:, -1]
    return cast("Codes", wide)
