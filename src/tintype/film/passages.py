"""A film cut into shots, and these into passages: the runs of frames that are coloured, and kept, as one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

PASSAGE = 120
"""Frames of a passage at most. It is what a killed run does again, and what lies in memory while it is looked at."""

GUIDED = 1500
"""The same where a user guides the shot: the colours that he gives reach so far forwards and backwards."""

_UNIT = 655.35  # of 16 bits to a unit of L*


@dataclass(frozen=True)
class Scouted:
    """A frame as the scout saw it."""

    index: int
    """Its number in the whole film."""
    seen: NDArray[np.float32]
    """[h, w], CIE L* at the size that the network sees."""
    begins: bool
    """Whether a shot begins with it."""


@dataclass(frozen=True)
class Passage:
    """A run of frames of one shot."""

    first: int
    """The number of its first frame."""
    seen: Sequence[NDArray[np.float32]]
    """[h, w] of each frame, CIE L* at the size that the network sees."""
    begins: bool
    """Whether a shot begins with it."""

    @property
    def stop(self) -> int:
        """The number of the frame behind its last."""
        return self.first + len(self.seen)


def passages(frames: Iterable[Scouted], guided: Sequence[int] = (), longest: int = PASSAGE) -> Iterator[Passage]:
    """The passages of frames that follow each other.

    Where a passage ends depends on nothing before its first frame, so that a run may begin with any of them.

    Args:
        guided: numbers of the frames for which a user gives colours, sorted. A passage with one of them ends with its
            shot, or after GUIDED frames.
        longest: frames of the others at most.
    """

    def guides(first: int, stop: int) -> bool:
        place = bisect_left(guided, first)
        return place < len(guided) and guided[place] < stop

    waiting = _Kept()
    first, begins = 0, False

    def rest() -> Iterator[Passage]:
        nonlocal first, begins
        while waiting:
            stop = first + len(waiting)
            most = GUIDED if guides(first, min(stop, first + GUIDED)) else longest
            passage = Passage(first, waiting.taken(most), begins)
            first, begins = passage.stop, False
            yield passage

    for frame in frames:
        if frame.begins:
            yield from rest()
        if not waiting:
            first, begins = frame.index, frame.begins
        waiting.append(frame.seen)
        if len(waiting) >= (GUIDED if guides(first, first + GUIDED) else longest):
            yield from rest()
    yield from rest()


class Small:
    """What the network sees of frames, by the code of their grays.

    Args:
        tones: float32 [codes], CIE L* of each gray code.
        size: (height, width) that the network sees.
    """

    def __init__(self, tones: NDArray[np.float32], size: tuple[int, int]) -> None:
        self.tones, self.size = tones, size

    def __call__(self, gray: NDArray[np.uint8 | np.uint16]) -> NDArray[np.float32]:
        """float32 [h, w], CIE L*: the means of what each of its pixels covers of a frame [height, width]."""
        light = cv2.LUT(gray, self.tones) if gray.dtype == np.uint8 else self.tones.take(gray)
        return small(np.asarray(light, np.float32), self.size)


def small(light: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A plane [height, width] at another size (h, w): means of areas; interpolated where it becomes larger."""
    if light.shape == size:
        return light
    shrinks = light.shape[0] >= size[0] and light.shape[1] >= size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(light, size[::-1], interpolation=way), np.float32)


class _Kept(Sequence[NDArray[np.float32]]):
    """Frames as they are seen, kept in half the memory: in 16 bits, a 655th of a unit of L* each."""

    def __init__(self) -> None:
        self._frames: list[NDArray[np.uint16]] = []

    def append(self, seen: NDArray[np.float32]) -> None:
        self._frames.append(np.rint(seen * np.float32(_UNIT)).astype(np.uint16))

    def taken(self, count: int) -> _Kept:
        """The first frames, which leave these."""
        part = _Kept()
        part._frames = self._frames[:count]
        del self._frames[:count]
        return part

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.float32]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.float32] | Sequence[NDArray[np.float32]]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return self._frames[index].astype(np.float32) / np.float32(_UNIT)
