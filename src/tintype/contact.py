"""A contact sheet: one photograph in several models, sizes and temperatures, each with the command that makes it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tintype import sheets
from tintype.colorizer import Colorizer
from tintype.errors import OptionError
from tintype.files import whole_file
from tintype.models import Model
from tintype.photo import Photo
from tintype.photo.results import result_suffix
from tintype.settings import LARGEST

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

Value = TypeVar("Value")

MOST = 100
"""Tiles on a sheet."""

FACTORS = (0.5, 1, 2)
"""Default sizes and temperatures of a sheet, as multiples of those in the model's card."""

CELL, TALLEST = 420, 630
"""Width of a tile, and height of its picture at most, in pixels."""

GAP, MARGIN, LINE = 20, 20, 18

GRAY = "#444444"
"""Ink of the commands."""


@dataclass(frozen=True)
class Tile:
    """One way to colour the photograph. temperature: None where the model has none to set."""

    number: int
    model: str
    size: int
    temperature: float | None
    arguments: tuple[str, ...]
    """The command that makes it, word by word."""

    @property
    def command(self) -> str:
        """The command as a shell reads it."""
        return " ".join(map(quoted, self.arguments))


def plan(
    photo: str | os.PathLike[str],
    models: Sequence[Model],
    sizes: Sequence[int] = (),
    temperatures: Sequence[float] = (),
) -> list[list[Tile]]:
    """The rows of a sheet: sizes down and temperatures across, or sizes across where there is one temperature.

    models: as they were opened, by a name or a path that the commands can give again.
    sizes, temperatures: without any, half, once and twice what each model's card says.

    Raises:
        OptionError: there would be too many, or temperatures are asked for where no model takes any.
    """
    if temperatures and not any(model.takes_temperature for model in models):
        raise OptionError(
            f"{', '.join(model.name for model in models)} has no temperature to set: leave the temperatures out"
        )
    ways: list[list[tuple[Model, int, float | None]]] = []
    for model in models:
        own = sizes or [min(round(model.card.size * factor), LARGEST) for factor in FACTORS]
        across: Sequence[float | None] = [None]
        if model.card.temperature is not None:
            across = temperatures or [round(model.card.temperature * factor, 4) for factor in FACTORS]
        rows = [[(model, size, temperature) for temperature in _once(across)] for size in _once(own)]
        ways += [[row[0] for row in rows]] if len(rows[0]) == 1 else rows
    if sum(map(len, ways)) > MOST:
        raise OptionError(
            f"A sheet can have at most {MOST} pictures, not {sum(map(len, ways))}: use fewer models, sizes or "
            "temperatures"
        )
    number = iter(range(1, MOST + 1))
    return [[_tile(photo, next(number), *way) for way in row] for row in ways]


def _tile(photo: str | os.PathLike[str], number: int, model: Model, size: int, temperature: float | None) -> Tile:
    name = os.fspath(model.source)
    words = ["tintype", "colorize", _no_option(os.fspath(photo)), "--model", name, "--size", str(size)]
    if temperature is not None:
        words += ["--temperature", repr(float(temperature))]
    words += ["-o", _no_option(f"{Path(photo).stem}-{number}{result_suffix(photo)}")]
    return Tile(number, name, size, temperature, tuple(words))


def draw(
    photo: Photo,
    rows: Sequence[Sequence[Tile]],
    models: Sequence[Model],
    step: Callable[[], object] = lambda: None,
) -> tuple[Image, dict[int, list[int]]]:
    """The sheet, and where the picture of each tile lies in it: left, top, width, height.

    Each tile is a preview of the whole photograph, painted at its own size; a smaller photograph is enlarged.
    step: called after each.

    Raises:
        OptionError: a size or a temperature cannot be used. ModelError: a model fails.
    """
    from PIL import Image, ImageFont

    opened = {os.fspath(model.source): model for model in models}
    # All of them first: a setting that cannot be used is refused before there is any work in it.
    colorizers = {tile: Colorizer(opened[tile.model], tile.size, tile.temperature) for row in rows for tile in row}
    large, small = ImageFont.load_default(18), ImageFont.load_default(13)
    scale = min(CELL / photo.width, TALLEST / photo.height, 1)
    size = max(1, round(photo.height * scale)), max(1, round(photo.width * scale))

    def coloured(tile: Tile) -> sheets.Tile:
        strips = colorizers[tile].look(photo).paint(depth=8, size=size)
        picture = sheets.fitted(Image.fromarray(np.concatenate(list(strips))), CELL, TALLEST)
        step()
        head = (sheets.Words(str(tile.number), large), sheets.Words(_settings(tile, opened), small, left=40))
        command = [sheets.Line(LINE, (sheets.Words(line, small, GRAY),)) for line in _wrapped(tile.arguments, small)]
        # A narrow picture stands above the beginning of its words.
        return sheets.Tile(CELL, picture, below=[sheets.Line(2 * LINE, head), *command], left=True)

    page, laid = sheets.lay_out([[coloured(tile) for tile in row] for row in rows], margin=MARGIN, gap=GAP)
    boxes = {
        tile.number: [box.left, box.top, box.width, box.height]
        for tile, box in zip(chain(*rows), chain(*laid), strict=True)
        if box
    }
    return page, boxes


