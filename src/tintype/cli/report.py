"""tintype report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Output
from tintype.errors import OptionError


def report(
    *runs: Annotated[Path, Parameter(name="RUN")],
    output: Output,
    photographs: int = 24,
    seed: int = 0,
) -> int:
    """Show evaluation runs on one page: figures with intervals, photographs side by side, best and worst, charts.

    Example: tintype report runs/first runs/second -o report.html

    The page is a single file that needs no network. Runs on one page must share a protocol. Needs jinja2:
    pip install ".[report]"

    Parameters
    ----------
    runs
        Folders that tintype evaluate has written.
    output
        The page, such as report.html.
    photographs
        How many photographs to show, in addition to the best and worst of each model.
    seed
        Seed of the random choice of these photographs.
    """
    if not runs:
        raise OptionError("Name at least one run: tintype report RUN -o report.html")
    from tintype.evaluation import report

    report.write(runs, output, photographs, seed)
    say(output)
    return 0
