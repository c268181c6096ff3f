"""What the code values of a film mean: its range, its matrix and its curve.

The equations are those of ITU-T H.273 (coding-independent code points): limited range is [16, 235] of 256 codes for
luma and [16, 240] for chroma, and a matrix is given by the weights K_R and K_B of red and blue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import luminance_to_lightness, srgb_decode, srgb_encode

WEIGHTS = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114), "bt2020": (0.2627, 0.0593)}
"""K_R and K_B of each matrix."""

GAMMAS = {"gamma22": 2.2, "gamma28": 2.8, "linear": 1.0}
"""Curves that are powers. All others are shown as screens of computers show them: by the curve of sRGB."""


@dataclass(frozen=True)
class Signal:
    """How Y, Cb and Cr are coded.

    depth: bits of a sample. full: whether black and white are the first and the last code. matrix: one of WEIGHTS.
    curve: 'srgb' or one of GAMMAS.
    """

    depth: int = 8
    full: bool = False
    matrix: str = "bt709"
    curve: str = "srgb"

    @property
    def black(self) -> int:
        return 0 if self.full else 16 << (self.depth - 8)

    @property
    def span(self) -> int:
        """Codes from black to white."""
        return (1 << self.depth) - 1 if self.full else 219 << (self.depth - 8)

    @property
    def middle(self) -> int:
        """The code of Cb and Cr of a gray."""
        return 1 << (self.depth - 1)

    @property
    def chroma_span(self) -> int:
        """Codes of Cb and Cr that a difference of one takes."""
        return (1 << self.depth) - 1 if self.full else 224 << (self.depth - 8)

    def tones(self) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of each code of luma where there is no colour: float32 [2**depth]."""
        values = np.clip((np.arange(1 << self.depth) - self.black) / self.span, 0, 1)
        tones: NDArray[np.float32] = luminance_to_lightness(self.decode(values)).astype(np.float32)
        return tones

    def decode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear light of values in [0, 1]."""
        if (gamma := GAMMAS.get(self.curve)) is not None:
            return np.asarray(values**gamma)
        return np.asarray(srgb_decode(values))

    def encode(self, linear: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of linear light in [0, 1]."""
        if (gamma := GAMMAS.get(self.curve)) is not None:
            return np.asarray(linear ** (1 / gamma))
        return np.asarray(srgb_encode(linear))
