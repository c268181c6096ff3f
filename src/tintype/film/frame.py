"""A frame of a film as a picture in gray, to be coloured on the page or in another program."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np

from tintype.color.lab import lightness_to_luminance, srgb_encode
from tintype.errors import OptionError
from tintype.film.guide import checked_rate
from tintype.film.reader import open_film
from tintype.photo import from_array, write
from tintype.photo.results import check_output, refuse_same

StrPath = str | os.PathLike[str]


def save_frame(
    source: StrPath,
    number: int,
    picture: StrPath,
    *,
    rate: Fraction | float | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one frame of a film as a picture in gray, upright, at its own L*; 16 bits where the film has more than 8.

    Once it is coloured, it guides its shot: `colorize(source, keys={number: picture})`.

    Args:
        source: a film, as for `colorize`; so is rate.
        number: from 0.
        picture: an image file, such as frame.png.
        overwrite: replace what is there, which may be a still that somebody coloured.

    Raises TintypeError, one sentence. Returns the path of the picture.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise OptionError(f"A frame has a number, from 0, not {number!r}")
    check_output(path=picture)
    refuse_same(source, picture)
    if not overwrite and os.path.lexists(picture):
        raise OptionError(f"{os.fspath(picture)} exists: name another file, or have it overwritten")
    with open_film(source, rate=checked_rate(rate)) as film:
        frame = film.frame(number)
        top, kind = (255, np.uint8) if film.depth == 8 else (65535, np.uint16)
        codes = np.rint(srgb_encode(lightness_to_luminance(film.tones.astype(np.float64))) * top).astype(kind)
    gray = codes.take(frame.gray)
    write(from_array(gray), [np.repeat(gray[..., None], 3, axis=2)], picture, mark=None)
    return Path(picture)
