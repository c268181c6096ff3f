"""tintype robustness"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tintype.cli import complain, say, shown
from tintype.cli.options import Output, between, pixels_or, several
from tintype.cli.progress import Progress
from tintype.errors import OptionError, TintypeError
from tintype.models import DEFAULT

if TYPE_CHECKING:
    from tintype.plots.robustness import Table


def robustness(
    *,
    output: Output,
    data: str | None = None,
    models: Annotated[tuple[str, ...], several("names of models and files such as tintype.v2,mine.onnx")] = (DEFAULT,),
    damages: Annotated[tuple[str, ...], several("damages such as film,noise=10")] = (),
    plates: Path | None = None,
    side: Annotated[int | None, pixels_or("whole")] = 256,
    limit: Annotated[int | None, between(1)] = None,
    jobs: Annotated[int | None, between(1)] = None,
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
        Colour photographs: a folder and its sub-folders, a .tar file, or a published set, which is fetched:
        tintype-679 or tintype-40.
    models
        Names of models or .onnx files, with commas between them.
    damages
        Damages to try, with commas between them: film, noise, blur, fading, jpeg, size, or single levels such as
        noise=7 or film=blue. Default: all of them.
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
    if damages and data is None:
        raise OptionError("--damages needs photographs: give them with --data")

    from tintype.evaluation import robustness
    from tintype.evaluation.compare import FEW
    from tintype.evaluation.manifest import NAME, TERMS

    problems = []
    with Progress() as progress:

        def watch(what: str, condition: str, done: int, count: int) -> None:
            progress(what, done, count, note=condition)

        if data is not None:
            problems += robustness.damaged(
                models, data, output, damages, side=side, limit=limit, jobs=jobs, watch=partial(watch, "photographs")
            )
        if plates is not None:
            problems += robustness.plates(
                models, plates, output, limit=limit, jobs=jobs, watch=partial(watch, "plates")
            )
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


def _print(table: Table) -> None:
    """The gain over gray, for the eye; all else is in robustness.csv."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tintype.evaluation.protocol import BASELINES

    gains, kept = table["gain"], table.get("gain_kept", {})
    measured = dict.fromkeys(model for levels in gains.values() for by in levels.values() for model in by)
    models = [model for model in measured if model not in BASELINES]
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
