"""From the network's small ab plane to the size of the photograph, along the edges of its lightness."""

import numpy as np


class Enlarger:
    """Enlarges one ab plane, strip by strip.

    ab: float32 [2, h', w'], CIE a*b*, what the network says.
    guide: float32 [h, w], L* 0..100 of the same photograph at moderate size.
    size: (height, width) of the photograph.
    """

    def __init__(self, ab, guide, size):
        self.ab = np.asarray(ab, np.float32)
        self.size = size
        height, width = size
        left, right, part = _taps(np.arange(width), width, self.ab.shape[2])
        self._wide = self.ab[:, :, left] * (1 - part) + self.ab[:, :, right] * part

    def rows(self, lightness, top):
        """ab float32 [2, rows, W] of the rows that begin at `top`; lightness: their L*, float32 [rows, W]."""
        rows = np.arange(top, top + len(lightness))
        above, below, part = _taps(rows, self.size[0], self.ab.shape[1])
        part = part[:, None]
        return self._wide[:, above] * (1 - part) + self._wide[:, below] * part


def _taps(positions, size, small):
    """The two neighbours and the weight of the second, for pixel centres of `size` on a plane of `small`."""
    place = np.clip((positions + 0.5) * (small / size) - 0.5, 0, small - 1)
    first = np.minimum(place.astype(np.intp), small - 1)
    return first, np.minimum(first + 1, small - 1), (place - first).astype(np.float32)
