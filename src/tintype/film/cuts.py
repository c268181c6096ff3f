"""Where one shot of a film ends and the next begins.

Two frames belong to one shot if the motion between them can be found in both directions and leads to what looks the
same, as far as there is structure. At a cut no frame before it belongs to any frame after it. So a flash, a blank frame
or dirt is no cut, as the frames before and after it belong together; nor is a dissolve, in which each frame still
belongs to the next one. A fade through black is a cut where the picture is gone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.film.flow import Flow, Tones, match, met, places, tones

Plane = NDArray[np.float32]

AHEAD = 2
"""Frames that follow on one which may be the first of a shot, and are compared; it is told when these are there."""

BEHIND = 3
"""Frames before it that are compared."""

SHORT = 120
"""Pixels of the short side of what is compared, about."""

TOGETHER = 0.15
"""Share of a frame's structure that must be found in another one for both to belong to one shot."""

UNMOVED = 0.8
"""The same where no motion is looked for, which takes time: of photographs that have nothing to do with each other, at
most 0.53 was found so (91 pairs)."""

STRUCTURE = 2.0
"""Deviation of L* within 9 pixels at which a place counts half: in even areas no motion can be found."""

EVEN = 1.0
"""Deviation of L* below which a frame shows nothing: two such frames belong together, and none begins a shot."""


@dataclass(frozen=True, eq=False)
class Small:
    """What is compared of a frame."""

    tones: Tones
    """uint8 [h, w]."""
    structure: Plane
    """float32 [h, w], 0 to 1."""
    even: bool

    @classmethod
    def of(cls, seen: Plane) -> Small:
        """seen: float32 [h, w], CIE L*."""
        scale = min(1.0, SHORT / min(seen.shape))
        size = max(8, round(seen.shape[1] * scale)), max(8, round(seen.shape[0] * scale))
        small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
        mean = cv2.blur(small, (9, 9))
        variance = np.maximum(cv2.blur(small * small, (9, 9)) - mean * mean, 0)
        return cls(
            tones(np.asarray(small, np.float32)),
            np.asarray(variance / (variance + STRUCTURE**2), np.float32),
            bool(small.std() < EVEN),
        )


class Cuts:
    """Shot boundaries of a film, found while its frames arrive.

        cuts = Cuts()
        for seen in frames:
            starts += cuts.push(seen)
        starts += cuts.finish()

    A shot has at least BEHIND frames. The same frames always give the same cuts.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last = -BEHIND
        self._frames: deque[Small] = deque(maxlen=BEHIND + 1 + AHEAD)

    @property
    def settled(self) -> int:
        """Of frames below this number it is known whether they begin a shot."""
        return max(0, self._count - AHEAD)

    def push(self, seen: Plane) -> list[int]:
        """Take the next frame, float32 [h, w], CIE L*, all of one size.

        Returns the frames that are now known to begin a shot, by their numbers from 0; the first frame does.
        """
        self._frames.append(Small.of(seen))
        self._count += 1
        return self._told(self._count - 1 - AHEAD)

    def finish(self) -> list[int]:
        """No frame follows: those that begin a shot among the last ones."""
        return [cut for place in range(max(0, self._count - AHEAD), self._count) for cut in self._told(place)]

    def _told(self, place: int) -> list[int]:
        """The frame at this place of the film, if it begins a shot."""
        if place < 0 or place - self._last < BEHIND:
            return []
        first = self._count - len(self._frames)
        here = place - first
        if self._frames[here].even and place > 0:
            return []
        before = range(here - 1, max(-1, here - 1 - BEHIND), -1)
        after = range(here, len(self._frames))
        if any(self._together(old, new) for old in before for new in after if new - old <= BEHIND):
            return []
        self._last = place
        return [place]

    def _together(self, old: int, new: int) -> bool:
        one, other = self._frames[old], self._frames[new]
        return unmoved(one, other) >= UNMOVED or likeness(one, other) >= TOGETHER


def unmoved(one: Small, other: Small) -> float:
    """The share of the structure of both frames that is found at the same places, in [0, 1]; 0 where one has none."""
    if one.even or other.even:
        return 0.0
    height, width = one.tones.shape
    alike = match(one.tones, other.tones, places(np.zeros((height, width, 2), np.float32)))
    return min(float((frame.structure * alike).sum() / frame.structure.sum()) for frame in (one, other))


def likeness(one: Small, other: Small) -> float:
    """The share of the structure of a frame that is found in another one, in [0, 1]."""
    if one.even or other.even:
        return float(one.even and other.even)
    flow = Flow(1)
    there, back = flow(one.tones, other.tones), flow(other.tones, one.tones)
    shares = []
    for first, second, way, return_ in ((one, other, there, back), (other, one, back, there)):
        found = met(way, return_) * match(first.tones, second.tones, places(way))
        shares.append(float((first.structure * found).sum() / first.structure.sum()))
    return max(shares)
