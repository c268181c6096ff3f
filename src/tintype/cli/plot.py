"""tintype plot"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

plot = App(
    name="plot",
    help=(
        "Draw figures of data, networks, training and results.\n\n"
        "The suffix of the file decides its format: .png, .svg or .pdf for figures, .jpg, .png or .webp for sheets of "
        'photographs. Needs matplotlib: pip install ".[plot]"'
    ),
)

Output = Annotated[Path, Parameter(name=["--output", "-o"])]
Many = Parameter(consume_multiple=True, negative="", show_default=False)
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@plot.command
def curves(
    *runs: Annotated[Path, Parameter(name="RUN")],
    output: Output,
    figures: Annotated[tuple[str, ...], Many] = (),
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
        Which figures of the log to draw. Default: the loss and everything that the validations measure.
    window
        Number of steps in the running average of the training.
    validations
        Number of validations in the running average of the validation.
    across
        The horizontal axis; photographs seen make runs with different batch sizes comparable.
    """
    from tintype.plots import curves, figure

    _some(runs, "run")
    _figure(output)
    figure.save(curves.draw(curves.read_logs(runs), figures, window, validations, across), output)


@plot.command
def bars(
    *sources: Annotated[Path, Parameter(name="RUN|TABLE.csv")],
    output: Output,
    metrics: Annotated[tuple[str, ...], Many] = (),
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
        Which metrics. Default: all.
    against
        A model of the table: draw the mean differences to it, photograph by photograph.
    points
        Points instead of bars, on an axis that need not begin at 0.
    """
    from tintype.errors import OptionError
    from tintype.plots import bars, figure

    _some(sources, "run or table")
    _figure(output)
    tables = [source for source in sources if source.suffix.lower() == ".csv"]
    if tables and len(sources) > 1:
        raise OptionError("Bars show one table or several runs: give one .csv file, or only folders")
    if against is not None and not tables:
        raise OptionError("--against compares photograph by photograph: give a table, because runs log only means")
    drawn = bars.of_table(bars.read_table(tables[0]), against) if tables else bars.of_runs(sources)
    figure.save(bars.draw(drawn, metrics, against, points), output)


@plot.command
def priors(
    first: Annotated[str, Parameter(name="A")],
    second: Annotated[str, Parameter(name="B")] = "published",
    /,
    *,
    output: Output,
    uniform: float = 0.5,
) -> None:
    """One prior against another, bin by bin, and the rebalancing weights that follow from them.

    Example: tintype plot priors data/mine published -o priors.png

    Parameters
    ----------
    first
        A prepared set, a folder of shards or of photographs, a run (the set it trains on), an .npy file with 313
        values, or "published", ImageNet's prior.
    second
        The prior to compare with, given in the same way.
    output
        The picture.
    uniform
        Lambda of the rebalancing weights; 1 means no rebalancing.
    """
    from tintype.plots import figure, priors

    _figure(output)
    figure.save(priors.draw(priors.load(first), priors.load(second), uniform), output)


@plot.command
def gamut(
    *,
    output: Output,
    bins: str = "313",
    step: float = 10.0,
    lightness: Annotated[tuple[float, ...], Many] = (50,),
) -> None:
    """The ab plane with its bins in their colours; bins that no sRGB colour is nearest to are crossed out.

    Example: tintype plot gamut --lightness 25 50 75 -o gamut.png

    Parameters
    ----------
    output
        The picture.
    bins
        313 (published), 529 (SIGGRAPH17), srgb (the points of a grid that are nearest to some sRGB colour), or a set, a
        folder of photographs or one photograph, whose colours select points of the grid.
    step
        Step of such a grid, in units of the ab plane.
    lightness
        CIE L* of each panel. Default: 50.
    """
    from tintype.plots import figure, gamut

    _figure(output)
    figure.save(gamut.draw(gamut.load(bins, step), lightness), output)


@plot.command
def density(*sources: Annotated[Path, Parameter(name="PHOTOS|DATA")], output: Output) -> None:
    """How often each colour occurs in photographs, in the ab plane, on a logarithmic scale.

    Example: tintype plot density data/mine -o density.png

    Parameters
    ----------
    sources
        Prepared sets, folders of shards or of photographs, photographs.
    output
        The picture.
    """
    from tintype.plots import density, figure

    _some(sources, "photograph or set")
    _figure(output)
    figure.save(density.draw(density.count(sources)), output)


@plot.command
def code(
    source: Annotated[str, Parameter(name="PHOTO|COLOUR")],
    /,
    *,
    output: Output,
    at: Annotated[tuple[int, int] | None, Parameter(negative="")] = None,
    neighbours: int = 5,
    sigma: float = 5.0,
) -> None:
    """One colour as the training target of a network that classifies: its soft code over the bins.

    Example: tintype plot code garden.jpg --at 200 120 -o code.png

    Parameters
    ----------
    source
        A photograph, or a colour such as #8b5a2b.
    output
        The picture.
    at
        The pixel of the photograph, x and y, after its short side is reduced to 640 pixels. Default: its middle.
    neighbours
        K, the number of nearest bins.
    sigma
        Standard deviation of the Gaussian, in units of the ab plane.
    """
    from tintype.plots import code, figure

    _figure(output)
    if source.startswith("#"):
        drawn = code.of_colour(source, neighbours, sigma)
    else:
        drawn = code.of_pixel(source, at, neighbours, sigma)
    figure.save(code.draw(drawn), output)


@plot.command
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
        Side of the input, in pixels.
    """
    from tintype.plots import architecture, figure

    _figure(output)
    diagrams = [architecture.trace(*architecture.read(source, channels, changes), size)]
    if critic := architecture.read_critic(source, changes):
        diagrams.append(architecture.trace_critic(*critic))
    figure.save(architecture.draw(*diagrams), output)


@plot.command
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

    _figure(output)
    figure.save(training.draw(training.read(source, changes)), output)


@plot.command
def channels(*photographs: Annotated[Path, Parameter(name="PHOTO")], output: Output, cell: int = 320) -> None:
    """Photographs taken apart into lightness and the two planes of colour, each in its own colours.

    Example: tintype plot channels garden.jpg -o channels.jpg

    Parameters
    ----------
    photographs
        In colour.
    output
        The sheet.
    cell
        Width of each picture in it, in pixels.
    """
    from tintype.plots import channels, sheet

    _sheet(output, photographs, cell)
    sheet.save(channels.draw(_read(photographs, cell), cell), output)


@plot.command
def temperatures(
    *photographs: Annotated[Path, Parameter(name="PHOTO")],
    output: Output,
    model: str = "tintype.v2",
    at: Annotated[tuple[float, ...], Many] = (1, 0.77, 0.58, 0.38, 0.29, 0.14, 0),
    cell: int = 220,
) -> None:
    """Photographs coloured at several temperatures, from the mean of the distribution to its mode.

    Example: tintype plot temperatures lange-1936.jpg -o temperatures.jpg

    Parameters
    ----------
    photographs
        In colour or not; the model sees their lightness.
    output
        The sheet.
    model
        A model that predicts a distribution.
    at
        The temperatures; 0 is the mode. Default: 1 .77 .58 .38 .29 .14 0.
    cell
        Width of each picture in the sheet, in pixels.
    """
    from tintype.models import Model
    from tintype.plots import sheet, temperatures

    _sheet(output, photographs, cell)
    sheet.save(temperatures.draw(Model(model), _read(photographs, cell), at, cell), output)


@plot.command
def methods(
    *photographs: Annotated[Path, Parameter(name="PHOTO")],
    output: Output,
    models: Annotated[tuple[str, ...], Many] = (),
    cell: int = 220,
) -> None:
    """All models on all photographs: gray, coloured by each model, and the truth if the photograph is in colour.

    Example: tintype plot methods album/*.jpg --models tintype.v2 mine.onnx -o methods.jpg

    Parameters
    ----------
    photographs
        In colour or not; the models see their lightness.
    output
        The sheet.
    models
        Names of models that ship with tintype, or .onnx files. Default: all that ship.
    cell
        Width of each picture in the sheet, in pixels.
    """
    from tintype.colorizer import Colorizer
    from tintype.models.catalog import catalog
    from tintype.plots import methods, sheet

    _sheet(output, photographs, cell)
    colorizers = [Colorizer(model) for model in models or [card.name for card in catalog()]]
    sheet.save(methods.draw(colorizers, _read(photographs, cell), cell), output)


@plot.command
def animation(
    photograph: Annotated[Path, Parameter(name="PHOTO")],
    /,
    *,
    output: Output,
    model: str = "tintype.v2",
    side: int = 480,
    frames: int = 20,
    seconds: float = 1.6,
) -> None:
    """A photograph that turns from gray to colour, as a .gif or, smaller and with finer colours, as a .webp.

    Example: tintype plot animation lange-1936.jpg -o lange.webp

    Parameters
    ----------
    photograph
        In colour or not; the model sees its lightness.
    output
        The animation.
    model
        A model that ships with tintype, or an .onnx file.
    side
        Largest short side of the animation, in pixels.
    frames
        Number of frames from gray to colour.
    seconds
        Time from gray to colour; both ends stay a little longer.
    """
    from tintype.models import Model
    from tintype.plots import animation
    from tintype.plots import output as files
    from tintype.plots.photographs import read

    files.check(output, animation.FORMATS)
    _apart(output, [photograph])
    animation.save(animation.frames(Model(model), read(photograph, _pixels(side, "side")), frames), output, seconds)


def _figure(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before there is any work in it."""
    from tintype.plots import figure, output

    output.check(path, figure.FORMATS)
    figure.require()


def _sheet(path: Path, photographs: tuple[Path, ...], cell: int) -> None:
    from tintype.plots import figure, output, sheet

    _some(photographs, "photograph")
    output.check(path, sheet.FORMATS)
    figure.require()
    _apart(path, photographs)
    _pixels(cell, "width of a picture")


def _some(given: tuple, what: str) -> None:
    from tintype.errors import OptionError

    if not given:
        raise OptionError(f"There is nothing to draw: give at least one {what}")


def _pixels(number: int, what: str) -> int:
    from tintype.errors import OptionError

    if not 32 <= number <= 2048:
        raise OptionError(f"The {what} must lie within 32 and 2048 pixels, not {number}")
    return number


def _apart(path: Path, photographs) -> None:
    """Refuse to write over a photograph."""
    from tintype.colorizer import refuse_same

    for photograph in photographs:
        refuse_same(photograph, path)


def _read(photographs: tuple[Path, ...], cell: int) -> dict:
    from tintype.plots.photographs import SEEN, read_all

    return read_all(photographs, max(cell, SEEN))
