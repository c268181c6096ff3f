"""Simulated hints, drawn as Real-Time User-Guided Colorization draws them (Zhang et al. 2017, section 3.2)."""

from __future__ import annotations

import numpy as np
import torch

STOP = 1 / 8
"""Probability that no further hint follows: the count has mean 7, and none at all comes in one of eight."""

LARGEST = 9
"""Side of the largest patch in pixels of the network's input."""


def draw_hints(hints: torch.Tensor, ab: torch.Tensor, generator: np.random.Generator) -> int:
    """Reveal the true colour of some patches, in place.

    Args:
        hints: [3, h, w] (a*, b*, mask) of zeros; patches are written into it.
        ab: [2, h/s, w/s], the true colours.
    Returns:
        the number of patches. Side uniform in 1..9, corner normal around the centre, value the mean a*b* of the cells
        that the patch touches.
    """
    height, width = hints.shape[1:]
    cell = height // ab.shape[1]
    count = int(generator.geometric(STOP)) - 1
    for _ in range(count):
        side = int(generator.integers(1, LARGEST + 1))
        top, left = (
            int(np.clip(generator.normal((extent - side + 1) / 2, (extent - side + 1) / 4), 0, extent - side))
            for extent in (height, width)
        )
        rows = slice(top // cell, (top + side - 1) // cell + 1)
        columns = slice(left // cell, (left + side - 1) // cell + 1)
        hints[:2, top : top + side, left : left + side] = ab[:, rows, columns].mean(dim=(1, 2))[:, None, None]
        hints[2, top : top + side, left : left + side] = 1
    return count
