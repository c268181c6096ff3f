"""tintype sheet"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Flag, MaybeOutput, OnDevice, several
from tintype.cli.progress import Progress
from tintype.errors import OptionError
from tintype.models import DEFAULT


def sheet(
    photo: Annotated[Path, Parameter(name="PHOTO")],
    /,
    *,
    models: Annotated[tuple[str, ...], several("names of models and files such as tintype.v2,mine.onnx")] = (),
    sizes: Annotated[tuple[int, ...], several("whole numbers such as 128,256", int)] = (),
    temperatures: Annotated[tuple[float, ...], several("numbers such as 0.2,0.4", float)] = (),
    output: MaybeOutput = None,
    pick: int | None = None,
    on: Path | None = None,
    device: OnDevice = "cpu",
    overwrite: Flag = False,
) -> int:
    """A photograph in several models, sizes and temperatures on one sheet, each with the command that makes it.

    Example: tintype sheet grandmother.jpg --sizes 128,256,512 --temperatures 0.2,0.4,0.8

    The one that is best colours a whole folder: tintype sheet grandmother.jpg --pick 5 --on album -o coloured

    Parameters
    ----------
    photo
        A photograph; with --pick the sheet will do as well.
    models
        Names of models that ship with tintype, or .onnx files, with commas between them. Default: that of tintype
        colorize.
    sizes
        Short sides of what the network sees, in pixels. Default: half, once and twice what suits the model best.
    temperatures
        Low: the likeliest colours, plainer; high: the mean of all possible colours, more colourful. Default: half, once
        and twice the model's.
    output
        The sheet. Default: beside the photograph, as NAME.sheet.jpg. The commands lie beside it too, as
        NAME.sheet.jpg.json. With --pick, where the coloured photographs go, as for tintype colorize.
    pick
        The number of a picture on a sheet that was made before, which shall be repeated.
    on
        The folder or photograph on which it is repeated.
    device
        Where the network computes: cpu, or cuda, directml, coreml or openvino where onnxruntime has them; auto takes
        cuda, directml or openvino where one works, else the CPU. See docs/archives.md.
    overwrite
        Replace a sheet that is there already. --pick then counts on the new one.
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
            device=device,
        )

    import numpy as np

    from tintype import contact
    from tintype.models import Model
    from tintype.photo import Mark, from_array, read, write
    from tintype.photo.results import check_output, refuse_same
    from tintype.version import __version__

    output = output or contact.sheet_path(photo)
    check_output(path=output)
    refuse_same(photo, output)
    if not overwrite and os.path.lexists(output):
        raise OptionError(
            f"{output} is there already, and --pick counts on it: name another sheet with -o, or add --overwrite"
        )
    opened = [Model(name, device=device) for name in models or (DEFAULT,)]
    rows = contact.plan(photo, opened, sizes, temperatures)
    count = sum(map(len, rows))
    with Progress() as progress:
        numbers = iter(range(1, count + 1))

        def step() -> None:
            progress("colouring", next(numbers), count)

        progress("colouring", 0, count)
        page, boxes = contact.draw(read(photo), rows, opened, step)
    pixels = np.asarray(page)
    # Marked as results are, so that a run over the folder does not take it for a photograph.
    names = ", ".join(dict.fromkeys(model.name for model in opened))
    write(from_array(pixels), [pixels], output, mark=Mark("tintype", __version__, names))
    contact.save_list(contact.list_path(output), photo, rows, boxes)
    for row in rows:
        for tile in row:
            say(f"{tile.number}  {tile.command}")
    say(f"{output}, {contact.list_path(output)}")
    return 0
