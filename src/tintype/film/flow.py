"""Where the things of one frame are in the next: optical flow between small frames.

It is found by inverse search in patches (Kroeger et al. 2016) on frames whose tones are made alike, so that an exposure
that pumps does not look like motion, and without specks of dust, which a median takes away. How far the picture as a
whole has moved is found first, by its phases (Kuglin and Hines 1975): gate weave is mostly that. What does not come
back to where it set out is not seen in both frames.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

Tones = NDArray[np.uint8]

ERROR = 0.35
"""Cells by which a place may miss itself on the way forth and back, where half of the trust in it is gone; to it are
added STRETCH of the length of the way."""

STRETCH = 0.05

SMALLEST = 32
"""Pixels of the shorter side that the search needs: smaller frames are enlarged. OpenCV 5.0 crashes on some of 8."""

ALIKE = 32.0
"""Difference of tones, of 255, at which a place counts half as the same."""


def tones(seen: Plane) -> Tones:
    """What of a frame is compared, uint8 [h, w]: without specks, and with every tone equally often.

    seen: float32 [h, w], CIE L*. A frame that is brighter, darker or of other contrast gives nearly the same.
    """
    codes = np.clip(seen * np.float32(2.55), 0, 255).astype(np.uint8)
    return np.asarray(cv2.equalizeHist(cv2.medianBlur(codes, 3)), np.uint8)


class Flow:
    """Finds motion between frames of one size, on cells of CELL x CELL of their pixels."""

    def __init__(self, cell: int) -> None:
        self.cell = cell
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, first: Tones, second: Tones) -> Plane:
        """Where each cell of the first frame has gone in the second: float32 [h / cell, w / cell, 2], (x, y), in cells.

        first, second: uint8 [h, w], of `tones`.
        """
        size = first.shape[1] // self.cell, first.shape[0] // self.cell
        times = -(-SMALLEST // min(first.shape))
        if times > 1:
            first, second = (one.repeat(times, 0).repeat(times, 1) for one in (first, second))
        start = np.empty((*first.shape, 2), np.float32)
        start[:] = shift(first, second)
        flow = self._search.calc(first, second, start)
        cells = cv2.resize(flow, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cells / np.float32(self.cell * times), np.float32)


def shift(first: Tones, second: Tones) -> tuple[float, float]:
    """(x, y) by which the picture as a whole has moved, in pixels; none where that cannot be told."""
    size = first.shape[1] // 2, first.shape[0] // 2
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA).astype(np.float32) for one in (first, second)]
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(small[0], small[1], window)
    return (2 * x, 2 * y) if response > 0.1 else (0.0, 0.0)


def places(flow: Plane) -> Plane:
    """Where each cell has gone, float32 [h, w, 2], (x, y), in cells of the other frame."""
    height, width = flow.shape[:2]
    result = flow.copy()
    result[..., 0] += np.arange(width, dtype=np.float32)
    result[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    return result


def taken(plane: Plane, at: Plane, cubic: bool = False) -> Plane:
    """The values of a plane [h, w] or [h, w, n] at places [h, w, 2]; outside, those of its rim."""
    way = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    x, y = cv2.split(at)
    return np.asarray(cv2.remap(plane, x, y, way, borderMode=cv2.BORDER_REPLICATE), np.float32)


def met(there: Plane, back: Plane) -> Plane:
    """How sure it is that what a cell shows is seen in the other frame, too, float32 [h, w] in [0, 1].

    there: from this frame to the other; back: from the other to this.
    """
    at = places(there)
    miss = there + taken(back, at)
    error = np.square(miss).sum(axis=-1)
    allowed = (ERROR + STRETCH * np.hypot(there[..., 0], there[..., 1])) ** 2
    sure = np.exp2(-error / allowed)
    sure[~inside(at)] = 0
    return np.asarray(sure, np.float32)


def match(first: Tones, second: Tones, at: Plane) -> Plane:
    """How alike tones are along the motion, float32 [h, w] in (0, 1]; at: where each cell [h, w] of the first is in the
    second, in cells."""
    size = at.shape[1], at.shape[0]
    one, other = (
        np.asarray(cv2.resize(tone, size, interpolation=cv2.INTER_AREA), np.float32) for tone in (first, second)
    )
    apart = (taken(other, at) - one) / np.float32(ALIKE)
    return np.asarray(np.exp2(-apart * apart), np.float32)


def inside(at: Plane) -> NDArray[np.bool_]:
    """Which places [h, w, 2] lie in the frame, bool [h, w]."""
    height, width = at.shape[:2]
    x, y = at[..., 0], at[..., 1]
    return np.asarray((x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5))
