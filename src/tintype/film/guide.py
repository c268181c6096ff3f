"""What a user says of a film: which part of it, and the colours of some of its frames."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b

from tintype.colorizer import Colorizer
from tintype.colours import check_hints
from tintype.errors import HintError, OptionError
from tintype.film.keys import Given, read_frame_hints, still
from tintype.film.passages import Small
from tintype.film.reader import Film
from tintype.hints import Hint, Hints, check_places, read_hints

StrPath = str | os.PathLike[str]

Place = int | float | Fraction | str
"""A place in a film: the number of a frame (int, or a word such as "120"), seconds (float or Fraction), or a time such
as "00:01:10.5"."""

FrameHints = StrPath | Mapping[int, Hints]
"""Hints by the number of their frame, or the path of a JSON file with such."""

MOST = 1000
"""Frames per second."""

_TIME = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)

PLACE = "the number of a frame, such as 1750, or a time, such as 00:01:10 or 1:10.5"


def checked_place(place: Place) -> int | Fraction:
    """A frame's number, or seconds. Raises OptionError."""
    if isinstance(place, str):
        word = place.strip()
        if word.isascii() and word.isdecimal() and len(word) < 10:
            return int(word)
        if (time := _TIME.fullmatch(word)) is not None:
            hours, minutes, seconds = (Fraction(part or 0) for part in time.groups())
            return 3600 * hours + 60 * minutes + seconds
    elif isinstance(place, int) and not isinstance(place, bool) and place >= 0:
        return place
    elif isinstance(place, (float, Fraction)) and 0 <= place < 1e9:
        return Fraction(place)
    raise OptionError(f"A place in a film is {PLACE}, not {place!r}")


def checked_rate(rate: Fraction | float | None) -> Fraction | None:
    """The frames per second of numbered images. Raises OptionError."""
    if rate is None:
        return None
    if not isinstance(rate, (int, float, Fraction)) or isinstance(rate, bool) or not 0 < rate <= MOST:
        raise OptionError(f"The rate must be above 0 and at most {MOST} frames per second, not {rate!r}")
    # 23.976 and 29.97 stand for 24000/1001 and 30000/1001.
    exact = Fraction(rate)
    television = Fraction(1000 * round(exact * 1001 / 1000), 1001)
    return television if abs(exact - television) < Fraction(1, 200) else exact.limit_denominator(1001)


def frame_at(film: Film, place: Place) -> int:
    """The number of the frame at a place. Raises OptionError, and FilmError where the film cannot be read."""
    found = checked_place(place)
    return found if isinstance(found, int) else film.index_at(found)


def range_of(film: Film, start: Place | None, stop: Place | None) -> tuple[int, int | None]:
    """The first frame of a part of a film, and the frame behind its last; None: to the end.

    Raises OptionError where no frame is left.
    """
    begin, until = (None if place is None else checked_place(place) for place in (start, stop))
    if isinstance(begin, Fraction) and film.duration is not None and begin >= film.duration:
        raise OptionError(f"The range begins at {start}, but {film.path.name} lasts {float(film.duration):.3f} s")
    if isinstance(until, Fraction) and film.duration is not None and until >= film.duration:
        until = None  # With its last frame.
    first = 0 if begin is None else frame_at(film, begin)
    end = None if until is None else frame_at(film, until)
    if end is not None and end <= first:
        raise OptionError(f"The range ends at frame {end}, before it has begun at frame {first}: give a later end")
    if film.count is not None and first >= film.count:
        raise OptionError(f"The range begins at frame {first}, but {film.path.name} has only {film.count} frames")
    return first, end


@dataclass(frozen=True)
class Guide:
    """The colours that a user gives for frames of a film."""

    given: Mapping[int, Given] = field(default_factory=dict)
    """By the number of the frame, sorted."""
    digest: str = ""
    """Of all that; "" where nothing is given."""

    @classmethod
    def of(
        cls,
        film: Film,
        colorizer: Colorizer,
        hints: FrameHints | None = None,
        keys: Mapping[int, StrPath] | None = None,
    ) -> Guide:
        """Read hints and coloured stills, and hold them against their frames.

        Raises HintError and OptionError for what cannot be used, and what the reading of a film or a photograph raises.
        """
        by_frame = {} if hints is None else _read(hints)
        stills = dict(keys or {})
        given: dict[int, Given] = {}
        digest = blake2b(digest_size=8)
        small = Small(film.tones, colorizer.network_size((film.height, film.width)))
        for number in sorted({*by_frame, *stills}):
            if film.count is not None and number >= film.count:
                raise HintError(
                    f"Colours are given for frame {number}, but {film.path.name} has {film.count} frames, from 0 on"
                )
            if number in by_frame and number in stills:
                raise HintError(f"Frame {number} has both hints and a still: give one of them")
            if number in stills:
                ab = still(stills[number], small(film.frame(number).gray))
                given[number] = Given(ab=ab)
                digest.update(f"{number}:".encode() + ab.tobytes())
            else:
                given[number] = Given(hints=by_frame[number])
                digest.update(f"{number}:{by_frame[number]!r}".encode())
                check_hints(colorizer.model, by_frame[number])
                try:
                    check_places(by_frame[number], (film.height, film.width))
                except HintError as error:
                    raise HintError(f"Frame {number}: {error}") from None
        return cls(given, digest.hexdigest() if given else "")

    def within(self, first: int, stop: int) -> dict[int, Given]:
        """What is given for the frames of a passage, by their index in it."""
        return {number - first: given for number, given in self.given.items() if first <= number < stop}


def _read(hints: FrameHints) -> dict[int, tuple[Hint, ...]]:
    if isinstance(hints, (str, os.PathLike)):
        return read_frame_hints(hints)
    read = {}
    for number, of_frame in hints.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise HintError(f"Hints belong to the number of a frame, from 0, not to {number!r}")
        try:
            read[number] = tuple(read_hints(of_frame))
        except HintError as error:
            raise HintError(f"Frame {number}: {error}") from None
    return read
