"""What was answered to a study, as tables: the figures of its report, and the answers themselves.

Names of photographs, methods and participants come from elsewhere. A cell that a spreadsheet would take for a formula
begins with an apostrophe here, and what cannot be printed is written as Python writes it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tintype.errors import printable
from tintype.files import whole_file
from tintype.study import attention
from tintype.study.analysis import ATTENTIVE, Analysis
from tintype.study.collected import read_rows
from tintype.study.design import Study
from tintype.study.intervals import ENOUGH, Estimate, Share

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take a cell for that begins so: something to be computed, which may run programs."""

COLUMNS = {
    "participant": "participants.id",
    "participant_code": "recruited",
    "begun": "begun",
    "finished": "finished",
    "plates": "seen",
    "trial": "number",
    "kind": "kind",
    "photograph": "photograph",
    "method": "trials.method",
    "machine_left": "machine_left",
    "chosen_left": "chosen_left",
    "correct": "correct",
    "exposure_ms": "exposure_ms",
    "refresh_hz": "refresh_hz",
    "reaction_ms": "reaction_ms",
    "input": "input",
    "answered": "answered",
}
"""Of the table of answers: where each is in the file."""


def cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return f"'{printable(text)}" if text.startswith(FORMULAS) else printable(text)


def _written(rows: Iterable[Sequence[object]]) -> str:
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerows(
        [cell(value) if isinstance(value, str) and not isinstance(value, _Number) else value for value in row]
        for row in rows
    )
    return memory.getvalue()


# ---- the answers


def answers(study: Study, path: str | os.PathLike[str]) -> str:
    """All answers in a file as CSV, one a row, in the order of participants and trials.

    `fast` is 1 where the answer came sooner after the pictures than `attention.HASTE`. What is empty is not known. The
    random codes are left out: whoever has one may delete what it stands for.

    Raises:
        StudyError: there is no such file, or it holds the answers to something else.
    """
    rows = read_rows(study, path, COLUMNS.values())
    return _written(
        [[*COLUMNS, "plates_shown", "fast"], *(_answer(study, dict(zip(COLUMNS, row, strict=True))) for row in rows)]
    )


def _answer(study: Study, row: dict[str, Any]) -> list[object]:
    plates = {} if row["plates"] is None else json.loads(row["plates"])
    row["photograph"] = study.photographs[row["photograph"]].name
    row["plates"] = plates.get("right")
    fast = None if row["reaction_ms"] is None else int(row["reaction_ms"] < 1000 * attention.HASTE)
    return [*row.values(), plates.get("shown"), fast]


def write_answers(study: Study, source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Write `answers` to a file.

    Raises:
        StudyError: as for `answers`. UnwritableFile: it cannot be put there.
    """
    text = answers(study, source)
    with whole_file(Path(target)) as file:
        file.write(text.encode("utf-8", "replace"))


# ---- the figures


def figures(study: Study, analysis: Analysis) -> str:
    """All figures as CSV: figure, group, method, against, photograph, value, low, high.

    Rates are from 0 to 1; low and high are the ends of a 95 % interval, or the quartiles of a time in seconds. What too
    few people, photographs or answers tell of (`analysis.ENOUGH`) has its counts alone.
    """
    rows: list[Sequence[str]] = [("figure", "group", "method", "against", "photograph", "value", "low", "high")]
    for figure, *where, value, low, high in _rows(study, analysis):
        numbers = ["" if number is None or math.isnan(number) else f"{number:.6g}" for number in (value, low, high)]
        # Numbers are not text, and may begin with a minus.
        rows.append((figure, *where, *(number and _Number(number) for number in numbers)))
    return _written(rows)


Row = tuple[Any, ...]
"""figure, group, method, against, photograph, value, low, high."""


class _Number(str):
    """A number as it is to be written."""


def _rows(study: Study, analysis: Analysis) -> Iterator[Row]:
    for group, rates in analysis.rates.items():
        for method, rate in rates.items():
            yield from _rate_rows("fooling_rate", (group, method, "", ""), rate)
    for pair in analysis.differences:
        where = (ATTENTIVE, pair.first, pair.second, "")
        yield from _estimate_rows("difference", where, pair.estimate)
    for name, group, chosen in (("caught", "everyone", analysis.caught), ("left_chosen", ATTENTIVE, analysis.left)):
        if chosen is not None:
            yield from _rate_rows(name, (group, "", "", ""), chosen)
    for block in analysis.blocks:
        name = f"fooling_rate_trials_{block.first}_{block.last}"
        if not block.rate.lacking:
            yield name, ATTENTIVE, "", "", "", block.rate.value, block.rate.low, block.rate.high
    if analysis.slope is not None:
        yield from _estimate_rows("rise_in_ten_trials", (ATTENTIVE, "", "", ""), analysis.slope)
    for name, times in analysis.reactions.items():
        if times.count >= ENOUGH["answers"]:
            yield f"reaction_{name}", ATTENTIVE, "", "", "", times.median, times.low, times.high
    counts: dict[str, float] = {
        "begun": analysis.begun,
        "finished": analysis.finished,
        "excluded": analysis.excluded,
        "unjudged": analysis.unjudged,
        "missed_a_plate": analysis.missed,
        "answers_fast": analysis.hasty[0],
    }
    counts |= {f"answers_{kind}": count for kind, count in analysis.answers.items()}
    if (shown := analysis.exposure) is not None:
        counts |= {"exposure": shown.median, "exposure_off": shown.off, "refresh": shown.refresh}
    for name, value in counts.items():
        yield name, "everyone" if isinstance(value, int) else ATTENTIVE, "", "", "", value, None, None
    for fooling in analysis.photographs:
        where = (ATTENTIVE, fooling.method, "", study.photographs[fooling.photograph].name)
        yield "shown", *where, fooling.shown, None, None
        yield "fooled", *where, fooling.fooled, None, None


def _rate_rows(name: str, where: Sequence[str], rate: Share) -> Iterator[Row]:
    counts: dict[str, float] = {"answers": rate.answers, "people": rate.people, "photographs": rate.photographs}
    if not rate.lacking:
        yield name, *where, rate.value, rate.low, rate.high
        yield f"{name}_binomial", *where, rate.value, *rate.naive
        if rate.redrawn is not None:
            yield f"{name}_bootstrap", *where, rate.value, *rate.redrawn
        counts = {"error": rate.error, **counts, "effective_answers": rate.effective}
    for figure, value in counts.items():
        yield f"{name}_{figure}", *where, value, None, None


def _estimate_rows(name: str, where: Sequence[str], estimate: Estimate) -> Iterator[Row]:
    if estimate.lacking:
        return
    yield name, *where, estimate.value, estimate.low, estimate.high
    if estimate.redrawn is not None:
        yield f"{name}_bootstrap", *where, estimate.value, *estimate.redrawn
    yield f"{name}_error", *where, estimate.error, None, None
