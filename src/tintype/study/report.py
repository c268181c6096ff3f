"""The page of what was answered to a study.

The page is a single file without a script. The same answers give the same page.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tintype.errors import OptionError, StudyError, printable
from tintype.files import whole_file
from tintype.reports import charts, pictures
from tintype.reports import page as pages
from tintype.study import attention, tables
from tintype.study.analysis import ATTENTIVE, Analysis, Fooling, analyse
from tintype.study.collected import read_answers
from tintype.study.design import TRUTH, Study, read_study
from tintype.study.intervals import DRAWS, ENOUGH, Share

ANSWERS, QUIZ = "answers.sqlite", "quiz.sqlite"
"""In the folder of the study: the answers to it, and those of its quiz."""

CHANCE = 0.5
PUBLISHED, PUBLISHED_ERROR = 0.323, 0.022
"""Fooling rate and standard error of the full method of Zhang et al. (2016), table 1: on their photographs, by their
people."""

CASES = 6
"""Photographs of each method that fooled most, and least."""

ROOM = "tintype.study"
"""Whose templates the page is made of."""


@dataclass(frozen=True)
class Case:
    """A photograph, and how often a method's colours of it fooled people."""

    name: str
    fooling: Fooling
    pictures: tuple[pictures.Shown, pictures.Shown]
    """In its own colours, and in those of the method."""


@dataclass(frozen=True)
class Cases:
    """The photographs of a method that fooled most, and least."""

    method: str
    most: list[Case]
    least: list[Case]


def write(
    folder: str | os.PathLike[str], path: str | os.PathLike[str] | None = None, least_caught: float | None = None
) -> tuple[Path, Path]:
    """Write the page of a study, and the table of its figures beside it, as .csv; returns both paths.

    Args:
        folder: of the study, with its answers.
        path: the page; None: report.html in the folder of the study.
        least_caught: as for `analyse`.
    Raises:
        StudyError: there is no study or no file of answers, or the study was changed after it began. OptionError: a
            setting that cannot be. UnwritableFile: the page cannot be put there. TintypeError: no jinja2.
    """
    page_path = Path(folder, "report.html") if path is None else Path(path)
    pages.demand_name(page_path)
    if least_caught is not None and not 0 <= least_caught <= 1:
        raise OptionError(f"--least-caught must be a share from 0 to 1, not {least_caught}")
    study = read_study(folder, check=True)
    analysis = analyse(study, read_answers(Path(folder, ANSWERS)), least_caught=least_caught)
    table_path = page_path.with_suffix(".csv")
    for target, text in ((page_path, page(study, analysis)), (table_path, tables.figures(study, analysis))):
        with whole_file(target) as file:
            file.write(text.encode("utf-8", "replace"))
    return page_path, table_path


def page(study: Study, analysis: Analysis) -> str:
    """The HTML of an analysis.

    Raises:
        StudyError: a picture cannot be read. TintypeError: jinja2 is not installed.
    """
    pages.require("study")
    rates = analysis.rates[ATTENTIVE]
    return pages.render(
        ROOM,
        filters={
            "percent": _percent,
            "points": lambda value: _percent(value, signed=True),
            "seconds": lambda value: f"{value:.2f}",
            "thousands": lambda value: "–" if math.isnan(value) else f"{value:,.0f}",
            "visible": printable,
        },
        study=study,
        analysis=analysis,
        rates=rates,
        few={method: rate for method, rate in rates.items() if rate.lacking},
        draws=DRAWS,
        published=(PUBLISHED, PUBLISHED_ERROR),
        enough=ENOUGH,
        attention=attention,
        forest=pages.markup(_forest(rates)),
        learning=pages.markup(_learning(study, analysis)),
        cases=_cases(study, analysis),
    )


def policy() -> str:
    """The Content-Security-Policy of the page."""
    return pages.policy(pages.style(ROOM))


def _percent(value: float, signed: bool = False) -> str:
    if math.isnan(value):
        return "–"
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"
    return text.replace("-", "\N{MINUS SIGN}")


# ---- the charts


def _axis(drawn: Iterable[float]) -> charts.Scale:
    """The axis of rates: from 0 to the next ten above all that is drawn, shares from 0 to 1; at least to 60 %."""
    highest = max((100 * value for value in drawn if not math.isnan(value)), default=0.0)
    return charts.Scale("fooled (%)", 0, max(60.0, min(100.0, 10 * math.ceil(highest / 10))))


