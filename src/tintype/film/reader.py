"""A film as it is read: its frames as gray codes, upright, with exact numbers and times."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.errors import FilmError, not_installed, printable
from tintype.film.signal import Signal

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

try:
    import av
except ModuleNotFoundError as error:
    raise not_installed("A film", error.name, "video") from None


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a film."""

    index: int
    """Its number in the whole film, from 0."""
    time: Fraction
    """Seconds from the film's start."""
    duration: Fraction | None
    """Seconds that it is shown, where that is known."""
    gray: NDArray[np.uint8 | np.uint16] = field(repr=False)
    """[height, width], upright; `film.tones[gray]` is CIE L*. Of a film in colour: the gray code of the same L*."""


class Film:
    """A film that is open for reading: a context manager, made by `open_film`.

    Several threads may go through its frames at once, each by an iterator of its own.
    """

    path: Path
    width: int
    """In pixels, upright, as `height`."""
    height: int
    aspect: Fraction
    """Width of a pixel by its height."""
    rate: Fraction
    """Frames per second, on average."""
    signal: Signal
    """What its gray codes mean."""

    def __init__(self, path: Path) -> None:
        self.path, self.time_base = path, Fraction(1, 90_000)
        self._start = Fraction(0)
        with _opened(path) as container:
            stream = _film_of(container, path)
            self.time_base = stream.time_base or self.time_base
            first = next(_decoded(container, stream, path), None)
            if first is None:
                raise FilmError(f"{printable(path)} has no frames that can be decoded: check the file")
            self.width, self.height = first.width, first.height
            self.aspect = stream.sample_aspect_ratio or Fraction(1)
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(24)
            self.signal = Signal()
            if container.start_time is not None:
                self._start = Fraction(container.start_time, av.time_base)

    @property
    def depth(self) -> int:
        """Bits of a gray code."""
        return self.signal.depth

    @cached_property
    def tones(self) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of each gray code: float32 [2**depth]."""
        return self.signal.tones()

    @cached_property
    def _shown(self) -> list[int]:
        """When each frame is shown, in units of the time base, in order."""
        with _opened(self.path) as container:
            stream = _film_of(container, self.path)
            return sorted({packet.pts for packet in container.demux(stream) if packet.pts is not None})

    @property
    def count(self) -> int | None:
        """Frames, as far as that is known."""
        return len(self._shown)

    @property
    def duration(self) -> Fraction | None:
        """Seconds from its start to its end, as far as that is known."""
        return self._time(self._shown[-1]) + 1 / self.rate

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The frames from number `first` up to `stop`; None: to the end."""
        shown = self._shown
        last = len(shown) if stop is None else min(stop, len(shown))
        if first >= last:
            return
        with _opened(self.path) as container:
            stream = _film_of(container, self.path)
            stream.thread_type = "AUTO"
            if first:
                container.seek(shown[first], stream=stream)
            for picture in _decoded(container, stream, self.path):
                index = bisect_left(shown, picture.pts or 0)
                if index >= last:
                    return
                if index >= first:
                    time = self._time(shown[index])
                    after = self._time(shown[index + 1]) if index + 1 < len(shown) else None
                    gray = picture.to_ndarray()[: self.height, : self.width]
                    yield Frame(index, time, None if after is None else after - time, np.ascontiguousarray(gray))

    def stamps(self, first: int = 0, stop: int | None = None) -> list[int]:
        """When these frames are shown, in units of the time base."""
        return self._shown[first:stop]

    def index_at(self, seconds: Fraction) -> int:
        """The number of the frame that is shown at a time, in seconds from the film's start."""
        stamp = (seconds + self._start) / self.time_base
        return max(0, bisect_right(self._shown, stamp) - 1)

    def close(self) -> None:
        """Lets go of what was opened."""

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _time(self, stamp: int) -> Fraction:
        return stamp * self.time_base - self._start


def open_film(source: str | os.PathLike[str]) -> Film:
    """Open a film for reading.

    Raises FilmError for what is no film or cannot be read.
    """
    return Film(Path(source))


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path), "r")
    except FileNotFoundError:
        raise FilmError(f"{printable(path)} does not exist: check the name") from None
    except (av.FFmpegError, OSError) as error:
        raise FilmError(
            f"{printable(path)} is not a film that can be read ({error.strerror}): check the file"
        ) from None


def _film_of(container: InputContainer, path: Path) -> VideoStream:
    """The stream that is the film: no cover."""
    if not container.streams.video:
        raise FilmError(f"{printable(path)} has no pictures, only sound or text: give a film")
    return container.streams.video[0]


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise FilmError(f"{printable(path)} cannot be decoded ({error.strerror}): check the file") from None
