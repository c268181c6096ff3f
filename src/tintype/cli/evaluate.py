"""tintype evaluate"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import complain, numbers, say, shown
from tintype.errors import OptionError

WHOLE = "whole"


def evaluate(
    *,
    data: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    models: str | None = None,
    side: str = "256",
    film: str = "cie",
    damage: str | None = None,
    temperatures: str | None = None,
    sizes: str | None = None,
    hints: str | None = None,
    limit: int | None = None,
    classifier: Path | None = None,
    lpips: str | None = None,
    inception: Path | None = None,
    jobs: int | None = None,
) -> int:
    """Measure models: turn colour photographs gray, colour them, and compare the results with the true colours.

    The run is a folder with every coloured photograph, metrics.csv with all figures, and protocol.json with everything
    that they depend on. Plain gray, one mean colour, and the colours of another photograph are measured too, for
    comparison. To continue an interrupted run, repeat its command. With other models, the command adds them.

    Example: tintype evaluate --data photographs -o run

    Example: tintype evaluate --models tintype.v2,mine.onnx,predictions/theirs --data tintype-679 -o run

    Parameters
    ----------
    data
        Colour photographs: a folder and its sub-folders, a .tar file, or tintype-679, the published set.
    output
        The folder of the run.
    models
        Names of models, .onnx files, or folders with predictions of any other program, separated by commas. Such a
        folder has one picture for each photograph, with the same name. Default: tintype.v2.
    side
        Side of the centre square that is measured, in pixels; whole: photographs at their own size.
    film
        How photographs are turned gray: cie (the lightness), panchromatic, orthochromatic, blue, rec601.
    damage
        Damage to the gray before it is coloured: noise=SIGMA, blur=SIGMA, fading=SHARE, jpeg=QUALITY, size=SIDE.
    temperatures
        Also measure each model at these temperatures, such as 0.2,0.8.
    sizes
        Also measure each model at these sizes (short side of what the network sees), such as 128,512.
    hints
        Also measure each model with these numbers of simulated hints, such as 1,10,100.
    limit
        Use only the first photographs, this many.
    classifier
        Weights of MobileNetV2: adds semantic_accuracy, for photographs named after a class of ImageNet.
    lpips
        Weights of VGG16 and of LPIPS, two files separated by a comma: adds lpips.
    inception
        An ONNX file that computes the features of Inception: adds fid.
    jobs
        Number of processes. Default: one per processor.
    """
    if jobs is not None and jobs < 1:
        raise OptionError(f"--jobs must be at least 1, not {jobs}")
    if limit is not None and limit < 1:
        raise OptionError(f"--limit must be at least 1, not {limit}")
    if side != WHOLE and not side.isdecimal():
        raise OptionError(f"--side takes a number of pixels, or {WHOLE}, not {side!r}")
    if lpips is not None and lpips.count(",") != 1:
        raise OptionError(f"--lpips takes two files separated by a comma, VGG16 and LPIPS, not {lpips!r}")
    settings = {
        "temperatures": numbers(temperatures, float, "--temperatures", "numbers such as 0.2,0.4"),
        "sizes": numbers(sizes, int, "--sizes", "whole numbers such as 128,256"),
        "hints": numbers(hints, int, "--hints", "whole numbers such as 1,10"),
    }

    from tintype.evaluation.photographs import PUBLISHED
    from tintype.evaluation.results import read_run
    from tintype.evaluation.run import Networks, nearly_gray
    from tintype.evaluation.run import evaluate as run

    networks = Networks(
        None if classifier is None else str(classifier),
        None if lpips is None else tuple(lpips.split(",")),
        None if inception is None else str(inception),
    )
    with _progress() as moved:
        problems = run(
            [] if models is None else [name for name in models.split(",") if name],
            data,
            output,
            side=None if side == WHOLE else int(side),
            film=film,
            damage=damage,
            limit=limit,
            networks=networks,
            jobs=jobs,
            progress=moved,
            **settings,
        )
    found = read_run(output)
    _table(found)
    say(f"{output / 'metrics.csv'}, {output / 'protocol.json'}, {output / 'predictions'}")
    if data == PUBLISHED:
        from tintype.evaluation.manifest import TERMS, differing, fetched

        say(f"{PUBLISHED}: {TERMS}")
        if apart := differing(fetched()):
            complain(
                f"{len(apart)} photographs, such as {apart[0]}, differ slightly from the published ones, because "
                "other releases of libraries made them; the last digits of figures may differ"
            )
    if gray := nearly_gray(found):
        complain(f"{len(gray)} of {len(found.photos)} photographs are nearly gray themselves, such as {gray[0]}")
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _table(run) -> None:
    """The figures that say most, for the eye; all of them are in metrics.csv."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tintype.evaluation.results import TRUTH

    columns = {"psnr": "PSNR", "auc_balanced": "auc_balanced", "colorfulness": "colourfulness"}
    table = Table(box=box.SIMPLE)
    table.add_column("model", overflow="fold")
    for head in columns.values():
        table.add_column(head, justify="right")
    for model in (*run.models, TRUTH):
        figures = run.figures(model)
        table.add_row(
            Text(shown(model)), *(f"{figures[metric]:.2f}" if metric in figures else "" for metric in columns)
        )
    Console().print(table)


@contextmanager
def _progress():
    """A bar for each thing that is done, on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def moved(what: str, done: int, count: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what)
            progress.update(bars[what], completed=done, total=count)

        yield moved