def _forest(rates: Mapping[str, Share]) -> str:
    """Of each method its rate with the stated interval, and below it the binomial one, which is too narrow; of those
    that can be stated."""
    rates = {method: rate for method, rate in rates.items() if not rate.lacking}
    if not rates:
        return ""
    scale = _axis(end for rate in rates.values() for end in (rate.value, rate.low, rate.high, *rate.naive))
    wide, row = 310, 42
    high = row * len(rates)
    lines = "".join(f"M{_x(scale, tick / 100, wide)} 0V{high}" for tick in scale.ticks())
    low, top = (_x(scale, PUBLISHED + sign * PUBLISHED_ERROR, wide) for sign in (-1, 1))
    marks = [f'<path class="band" d="M{low} 0H{top}V{high}H{low}z"/><path class="grid" d="{lines}"/>']
    for value, words, side in ((PUBLISHED, "published", "beside"), (CHANCE, "chance", "label")):
        across = _x(scale, value, wide)
        marks.append(f'<path class="equal" d="M{across} -18V{high}"/>')
        marks.append(f'<text class="{side}" x="{across}" dx="{4 if side == "label" else -4}" y="-8">')
        marks.append(f"{words} {100 * value:g}</text>")
    for down, (method, rate) in zip(range(28, high, row), rates.items(), strict=True):
        marks.append(f'<text class="label" x="4" y="{down - 10}">{escape(printable(method))}</text>')
        for kind, place, ends in (("naive", down + 7, rate.naive), ("interval", down, (rate.low, rate.high))):
            marks.append(f'<path class="{kind}" d="M{_x(scale, ends[0], wide)} {place}H{_x(scale, ends[1], wide)}"/>')
        marks.append(f'<path class="dot large" d="M{_x(scale, rate.value, wide)} {down}h0"/>')
    for tick in scale.ticks():
        marks.append(f'<text class="below" x="{_x(scale, tick / 100, wide)}" y="{high + 15}">{tick:g}</text>')
    marks.append(f'<text class="below name" x="{wide / 2:g}" y="{high + 32}">{scale.label}</text>')
    summary = "; ".join(
        f"{printable(method)} {_percent(rate.value)} % [{_percent(rate.low)}, {_percent(rate.high)}]"
        for method, rate in rates.items()
    )
    return (
        f'<svg class="chart" width="{wide + 20}" height="{high + 62}" viewBox="-10 -22 {wide + 20} {high + 62}" '
        f'role="img" aria-label="Fooling rates: {escape(summary)}">{"".join(marks)}</svg>'
    )


def _x(scale: charts.Scale, value: float, wide: float) -> str:
    return f"{wide * scale.at(100 * value):.1f}"


def _learning(study: Study, analysis: Analysis) -> str:
    """The rate over the test, in blocks of trials; only where all of them can be stated."""
    blocks = analysis.blocks
    if len(blocks) < 2 or any(block.rate.lacking for block in blocks):
        return ""
    scale = _axis(end for block in blocks for end in (block.rate.value, block.rate.low, block.rate.high))
    panel = charts.Panel(charts.Scale("trial of the test", 0, study.trials), scale, width=270, height=190)
    panel.line("equal", [(0, 100 * CHANCE), (study.trials, 100 * CHANCE)])
    points = []
    for block in blocks:
        middle = (block.first + block.last) / 2
        points.append((middle, 100 * block.rate.value))
        panel.line("interval", [(middle, 100 * block.rate.low), (middle, 100 * block.rate.high)])
    panel.line("line", points)
    panel.dots("dot large", points)
    words = ", ".join(f"trials {block.first} to {block.last} {_percent(block.rate.value)} %" for block in blocks)
    return panel.svg(f"Fooling rate over the test: {words}")


# ---- the pictures


def _cases(study: Study, analysis: Analysis) -> list[Cases]:
    """Of each method the photographs that fooled most, and least, with pictures."""
    cases = []
    for method in analysis.rates[ATTENTIVE]:
        ranked = [fooling for fooling in analysis.photographs if fooling.method == method]
        few = min(CASES, len(ranked) // 2)
        if few:
            most, least = ([_case(study, one) for one in some] for some in (ranked[:few], ranked[::-1][:few]))
            cases.append(Cases(method, most, least))
    return cases


def _case(study: Study, fooling: Fooling) -> Case:
    true, coloured = (_shown(study.picture(fooling.photograph, way)) for way in (TRUTH, fooling.method))
    return Case(printable(study.photographs[fooling.photograph].name), fooling, (true, coloured))


def _shown(path: Path) -> pictures.Shown:
    try:
        return pictures.shown(path)
    except OSError as error:
        raise StudyError(
            f"{path} cannot be read ({error.strerror or 'it is broken'}): put back the study's pictures"
        ) from None
