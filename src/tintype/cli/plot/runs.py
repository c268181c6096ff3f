"""Kinds of pictures of runs and of what they trained: losses, metrics, networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tintype.cli.options import Flag, Output, several
from tintype.cli.plot.checks import check_figure, check_some


def curves(
    *runs: Annotated[Path, Parameter(name="RUN")],
    output: Output,
    figures: Annotated[tuple[str, ...], several("names of figures such as loss,auc", spaces=True)] = (),
    window: int = 100,
    validations: int = 1,
    across: Literal["steps", "photographs"] = "steps",
) -> None:
    """Loss and metrics over training, of one run or of several, with running averages.

    Example: tintype plot curves runs/first runs/second -o curves.png

    Parameters
    ----------
    runs
        Folders of runs.
    output
        The picture.
    figures
        Which figures of the log to draw, with commas between them. Default: the loss and everything that the
        validations measure.
    window
        Number of steps in the running average of the training.
    validations
        Number of validations in the running average of the validation; 1 means no average.
    across
        The horizontal axis; photographs seen make runs with different batch sizes comparable.
    """
    from tintype.plots import curves, figure

    check_some(runs, "run")
    check_figure(output)
    figure.save(curves.draw(curves.read_logs(runs), figures, window, validations, across), output)


def bars(
    *sources: Annotated[Path, Parameter(name="RUN|TABLE.csv")],
    output: Output,
    metrics: Annotated[tuple[str, ...], several("names of metrics such as psnr,auc", spaces=True)] = (),
    against: str | None = None,
    points: Flag = False,
) -> None:
    """Metrics of models side by side: of runs at their last validation, or of a table, with 95 % intervals.

    Example: tintype plot bars photographs.csv --against gray -o bars.png

    Parameters
    ----------
    sources
        Folders of runs; or one .csv file with the columns model, photo, metric and value, a line for each figure.
    output
        The picture.
    metrics
        Which metrics, with commas between them. Default: all.
    against
        A model of the table: draw the mean differences to it, photograph by photograph.
    points
        Points instead of bars, on an axis that need not begin at 0: for figures that differ little.
    """
    from tintype.errors import OptionError
    from tintype.plots import bars, figure

    check_some(sources, "run or table")
    check_figure(output)
    tables = [source for source in sources if source.suffix.lower() == ".csv"]
    if tables and len(sources) > 1:
        raise OptionError("Bars show one table or several runs: give one .csv file, or only folders")
    if against is not None and not tables:
        raise OptionError("--against compares photograph by photograph: give a table, because runs log only means")
    drawn = bars.of_table(bars.read_table(tables[0]), against) if tables else bars.of_runs(sources)
    figure.save(bars.draw(drawn, metrics, against, points), output)


def architecture(
    source: Annotated[str, Parameter(name="FAMILY|CONFIG.toml")],
    /,
    *changes: str,
    output: Output,
    channels: int | None = None,
    size: int = 256,
) -> None:
    """A network drawn from its code: maps as blocks, convolutions, norms and skips, and its critic below.

    Example: tintype plot architecture eccv16 -o eccv16.svg

    Parameters
    ----------
    source
        A family, drawn with its published defaults, or the configuration of a run.
    changes
        Keys of the configuration to change, as key=value.
    output
        The picture.
    channels
        Number of output channels. Default: as many as the configuration's target needs; 313 for a family.
    size
        Side of the input, in pixels; a multiple of the family's stride.
    """
    from tintype.plots import architecture, figure

    check_figure(output)
    diagrams = [architecture.trace(*architecture.read(source, channels, changes), size)]
    if critic := architecture.read_critic(source, changes):
        diagrams.append(architecture.trace_critic(*critic))
    figure.save(architecture.draw(*diagrams), output)


def training(
    source: Annotated[Path, Parameter(name="CONFIG.toml")],
    /,
    *changes: str,
    output: Output,
) -> None:
    """A training run as boxes and arrows: from photographs to losses, back into the weights, and out to validation.

    Example: tintype plot training configs/comparison/pix2pix.gan.toml -o training.svg

    Parameters
    ----------
    source
        The configuration of a run.
    changes
        Keys of the configuration to change, as key=value.
    output
        The picture.
    """
    from tintype.plots import figure, training

    check_figure(output)
    figure.save(training.draw(training.read(source, changes)), output)
