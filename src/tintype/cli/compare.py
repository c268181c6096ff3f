"""tintype compare"""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli import say, shown
from tintype.cli.options import Flag, several
from tintype.errors import OptionError

if TYPE_CHECKING:
    from tintype.evaluation.compare import Comparison, Ranking


def compare(
    *runs: Annotated[Path, Parameter(name="RUN")],
    metrics: Annotated[tuple[str, ...], several("names of metrics such as psnr,ciede2000")] = (
        "psnr",
        "auc_balanced",
        "colorfulness",
        "dcf",
    ),
    against: str | None = None,
    only: Annotated[tuple[str, ...], several("beginnings of names such as bsds,kodak")] = (),
    markdown: Flag = False,
    json: Path | None = None,
) -> int:
    """Rank the models of evaluation runs, with intervals over the photographs, and say which differences are real.

    Runs are ranked together only if they have the same protocol: the same photographs, size, gray and metrics.

    Example: tintype compare run theirs --metrics ciede2000,auc_balanced --against tintype.v2

    Parameters
    ----------
    runs
        Folders that tintype evaluate has made.
    metrics
        Metrics to rank by, with commas between them.
    against
        Compare all models with this one. Default: each is compared with the one before it.
    only
        Use only the photographs whose names begin with one of these, such as bsds,kodak.
    markdown
        Print tables in Markdown, as in a pipe.
    json
        Write all figures and the differences of all pairs to this file.
    """
    if not runs:
        raise OptionError("Name a run, as in: tintype compare run")

    from tintype.evaluation.compare import FEW
    from tintype.evaluation.compare import compare as ranked
    from tintype.evaluation.results import read_run
    from tintype.files import whole_file

    comparison = ranked([read_run(run) for run in runs], metrics, only)
    models = {place.model for ranking in comparison.rankings for place in ranking.places}
    if against is not None and against not in models:
        raise OptionError(f"There is no model {against} to compare against: choose from {', '.join(sorted(models))}")
    if json is not None:
        with whole_file(json) as file:
            file.write(
                json_.dumps(comparison.to_json(), indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            )
    show = _markdown if markdown or not sys.stdout.isatty() else _terminal
    say(_measured_on(comparison))
    count = len(comparison.protocol.photographs)
    if count < FEW:
        say(f"{count} photographs are few: the intervals are too narrow, and what is called real may not be.")
    for ranking in comparison.rankings:
        say()
        say(_head(ranking, against))
        if ranking.without:
            say(f"Not measured: {', '.join(ranking.without)}.")
        say()
        show(ranking.metric, _rows(ranking, against))
    return 0


def _measured_on(comparison: Comparison) -> str:
    protocol = comparison.protocol
    chosen = f" that begin with {' or '.join(comparison.only)}" if comparison.only else ""
    side = "" if protocol.side is None else f", {protocol.side} pixels"
    return (
        f"{len(protocol.photographs)} photographs of {protocol.source}{chosen}; {protocol.crop}{side}; gray: "
        f"{protocol.gray}. In brackets 95 % intervals over photographs."
    )


def _head(ranking: Ranking, against: str | None) -> str:
    from tintype.evaluation.figures import METRICS

    metric = METRICS[ranking.metric]
    unit = f" in {metric.unit}" if metric.unit else ""
    better, truth = metric.direction, ranking.truth
    if truth is not None:
        better += f", {_figure(truth.value, truth.low, truth.high, metric.digits)}"
    held = "the one before" if against is None else against
    return f"{ranking.metric}{unit}: {better}. Differences: + is better than {held}."


def _rows(ranking: Ranking, against: str | None) -> list[tuple[str, str, str, str]]:
    """Model, figure, how much better than the one before or another, and whether that is real."""
    from tintype.evaluation.figures import METRICS

    digits = METRICS[ranking.metric].digits
    rows = []
    for number, place in enumerate(ranking.places):
        other = against if against is not None else ranking.places[number - 1].model if number else None
        better_by, verdict = "", ""
        if other is not None and other not in (place.model, *ranking.without):
            pair = ranking.difference(place.model, other)
            better_by = _figure(pair.better_by, pair.low, pair.high, digits + 1, "+")
            verdict = "real" if pair.real else "not told apart"
        rows.append((place.model, _figure(place.value, place.low, place.high, digits), better_by, verdict))
    return rows


def _figure(value: float, low: float, high: float, digits: int, sign: str = "") -> str:
    form = f"{sign}z.{digits}f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def _markdown(metric: str, rows: list[tuple[str, str, str, str]]) -> None:
    say(f"| model | {metric} | difference | |")
    say("|---|---|---|---|")
    for row in rows:
        say(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |")


def _terminal(metric: str, rows: list[tuple[str, str, str, str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE)
    for head in ("model", metric, "difference", ""):
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell), "dim" if cell == "not told apart" else "") for cell in row))
    Console().print(table)
