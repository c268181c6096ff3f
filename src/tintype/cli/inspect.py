"""tintype inspect"""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Flag, MaybeOutput, OnDevice, exactly
from tintype.errors import OptionError
from tintype.models import DEFAULT


def inspect(
    photo: Annotated[Path, Parameter(name="PHOTO")],
    /,
    *,
    at: Annotated[tuple[int, int] | None, exactly(2, "X,Y such as 410,520, in pixels")] = None,
    region: Annotated[
        tuple[int, int, int, int] | None, exactly(4, "X,Y,WIDTH,HEIGHT such as 410,520,40,30, in pixels")
    ] = None,
    output: MaybeOutput = None,
    model: str = DEFAULT,
    size: int | None = None,
    map: Literal["deviation", "entropy"] = "deviation",
    device: OnDevice = "cpu",
    json: Flag = False,
) -> None:
    """Show how sure a model is of its colours, and which others it held possible.

    A picture of the coloured photograph, a map of the doubt, and the ten likeliest colours of a place.

    Example: tintype inspect grandmother.jpg --at 410,520

    Parameters
    ----------
    photo
        A photograph.
    at
        X,Y of a pixel of the upright photograph. Default: the whole photograph.
    region
        X,Y,WIDTH,HEIGHT of a part of the upright photograph.
    output
        The picture. Default: beside the photograph, as NAME.inspect.png; with --json none.
    model
        A model that predicts a distribution: one that ships with tintype, or an .onnx file.
    size
        Short side of what the network sees, in pixels. Default: what suits the model best.
    map
        What the map shows: the expected deviation of the colour, or the entropy of the distribution.
    device
        Where the network computes: cpu, or cuda, directml, coreml or openvino where onnxruntime has them; auto takes
        cuda, directml or openvino where one works, else the CPU. See docs/archives.md.
    json
        What was found, as a JSON object on standard output.
    """
    if at is not None and region is not None:
        raise OptionError("--at and --region contradict each other: give one of them")

    import numpy as np

    from tintype import inspection
    from tintype.colorizer import Colorizer
    from tintype.distribution import Region
    from tintype.photo import from_array, read, write
    from tintype.photo.results import check_output, refuse_same

    if output is None and not json:
        output = photo.with_name(f"{photo.stem}.inspect.png")
    if output is not None:
        check_output(path=output)
        refuse_same(photo, output)
    colorizer = Colorizer(model, size, device=device)
    opened = read(photo)
    place = Region(*at) if at else Region(*region) if region else None
    part = inspection.checked(opened, place)
    colours = colorizer.look(opened, logits=True)
    if output is not None:
        page = np.asarray(inspection.draw(colours, colours.distribution(), part, map))
        write(from_array(page), [page], output, mark=colorizer.mark)
    summary = inspection.summary(colorizer, opened, str(photo), colours, part)
    if json:
        print(json_.dumps(summary, indent=2))
        return
    say(
        f"{photo}: {part} became {summary['color']}; deviation {summary['deviation']:.1f}, "
        f"entropy {summary['entropy']:.2f} bits"
    )
    for likely in summary["colors"]:
        share = f"{100 * likely['probability']:5.1f} %"
        say(f"  {likely['color']}  a* {likely['a']:4g}  b* {likely['b']:4g}  {share}")
    if summary["negative"]:
        say(f"{photo} looks like a negative: if it is one, colour it with tintype colorize --negative")
    say(output)
