"""The look of the figures that matplotlib draws, and how they are saved."""

from __future__ import annotations

import io
import math
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, TypedDict

from tintype.errors import not_installed
from tintype.plots import output

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Of Okabe and Ito (2008), which the colour-blind tell apart; without their yellow, too pale for lines on white."""

DASHES: tuple[Literal["-"] | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1)),
    (0, (6, 1.5, 1, 1.5)),
)
"""Where there are more lines than colours, the next round of colours is dashed."""

INK, FAINT, GRID = "#222222", "#777777", "#e4e4e4"

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that all machines draw alike
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#999999",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # a name may have dollars in it
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "savefig.dpi": 150,
    "figure.dpi": 100,
    "svg.hashsalt": "tintype",
}


def style() -> AbstractContextManager[None]:
    """The context to draw a figure in: matplotlib's defaults, nothing of the user's own, and then ours.

    Raises:
        TintypeError: matplotlib is not installed.
    """
    require()
    from matplotlib.style import context

    return context(["default", STYLE])


def require() -> None:
    """Raises TintypeError when matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise not_installed("Drawing", "matplotlib", "plot") from None


def new(width: float, height: float) -> Figure:
    """An empty figure, in inches; made without pyplot, which would keep it for ever."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, as its name says; the same figure gives the same bytes.

    Raises:
        OptionError: another suffix. UnwritableFile: the folder does not take it.
    """
    format = output.check(path, FORMATS)
    # Each format stamps its files in its own words.
    stamps = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    memory = io.BytesIO()
    with style():
        figure.savefig(memory, format=format, metadata=stamps[format])
    output.put(memory.getvalue(), path)


class Look(TypedDict):
    """How a line is drawn, as matplotlib takes it."""

    color: str
    linestyle: Literal["-"] | tuple[float, tuple[float, ...]]


def line_of(number: int) -> Look:
    """Colour and dashes of the line of a number, 0, 1 and so on, for as many as COLOURS times DASHES."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[number // len(COLOURS) % len(DASHES)],
    }


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers(axis: Axis, most: int = 8) -> None:
    """Label an axis of a logarithmic scale with at most so many powers of ten, such as 10⁻⁴."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"10{f'{math.log10(value):.0f}'.translate(SUPERSCRIPTS)}"))
