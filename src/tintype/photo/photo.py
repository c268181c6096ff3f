"""A photograph in memory: its lightness, and everything else that its file said."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tintype.photo.scale import BLOCK
from tintype.photo.toning import Samples
from tintype.threads import ahead, available_threads

Codes = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

COLOUR = 0.12
"""Share of a photograph that has a colour of its own, above which it is one in colour."""


_SAMPLE = 1 << 18
"""Pixels, about, that are looked at to see whether there are grays."""

_DARK, _LIGHT = 8.0, 92.0
"""L* that the darkest and the lightest parts of a photograph of full contrast reach."""

_TAIL, _MARGIN = 0.5, 1 / 8
"""Percent of the pixels that are darker or lighter than those parts: dust, scratches, a lamp. Share of each side that
is not looked at: a mount, or the border of the paper."""

_STEEPEST = 3.0
"""Times by which faded contrast is raised at most, so that grain does not become the picture."""

_INK, _GRAYS = 3.0, 0.1
"""L* within which a pixel is as good as black or white; share of others below which a photograph has no grays."""


@dataclass(frozen=True)
class Text:
    """A text that a file carries as such: the text chunk of a PNG file, the comment of a JPEG file.

    keyword: 'Title', 'Author', 'Description', 'Comment' and so on. language: as in 'en-GB', empty for an unknown one.
    """

    keyword: str
    letters: str
    language: str = ""


@dataclass(frozen=True)
class Metadata:
    """What a file said beside its pixels, without what names its own layout.

    exif: an Exif block beginning with its TIFF header, upright (orientation 1) and without thumbnail.
    xmp: an XMP packet. iptc: an IPTC-IIM record. dpi: dots per inch across and down. texts: in the order of the file.
    notes: what was damaged and left behind, a sentence each.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    texts: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, upright.

    name: what errors call it.
    format: one of FORMATS, or 'array' for one that never was a file.
    depth: bits per sample of the result, 8, 16 or 32 (float); bits: those of the file (1, 8, 10, 16 ...).
    plane, scale: codes uint8 or uint16 [height, width] and the float32 table that gives their L*; or L* itself,
        float32 [height, width], when the scale is None.
    quality: the JPEG quality that the quantisation tables tell, or what a turned photograph needs to keep as much.
    compression: the file's own word for how it packs pixels, where there are several ('none', 'lossy' ...).
    alpha: [height, width] of the depth (uint8, uint16, float32 in [0, 1]).
    profile: the ICC profile of an RGB file, where colours can be taken into it: the result keeps it. tagged: the file
        had some profile.
    samples: some of its pixels in colour, which tell whether it is a colour photograph; None for a gray file.
    origin: which file it was read from, by the digests of `origin_of`; None where there was none.
    missing: rows and columns that the file has lost, where the lightness is a neutral gray that stays without colour.
    notes: what the user should know of the reading, a sentence each: what was damaged, or left behind.
    """

    name: str
    width: int
    height: int
    format: str
    depth: int
    plane: Codes = field(repr=False)
    scale: NDArray[np.float32] | None = field(default=None, repr=False)
    bits: int = 8
    quality: int | None = None
    compression: str | None = None
    alpha: Codes | None = field(default=None, repr=False)
    profile: bytes | None = field(default=None, repr=False)
    tagged: bool = False
    metadata: Metadata = field(default=Metadata(), repr=False)
    samples: Samples | None = field(default=None, repr=False)
    origin: str | None = None
    missing: tuple[slice, slice] | None = None
    notes: tuple[str, ...] = ()

    @property
    def in_colour(self) -> bool:
        """Whether it is a colour photograph, rather than a gray, toned or stamped one."""
        return self.samples is not None and self.samples.share_in_colour() > COLOUR

    def lightness(self, top: int = 0, bottom: int | None = None, columns: slice = slice(None)) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of rows top to bottom, and of these columns; float32 [rows, columns], a new array."""
        rows = self.plane[top:bottom, columns]
        return self._values(rows).copy() if self.scale is None else self._values(rows)

    @property
    def is_line_art(self) -> bool:
        """Whether nearly all of it is black or white, which take no colour: 1 bit, a hard copy, a halftone of dots.

        Of 838 photographs that were tried none has less than a third of its pixels between, of bitmaps saved as JPEG
        none more than 5 %.
        """
        step = max(1, math.isqrt(self.width * self.height // _SAMPLE))
        codes = self.plane[::step, ::step]
        if self.scale is None:
            grays = (codes > _INK) & (codes < 100 - _INK)
        else:
            # As every scale rises or falls, the codes of grays lie side by side.
            between = np.flatnonzero((self.scale > _INK) & (self.scale < 100 - _INK))
            grays = (codes >= int(between[0])) & (codes <= int(between[-1])) if between.size else np.zeros(1, bool)
        return bool(np.count_nonzero(grays) < _GRAYS * codes.size)

    def _values(self, codes: Codes) -> NDArray[np.float32]:
        """CIE L* of a part of the plane."""
        if self.scale is None:
            return np.asarray(codes, np.float32)
        if codes.dtype == np.uint8 and codes.flags.c_contiguous:
            # Two pixels at a time, which takes half as many looks.
            pairs = codes.reshape(-1)[: codes.size // 2 * 2].view(np.uint16)
            values = np.empty(codes.size, np.float32)
            _of_pairs(self.scale.tobytes()).take(pairs, mode="clip", out=values[: 2 * pairs.size].view(np.float64))
            values[2 * pairs.size :] = self.scale[codes.reshape(-1)[2 * pairs.size :]]
            return values.reshape(codes.shape)
        return self.scale.take(cast("NDArray[np.uint8]", codes), mode="clip")

    def inverted(self) -> Photo:
        """The photograph of which this one is the negative: L* becomes 100 - L*."""
        if self.scale is None:
            return replace(self, plane=100 - self.plane)
        return replace(self, scale=100 - self.scale)

    def stretched(self) -> Photo:
        """The photograph with the contrast that it had before it faded; itself where that is full.

        Its darkest parts become as dark and its lightest as light as those of other photographs, and what lies between
        follows in proportion, at most _STEEPEST times as steep. The little that lies beyond both, the border of the
        paper too, keeps its order.
        """
        step = max(1, math.isqrt(self.width * self.height // _SAMPLE))
        inner = tuple(slice(int(side * _MARGIN), side - int(side * _MARGIN), step) for side in self.plane.shape)
        values = self._values(self.plane[inner])
        if self.alpha is not None and self.alpha[inner].any():
            values = values[self.alpha[inner] > 0]
        dark, light = (float(level) for level in np.percentile(values, (_TAIL, 100 - _TAIL)))
        below, above = max(0.0, dark - _DARK), max(0.0, _LIGHT - light)
        if not below + above:
            return self
        share = min(1.0, (_STEEPEST - 1) * (light - dark) / (below + above))
        levels = (0, dark, light, 100), (0, dark - share * below, light + share * above, 100)
        if self.scale is None:
            return replace(self, plane=np.interp(self.plane, *levels).astype(np.float32))
        return replace(self, scale=np.interp(self.scale, *levels).astype(np.float32))

    def thumbnail(
        self, width: int, height: int, threads: int | None = None, part: tuple[slice, slice] | None = None
    ) -> NDArray[np.float32]:
        """CIE L*, averaged over the area that each pixel covers; float32 [height, width], or a part of it.

        What is enlarged instead (a photograph smaller than the thumbnail) is interpolated linearly.

        threads: processors to use; None: all that this process may use. The result does not depend on it.
        part: rows and columns of the thumbnail to give, in place of all of it. What it shrinks it does not read whole.
        """
        if width < 1 or height < 1:
            raise ValueError(f"a thumbnail of {width} x {height} pixels has no area")
        down, across = part or (slice(0, height), slice(0, width))
        if height >= self.height:
            rows = _resized(_averaged(self.lightness(), width, axis=1), height, axis=0)
            return np.ascontiguousarray(_resized(rows, width, axis=1)[down, across])
        edges = np.linspace(0, self.height, height + 1)[down.start : down.stop + 1]
        sides = np.linspace(0, self.width, width + 1)[across.start : across.stop + 1]
        # What is enlarged across needs its neighbours.
        columns = slice(int(sides[0]), math.ceil(sides[-1])) if width < self.width else slice(0, self.width)
        height = len(edges) - 1
        result = np.empty((height, columns.stop - columns.start), np.float32)
        # Strip by strip, so that a large plane is never whole in float32.
        step = max(1, int(BLOCK / self.width * height / (edges[-1] - edges[0])))

        def reduce(first: int) -> None:
            cells = edges[first : first + step + 1]
            top = int(cells[0])
            rows = self.lightness(top, math.ceil(cells[-1]), columns)
            result[first : first + step] = _area(rows, cells - top, axis=0)

        # numpy lets other threads run; two of them are as many as memory can feed.
        for _ in ahead(reduce, range(0, height, step), min(2, threads or available_threads())):
            pass
        if width < self.width:
            return np.ascontiguousarray(_area(result, sides - columns.start, axis=1))
        return np.ascontiguousarray(_resized(result, width, axis=1)[:, across])


def _resized(values: NDArray[np.float32], size: int, axis: int) -> NDArray[np.float32]:
    return _averaged(values, size, axis) if size < values.shape[axis] else _interpolated(values, size, axis)


def _averaged(values: NDArray[np.float32], size: int, axis: int) -> NDArray[np.float32]:
    length = values.shape[axis]
    return _area(values, np.linspace(0, length, size + 1), axis) if size < length else values


def _area(values: NDArray[np.float32], edges: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Mean of `values` between neighbouring edges (fractional pixels, at least one apart) along an axis."""
    length = values.shape[axis]
    whole = np.minimum(np.floor(edges).astype(int), length - 1)
    part = (edges - whole).astype(np.float32)
    last = np.diff(whole)
    shape = (-1, 1) if axis == 0 else (1, -1)
    sums: NDArray[np.float32] | None = None
    # The first pixel of every cell, the second one of every cell, and so on.
    for place in range(last.max() + 1):
        term = values.take(np.minimum(whole[:-1] + place, length - 1), axis)
        share = (place < last) + (place == last) * part[1:] - (part[:-1] if place == 0 else 0)
        if (share != 1).any():
            term *= share.astype(np.float32).reshape(shape)
        sums = term if sums is None else np.add(sums, term, out=sums)
    assert sums is not None
    sums /= np.diff(edges).astype(np.float32).reshape(shape)
    return sums


@lru_cache(maxsize=8)
def _of_pairs(scale: bytes) -> NDArray[np.float64]:
    """What two codes of 8 bits, read as one of 16, become by a scale: two float32 side by side; [65536]."""
    codes = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    return np.frombuffer(scale, np.float32)[codes].view(np.float64)[:, 0]


def _interpolated(values: NDArray[np.float32], size: int, axis: int) -> NDArray[np.float32]:
    """Linear interpolation to at least as many pixels, edges aligned."""
    length = values.shape[axis]
    if size == length:
        return values
    at = np.clip((np.arange(size) + 0.5) * (length / size) - 0.5, 0, length - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, length - 1)
    shape = [1, 1]
    shape[axis] = size
    weight = (at - low).astype(np.float32).reshape(shape)
    between: NDArray[np.float32] = values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight
    return between
