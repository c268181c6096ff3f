"""What the code values of a film mean: range, matrix and curve, and which codes have the same lightness.

The equations are those of ITU-T H.273 (code points for video signals): in the limited range of 8 bits, luma is
[16, 235] and chroma [16, 240]; a matrix is given by the weights K_R and K_B of red and blue. Colours are in the
primaries of sRGB, which are those of ITU-R BT.709.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import RGB_TO_XYZ, lightness_to_luminance, luminance_to_lightness, srgb_decode, srgb_encode

WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "bt601": (0.299, 0.114),
    "bt2020": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
}
"""K_R and K_B of each matrix."""

GAMMAS = {"gamma22": 2.2, "gamma28": 2.8, "linear": 1.0}
"""Curves that are powers. All others are seen as a computer shows them, by the curve of sRGB."""

STEPS = 128
"""Values of Cb, and of Cr, that are told apart where luma is looked up: every other code of 8 bits."""

_LEVELS = 1 << 14  # of values in [0, 1], where linear light is looked up

Codes = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Signal:
    """How Y, Cb and Cr are coded.

    depth: bits of a sample, from 8 to 16. full: whether black and white are the first and the last code. matrix: one of
    WEIGHTS. curve: 'srgb' or one of GAMMAS.
    """

    depth: int = 8
    full: bool = False
    matrix: str = "bt709"
    curve: str = "srgb"

    @property
    def black(self) -> int:
        """The code of black."""
        return 0 if self.full else 16 << (self.depth - 8)

    @property
    def span(self) -> int:
        """Codes from black to white."""
        return self.top if self.full else 219 << (self.depth - 8)

    @property
    def middle(self) -> int:
        """The code of Cb and Cr of a gray."""
        return 1 << (self.depth - 1)

    @property
    def reach(self) -> int:
        """Codes from the least Cb or Cr to the greatest."""
        return self.top if self.full else 224 << (self.depth - 8)

    @property
    def top(self) -> int:
        """The last code that there is."""
        return (1 << self.depth) - 1

    @property
    def kind(self) -> type[np.uint8] | type[np.uint16]:
        """Of the arrays of codes."""
        return np.uint8 if self.depth == 8 else np.uint16

    def tones(self) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of each code of luma where there is no colour: float32 [2**depth]."""
        values = np.clip((np.arange(self.top + 1) - self.black) / self.span, 0, 1)
        tones: NDArray[np.float32] = luminance_to_lightness(self.decode(values)).astype(np.float32)
        return tones

    def grays(self, tones: NDArray[np.float32]) -> NDArray[np.float64]:
        """The code of luma, not rounded, of a gray of CIE L* in [0, 100]; any shape."""
        light = lightness_to_luminance(np.asarray(tones, np.float64))
        return np.asarray(self.black + self.span * self.encode(light))

    def decode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear light of values in [0, 1]."""
        if (gamma := GAMMAS.get(self.curve)) is not None:
            return np.asarray(values**gamma)
        return np.asarray(srgb_decode(values))

    def encode(self, linear: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in [0, 1] of linear light in [0, 1]."""
        if (gamma := GAMMAS.get(self.curve)) is not None:
            return np.asarray(linear ** (1 / gamma))
        return np.asarray(srgb_encode(linear))

    def lightness(
        self, luma: NDArray[np.float32], cb: NDArray[np.float32], cr: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of codes, not rounded; red, green and blue are clipped, as players do."""
        lights, tones = _curves(self)
        light = np.zeros(np.broadcast_shapes(luma.shape, cb.shape, cr.shape), np.float32)
        for channel, weight in zip(self.rgb(luma, cb, cr), RGB_TO_XYZ[1] / RGB_TO_XYZ[1].sum(), strict=True):
            light += np.float32(weight) * lights.take((channel * (_LEVELS - 1) + np.float32(0.5)).astype(np.intp))
        return tones.take((light * (tones.size - 1) + np.float32(0.5)).astype(np.intp), mode="clip")

    def rgb(
        self, luma: NDArray[np.float32], cb: NDArray[np.float32], cr: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """R', G', B' in [0, 1] of codes, clipped."""
        red, blue = WEIGHTS[self.matrix]
        y = (luma - np.float32(self.black)) * np.float32(1 / self.span)
        b, r = ((plane - np.float32(self.middle)) * np.float32(2 / self.reach) for plane in (cb, cr))
        green = np.float32(1 - red - blue)
        g = y - r * np.float32(red * (1 - red) / green) - b * np.float32(blue * (1 - blue) / green)
        r, b = y + r * np.float32(1 - red), y + b * np.float32(1 - blue)
        return np.clip(r, 0, 1), np.clip(g, 0, 1), np.clip(b, 0, 1)


@cache
def _curves(signal: Signal) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Linear light of values [_LEVELS], and CIE L* of linear light: tables over [0, 1]."""
    lights = signal.decode(np.linspace(0, 1, _LEVELS)).astype(np.float32)
    tones: NDArray[np.float32] = luminance_to_lightness(np.linspace(0, 1, 1 << 16)).astype(np.float32)
    return lights, tones


@cache
def leveller(gray: Signal, colour: Signal, back: bool = False) -> Leveller:
    """The one Leveller of its kind in this process: what it has made serves all who use it."""
    return Leveller(gray, colour, back=back)


class Leveller:
    """Codes of luma by which pixels of one colour are as light as grays: a table, made as far as it is needed.

    It gives the luma that a colour needs to be as light as a gray (from `gray` to `colour`), or the gray that is as
    light as a colour (`back`). Cb and Cr are rounded to every other code of 8 bits.

    gray: how grays are coded. colour: how colours are.
    """

    def __init__(self, gray: Signal, colour: Signal, *, back: bool = False) -> None:
        self._gray, self._colour, self._back = gray, colour, back
        self._given, self._found = (colour, gray) if back else (gray, colour)
        self._made = np.zeros(STEPS, bool)
        self._lock = threading.Lock()
        codes = np.arange(self._given.top + 1)
        even = self._even(codes.astype(np.float64))
        self.neutral: Codes = np.clip(np.rint(even), 0, self._found.top).astype(self._found.kind)
        """What each code becomes where there is no colour."""
        # The table does not see the low bits of codes of more than 8: what they add is kept beside it, both as whole
        # numbers of which so many bits are fractions.
        self._shift = self._given.depth - 8
        self._fraction = 16 - self._found.depth if self._shift else 0
        unit = 1 << self._fraction
        rest = (even - even[codes >> self._shift << self._shift]) * unit + unit // 2
        self._rest = np.rint(rest).astype(np.int32) if self._shift else None
        self._table: Codes = np.zeros((STEPS, STEPS, 256), np.uint16 if self._shift else self._found.kind)

    def __call__(self, luma: Codes, cb: Codes, cr: Codes) -> Codes:
        """Codes of luma [h, w] for such of gray, or of gray for those of luma where it works `back`.

        cb, cr: [h, w], in the depth of the colours.
        """
        coarse = self._colour.depth - 7
        cb, cr = (cast("Codes", plane >> coarse) for plane in (cb, cr))
        least, most = int(cb.min()), int(cb.max())
        self._make(least, most)
        result: Codes = np.empty(luma.shape, self._found.kind)
        table, rows = self._table.reshape(-1), max(1, (1 << 16) // luma.shape[1])
        for top in range(0, len(luma), rows):
            part = slice(top, top + rows)
            index = cb[part].astype(np.int64)
            index <<= 7
            index |= cr[part]
            index <<= 8
            index |= luma[part] >> self._shift if self._shift else luma[part]
            found = table.take(index, mode="clip")
            if self._rest is None:
                result[part] = found
            else:
                sums = self._rest.take(luma[part], mode="clip")
                sums += found
                sums >>= self._fraction
                result[part] = np.clip(sums, 0, self._found.top)
        return result

    def _even(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """What codes become where there is no colour, not rounded."""
        given, found = self._given, self._found
        if given.curve == found.curve:
            return found.black + (codes - given.black) * (found.span / given.span)
        light = given.decode(np.clip((codes - given.black) / given.span, 0, 1))
        return found.black + found.span * found.encode(light)

    def _make(self, least: int, most: int) -> None:
        if self._made[least : most + 1].all():
            return
        with self._lock:
            for step in range(least, most + 1):
                if not self._made[step]:
                    self._table[step] = self._row(step)
                    self._made[step] = True

    def _row(self, step: int) -> Codes:
        """All that belongs to one step of Cb: [Cr, code]."""
        colour, size = self._colour, 1 << (self._colour.depth - 8)
        codes = np.arange(256) << self._shift
        even = self._even(codes.astype(np.float64))
        # In the middle of the two codes of 8 bits that are taken for one.
        cb = np.full((1, 1), (2 * step + 0.5) * size, np.float32)
        cr = ((2 * np.arange(STEPS, dtype=np.float32) + np.float32(0.5)) * np.float32(size))[:, None]
        # What lies beyond black and white stays as far beyond.
        within = codes.clip(self._given.black, self._given.black + self._given.span).astype(np.float64)
        beyond = even - self._even(within)
        if self._back:
            tones = colour.lightness(codes.astype(np.float32)[None], cb, cr)
            row = self._gray.grays(tones) + np.where((tones > 0) & (tones < 100), 0, beyond)
        else:
            fields = np.linspace(0, colour.top, 256, dtype=np.float32)
            # Just below white: all codes beyond are white as well.
            lines = colour.lightness(fields[None], cb, cr)
            wanted = self._gray.tones()[codes]
            row = np.stack([np.interp(wanted.clip(None, line[-1] - 0.01), line, fields) for line in lines]) + beyond
        if step == STEPS // 2:
            row[STEPS // 2] = even
        unit = 1 << self._fraction
        # The first and the last codes of the limited range are no luma.
        margin = 0 if self._found.full else 1 << (self._found.depth - 8)
        row = np.clip(np.rint(row * unit), margin * unit, (self._found.top + 1 - margin) * unit - 1)
        return np.asarray(row.astype(self._table.dtype))
