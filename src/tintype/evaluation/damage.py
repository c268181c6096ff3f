"""Damage to a gray photograph by age, cameras and scanning, applied before it is coloured.

A damage is written as KIND=LEVEL, such as noise=10, and `parse` reads it. The truth that colours are compared with
stays undamaged. The response of a film is not a damage; see `tintype.color.film`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import pyvips
from PIL import Image

from tintype.color.film import fade
from tintype.color.lab import gray as code_of
from tintype.color.lab import lightness
from tintype.errors import OptionError
from tintype.evaluation.metrics import Codes, Floats

KINDS: dict[str, tuple[str, float, float]] = {
    "noise": ("the standard deviation of Gaussian noise in 8-bit codes", 0, 128),
    "blur": ("the standard deviation of a Gaussian blur in pixels", 0, 50),
    "fading": ("the share of the contrast that is lost", 0, 0.95),
    "jpeg": ("the quality of the JPEG file, a whole number", 1, 100),
    "size": ("the short side in pixels, a whole number", 16, 4096),
}
"""What LEVEL means, the least and the greatest that it may be."""

LIFTED = 0.6
"""Share of the contrast lost by fading that is lost in black, which becomes lighter; the rest is lost in white."""


@dataclass(frozen=True)
class Damage:
    """One damage of one level; `str` writes it as `parse` reads it."""

    kind: str
    """One of KINDS, or "none"."""
    level: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "none" else f"{self.kind}={self.level:.10g}"

    def apply(self, gray: Codes, seed: int = 0) -> Codes:
        """The damaged photograph.

        Args:
            gray: uint8 [h, w], sRGB codes.
            seed: of the noise; the same gives the same.
        Returns:
            uint8 [h, w]; of `size`, [h', w'] whose shorter side is the level.
        """
        if self.kind == "noise":
            noise = np.random.default_rng(seed).normal(0, self.level, gray.shape)
            return _codes(gray + noise)
        if self.kind == "blur" and self.level:
            # The least amplitude tells where the Gaussian is cut off: beyond three standard deviations.
            blurred = pyvips.Image.new_from_array(gray).gaussblur(self.level, min_ampl=0.01, precision="float")
            return _codes(blurred.numpy())
        if self.kind == "fading":
            scale = np.repeat(np.arange(256)[:, None] / 255, 3, axis=1)
            black, white = 100 * self.level * LIFTED, 100 - 100 * self.level * (1 - LIFTED)
            table = _codes(255 * code_of(fade(lightness(scale), black, white)))
            faded: Codes = table[gray]
            return faded
        if self.kind == "jpeg":
            memory = io.BytesIO()
            Image.fromarray(gray).save(memory, "jpeg", quality=int(self.level))
            return np.asarray(Image.open(memory))
        if self.kind == "size":
            height, width = gray.shape
            factor = self.level / min(height, width)
            return _resized(gray, round(height * factor), round(width * factor))
        return gray

    def undo_size(self, coloured: Codes, height: int, width: int) -> Codes:
        """The coloured photograph, uint8 [h', w', 3], at the size of the truth, at which it is measured."""
        return coloured if coloured.shape[:2] == (height, width) else _resized(coloured, height, width)


NONE = Damage("none")


def parse(text: str) -> Damage:
    """The damage that is written as KIND=LEVEL, or `none`.

    Raises:
        OptionError: the kind is unknown, or the level is out of its range.
    """
    kind, equals, number = text.strip().partition("=")
    if kind == "none" and not equals:
        return NONE
    if kind not in KINDS:
        known = ", ".join(f"{name}={low:g}..{high:g}" for name, (_, low, high) in KINDS.items())
        raise OptionError(f"{text!r} is not a known damage; choose from none, {known}")
    meaning, low, high = KINDS[kind]
    try:
        level = float(number)
    except ValueError:
        level = math.nan
    if not low <= level <= high or (kind in ("jpeg", "size") and level != int(level)):
        raise OptionError(f"{text!r} is out of range: {kind}=LEVEL is {meaning}, from {low:g} to {high:g}")
    return Damage(kind, level)


def _codes(values: Floats) -> Codes:
    codes: Codes = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return codes


def _resized(photo: Codes, height: int, width: int) -> Codes:
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS))
