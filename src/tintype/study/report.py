"""The page and the table of what was answered to a study.

The page is a single file without a script. It asks the network for nothing and forbids it by a Content-Security-Policy.
The same answers give the same page.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from tintype.errors import OptionError, StudyError, not_installed
from tintype.evaluation import charts
from tintype.photo.writer import whole_file
from tintype.study.analysis import (
    ATTENTIVE,
    DRAWS,
    LEAST_CAUGHT,
    Analysis,
    Estimate,
    Fooling,
    Share,
    analyse,
    read_answers,
)
from tintype.study.design import TRUTH, Study, read_study
from tintype.version import __version__

ANSWERS = "answers.sqlite"
"""In the folder of the study."""

CHANCE = 0.5
PUBLISHED, PUBLISHED_ERROR = 0.323, 0.022
"""Fooling rate and standard error of the full method of Zhang et al. (2016), table 1: on their photographs, by their
people."""

CASES = 6
"""Photographs of each method that fooled most, and least."""

QUALITY = 84
"""Of the JPEG pictures in the page; colour is not subsampled."""


def write(
    folder: str | os.PathLike, path: str | os.PathLike | None = None, least_caught: float = LEAST_CAUGHT
) -> tuple[Path, Path]:
    """Write the page of a study, and the table of its figures beside it, as .csv; returns both paths.

    Args:
        folder: of the study, with its answers.
        path: the page; None: report.html in the folder of the study.
        least_caught: as for `analyse`.
    Raises:
        StudyError: there is no study or no file of answers, or the study was changed after it began. OptionError: a
            setting that cannot be. UnwritablePhoto: the page cannot be put there. TintypeError: no jinja2.
    """
    page_path = Path(folder, "report.html") if path is None else Path(path)
    if page_path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{page_path} is not the name of a page: end it in .html")
    if not 0 <= least_caught <= 1:
        raise OptionError(f"The least share of caught catch trials must be from 0 to 1, not {least_caught}")
    study = read_study(folder, check=True)
    analysis = analyse(study, read_answers(Path(folder, ANSWERS)), least_caught=least_caught)
    texts = {page_path: page(study, analysis), page_path.with_suffix(".csv"): table(study, analysis)}
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
    environment.filters["breaks"] = lambda name: Markup(".<wbr>").join(name.split("."))
    rates = analysis.rates[ATTENTIVE]
    return environment.get_template("report.html.jinja").render(
        study=study,
        found=analysis,
        rates=rates,
        style=Markup(_style()),
        policy=policy(),
        version=__version__,
        draws=DRAWS,
        published=(PUBLISHED, PUBLISHED_ERROR),
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


# ---- the table


def table(study: Study, analysis: Analysis) -> str:
    """All figures as CSV: figure, group, method, against, photograph, value, low, high.

    Rates are from 0 to 1; low and high are the ends of a 95 % interval, or the quartiles of a time in seconds.
    """
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(("figure", "group", "method", "against", "photograph", "value", "low", "high"))
    for figure, *where, value, low, high in _rows(study, analysis):
        numbers = ["" if number is None or math.isnan(number) else f"{number:.6g}" for number in (value, low, high)]
        writer.writerow((figure, *where, *numbers))
    return memory.getvalue()


def _rows(study: Study, analysis: Analysis) -> Iterator[tuple]:
    for group, rates in analysis.rates.items():
        for method, rate in rates.items():
            yield from _rate_rows("fooling_rate", (group, method, "", ""), rate)
    for pair in analysis.differences:
        where = (ATTENTIVE, pair.first, pair.second, "")
        yield from _estimate_rows("difference", where, pair.found)
    for name, group, rate in (("caught", "everyone", analysis.caught), ("left_chosen", ATTENTIVE, analysis.left)):
        if rate is not None:
            yield from _rate_rows(name, (group, "", "", ""), rate)
    for block in analysis.blocks:
        name = f"fooling_rate_trials_{block.first}_{block.last}"
        yield name, ATTENTIVE, "", "", "", block.rate.value, block.rate.low, block.rate.high
    if analysis.slope is not None:
        yield from _estimate_rows("rise_in_ten_trials", (ATTENTIVE, "", "", ""), analysis.slope)
    for name, times in analysis.reactions.items():
        yield f"reaction_{name}", ATTENTIVE, "", "", "", times.median, times.low, times.high
    counts = {
        "begun": analysis.begun,
        "finished": analysis.finished,
        "excluded": analysis.excluded,
        "missed_a_plate": analysis.missed,
    } | {f"answers_{kind}": count for kind, count in analysis.answers.items()}
    if (shown := analysis.exposure) is not None:
        counts |= {"exposure": shown.median, "exposure_off": shown.off, "refresh": shown.refresh}
    for name, value in counts.items():
        yield name, "everyone" if isinstance(value, int) else ATTENTIVE, "", "", "", value, None, None
    for fooling in analysis.photographs:
        where = (ATTENTIVE, fooling.method, "", study.photographs[fooling.photograph].name)
        yield "shown", *where, fooling.shown, None, None
        yield "fooled", *where, fooling.fooled, None, None


def _rate_rows(name: str, where: Sequence[str], rate: Share) -> Iterator[tuple]:
    yield name, *where, rate.value, rate.low, rate.high
    yield f"{name}_binomial", *where, rate.value, *rate.naive
    if rate.redrawn is not None:
        yield f"{name}_bootstrap", *where, rate.value, *rate.redrawn
    for figure, value in {
        "error": rate.error,
        "answers": rate.answers,
        "people": rate.people,
        "photographs": rate.photographs,
        "effective_answers": rate.effective,
    }.items():
        yield f"{name}_{figure}", *where, value, None, None


def _estimate_rows(name: str, where: Sequence[str], found: Estimate) -> Iterator[tuple]:
    yield name, *where, found.value, found.low, found.high
    if found.redrawn is not None:
        yield f"{name}_bootstrap", *where, found.value, *found.redrawn
    yield f"{name}_error", *where, found.error, None, None


# ---- the charts


def _forest(rates: Mapping[str, Share]) -> str:
    """Of each method its rate with the stated interval, and below it the binomial one, which is too narrow."""
    if not rates:
        return ""
    ends = [end for rate in rates.values() for end in (rate.low, rate.high) if not math.isnan(end)]
    scale = charts.Scale("fooled (%)", 0, max(60.0, 105 * max(ends, default=0)))
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
        marks.append(f'<text class="label" x="4" y="{down - 10}">{escape(method)}</text>')
        for kind, place, ends in (("naive", down + 7, rate.naive), ("interval", down, (rate.low, rate.high))):
            if not math.isnan(ends[0]):
                marks.append(
                    f'<path class="{kind}" d="M{_x(scale, ends[0], wide)} {place}H{_x(scale, ends[1], wide)}"/>'
                )
        marks.append(f'<path class="dot large" d="M{_x(scale, rate.value, wide)} {down}h0"/>')
    for tick in scale.ticks():
        marks.append(f'<text class="below" x="{_x(scale, tick / 100, wide)}" y="{high + 15}">{tick:g}</text>')
    marks.append(f'<text class="below name" x="{wide / 2:g}" y="{high + 32}">{scale.label}</text>')
    summary = "; ".join(
        f"{method} {_percent(rate.value)} % [{_percent(rate.low)}, {_percent(rate.high)}]"
        for method, rate in rates.items()
    )
    return (
        f'<svg class="chart" width="{wide + 20}" height="{high + 62}" viewBox="-10 -22 {wide + 20} {high + 62}" '
        f'role="img" aria-label="Fooling rates: {escape(summary)}">{"".join(marks)}</svg>'
    )


def _x(scale: charts.Scale, value: float, wide: float) -> str:
    return f"{wide * scale.at(100 * value):.1f}"


def _learning(study: Study, analysis: Analysis) -> str:
    """The rate over the test, in blocks of trials."""
    blocks = analysis.blocks
    if len(blocks) < 2:
        return ""
    top = max([60.0, *(105 * block.rate.high for block in blocks if not math.isnan(block.rate.high))])
    panel = charts.Panel(
        charts.Scale("trial of the test", 0, study.trials), charts.Scale("fooled (%)", 0, top), width=270, height=190
    )
    panel.line("equal", [(0, 100 * CHANCE), (study.trials, 100 * CHANCE)])
    points = []
    for block in blocks:
        middle = (block.first + block.last) / 2
        points.append((middle, 100 * block.rate.value))
        if not math.isnan(block.rate.low):
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
        "name": study.photographs[fooling.photograph].name,
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
