"""tintype robustness"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import complain, say, shown
from tintype.errors import OptionError, TintypeError

WHOLE = "whole"


def robustness(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    data: str | None = None,
    models: str | None = None,
    damages: str | None = None,
    plates: Path | None = None,
    side: str = "256",
    limit: int | None = None,
    jobs: int | None = None,
) -> int:
    """Measure how well models cope with other films, noise, blur, fading, JPEG and other sizes.

    Each condition is a run of tintype evaluate, in a folder named after it. robustness.csv has all figures. Among them
    are the gain over plain gray in auc_balanced, drawn as curves in robustness.png, and the percentage of it that is
    kept. To continue an interrupted run, repeat its command. With other damages or models, the command adds them.

    Example: tintype robustness --data photographs --limit 100 -o run

    Example: tintype robustness --data tintype-679 --models tintype.v2,mine.onnx --damages film,noise=10 -o run

    Example: tintype robustness --plates negatives -o run

    Parameters
    ----------
    output
        The folder of the runs.
    data
        Colour photographs: a folder and its sub-folders, a .tar file, or tintype-679, the published set.
    models
        Names of models or .onnx files, separated by commas. Default: tintype.v2.
    damages
        Damages to try, separated by commas: film, noise, blur, fading, jpeg, size, or single levels such as noise=7 or
        film=blue. Default: all of them.
    plates
        A folder of three-filter negatives. Each of their exposures is coloured, and compared with the true colours that
        the three exposures give together.
    side
        Side of the centre square that is measured, in pixels; whole: photographs at their own size. Plates are always
        measured whole.
    limit
        Use only the first photographs, this many.
    jobs
        Number of processes. Default: one per processor.
    """
    if data is None and plates is None:
        raise OptionError("give photographs with --data, or three-filter negatives with --plates")
    if damages is not None and data is None:
        raise OptionError("--damages needs photographs: give them with --data")
    for option, number in (("--jobs", jobs), ("--limit", limit)):
        if number is not None and number < 1:
            raise OptionError(f"{option} must be at least 1, not {number}")
    if side != WHOLE and not side.isdecimal():
        raise OptionError(f"--side takes a number of pixels, or {WHOLE}, not {side!r}")

    from tintype.evaluation import robustness
    from tintype.evaluation.compare import FEW
    from tintype.evaluation.manifest import NAME, TERMS

    chosen = [name for name in (models or "").split(",") if name]
    words = [word.strip() for word in (damages or "").split(",") if word.strip()]
    problems = []
    with _progress() as watch:
        if data is not None:
            width = None if side == WHOLE else int(side)
            problems += robustness.damaged(
                chosen, data, output, words, side=width, limit=limit, jobs=jobs, watch=watch("photographs")
            )
        if plates is not None:
            problems += robustness.plates(chosen, plates, output, limit=limit, jobs=jobs, watch=watch("plates"))
    table = robustness.write_table(output)
    say(f"{table}{_picture(output)}")
    if (count := robustness.fewest(output)) < FEW:
        complain(f"warning: {count} photographs are few: the intervals are too narrow; take {FEW} or more")
    if data == NAME:
        say(f"{NAME}: {TERMS}")
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _picture(folder: Path) -> str:
    """Draw the curves and print them; what is there of them, for the last line."""
    from tintype.plots import figure, robustness

    table = robustness.read_table(folder)
    _print(table)
    path = folder / "robustness.png"
    try:
        figure.save(robustness.draw(table), path)
    except TintypeError as error:
        complain(f"the curves were not drawn: {error}")
        return ""
    return f", {path}"


def _print(table) -> None:
    """The gain over gray, for the eye; all else is in robustness.csv."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tintype.evaluation.results import BASELINES

    gains, kept = table["gain"], table.get("gain_kept", {})
    models = dict.fromkeys(model for levels in gains.values() for by in levels.values() for model in by)
    models = [model for model in models if model not in BASELINES]
    page = Table(box=box.SIMPLE)
    page.add_column("gain over gray")
    for model in models:
        page.add_column(Text(shown(model)), justify="right", overflow="fold")
    for kind, levels in gains.items():
        for level, by in levels.items():
            shares = kept.get(kind, {}).get(level, {})
            cells = (f"{by[m]:+.2f}" + (f" ({shares[m]:.0f} %)" if m in shares else "") for m in models if m in by)
            page.add_row(f"{kind}={level}", *cells)
    Console().print(page)


@contextmanager
def _progress():
    """A bar over the conditions, on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda what: lambda condition, done, count: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:

        def bar(what: str):
            task = progress.add_task(what)

            def watch(condition: str, done: int, count: int) -> None:
                progress.update(task, description=f"{what}: {shown(condition)}", completed=done, total=count)

            return watch

        yield bar
