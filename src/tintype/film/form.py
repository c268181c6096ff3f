"""What a coloured film is written as: codec, pixels and container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tintype.errors import FilmError, printable
from tintype.film.reader import Film
from tintype.film.signal import Signal

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""By the suffix of a file."""


@dataclass(frozen=True)
class Form:
    """How a film is encoded, and in which container it lies."""

    codec: str
    """The encoder's name in FFmpeg."""
    pixels: str
    """The pixel format's name in FFmpeg."""
    container: str
    """The muxer's name in FFmpeg."""
    signal: Signal
    """What its code values mean."""
    options: tuple[tuple[str, str], ...]
    """Of the encoder."""


def form_of(film: Film, output: str | os.PathLike[str], codec: str | None = None, crf: float | None = None) -> Form:
    """The form of a film's result, by the suffix of its file.

    Raises FilmError for a suffix or a codec that is not written.
    """
    container = CONTAINERS.get(Path(output).suffix.lower())
    if container is None:
        raise FilmError(f"{printable(output)} cannot be written: end its name in one of {', '.join(CONTAINERS)}")
    if codec not in (None, "h264"):
        raise FilmError(f"{codec!r} is no codec that is written: choose h264")
    options = (("crf", f"{16 if crf is None else crf:g}"), ("preset", "medium"), ("threads", "4"))
    return Form("libx264", "yuv420p", container, film.signal, options)
