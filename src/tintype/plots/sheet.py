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

from tintype.plots import output
from tintype.plots.figure import FAINT, INK, require

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
    pictures: Sequence[np.ndarray | None]
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
    from PIL import Image, ImageDraw

    size = max(11, min(18, cell // 12))
    heads = [_head(text, cell, size) for text in columns]
    line = round(size * 1.25)
    top = MARGIN + line * max(head.count("\n") + 1 for head, _ in heads) + GAP // 2
    small = font(max(10, size - 2))
    named = len(rows) > 1
    caption = round(small.size * 1.5) if named else 0
    fitted = [[_fit(picture, cell) for picture in row.pictures] for row in rows]
    heights = [max(picture.height for picture in row if picture) for row in fitted]
    width = 2 * MARGIN + len(columns) * (cell + GAP) - GAP
    page = Image.new("RGB", (width, top + sum(heights) + len(rows) * (caption + GAP) - GAP + MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for number, (head, letters) in enumerate(heads):
        middle = MARGIN + number * (cell + GAP) + cell / 2
        for up, text in enumerate(reversed(head.split("\n"))):
            pen.text((middle, top - GAP // 2 - up * line), text, fill=INK, font=letters, anchor="md")
    for row, pictures, height in zip(rows, fitted, heights, strict=True):
        if named:
            pen.text((MARGIN, top), row.name, fill=FAINT, font=small, anchor="la")
        top += caption
        for number, picture in enumerate(pictures):
            left = MARGIN + number * (cell + GAP)
            if picture:
                page.paste(picture, (left + (cell - picture.width) // 2, top))
        top += height + GAP
    return page


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


def _fit(picture: np.ndarray | None, cell: int) -> Image | None:
    from PIL import Image

    if picture is None:
        return None
    height, width = picture.shape[:2]
    scale = min(cell / width, TALLEST * cell / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)


def save(page: Image, path: str | os.PathLike) -> None:
    """Write a sheet as PNG, JPEG or WebP, as its name says; the same sheet gives the same bytes.

    Raises:
        OptionError: another suffix. UnwritableFile: the folder does not take it.
    """
    format = output.check(path, FORMATS)
    options = {"png": {"optimize": True}, "jpg": {"quality": 92, "subsampling": 0}, "webp": {"quality": 90}}
    memory = io.BytesIO()
    page.save(memory, {"jpg": "jpeg"}.get(format, format), **options[format])
    output.put(memory.getvalue(), path)
