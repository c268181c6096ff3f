"""Pixels of 8 bits by looking up: each gray code in each colour of a photograph is rendered only once.

A photograph of twelve megapixels has 256 gray codes. As its colour changes slowly, it has a few thousand colours that
can be told apart in eight bits, and its pixels are the same few hundred thousand pairs of both, over and over again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import Enlarger

STEP = 1 / 3
"""a* and b* are rounded to multiples of this, which changes a third of the pixels by one code in some channel."""

COARSEST = 0.6
"""The largest step that is taken, where the colours of a photograph range so widely that they would be too many."""

COLOURS = 1 << 15
"""At most so many are told apart: their pixels take 32 MB."""

LEAST = 3 << 19
"""Pixels of a photograph from which on looking up saves time."""

TALLEST = 64
"""Rows of pixels, at most, between two rows of parts: over so many half a step is rounded away."""

BLOCK = 1 << 15
"""Pixels that are looked up at a time: few enough that every step finds them in the cache of the processor."""

_FRACTION = 7  # bits of a step, which leaves nine for 512 steps
_SPARE = 5  # steps beyond the range, at most
_NEAR = 3  # bits of a code: so many codes are rendered together
_THERE = 0xFF000000  # A pixel is 0xFFBBGGRR, and 0 as long as nobody met it.


class Palette:
    """The pixels that gray codes take in the colours of one photograph.

    A pixel is the same whatever was met before it, and several threads may ask at once.

    Args:
        enlarger: the colours.
        factor: multiplies them.
        render: gives uint8 [n, 3] of codes uint8 [n] and a*b* float32 [2, n].
    """

    def __init__(
        self,
        enlarger: Enlarger,
        factor: float,
        render: Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.uint8]],
    ) -> None:
        ends = [factor * limit(enlarger.parts, axis=(1, 2)).astype(np.float64) for limit in (np.min, np.max)]
        least, most = np.minimum(*ends), np.maximum(*ends)
        self.step = _step(*(most - least))
        # Of whole steps, so that gray is among them; and one more at either end, for what rounding may add.
        self.first = np.floor(least / self.step) - 1
        self.count = (np.ceil(most / self.step) - self.first + 2).astype(int)
        self._enlarger, self._render = enlarger, render
        self._unit = factor * (1 << _FRACTION) / self.step
        self._offset = (0.5 - self.first) * (1 << _FRACTION)
        # What is not met takes no memory.
        self._pixels = np.zeros(int(self.count.prod()) << 8, np.uint32)

    @property
    def suits(self) -> bool:
        """Whether looking up takes less time, and rounding shows nowhere."""
        height, width = self._enlarger.size
        tall = height > TALLEST * self._enlarger.parts.shape[1]
        return height * width >= LEAST and not tall and self.step <= COARSEST

    def paint(self, codes: NDArray[np.uint8], top: int, columns: slice) -> NDArray[np.uint8]:
        """sRGB [rows, columns, 3] of the gray codes [rows, columns] of these columns, from row `top` on."""
        height, width = codes.shape
        a, b = self._enlarger.numbers(top, top + height, columns, self._unit, self._offset)
        a >>= _FRACTION
        a *= np.uint16(self.count[1])
        a += np.right_shift(b, _FRACTION, out=b)
        rgb = np.empty((height, width, 3), np.uint8)
        # Rows that lie apart go together: the first of them meet nearly all that there is in all of them.
        apart = max(1, min(height, codes.size // BLOCK))
        late: list[tuple[NDArray[np.intp], NDArray[np.int64]]] = []
        for first in range(apart):
            part = slice(first, None, apart)
            index = a[part].astype(np.int64)
            index <<= 8
            index |= codes[part]
            # `take` with clipping is the fastest way to look up; no index lies outside.
            pixels = self._pixels.take(index, mode="clip")
            if pixels.min() < _THERE:
                place = np.flatnonzero(pixels < _THERE)
                missing = index.reshape(-1)[place]
                if first == 0:
                    self._meet(missing)
                    pixels = self._pixels.take(index, mode="clip")
                else:
                    late.append((place + (first + place // width * (apart - 1)) * width, missing))
            channels = pixels.view(np.uint8).reshape(*index.shape, 4)
            for channel in range(3):
                rgb[part, :, channel] = channels[..., channel]
        if late:
            place, index = (np.concatenate(parts) for parts in zip(*late, strict=True))
            self._meet(index)
            rgb.reshape(-1, 3)[place] = self._pixels.take(index, mode="clip").view(np.uint8).reshape(-1, 4)[:, :3]
        return rgb

    def _meet(self, index: NDArray[np.int64]) -> None:
        """Renders pixels by their index, and those of the codes next to them."""
        near = np.sort((index >> _NEAR).astype(np.int32))
        near = near[np.flatnonzero(np.diff(near, prepend=-1))]
        steps = np.stack(np.divmod(near >> (8 - _NEAR), self.count[1])) + self.first[:, None]
        ab = (steps * self.step).astype(np.float32).repeat(1 << _NEAR, axis=1)
        codes = near.astype(np.uint8)[:, None] << np.uint8(_NEAR) | np.arange(1 << _NEAR, dtype=np.uint8)
        pixels = np.full((codes.size, 4), 255, np.uint8)
        pixels[:, :3] = self._render(codes.reshape(-1), ab)
        self._pixels.reshape(-1, 1 << _NEAR)[near] = pixels.view("<u4").reshape(codes.shape)


def _step(wide: float, high: float) -> float:
    """The finest step that divides such ranges into at most COLOURS, and into what 16 bits hold."""
    # (wide / step + spare) (high / step + spare) = COLOURS
    room = COLOURS - _SPARE**2
    half = _SPARE * (wide + high) / (2 * room)
    few = half + sqrt(half**2 + wide * high / room)
    return max(STEP, few, max(wide, high) / ((1 << 16 - _FRACTION) - _SPARE))
