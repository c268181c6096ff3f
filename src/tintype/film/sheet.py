"""A sheet of single frames in colour, to be looked at before hours are spent on the film."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tintype import sheets
from tintype.colorizer import Colorizer
from tintype.errors import FilmError, OptionError
from tintype.film.engine import colorizer_of, default_output
from tintype.film.form import form_of
from tintype.film.guide import FrameHints, Guide, Place, checked_rate, range_of
from tintype.film.looking import Looker
from tintype.film.paint import Painter
from tintype.film.passages import Passage, Small
from tintype.film.reader import Film, Frame, open_film
from tintype.models import DEFAULT, Model
from tintype.models.device import Device
from tintype.photo import from_array, is_marked, write
from tintype.photo.results import check_output, refuse_same

if TYPE_CHECKING:
    from PIL.Image import Image

StrPath = str | os.PathLike[str]

MOST = 400
"""Pictures on a sheet."""

FEW = 40
"""The same where nobody says how many."""

ACROSS, CELL, GAP, MARGIN, LINE = 5, 320, 12, 16, 20
"""Pictures in a row; pixels of their width, between them, around all, and of a line below them."""

FAR = 128
"""Frames from which on it takes less time to seek the next one than to decode all up to it."""


def preview(
    source: StrPath,
    sheet: StrPath,
    *,
    every: int | None = None,
    rate: Fraction | float | None = None,
    start: Place | None = None,
    stop: Place | None = None,
    hints: FrameHints | None = None,
    keys: Mapping[int, StrPath] | None = None,
    model: StrPath | Model = DEFAULT,
    size: int | None = None,
    temperature: float | None = None,
    vividness: float = 1.0,
    blend: float = 1.0,
    threads: int | None = None,
    device: Device = "cpu",
    overwrite: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Write a sheet of each so many frames of a film in colour, with their numbers and times.

    The network looks at these frames alone, each by itself: a frame between two of them may turn out otherwise in the
    film, and only the very frames for which hints or stills are given show them. Those are on the sheet in any case.

    Args:
        source: a film, as for `colorize`; so are the other arguments.
        sheet: an image file, such as sheet.png.
        every: default: so that there are FEW pictures.
        overwrite: replace a file that does not say that tintype made it; a sheet is replaced in any case.
        progress: called with the number of pictures that are done, and of all.

    Raises TintypeError, one sentence. Returns the path of the sheet.
    """
    colorizer = colorizer_of(model, size, temperature, vividness, blend, threads, device)
    check_output(path=sheet)
    refuse_same(source, sheet)
    if not overwrite and os.path.lexists(sheet) and not is_marked(sheet):
        raise OptionError(
            f"{os.fspath(sheet)} exists, but does not say that tintype made it: give another name, or have it replaced"
        )
    with open_film(source, rate=checked_rate(rate)) as film:
        first, end = range_of(film, start, stop)
        guide = Guide.of(film, colorizer, hints, keys)
        numbers = _numbers(film, first, end, every, guide)
        tiles = []
        for frame, picture in _coloured(film, colorizer, guide, numbers):
            small = sheets.fitted(picture, CELL, 2 * CELL)
            tiles.append(sheets.Tile(CELL, small, below=[sheets.Line(LINE, (_caption(frame),))]))
            if progress is not None:
                progress(len(tiles), len(numbers))
    if not tiles:
        raise FilmError(f"{source} has no frames to show: give another film, or another range")
    page, _ = sheets.lay_out(sheets.flowed(tiles, ACROSS * (CELL + GAP) - GAP, GAP), margin=MARGIN, gap=GAP)
    pixels = np.asarray(page)
    # Marked as results are, so that a run over the folder does not take it for a photograph.
    write(from_array(pixels), [pixels], sheet, mark=colorizer.mark)
    return Path(sheet)


def _numbers(film: Film, first: int, end: int | None, every: int | None, guide: Guide) -> list[int]:
    """The frames that are shown. Raises OptionError where they would be too many."""
    stop = end if film.count is None else min(film.count, film.count if end is None else end)
    if stop is None:
        raise FilmError(f"{film.path.name} does not say how many frames it has: give a range with an end")
    step = max(1, math.ceil((stop - first) / FEW)) if every is None else every
    if step < 1:
        raise OptionError(f"Each so many frames are shown, at least each 1, not {every}")
    if (stop - first) / step > MOST:
        raise OptionError(
            f"A sheet can have at most {MOST} pictures: show each {math.ceil((stop - first) / MOST)} frames, or fewer"
        )
    return sorted({*range(first, stop, step), *(number for number in guide.given if first <= number < stop)})


def _coloured(film: Film, colorizer: Colorizer, guide: Guide, numbers: list[int]) -> Iterator[tuple[Frame, Image]]:
    from PIL.Image import fromarray

    form = form_of(film, default_output(film.path))
    painter = Painter(film, form, vividness=colorizer.vividness, blend=colorizer.blend, threads=colorizer.threads)
    looker = Looker(colorizer, (film.height, film.width), guide)
    small = Small(film.tones, colorizer.network_size((film.height, film.width)))
    for frame in _frames(film, numbers):
        (ab,), _ = looker.carry(Passage(frame.index, [small(frame.gray)], True), None)
        yield frame, fromarray(painter(frame, ab).rgb())


def _frames(film: Film, numbers: list[int]) -> Iterator[Frame]:
    """These frames; what lies close together is decoded in one go."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number - runs[-1][-1] < FAR:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        wanted = set(run)
        yield from (frame for frame in film.frames(run[0], run[-1] + 1) if frame.index in wanted)


def _caption(frame: Frame) -> sheets.Words:
    from PIL import ImageFont

    return sheets.Words(f"{frame.index}   {clock(frame.time)}", ImageFont.load_default(14), "#444444", centred=True)


def clock(seconds: Fraction | float) -> str:
    """A time as 00:01:10.500, which a range may begin or end with."""
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}.{whole % 1000:03d}"
