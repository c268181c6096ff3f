"""tintype sheet"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import numbers, say
from tintype.errors import OptionError


def sheet(
    photo: Annotated[Path, Parameter(name="PHOTO")],
    /,
    *,
    models: str | None = None,
    sizes: str | None = None,
    temperatures: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    pick: int | None = None,
    on: Path | None = None,
) -> int:
    """A photograph in several models, sizes and temperatures on one sheet, each with the command that makes it.

    Example: tintype sheet grandmother.jpg --sizes 128,256,512 --temperatures 0.2,0.4,0.8

    The one that is best colours a whole folder: tintype sheet grandmother.jpg --pick 5 --on album -o coloured

    Parameters
    ----------
    photo
        A photograph; with --pick the sheet will do as well.
    models
        Names of models that ship with tintype, or .onnx files, with commas between them. Default: tintype.v2.
    sizes
        Short sides of what the network sees, in pixels. Default: half, once and twice what suits the model best.
    temperatures
        Low: vivid and sure, high: mild. Default: half, once and twice the model's.
    output
        The sheet. Default: beside the photograph, as NAME.sheet.jpg. The commands lie beside it too, as
        NAME.sheet.jpg.json. With --pick, where the coloured photographs go, as for tintype colorize.
    pick
        The number of a picture on a sheet that was made before, which shall be repeated.
    on
        The folder or photograph on which it is repeated.
    """
    if (pick is None) != (on is None):
        raise OptionError(
            "--pick and --on belong together: --pick 3 --on album colours a folder as number 3 of the sheet"
        )
    if pick is not None:
        if models or sizes or temperatures:
            raise OptionError("--pick takes models, sizes and temperatures from the sheet: leave these options out")
        from tintype import contact
        from tintype.cli.colorize import colorize

        tile = contact.pick(photo, pick)
        return colorize(
            str(on),
            output=None if output is None else str(output),
            model=tile.model,
            size=tile.size,
            temperature=tile.temperature,
        )

    asked_sizes = numbers(sizes, int, "--sizes", "whole numbers such as 128,256")
    asked_temperatures = numbers(temperatures, float, "--temperatures", "numbers such as 0.2,0.4")

    import numpy as np

    from tintype import contact
    from tintype.colorizer import check_output, refuse_same
    from tintype.models import DEFAULT, Model
    from tintype.photo import Mark, from_array, read, write
    from tintype.version import __version__

    output = output or contact.sheet_path(photo)
    check_output(path=output)
    refuse_same(photo, output)
    opened = [Model(name) for name in dict.fromkeys((models or DEFAULT).split(","))]
    rows = contact.plan(photo, opened, asked_sizes, asked_temperatures)
    page, boxes = contact.draw(read(photo), rows, opened)
    pixels = np.asarray(page)
    # Marked as results are, so that a run over the folder does not take it for a photograph.
    names = ", ".join(dict.fromkeys(model.card.name for model in opened))
    write(from_array(pixels), [pixels], output, mark=Mark("tintype", __version__, names))
    contact.save_list(contact.list_path(output), photo, rows, boxes)
    for row in rows:
        for tile in row:
            say(f"{tile.number}  {tile.command}")
    say(f"{output}, {contact.list_path(output)}")
    return 0
