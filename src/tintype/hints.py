"""Colours that a user gives at places of the photograph, and how the network gets to see them."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintype.color.lab import rgb_to_lab
from tintype.errors import HintError

SMALLEST = 1.0
"""Radius in network pixels that a hint is drawn with at least, so that it is seen however small it is."""

LEAK = 6.0
"""a*b* units that one hint may move colours by without being about them; see `keep_local`."""

LINES = 8
"""Lines per network pixel along which its coverage is measured."""


@dataclass(frozen=True)
class Hint:
    """A disc of one colour."""

    x: float
    """Its centre in pixels of the upright photograph at full size, from the left edge."""
    y: float
    """From the upper edge."""
    color: str
    """`#rrggbb`, sRGB. Its hue and chroma count; the lightness stays the photograph's."""
    radius: float
    """In pixels of the upright photograph at full size, above 0."""


def read_hints(source: str | os.PathLike | Iterable[Hint | Mapping]) -> list[Hint]:
    """Hints from a JSON file, which is a list of {"x", "y", "color", "radius"}, or from such a list itself.

    Raises HintError, one sentence that names the file and the hint.
    """
    if isinstance(source, (str, os.PathLike)):
        name = f"The hints file {os.fspath(source)}"
        try:
            source = json.loads(Path(source).read_text(encoding="utf-8"))
        except OSError as error:
            raise HintError(f"{name} cannot be read ({error.strerror})") from None
        except (ValueError, RecursionError):
            raise HintError(
                f'{name} is not JSON: write [{{"x": 10, "y": 20, "color": "#rrggbb", "radius": 5}}].'
            ) from None
    else:
        name = "The list of hints"
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise HintError(f"{name} must be a list of hints, each with x, y, color and radius")
    return [_hint(item, f"{name}, hint {number}") for number, item in enumerate(source, 1)]


def draw_hints(hints: Iterable[Hint], size: tuple[int, int], network: tuple[int, int]) -> np.ndarray:
    """The hints as the network sees them.

    size: (height, width) of the upright photograph; network: (height, width) of the network's input.
    Returns float32 [3, h, w]: a*, b* and mask. The mask is the share of each network pixel that hints cover, and a*, b*
    are the colour times that share, as if full-size hints had been averaged with their surroundings. A later hint lies
    on top of an earlier one.

    Raises HintError when a hint lies outside the photograph.
    """
    height, width = size
    rows, columns = network
    down, across = rows / height, columns / width
    drawn = np.zeros((3, rows, columns), np.float32)
    for number, hint in enumerate(hints, 1):
        if not (0 <= hint.x < width and 0 <= hint.y < height):
            raise HintError(
                f"Hint {number} at ({hint.x:g}, {hint.y:g}) lies outside the photograph of {width} x {height} pixels"
            )
        y, x = hint.y * down, hint.x * across
        tall, wide = max(hint.radius * down, SMALLEST), max(hint.radius * across, SMALLEST)
        top, bottom = max(0, math.floor(y - tall)), min(rows, math.ceil(y + tall))
        left, right = max(0, math.floor(x - wide)), min(columns, math.ceil(x + wide))
        lines = top + (np.arange((bottom - top) * LINES) + 0.5) / LINES
        half = wide * np.sqrt(np.clip(1 - ((lines - y) / tall) ** 2, 0, None)).reshape(-1, LINES, 1)
        edges = np.arange(left, right + 1)
        share = np.zeros((bottom - top, right - left), np.float32)
        for line in range(LINES):
            begin, end = x - half[:, line], x + half[:, line]
            share += np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0, None) / LINES
        part = drawn[:, top:bottom, left:right]
        part *= 1 - share
        part += np.array([*_ab(hint.color), 1], np.float32)[:, None, None] * share
    return drawn


def keep_local(ab: np.ndarray, without: np.ndarray, count: int) -> np.ndarray:
    """Colours with `count` hints, where these change little brought back to those without them.

    A network that sees the photograph as a whole lets every hint shift all colours a little (3 units of one hint at the
    default model), far from what it lies on. Of changes below LEAK / count nothing stays, of larger ones the more the
    larger they are (the nonnegative garrote, Breiman 1995). Many hints do tell of the whole: ten keep nearly all.

    Args:
        ab, without: [2, h, w], CIE a*b*.
    Returns:
        [2, h, w], CIE a*b*.
    """
    moved = ab - without
    least = (LEAK / count) ** 2
    return without + moved * (1 - least / np.maximum((moved**2).sum(axis=0), least))


def _ab(color: str) -> np.ndarray:
    rgb = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return rgb_to_lab(rgb)[1:]


def _hint(item: object, name: str) -> Hint:
    if isinstance(item, Hint):
        item = vars(item)
    if not isinstance(item, Mapping):
        raise HintError(f"{name} must be an object with x, y, color and radius")
    expected = set(Hint.__dataclass_fields__)
    if missing := sorted(expected - item.keys()):
        raise HintError(f"{name} lacks {' and '.join(missing)}")
    if unknown := sorted(map(str, item.keys() - expected)):
        raise HintError(f"{name} has {unknown[0]!r}, which is not one of x, y, color and radius")
    for key in ("x", "y", "radius"):
        value = item[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise HintError(f"{name} must have a number as {key}, not {value!r}")
    if item["radius"] <= 0:
        raise HintError(f"{name} must have a radius above 0, not {item['radius']!r}")
    if not isinstance(item["color"], str) or not re.fullmatch("#[0-9A-Fa-f]{6}", item["color"]):
        raise HintError(f'{name} must have a color such as "#8b5a2b", not {item["color"]!r}')
    return Hint(**item)
