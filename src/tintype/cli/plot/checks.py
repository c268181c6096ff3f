"""What is refused before there is any work in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tintype.errors import OptionError


def check_figure(path: Path) -> None:
    """Refuse a figure that cannot be drawn: another format, or no matplotlib."""
    from tintype.plots import figure, output

    output.check(path, figure.FORMATS)
    figure.require()


def check_sheet(path: Path, photographs: Sequence[Path]) -> None:
    """Refuse a sheet that cannot be made: no photographs, another format, no matplotlib, or over a photograph."""
    from tintype.plots import figure, output, sheet

    check_some(photographs, "photograph")
    output.check(path, sheet.FORMATS)
    figure.require()
    check_apart(path, photographs)


def check_some(sources: Sequence[Path], what: str) -> None:
    """Refuse a picture of nothing. what: what its sources are."""
    if not sources:
        raise OptionError(f"There is nothing to draw: give at least one {what}")


def check_apart(path: Path, photographs: Sequence[Path]) -> None:
    """Refuse to write over a photograph."""
    from tintype.photo.results import refuse_same

    for photograph in photographs:
        refuse_same(photograph, path)
