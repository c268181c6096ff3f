"""The layout of sheets: pictures in rows on a white page, with words above and below them.

Contact sheets, the sheets of `tintype plot` and those of the benchmarks are laid out here; each brings its own letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

BASELINE = 0.75
"""How far down in a line its letters stand, as a share of its height."""


@dataclass(frozen=True)
class Words:
    """Words of a line."""

    text: str
    font: FreeTypeFont | ImageFont
    ink: str = "black"
    left: int = 0
    """Where they begin, in pixels from the left of the tile; does not count where they are centred."""
    centred: bool = False


@dataclass(frozen=True)
class Line:
    """A line of words, which is so many pixels high."""

    height: int
    words: Sequence[Words] = ()


@dataclass(frozen=True)
class Tile:
    """A place on a sheet, so many pixels wide: lines of words, a picture below them, and lines below that.

    left: the picture lies at the left of the place; else in its middle.
    """

    width: int
    picture: Image | None = None
    above: Sequence[Line] = ()
    below: Sequence[Line] = ()
    left: bool = False


@dataclass(frozen=True)
class Box:
    """Where a picture lies on a sheet, in pixels from the upper left."""

    left: int
    top: int
    width: int
    height: int


def lay_out(
    rows: Sequence[Sequence[Tile]], *, margin: int, gap: int, least: int = 0
) -> tuple[Image, list[list[Box | None]]]:
    """A page with rows of tiles, and where the picture of each lies; None for a tile without one.

    The pictures of a row have their upper edges at one height.

    Args:
        margin: around the page, in pixels. gap: between tiles and between rows. least: width of the page at least.
    """
    from PIL import Image, ImageDraw

    aboves = [max(_height(tile.above) for tile in row) for row in rows]
    heights = [
        above + max((tile.picture.height if tile.picture else 0) + _height(tile.below) for tile in row)
        for row, above in zip(rows, aboves, strict=True)
    ]
    widths = [sum(tile.width for tile in row) + gap * (len(row) - 1) for row in rows]
    page = Image.new(
        "RGB", (max(max(widths) + 2 * margin, least), sum(heights) + gap * (len(rows) - 1) + 2 * margin), "white"
    )
    pen = ImageDraw.Draw(page)

    def write(lines: Sequence[Line], tile: Tile, left: int, top: int) -> None:
        for line in lines:
            baseline = top + round(BASELINE * line.height)
            for words in line.words:
                place = (left + tile.width / 2 if words.centred else left + words.left, baseline)
                pen.text(place, words.text, fill=words.ink, font=words.font, anchor="ms" if words.centred else "ls")
            top += line.height

    boxes: list[list[Box | None]] = []
    top = margin
    for row, above, height in zip(rows, aboves, heights, strict=True):
        left, edge = margin, top + above
        boxes.append([])
        for tile in row:
            write(tile.above, tile, left, edge - _height(tile.above))
            box = None
            if tile.picture:
                inset = 0 if tile.left else (tile.width - tile.picture.width) // 2
                box = Box(left + inset, edge, tile.picture.width, tile.picture.height)
                page.paste(tile.picture, (box.left, box.top))
            boxes[-1].append(box)
            write(tile.below, tile, left, edge + (box.height if box else 0))
            left += tile.width + gap
        top += height + gap
    return page, boxes


def flowed(tiles: Iterable[Tile], width: int, gap: int) -> list[list[Tile]]:
    """Tiles in rows of at most `width` pixels; a wider tile has a row of its own."""
    rows: list[list[Tile]] = []
    room = 0
    for tile in tiles:
        if not rows or tile.width > room:
            rows.append([])
            room = width
        rows[-1].append(tile)
        room -= tile.width + gap
    return rows


def fitted(picture: Image, width: int, height: float) -> Image:
    """A picture at the largest size, in its proportions, that is no wider and no higher than this."""
    from PIL import Image

    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _height(lines: Iterable[Line]) -> int:
    return sum(line.height for line in lines)
