"""tintype plot"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

plot = App(
    name="plot",
    help=(
        "Draw what was trained, and how it colours.\n\n"
        "Figures are written as .png, .svg or .pdf, sheets of photographs as .jpg, .png or .webp, by the name of the "
        'file. Needs matplotlib: pip install ".[plot]"'
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
        Which figures of the log. Default: the loss and all that the validations measure.
    window
        Steps that the running average of the training takes in.
    validations
        Validations that the running average of the validation takes in.
    across
        What runs to the right; photographs seen make runs with different batches comparable.
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
        raise OptionError("Bars are drawn of one table or of runs: give one .csv file, or folders alone")
    if against is not None and not tables:
        raise OptionError("--against compares photograph by photograph: give a table, as runs log means alone")
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
    """Prior against prior, bin by bin, and the weights that rebalancing makes of them.

    Example: tintype plot priors data/mine published -o priors.png

    Parameters
    ----------
    first
        A prepared set, a folder of shards or of photographs, a run (what it trains on), an .npy file with 313 values,
        or "published", which is ImageNet's.
    second
        The same.
    output
        The picture.
    uniform
        lambda of the rebalancing weights; 1 is no rebalancing.
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
    """The ab plane with its bins in their colours; those that sRGB never comes near are crossed out.

    Example: tintype plot gamut --lightness 25 50 75 -o gamut.png

    Parameters
    ----------
    output
        The picture.
    bins
        313 (published), 529 (SIGGRAPH17), srgb (a grid masked by sRGB), or a set, a folder of photographs or one
        photograph, whose colours mask the grid.
    step
        Of the grid of one's own, in units of the ab plane.
    lightness
        CIE L* of each panel. Default: 50.
    """
    from tintype.plots import figure, gamut

    _figure(output)
    figure.save(gamut.draw(gamut.load(bins, step), lightness), output)


@plot.command
def density(*sources: Annotated[Path, Parameter(name="PHOTOS|DATA")], output: Output) -> None:
    """How often which colours are met in photographs, in the ab plane, on a scale of powers.

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
    """One colour as what a network that classifies learns: its soft code over the bins.

    Example: tintype plot code garden.jpg --at 200 120 -o code.png

    Parameters
    ----------
    source
        A photograph, or a colour such as #8b5a2b.
    output
        The picture.
    at
        The pixel of the photograph, x and y, when its short side is reduced to 640 pixels. Default: its middle.
    neighbours
        K, the number of bins.
    sigma
        Of the Gaussian, in units of the ab plane.
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
    """A network drawn from its code: its maps as blocks, its convolutions, norms and skips; below it its critic.

    Example: tintype plot architecture eccv16 -o eccv16.svg

    Parameters
    ----------
    source
        A family, drawn with its published defaults, or the configuration of a run.
    changes
        Keys of the configuration that are to be otherwise, as key=value.
    output
        The picture.
    channels
        Of the output. Default: what the configuration's target asks for; 313 for a family.
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
        Keys of the configuration that are to be otherwise, as key=value.
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
    """Photographs coloured at one temperature after the other, from the mean of the distribution to its mode.

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
    """All models on all photographs: in gray, by each model, and the truth of those that are in colour.

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
    """A photograph that turns from gray to colour, as a .gif, or smaller and finer as a .webp.

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
        Short side of the animation at most, in pixels.
    frames
        From gray to colour.
    seconds
        From gray to colour; both stay for a while.
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
