"""Charts of a report, written as SVG by hand: the same figures give the same text, and a style sheet colours them.

Every chart is drawn at the size at which its words are meant to be read, in pixels. Classes name what a thing is
(`dot`, `mean`, `grid`, ...), and the page says how it looks in light, in the dark and on paper. Text comes in unescaped
and leaves escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from tintype.color.bins import published_bins
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb

PANEL = 220
"""Side of the small charts, one for each model, without the words around them."""

LETTER = 6.4
"""Width that one letter of a label takes on average."""

DENSITIES = tuple(10 ** (power / 2) for power in range(-10, -2))
"""Where the steps of the density's scale begin: shares of the pixels from 10^-5, two steps to each power of ten."""

REACH = 110
"""Of the ab plane's axes."""


@dataclass(frozen=True)
class Scale:
    """An axis: what it shows, from where to where."""

    label: str
    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 1 within the axis."""
        low, high, value = (math.log10(x) if self.log else x for x in (self.low, self.high, value))
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round values within the axis, three to seven of them."""
        if not self.log:
            return _steps(self.low, self.high)
        digits = (1, 2, 5) if math.log10(self.high / self.low) < 2.5 else (1,)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        return [tick for tick in ticks if self.low * 0.999 <= tick <= self.high * 1.001]


