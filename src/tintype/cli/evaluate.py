"""tintype evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tintype.cli import complain, say, shown
from tintype.cli.options import Output, between, exactly, pixels_or, several
from tintype.cli.progress import Progress
from tintype.models import DEFAULT

if TYPE_CHECKING:
    from tintype.evaluation.results import Run


def evaluate(
    *,
    data: str,
    output: Output,
    models: Annotated[tuple[str, ...], several("names of models, files and folders such as tintype.v2,mine.onnx")] = (
        DEFAULT,
    ),
    side: Annotated[int | None, pixels_or("whole")] = 256,
    film: str = "cie",
    damage: str | None = None,
    temperatures: Annotated[tuple[float, ...], several("numbers such as 0.2,0.4", float)] = (),
    sizes: Annotated[tuple[int, ...], several("whole numbers such as 128,256", int)] = (),
    hints: Annotated[tuple[int, ...], several("whole numbers such as 1,10", int)] = (),
    limit: Annotated[int | None, between(1)] = None,
    classifier: Path | None = None,
    lpips: Annotated[
        tuple[str, str] | None, exactly(2, "VGG16,LPIPS: two files with a comma between them", str)
    ] = None,
    inception: Path | None = None,
    jobs: Annotated[int | None, between(1)] = None,
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
        Colour photographs: a folder and its sub-folders, a .tar file, or a published set, which is fetched:
        tintype-679 or tintype-40.
    output
        The folder of the run.
    models
        Names of models, .onnx files, or folders with predictions of any other program, with commas between them. Such
        a folder has one picture for each photograph, with the same name.
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
        Weights of VGG16 and of LPIPS, two files with a comma between them: adds lpips.
    inception
        An ONNX file that computes the features of Inception: adds fid.
    jobs
        Number of processes. Default: one per processor.
    """
    from tintype.evaluation.network_metrics import Networks
    from tintype.evaluation.photographs import PUBLISHED
    from tintype.evaluation.results import read_run
    from tintype.evaluation.run import evaluate as run
    from tintype.evaluation.run import nearly_gray

    networks = Networks(
        None if classifier is None else str(classifier),
        lpips,
        None if inception is None else str(inception),
    )
    with Progress() as progress:
        problems = run(
            models,
            data,
            output,
            side=side,
            film=film,
            damage=damage,
            temperatures=temperatures,
            sizes=sizes,
            hints=hints,
            limit=limit,
            networks=networks,
            jobs=jobs,
            progress=progress,
        )
    measured = read_run(output)
    _table(measured)
    say(f"{output / 'metrics.csv'}, {output / 'protocol.json'}, {output / 'predictions'}")
    if data == PUBLISHED:
        from tintype.evaluation.manifest import TERMS, differing, fetched

        say(f"{PUBLISHED}: {TERMS}")
        if apart := differing(fetched()):
            complain(
                f"{len(apart)} photographs, such as {apart[0]}, differ slightly from the published ones, because "
                "other releases of libraries made them; the last digits of figures may differ"
            )
    if gray := nearly_gray(measured):
        complain(f"{len(gray)} of {len(measured.photos)} photographs are nearly gray themselves, such as {gray[0]}")
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _table(run: Run) -> None:
    """The figures that say most, for the eye; all of them are in metrics.csv."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tintype.evaluation.figures import METRICS
    from tintype.evaluation.protocol import TRUTH

    columns = [METRICS[name] for name in ("psnr", "auc_balanced", "colorfulness")]
    table = Table(box=box.SIMPLE)
    table.add_column("model", overflow="fold")
    for metric in columns:
        table.add_column(metric.title, justify="right")
    for model in (*run.models, TRUTH):
        figures = run.figures(model)
        cells = (metric.text(figures[metric.name]) if metric.name in figures else "" for metric in columns)
        table.add_row(Text(shown(model)), *cells)
    Console().print(table)
