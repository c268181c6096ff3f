"""Where one shot of a film ends and the next begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

AHEAD = 3
"""Frames after a cut that must have been pushed before it is told."""


class Cuts:
    """Shot boundaries of a film, found while its frames arrive.

        cuts = Cuts()
        for index, seen in enumerate(frames):
            starts += cuts.push(seen)
        starts += cuts.finish()

    The same frames always give the same cuts.
    """

    def __init__(self) -> None:
        self._count = 0

    @property
    def settled(self) -> int:
        """Of frames below this number it is known whether they begin a shot."""
        return max(0, self._count - AHEAD)

    def push(self, seen: Plane) -> list[int]:
        """Take the next frame, float32 [h, w], CIE L*; the frames that are now known to begin a shot, by number."""
        self._count += 1
        return [0] if self._count == 1 else []

    def finish(self) -> list[int]:
        """No frame follows: those that begin a shot among the last ones."""
        return []
