"""tintype prokudin"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Flag, MaybeOutput


def prokudin(
    negative: Annotated[Path, Parameter(name="NEGATIVE")],
    /,
    *,
    output: MaybeOutput = None,
    exposures: Flag = False,
) -> None:
    """Combine a three-filter negative, such as Prokudin-Gorskii's, into a photograph in true colour.

    The scan must be a positive, with the exposures through a blue, a green and a red filter from top to bottom.

    Example: tintype prokudin 00125v.jpg --exposures

    Parameters
    ----------
    negative
        The scanned plate.
    output
        The photograph in colour. Default: beside the negative, as NAME.rgb.EXT.
    exposures
        Also write the aligned exposures, next to the photograph: gray PNG files named .blue, .green and .red.
    """
    from tintype.photo import read
    from tintype.photo.results import check_output, refuse_same, result_suffix
    from tintype.prokudin import NAMES, align, write

    output = output or negative.with_name(f"{negative.stem}.rgb{result_suffix(negative)}")
    check_output(path=output)
    grays = {name: output.with_name(f"{output.stem}.{name}.png") for name in NAMES} if exposures else {}
    for path in (output, *grays.values()):
        refuse_same(negative, path)
    photo = read(negative)
    aligned = align(photo)
    write(aligned, photo, output, grays)
    height, width = aligned.exposures.shape[1:]
    say(f"{output}: {width} x {height} pixels")
    for name, motion in (("blue", aligned.blue), ("red", aligned.red)):
        say(
            f"  {name}: {motion.x:+.1f} across, {motion.y:+.1f} down, {100 * motion.scale:+.2f} % larger, "
            f"turned by {motion.degrees:+.2f}\N{DEGREE SIGN}"
        )
