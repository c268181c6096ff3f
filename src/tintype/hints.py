"""Colours that a user gives at places of the photograph, and how the network gets to see them."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import rgb_to_lab
from tintype.errors import HintError

Plane = NDArray[np.float32]

SMALLEST = 1.0
"""Radius in network pixels that a hint is drawn with at least, so that it is seen however small it is."""

MOST = 1000
"""Hints of one photograph."""

LARGEST = 1e9
"""What no place or radius is beyond, in pixels."""

FILE = 1 << 22
"""Bytes of a file of hints."""

EDGE = 0.5
"""Times its radius over which a hint fades out around its disc, but at least a pixel."""

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


Hints = str | os.PathLike[str] | Iterable[Hint | Mapping[str, object]]
"""Hints as users give them: a list of Hint or of {"x", "y", "color", "radius"}, or the path of a JSON file with one."""


def read_hints(source: Hints) -> list[Hint]:
    """Hints from a JSON file, which is a list of {"x", "y", "color", "radius"}, or from such a list itself.

    At most MOST of them. Raises HintError, one sentence that names the file and the hint.
    """
    if isinstance(source, (str, os.PathLike)):
        name = f"The hints file {os.fspath(source)}"
        try:
            with open(source, "rb") as file:
                content = file.read(FILE + 1)
            if len(content) > FILE:
                raise HintError(f"{name} has more than {FILE >> 20} MB: give at most {MOST} hints")
            source = json.loads(content.decode("utf-8"))
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
    items = list(islice(source, MOST + 1))
    if len(items) > MOST:
        raise HintError(f"{name} has more than {MOST} hints: leave some out")
    return [_hint(item, f"{name}, hint {number}") for number, item in enumerate(items, 1)]


def draw_hints(hints: Sequence[Hint], size: tuple[int, int], network: tuple[int, int]) -> Plane:
    """The hints as the network sees them.

    size: (height, width) of the upright photograph; network: (height, width) of the network's input.
    Returns float32 [3, h, w]: a*, b* and mask. The mask is the share of each network pixel that hints cover, and a*, b*
    are the colour times that share, as if full-size hints had been averaged with their surroundings. A later hint lies
    on top of an earlier one.

    Raises HintError when a hint lies outside the photograph.
    """
    check_places(hints, size)
    drawn = np.zeros((3, *network), np.float32)
    for hint in hints:
        place, share = covered(hint, size, network)
        part = drawn[:, *place]
        part *= 1 - share
        part += np.array([*ab_of(hint.color), 1], np.float32)[:, None, None] * share
    return drawn


def check_places(hints: Sequence[Hint], size: tuple[int, int]) -> None:
    """Raises HintError when a hint lies outside a photograph of (height, width) `size`."""
    for number, hint in enumerate(hints, 1):
        if not (0 <= hint.x < size[1] and 0 <= hint.y < size[0]):
            raise HintError(
                f"Hint {number} at ({hint.x:g}, {hint.y:g}) lies outside the photograph of {size[1]} x {size[0]} pixels"
            )


def covered(hint: Hint, size: tuple[int, int], network: tuple[int, int]) -> tuple[tuple[slice, slice], Plane]:
    """The part of a plane of `network` size that a hint touches, and the share of each pixel that it covers."""
    (height, width), (rows, columns) = size, network
    down, across = rows / height, columns / width
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
    return (slice(top, bottom), slice(left, right)), share


class Discs:
    """The hints themselves, laid over the colours of the finished photograph.

    In its disc each hint has exactly its own a*b*; around it these fade out over EDGE times its radius.

    size: (height, width) of the upright photograph.
    """

    def __init__(self, hints: Iterable[Hint], size: tuple[int, int]) -> None:
        self.size = size
        # The last lies on top: it comes first, and what it covers needs no other.
        self._hints = [(hint, ab_of(hint.color).astype(np.float32)) for hint in hints][::-1]

    def lay(self, top: int, first: int, ab: Plane) -> None:
        """Lay them over `ab`, float32 [2, rows, columns], CIE a*b* from row `top` and column `first` on, in place."""
        rows, width = ab.shape[1:]
        free: Plane | None = None
        for hint, color in self._hints:
            # A disc smaller than a pixel is that pixel.
            radius = max(hint.radius, math.sqrt(0.5))
            fade = max(EDGE * radius, 1.0)
            reach = radius + fade
            above, below = max(0, math.floor(hint.y - reach) - top), min(rows, math.ceil(hint.y + reach) - top)
            left, right = max(0, math.floor(hint.x - reach) - first), min(width, math.ceil(hint.x + reach) - first)
            if above >= below or left >= right:
                continue
            if free is None:
                free = np.ones((rows, width), np.float32)
                laid = np.zeros_like(ab)
            part = free[above:below, left:right]
            if not part.any():
                continue
            y = (np.arange(above, below) + (top + 0.5 - hint.y)).astype(np.float32)
            x = (np.arange(left, right) + (first + 0.5 - hint.x)).astype(np.float32)
            share = np.clip((np.float32(reach) - np.hypot(y[:, None], x)) / np.float32(fade), 0, 1)
            share *= share * (3 - 2 * share)
            share *= part
            part -= share
            laid[:, above:below, left:right] += color[:, None, None] * share
        if free is not None:
            ab *= free
            ab += laid


def ab_of(color: str) -> NDArray[np.float64]:
    """CIE a*b* of #rrggbb, [2]."""
    rgb = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    ab: NDArray[np.float64] = rgb_to_lab(rgb)[1:]
    return ab


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
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            raise HintError(f"{name} must have a number as {key}, not {value!r}")
        if not -LARGEST <= value <= LARGEST:
            raise HintError(f"{name} must have a number of at most {LARGEST:.0f} as {key}")
    if item["radius"] <= 0:
        raise HintError(f"{name} must have a radius above 0, not {item['radius']!r}")
    if not isinstance(item["color"], str) or not re.fullmatch("#[0-9A-Fa-f]{6}", item["color"]):
        raise HintError(f'{name} must have a color such as "#8b5a2b", not {item["color"]!r}')
    return Hint(**item)
