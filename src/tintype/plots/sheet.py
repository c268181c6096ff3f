"""Photographs side by side, with words above the columns and the rows."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype import sheets
from tintype.plots import output
from tintype.plots.figure import FAINT, INK, require
from tintype.sheets import Line, Tile, Words

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

FORMATS = ("png", "jpg", "webp")

MARGIN, GAP = 14, 8
TALLEST = 1.4
"""Times its width that a cell is high at most; taller photographs become narrower."""


@dataclass(frozen=True)
class Row:
    """Pictures side by side."""

    name: str
    pictures: Sequence[NDArray[np.uint8] | None]
    """uint8 [h, w, 3] each, one for each column; None leaves a place empty."""


def font(size: int) -> FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, so that all machines write alike.

    Raises:
        TintypeError: matplotlib is not installed.
    """
    require()
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def lay_out(columns: Sequence[str], rows: Sequence[Row], cell: int) -> Image:
    """A sheet of photographs on white.

    Args:
        columns: what stands above each.
        cell: width of the photographs, in pixels.
    """
    size = max(11, min(18, cell // 12))
    small = font(max(10, size - 2))
    heads = [_head(text, cell, size) for text in columns]

    def tile(column: int, row: Row, above: Sequence[Line]) -> Tile:
        pixels = row.pictures[column]
        name = [Line(round(1.5 * small.size), (Words(row.name, small, FAINT),) if column == 0 else ())]
        picture = None if pixels is None else _fit(pixels, cell)
        return Tile(cell, picture, [*above, *name[: len(rows) > 1]])

    line = round(1.25 * size)
    above = [
        [*(Line(line, (Words(part, letters, INK, centred=True),)) for part in head.split("\n")), Line(GAP // 2)]
        for head, letters in heads
    ]
    tiles = [[tile(column, row, lines if row is rows[0] else ()) for column, lines in enumerate(above)] for row in rows]
    return sheets.lay_out(tiles, margin=MARGIN, gap=GAP)[0]


def _head(text: str, width: int, size: int) -> tuple[str, FreeTypeFont]:
    """The words above a column: in two lines where one is too long, and smaller where two are."""
    while True:
        letters = font(size)
        choices = [text] + [f"{text[: at.end()]}\n{text[at.end() :]}" for at in re.finditer(r"[ ._-](?=.)", text)]
        longest = [max(letters.getlength(line) for line in choice.split("\n")) for choice in choices]
        if longest[0] <= width:
            return text, letters
        best = min(range(len(choices)), key=longest.__getitem__)
        if longest[best] <= width or size <= 8:
            return choices[best], letters
        size -= 1


def _fit(pixels: NDArray[np.uint8], cell: int) -> Image:
    """A photograph, uint8 [h, w, 3], as large as fits into a cell."""
    from PIL import Image

    return sheets.fitted(Image.fromarray(pixels), cell, TALLEST * cell)


def save(page: Image, path: str | os.PathLike[str]) -> None:
    """Write a sheet as PNG, JPEG or WebP, as its name says; the same sheet gives the same bytes.

    Raises:
        OptionError: another suffix. UnwritableFile: the folder does not take it.
    """
    format = output.check(path, FORMATS)
    options: dict[str, dict[str, int]] = {
        "png": {"optimize": True},
        "jpg": {"quality": 92, "subsampling": 0},
        "webp": {"quality": 90},
    }
    memory = io.BytesIO()
    page.save(memory, {"jpg": "jpeg"}.get(format, format), **options[format])
    output.put(memory.getvalue(), path)