def _steps(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((digit * power for digit in (1, 2, 5, 10)), key=lambda step: abs(math.log(step / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def around(label: str, values: Sequence[float], log: bool = False) -> Scale:
    """The scale that holds some values with room beside them."""
    low, high = min(values), max(values)
    if log:
        return Scale(label, low / 1.6, high * 1.6, log=True)
    room = 0.08 * (high - low) or max(abs(high), 1.0) * 0.05
    return Scale(label, low - room, high + room)


@dataclass
class Panel:
    """Two axes with their grid; what lies on them is added to `marks`."""

    x: Scale
    y: Scale
    width: float = PANEL
    height: float = PANEL
    marks: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels right of and below the upper left corner."""
        return self.x.at(x) * self.width, (1 - self.y.at(y)) * self.height

    def add(self, kind: str, path: str) -> None:
        self.marks.append(f'<path class="{kind}" d="{path}"/>')

    def line(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        self.add(kind, "M" + "L".join(_pair(*self.at(*point)) for point in points))

    def dots(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Points without extent, in a single path: the style gives them round ends, and so their size."""
        self.add(kind, "".join(f"M{_pair(*self.at(*point))}h0" for point in points))

    def svg(self, summary: str) -> str:
        """The chart, with one sentence for those who do not see it."""
        left, top, right, bottom = 46, 8, 10, 38
        lines, words = [], []
        for value in self.x.ticks():
            across = _number(self.x.at(value) * self.width)
            lines.append(f"M{across} 0V{_number(self.height)}")
            words.append(f'<text x="{across}" y="{_number(self.height + 15)}" class="below">{_tick(value)}</text>')
        for value in self.y.ticks():
            down = (1 - self.y.at(value)) * self.height
            lines.append(f"M0 {_number(down)}H{_number(self.width)}")
            words.append(f'<text x="-6" y="{_number(down + 3.5)}" class="beside">{_tick(value)}</text>')
        words.append(
            f'<text x="{_number(self.width / 2)}" y="{_number(self.height + 32)}" class="below name">'
            f"{escape(self.x.label)}</text>"
        )
        words.append(
            f'<text transform="translate(-34 {_number(self.height / 2)}) rotate(-90)" class="below name">'
            f"{escape(self.y.label)}</text>"
        )
        wide, high = left + self.width + right, top + self.height + bottom
        return (
            f'<svg class="chart" width="{_number(wide)}" height="{_number(high)}" '
            f'viewBox="{-left} {-top} {_number(wide)} {_number(high)}" role="img" aria-label="{escape(summary)}">'
            f'<path class="grid" d="{"".join(lines)}"/>{"".join(words)}{"".join(self.marks)}</svg>'
        )


def scatter(x: Scale, y: Scale, points: np.ndarray, summary: str) -> str:
    """One dot a photograph against the line where both are equal, and a cross at the mean; points [n, 2]."""
    panel = Panel(x, y)
    low, high = max(x.low, y.low), min(x.high, y.high)
    panel.line("equal", [(low, low), (high, high)])
    panel.dots("dot", [tuple(point) for point in points])
    across, down = panel.at(*points.mean(axis=0))
    panel.add("mean", f"M{_pair(across - 7, down)}h14M{_pair(across, down - 7)}v14")
    return panel.svg(summary)


def reliability(
    confidence: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, pixels: np.ndarray, summary: str
) -> str:
    """How often a distribution is right where it is so sure, with 95 % intervals, and how often it is so sure.

    Args:
        confidence, right: of each interval of confidence, 0 to 1, NaN where no pixel lies; low, high: around `right`.
        pixels: of each interval.
    """
    panel = Panel(Scale("how sure (%)", 0, 100), Scale("how often right (%)", 0, 100))
    panel.line("equal", [(0, 0), (100, 100)])
    width = panel.width / len(pixels)
    tops = 0.3 * panel.height * pixels / pixels.max()
    panel.add(
        "bars",
        "".join(
            f"M{_pair(number * width + 1, panel.height)}v{_number(-top)}h{_number(width - 2)}V{_number(panel.height)}z"
            for number, top in enumerate(tops)
            if top > 0
        ),
    )
    known = np.flatnonzero(~np.isnan(right))
    for number in known:
        panel.line("interval", [(100 * confidence[number], 100 * end) for end in (low[number], high[number])])
    points = [(100 * confidence[number], 100 * right[number]) for number in known]
    panel.line("line", points)
    panel.dots("dot large", points)
    return panel.svg(summary)


@dataclass(frozen=True)
class Point:
    """A model in a chart of cost against quality."""

    name: str
    x: float
    y: float
    low: float
    high: float
    """The interval around y."""


def labelled(x: str, y: str, points: Sequence[Point], summary: str) -> str:
    """Points with their names beside them and intervals; x on a logarithmic scale."""
    ends = [end for point in points for end in (point.low, point.high)]
    panel = Panel(around(x, [point.x for point in points], log=True), around(y, ends), 400, 270)
    places = {point: panel.at(point.x, point.y) for point in points}
    taken = [(across - 5, down - 5, across + 5, down + 5) for across, down in places.values()]
    for point, (across, _) in places.items():
        top, bottom = (panel.at(point.x, end)[1] for end in (point.high, point.low))
        taken.append((across - 2, top, across + 2, bottom))
    for point in sorted(points, key=lambda point: (point.y, point.name)):
        across, down = places[point]
        panel.line("interval", [(point.x, point.low), (point.x, point.high)])
        box = _place(across, down, LETTER * len(point.name), panel, taken)
        taken.append(box)
        nearest = [
            min(max(value, low), high) for value, low, high in ((across, box[0], box[2]), (down, box[1], box[3]))
        ]
        if math.dist(nearest, (across, down)) > 12:
            panel.add("leader", f"M{_pair(across, down)}L{_pair(*nearest)}")
        panel.marks.append(
            f'<text x="{_number((box[0] + box[2]) / 2)}" y="{_number(box[3] - 3.5)}" class="below label">'
            f"{escape(point.name)}</text>"
        )
    panel.dots("dot large", [(point.x, point.y) for point in points])
    return panel.svg(summary)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _place(across: float, down: float, width: float, panel: Panel, taken: Sequence[Box]) -> Box:
    """A box for a name beside a point, where it covers least of others; right of the point if that is free."""
    height, gap = 14, 8
    lefts = (across + gap, across - gap - width, across - width / 2)
    beside = [(left, down - height / 2) for left in lefts[:2]]
    for far in range(1, 7):
        beside += [(left, down - height / 2 + sign * far * height) for sign in (-1, 1) for left in lefts]
    boxes = [(left, top, left + width, top + height) for left, top in beside]

    def covered(box: Box) -> float:
        within = _overlap(box, (0, 0, panel.width, panel.height))
        # Rounded, so that of free places the first is taken.
        return round(sum(_overlap(box, other) for other in taken) + 3 * (width * height - within), 3)

    return min(boxes, key=covered)


def _overlap(first: Box, second: Box) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    return max(wide, 0) * max(high, 0)


def density(share: np.ndarray, summary: str) -> str:
    """How often each of the 313 bins occurs, [313], sums to 1, in the ab plane on a logarithmic scale."""
    panel = Panel(Scale("a*: green to red", -REACH, REACH), Scale("b*: blue to yellow", -REACH, REACH))
    level = np.searchsorted(DENSITIES, share, side="right") - 1
    side = 10 * panel.width / (2 * REACH)
    for step in range(-1, len(DENSITIES)):
        corners = [panel.at(a - 5, b + 5) for a, b in published_bins()[level == step]]
        if corners:
            square = f"h{_number(side)}v{_number(side)}h{_number(-side)}z"
            panel.add(f"d{step}" if step >= 0 else "rare", "".join(f"M{_pair(*corner)}{square}" for corner in corners))
    panel.marks.append(_rim(panel))
    return panel.svg(summary)


def _rim(panel: Panel) -> str:
    """What a* and b* mean: their own colours along the axes."""
    line = np.arange(5 - REACH, REACH, 10.0)
    zero = np.zeros_like(line)
    side = panel.width / len(line)
    parts = []
    for ab, place in (
        (np.stack([line, zero], axis=-1), lambda number: (number * side, panel.height - 4, side, 4)),
        (np.stack([zero, line], axis=-1), lambda number: (0, panel.height - (number + 1) * side, 4, side)),
    ):
        lab = np.concatenate([np.full((len(ab), 1), 60.0), ab], axis=-1)
        codes = np.rint(255 * np.clip(lab_to_rgb(fit_chroma(lab)), 0, 1)).astype(int)
        for number, code in enumerate(codes):
            left, top, wide, high = (_number(value) for value in place(number))
            colour = "#" + "".join(f"{value:02x}" for value in code)
            parts.append(f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="{colour}"/>')
    return "".join(parts)


def density_key() -> str:
    """The scale of `density`, from rare to frequent."""
    wide, high = 30, 12
    parts = [f'<path class="rare" d="M0 0h{wide}v{high}h{-wide}z"/>']
    words = []
    for step, share in enumerate(DENSITIES):
        left = wide * (step + 1)
        parts.append(f'<path class="d{step}" d="M{left} 0h{wide}v{high}h{-wide}z"/>')
        if step % 2 == 0:
            words.append(f'<text x="{left}" y="{high + 14}" class="below">{_tick(100 * share)} %</text>')
    full = wide * (len(DENSITIES) + 1)
    return (
        f'<svg class="chart" width="{full + 20}" height="{high + 20}" viewBox="-10 -2 {full + 20} {high + 20}" '
        f'role="img" aria-label="Scale of the share of the pixels in a bin, from under 0.001 % to over 3 %">'
        f"{''.join(parts)}{''.join(words)}</svg>"
    )


def _tick(value: float) -> str:
    text = f"{value:.6g}"
    return f"{value:,.0f}" if "e" in text and value >= 1 else text.replace("-", "\N{MINUS SIGN}")


def _number(value: float) -> str:
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )


def _pair(x: float, y: float) -> str:
    return f"{_number(x)} {_number(y)}"
