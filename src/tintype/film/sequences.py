"""Numbered pictures in a folder, as a film."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tintype.color.lab import lightness_to_luminance, srgb_encode
from tintype.errors import FilmError, PhotoError, printable
from tintype.film.reader import Film, Frame
from tintype.film.signal import Signal
from tintype.photo import Photo, read

PATTERN = re.compile(r"%(0\d+)?d")
"""What stands for the number in a pattern of names: `%d`, or `%05d` with leading zeros."""

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".avif", ".jp2", ".jxl", ".pgm", ".ppm", ".psd"}
"""Suffixes of the pictures of a folder."""


CONTAINER = "image2"
"""FFmpeg's name of numbered pictures."""


class Sequence(Film):
    """Numbered pictures as a film, in the order of their numbers; gaps are passed over."""

    def __init__(self, source: str | os.PathLike[str], rate: Fraction) -> None:
        self.path, self.rate, self.time_base = Path(source), rate, 1 / rate
        self.aspect, self.start, self.interlaced = Fraction(1), 0, False
        self.files = _files_of(self.path)
        """Of the frames, in their order."""
        photo = self._read(0)
        self.width, self.height = photo.width, photo.height
        # A code of 8 bits is enough for a picture that has such codes itself.
        self.signal = Signal(8 if photo.depth == 8 else 16, True)
        levels = np.linspace(0, 100, 1 << 14)
        self._codes = np.rint(srgb_encode(lightness_to_luminance(levels)) * self.signal.top).astype(self.signal.kind)

    @property
    def is_file(self) -> bool:
        """As of Film."""
        return False

    @property
    def rgb(self) -> bool:
        """As of Film."""
        return True

    @property
    def transfer(self) -> int:
        """As of Film: the number of sRGB."""
        return 13

    @property
    def count(self) -> int:
        """Frames."""
        return len(self.files)

    @property
    def duration(self) -> Fraction:
        """Seconds that all frames are shown."""
        return len(self.files) / self.rate

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the film, a sentence each."""
        return ()

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """As of Film."""
        for index in range(first, self.count if stop is None else min(stop, self.count)):
            photo = self._read(index)
            if (photo.width, photo.height) != (self.width, self.height):
                raise FilmError(
                    f"{printable(self.files[index])} has {photo.width} x {photo.height} pixels, and those before it "
                    f"{self.width} x {self.height}: bring all to one size first"
                )
            levels = photo.lightness(0, photo.height)
            levels *= (len(self._codes) - 1) / 100
            gray = self._codes.take((levels + np.float32(0.5)).astype(np.intp), mode="clip")
            yield Frame(index, index / self.rate, 1 / self.rate, gray)

    def stamps(self, first: int = 0, stop: int | None = None) -> list[int]:
        """As of Film."""
        return list(range(len(self.files)))[first:stop]

    def durations(self, first: int = 0, stop: int | None = None) -> list[int]:
        """As of Film."""
        return [1] * len(self.files[first:stop])

    def index_at(self, seconds: Fraction) -> int:
        """As of Film."""
        return min(max(0, int(seconds * self.rate)), self.count - 1)

    def _read(self, index: int) -> Photo:
        try:
            return read(self.files[index])
        except PhotoError as error:
            raise FilmError(str(error)) from error


def is_sequence(source: str | os.PathLike[str]) -> bool:
    """Whether pictures are meant, and no file of a film: a folder, or a pattern."""
    return Path(source).is_dir() or (is_pattern(source) and not Path(source).exists())


def is_pattern(path: str | os.PathLike[str]) -> bool:
    """Whether a name is a pattern of names."""
    return PATTERN.search(Path(path).name) is not None


def names_of(pattern: Path, first: int = 0) -> Iterator[Path]:
    """The names of pictures by a pattern, from a number on."""
    begin, end = _place(pattern)
    number = first
    while True:
        yield pattern.with_name(pattern.name[:begin] + pattern.name[begin:end] % number + pattern.name[end:])
        number += 1


def _files_of(path: Path) -> list[Path]:
    """The pictures of a folder or a pattern, by their numbers. Raises FilmError where there are none, or no order."""
    name = printable(path)
    if path.is_dir():
        found = [file for file in path.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")]
        numbered = re.compile(r"(\d+)\D*$")
    else:
        if not path.parent.is_dir():
            raise FilmError(f"{printable(path.parent)} does not exist: check the name")
        before, after = (re.escape(part) for part in (path.name[: _place(path)[0]], path.name[_place(path)[1] :]))
        numbered = re.compile(f"^{before}(\\d+){after}$")
        found = [file for file in path.parent.iterdir() if numbered.match(file.name)]
    numbers: dict[int, Path] = {}
    for file in found:
        match = numbered.search(file.name if not path.is_dir() else file.stem)
        if match is None:
            raise FilmError(f"{printable(file)} has no number: give a pattern such as {name}/%05d{file.suffix}")
        if (other := numbers.setdefault(int(match[1]), file)) is not file:
            raise FilmError(f"{printable(file)} and {other.name} have the same number: give a pattern of their names")
    if not numbers:
        raise FilmError(f"{name} has no numbered pictures: check the name")
    return [file for _, file in sorted(numbers.items())]


def _place(path: Path) -> tuple[int, int]:
    match = PATTERN.search(path.name)
    assert match is not None
    return match.span()