def save_list(
    path: str | os.PathLike[str],
    photo: str | os.PathLike[str],
    rows: Iterable[Iterable[Tile]],
    boxes: dict[int, list[int]],
) -> None:
    """Write the tiles of a sheet as JSON.

    Raises:
        UnwritableFile: the folder or the disk does not take it.
    """
    tiles = [asdict(tile) | {"command": tile.command, "box": boxes[tile.number]} for row in rows for tile in row]
    with whole_file(path) as file:
        file.write((json.dumps({"photo": os.fspath(photo), "tiles": tiles}, indent=2) + "\n").encode())


def list_path(sheet: str | os.PathLike[str]) -> Path:
    """Where the list of a sheet lies: beside it, under its name with .json added."""
    return Path(f"{os.fspath(sheet)}.json")


def sheet_path(photo: str | os.PathLike[str]) -> Path:
    """The default place of a photograph's sheet: next to it."""
    return Path(photo).with_name(f"{Path(photo).stem}.sheet.jpg")


def pick(photo_or_sheet: str | os.PathLike[str], number: int) -> Tile:
    """A tile of a sheet that was made before, given by the sheet, or by its photograph where the sheet lies beside it.

    Raises:
        OptionError: there is no sheet, or no such tile on it.
    """
    for path in (list_path(photo_or_sheet), list_path(sheet_path(photo_or_sheet))):
        if path.is_file():
            break
    else:
        raise OptionError(
            f"{photo_or_sheet} has no sheet yet: make one first, without --pick, or give the sheet itself"
        )
    try:
        rows = json.loads(path.read_bytes())["tiles"]
        tiles = {row["number"]: Tile(**{key: row[key] for key in Tile.__dataclass_fields__}) for row in rows}
    except (OSError, ValueError, TypeError, KeyError):
        raise OptionError(f"{path} is not the list of a sheet: make the sheet again") from None
    if number not in tiles:
        raise OptionError(f"The sheet has no picture {number}: {path} lists {len(tiles)} pictures")
    return tiles[number]


def _settings(tile: Tile, models: dict[str, Model]) -> str:
    name = models[tile.model].name
    return f"{name}, size {tile.size}" + ("" if tile.temperature is None else f", temperature {tile.temperature:g}")


def _once(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))


def _no_option(name: str) -> str:
    """The name of a file such that no program takes it for an option."""
    return f"./{name}" if name.startswith("-") else name


def quoted(text: str, ascii: bool = False) -> str:
    """A word as a shell reads it; what cannot be printed, or shall be ASCII and is not, as bash and zsh write it."""
    if text.isprintable() and (text.isascii() or not ascii):
        return shlex.quote(text)
    codes = (chr(b) if 32 <= b < 127 and b not in b"'\\" else f"\\x{b:02x}" for b in os.fsencode(text))
    return "$'" + "".join(codes) + "'"


def _wrapped(arguments: Iterable[str], letters: FreeTypeFont | ImageFont) -> list[str]:
    """The lines of a command in the width of a tile, in ASCII, as Pillow's own font has no more."""
    lines = [""]
    for part in " ".join(quoted(argument, ascii=True) for argument in arguments).split(" "):
        if lines[-1] and letters.getlength(f"{lines[-1]} {part}") > CELL:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
        while letters.getlength(lines[-1]) > CELL:
            fits = next(n for n in range(len(lines[-1]), 0, -1) if letters.getlength(lines[-1][:n]) <= CELL)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return lines
