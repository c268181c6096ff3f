"""Kinds of pictures of photographs: taken apart, and coloured at temperatures, by methods, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli.options import Output, between, several
from tintype.cli.plot.checks import check_apart, check_sheet
from tintype.models import DEFAULT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cell = Annotated[int, between(32, 2048)]
"""Width of each picture on a sheet, in pixels."""


def channels(*photographs: Annotated[Path, Parameter(name="PHOTO")], output: Output, cell: Cell = 320) -> None:
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

    check_sheet(output, photographs)
    sheet.save(channels.draw(_read(photographs, cell), cell), output)


def temperatures(
    *photographs: Annotated[Path, Parameter(name="PHOTO")],
    output: Output,
    model: str = DEFAULT,
    at: Annotated[tuple[float, ...], several("numbers such as 1,0.5,0", float, spaces=True)] = (
        1,
        0.77,
        0.58,
        0.38,
        0.29,
        0.14,
        0,
    ),
    cell: Cell = 220,
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
        The temperatures, with commas between them; 0 is the mode.
    cell
        Width of each picture in the sheet, in pixels.
    """
    from tintype.models import Model
    from tintype.plots import sheet, temperatures

    check_sheet(output, photographs)
    sheet.save(temperatures.draw(Model(model), _read(photographs, cell), at, cell), output)


def methods(
    *photographs: Annotated[Path, Parameter(name="PHOTO")],
    output: Output,
    models: Annotated[
        tuple[str, ...], several("names of models and files such as tintype.v2,mine.onnx", spaces=True)
    ] = (),
    cell: Cell = 220,
) -> None:
    """All models on all photographs: gray, coloured by each model, and the truth if the photograph is in colour.

    Example: tintype plot methods album/*.jpg --models tintype.v2,mine.onnx -o methods.jpg

    Parameters
    ----------
    photographs
        In colour or not; the models see their lightness.
    output
        The sheet.
    models
        Names of models that ship with tintype, or .onnx files, with commas between them. Default: all that ship.
    cell
        Width of each picture in the sheet, in pixels.
    """
    from tintype.colorizer import Colorizer
    from tintype.models.catalog import catalog
    from tintype.plots import methods, sheet

    check_sheet(output, photographs)
    colorizers = [Colorizer(model) for model in models or [card.name for card in catalog()]]
    sheet.save(methods.draw(colorizers, _read(photographs, cell), cell), output)


def animation(
    photograph: Annotated[Path, Parameter(name="PHOTO")],
    /,
    *,
    output: Output,
    model: str = DEFAULT,
    side: Annotated[int, between(32, 2048)] = 480,
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
    check_apart(output, [photograph])
    animation.save(animation.frames(Model(model), read(photograph, side), frames), output, seconds)


def _read(photographs: Sequence[Path], cell: int) -> dict[str, NDArray[np.uint8]]:
    """The photographs by their names, large enough for cells of this width and for the networks."""
    from tintype.plots.photographs import SEEN, read_all

    return read_all(photographs, max(cell, SEEN))
