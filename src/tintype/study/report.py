"""The page of what was answered to a study.

The page is a single file without a script. It asks the network for nothing and forbids it by a Content-Security-Policy.
The same answers give the same page.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from tintype.errors import OptionError, StudyError, not_installed, printable
from tintype.evaluation import charts
from tintype.files import whole_file
from tintype.study import attention, tables
from tintype.study.analysis import ATTENTIVE, DRAWS, ENOUGH, Analysis, Fooling, Share, analyse, read_answers
from tintype.study.design import TRUTH, Study, read_study
from tintype.version import __version__

ANSWERS, QUIZ = "answers.sqlite", "quiz.sqlite"
"""In the folder of the study: the answers to it, and those of its quiz."""

CHANCE = 0.5
PUBLISHED, PUBLISHED_ERROR = 0.323, 0.022
"""Fooling rate and standard error of the full method of Zhang et al. (2016), table 1: on their photographs, by their
people."""

CASES = 6
"""Photographs of each method that fooled most, and least."""

QUALITY = 84
"""Of the JPEG pictures in the page; colour is not subsampled."""


def write(
    folder: str | os.PathLike, path: str | os.PathLike | None = None, least_caught: float | None = None
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
    if page_path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{page_path} is not the name of a page: end it in .html")
    if least_caught is not None and not 0 <= least_caught <= 1:
        raise OptionError(f"--least-caught must be a share from 0 to 1, not {least_caught}")
    study = read_study(folder, check=True)
    analysis = analyse(study, read_answers(Path(folder, ANSWERS)), least_caught=least_caught)
    texts = {page_path: page(study, analysis), page_path.with_suffix(".csv"): tables.figures(study, analysis)}
    for target, text in texts.items():
        with whole_file(target) as file:
            file.write(text.encode("utf-8", "replace"))
    return tuple(texts)


def page(study: Study, analysis: Analysis) -> str:
    """The HTML of an analysis.

    Raises:
        StudyError: a picture cannot be read. TintypeError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ModuleNotFoundError:
        raise not_installed("The report", "jinja2", "study") from None

    environment = Environment(
        loader=PackageLoader("tintype.study"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["points"] = lambda value: _percent(value, signed=True)
    environment.filters["seconds"] = lambda value: f"{value:.2f}"
    environment.filters["thousands"] = lambda value: "–" if math.isnan(value) else f"{value:,.0f}"
    environment.filters["breaks"] = lambda name: Markup(".<wbr>").join(printable(name).split("."))
    environment.filters["visible"] = printable
    rates = analysis.rates[ATTENTIVE]
    return environment.get_template("report.html.jinja").render(
        study=study,
        found=analysis,
        rates=rates,
        few={method: rate for method, rate in rates.items() if rate.lacking},
        style=Markup(_style()),
        policy=policy(),
        version=__version__,
        draws=DRAWS,
        published=(PUBLISHED, PUBLISHED_ERROR),
        enough=ENOUGH,
        attention=attention,
        forest=Markup(_forest(rates)),
        learning=Markup(_learning(study, analysis)),
        cases=_cases(study, analysis),
    )


def policy() -> str:
    """The Content-Security-Policy of the page: its own style by its hash, its own pictures, and nothing else."""
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'"


def _style() -> str:
    """That of the report of an evaluation, and what this one has more."""
    parts = [files(f"tintype.{room}").joinpath("templates", "report.css") for room in ("evaluation", "study")]
    return "".join(part.read_text("utf-8") for part in parts)


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


def _cases(study: Study, analysis: Analysis) -> list[dict[str, Any]]:
    """Of each method the photographs that fooled most, and least, with pictures."""
    found = []
    for method in analysis.rates[ATTENTIVE]:
        ranked = [fooling for fooling in analysis.photographs if fooling.method == method]
        few = min(CASES, len(ranked) // 2)
        if few:
            most, least = ranked[:few], ranked[::-1][:few]
            cases = [(words, [_case(study, one) for one in some]) for words, some in (("most", most), ("least", least))]
            found.append({"method": method, "cases": cases})
    return found


def _case(study: Study, fooling: Fooling) -> dict[str, Any]:
    pictures = [study.picture(fooling.photograph, way) for way in (TRUTH, fooling.method)]
    return {
        "name": printable(study.photographs[fooling.photograph].name),
        "fooling": fooling,
        "pictures": [_data(path) for path in pictures],
    }


def _data(path: Path) -> str:
    from PIL import Image

    memory = io.BytesIO()
    try:
        Image.open(path).save(memory, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    except OSError as error:
        why = error.strerror or "it is broken"
        raise StudyError(f"{path} cannot be read ({why}): put back the study's pictures") from None
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode()
