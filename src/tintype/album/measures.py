"""What is measured of the colours of one photograph among many, to find those that deserve a look.

None of it changes a result. It takes a few milliseconds, and needs what one look has found anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tintype.colours import Colours

Outlier = Literal["gray", "vivid", "negative", "text"]

OUTLIERS: dict[Outlier, str] = {
    "gray": "nearly gray",
    "vivid": "extreme colours",
    "negative": "like a negative",
    "text": "like a page of text",
}
"""What a photograph may stand out as, in words."""

EXPLANATION = (
    "Doubt is how far off the model expects its colours to be, in a*b* units: the mean distance of the colours that it "
    "holds possible from those that it gave. Colour is the mean chroma C* of the result. Doubt, and what a photograph "
    "is like, are guesses that tell where to look first."
)
"""What the measures mean, for who reads a page of them."""

GRAY, VIVID, STRONG = 6.0, 45.0, 0.3
"""Mean C* below which a result is nearly gray, and above which it is extreme; or the share of it above FULL."""

FULL, FAINT = 60.0, 4.0
"""C* of what is strong, and below which hardly any colour is seen."""

NEGATIVE, TEXT = 0.93, 0.4
"""Scores from which a photograph is named as one; docs/archives.md says how often rightly."""

BLANK = 0.98
"""Share of a photograph without any difference between neighbours, above which there is nothing on it."""

CELLS = 400
"""Places at which the distribution of colours is looked at, about: more do not change its mean."""

SIDE, SCALES, EDGE = 128, 3, 1.0
"""Patterns are counted on the lightness at about this short side, and at the half of it so many times. What differs by
less than EDGE, in L*, is alike."""


def measures_of(colours: Colours) -> dict[str, float]:
    """What there is to say of the colours of a photograph, and of how it looks to a program.

    chroma: mean C* of the result, as vividness and blend make it; chroma_spread: its standard deviation.
    gray, strong: shares of the photograph with C* below FAINT, and above FULL.
    negative, text: 0 to 1, how much its fine patterns are those of negatives, and of pages of text.
    doubt: how far off the model expects its colours to be, in a*b* units: over what it holds possible, the mean
        distance from the colour that it gave. Only of colours that were looked at with logits.
    """
    chroma = np.hypot(*colours.ab) * (colours.vividness * colours.blend)
    negative, text = scores(patterns(colours.guide))
    found = {
        "chroma": float(chroma.mean()),
        "chroma_spread": float(chroma.std()),
        "gray": float((chroma < FAINT).mean()),
        "strong": float((chroma > FULL).mean()),
        "negative": negative,
        "text": text,
    }
    if colours.logits is not None and colours.model.card.bins is not None:
        bins = np.array(colours.model.card.bins, np.float32)
        found["doubt"] = _expected_error(colours.logits, colours.ab, bins)
    return {name: round(value, 4) for name, value in found.items()}


def outliers(measures: Mapping[str, float]) -> tuple[Outlier, ...]:
    """What a photograph stands out as, by its measures; those that are missing say nothing."""
    chroma = measures.get("chroma")
    stands_out: dict[Outlier, bool] = {
        "gray": chroma is not None and chroma < GRAY,
        "vivid": chroma is not None and (chroma > VIVID or measures.get("strong", 0.0) > STRONG),
        "negative": measures.get("negative", 0.0) > NEGATIVE,
        "text": measures.get("text", 0.0) > TEXT,
    }
    return tuple(name for name, holds in stands_out.items() if holds)


def patterns(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """How often which of the eight neighbours of a pixel are lighter than it, and which are darker.

    These patterns depend on no tone curve. In a negative, lighter and darker change places; text is edges on paper.

    Args:
        lightness: CIE L* [h, w].
    Returns:
        float32 [SCALES, 2, 256], each row sums to 1: lighter, darker; from fine to coarse.
    """
    plane = _reduced(lightness, max(1, round(min(lightness.shape) / SIDE)))
    counted = np.zeros((SCALES, 2, 256), np.float32)
    for scale in range(SCALES):
        if min(plane.shape) < 3:
            break  # A strip of a few pixels has no pattern.
        height, width = plane.shape
        middle = plane[1:-1, 1:-1]
        codes = np.zeros((2, height - 2, width - 2), np.uint8)
        for bit, (down, across) in enumerate(_AROUND):
            other = plane[down : down + height - 2, across : across + width - 2] - middle
            codes[0] |= (other > EDGE).view(np.uint8) << bit
            codes[1] |= (other < -EDGE).view(np.uint8) << bit
        for side in range(2):
            counted[scale, side] = np.bincount(codes[side].ravel(), minlength=256) / middle.size
        plane = _reduced(plane, 2)
    return counted


_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""Where the neighbours of a pixel lie, seen from the one above it at its left."""


def _reduced(plane: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """The means of squares of so many pixels; what is left over at the edges goes."""
    height, width = (side // times for side in plane.shape)
    if times == 1 or not height or not width:
        return plane
    whole = plane[: height * times, : width * times]
    # Row after row first, as that is how they lie in memory.
    sums = whole.reshape(height, times, -1).sum(axis=1).reshape(height, width, times).sum(axis=2)
    return np.asarray(sums / times**2, np.float32)


@cache
def _weights() -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """What the patterns weigh for negatives [SCALES, 256] and for text [SCALES, 2, 256], and what is added for text.

    `python -m benchmarks.outliers` has fitted them.
    """
    with files("tintype.album").joinpath("tables", "patterns.npy").open("rb") as file:
        table = np.load(file, allow_pickle=False)
    return table["negative"].astype(np.float32), table["text"].astype(np.float32), float(table["text_offset"])


def scores(counted: NDArray[np.float32]) -> tuple[float, float]:
    """How much such patterns [SCALES, 2, 256] are those of a negative, and of a page of text; 0 to 1."""
    negative, text, offset = _weights()
    if counted[0, :, 0].min() > BLANK:
        return 0.5, 0.0  # A blank page has no text.
    sums = float(((counted[:, 1] - counted[:, 0]) * negative).sum()), float((counted * text).sum()) + offset
    low, high = (float(1 / (1 + np.exp(-np.clip(score, -30, 30)))) for score in sums)
    return low, high


def _expected_error(logits: NDArray[np.float32], ab: NDArray[np.float32], bins: NDArray[np.float32]) -> float:
    """logits: [Q, h, w]; ab: [2, h, w]; bins: [Q, 2]."""
    cells = ab.shape[1:]
    step = max(1, round((cells[0] * cells[1] / CELLS) ** 0.5))
    part = np.ascontiguousarray(logits[:, ::step, ::step]).reshape(len(bins), -1)
    given = ab[:, ::step, ::step].reshape(2, -1)
    weights = np.exp(part - part.max(axis=0))
    weights /= weights.sum(axis=0)
    squares = (bins**2).sum(axis=1)[:, None] - 2 * bins @ given + (given**2).sum(axis=0)
    return float((weights * np.sqrt(np.maximum(squares, 0))).sum(axis=0).mean())
