"""A film as it is read: its frames as gray codes, upright, with exact numbers and times."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.errors import FilmError, not_installed, printable

try:
    import av
    from av.stream import Disposition
except ModuleNotFoundError as error:
    raise not_installed("A film", error.name, "video") from None

from tintype.film.picture import Layout, usual_matrix
from tintype.film.signal import Codes, Signal

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LOOK = 24
"""Frames at the beginning of a film that are decoded to learn how it is made."""

NO_FILMS = {"concat", "dash", "ffmetadata", "hls", "image2", "lavfi", "rtsp", "sdp", "tty"}
"""What FFmpeg opens too, but is no film in one file: lists of other files, pictures and texts."""

_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a film."""

    index: int
    """Its number in the whole film, from 0, in the order in which frames are shown."""
    time: Fraction
    """Seconds from the film's start."""
    duration: Fraction | None
    """Seconds that it is shown, where that is known."""
    gray: NDArray[np.uint8 | np.uint16] = field(repr=False)
    """[height, width], upright; `film.tones[gray]` is CIE L*. Of a film in colour: the gray of the same L*."""


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
    time_base: Fraction
    """Seconds of a unit of `stamps`."""
    start: int
    """Where the film starts, sound included, in units of the time base: its second 0."""
    interlaced: bool
    """Whether frames are made of two fields of different times, which are then put together to whole pictures."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with opened(path) as container:
            stream = film_of(container, path)
            head = _head(container, stream, path)
            if not head:
                raise FilmError(f"{printable(path)} has no frames that can be decoded: check the file")
            picture = head[0]
            self._layout = Layout.of(picture, stream.codec_context.name, path)
            self.signal = self._layout.signal
            self.width, self.height = self._layout.size
            aspect = stream.sample_aspect_ratio or Fraction(1)
            self.aspect = 1 / aspect if self._layout.turned else aspect
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.time_base = stream.time_base or 1 / self.rate
            self.interlaced = any(one.interlaced_frame for one in head) or stream.codec_context.field_order > 1
            started = container.start_time
            self.start = 0 if started is None else round(Fraction(started, av.time_base) / self.time_base)
            self._claimed, self._claimed_time = stream.frames, _claimed_time(stream)
            self._first = [one.pts for one in head]

    @property
    def is_file(self) -> bool:
        """Whether it is one file, which may have sound."""
        return True

    @property
    def rgb(self) -> bool:
        """Whether its pixels are of red, green and blue, as those of GIF."""
        return self._layout.rgb

    @property
    def matrix(self) -> str:
        """The matrix that a film of its size has where it does not say."""
        return usual_matrix(self.width, self.height)

    @property
    def transfer(self) -> int:
        """The number that H.273 gives its curve."""
        return self._layout.transfer

    @property
    def depth(self) -> int:
        """Bits of a gray code: 8, 10, 12 or 16, seldom 9 or 14."""
        return self.signal.depth

    @cached_property
    def tones(self) -> NDArray[np.float32]:
        """CIE L* in [0, 100] of each gray code: float32 [2**depth]."""
        return self.signal.tones()

    @property
    def count(self) -> int | None:
        """Frames, as far as that is known."""
        return len(self._timeline.stamps)

    @property
    def duration(self) -> Fraction | None:
        """Seconds from the first frame to the end of the last, as far as that is known."""
        stamps = self._timeline.stamps
        return (stamps[-1] - stamps[0]) * self.time_base + self._last

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the film, a sentence each."""
        notes = list(self._layout.notes)
        found, seconds = self._timeline, float(self.duration or 0)
        if self._claimed > found.packets:
            notes.append(f"The film is cut off: it says that it has {self._claimed} frames, and holds {found.packets}")
        elif self._claimed_time is not None and float(self._claimed_time) - seconds > max(1.0, 0.02 * seconds):
            whole = float(self._claimed_time)
            notes.append(f"The film is cut off: it says that it lasts {whole:.0f} s, and holds {seconds:.0f} s")
        if self.interlaced:
            notes.append("The film is interlaced: whole pictures are made of its fields, one for each frame")
        return tuple(notes)

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The frames from number `first` up to `stop`; None: to the end.

        They are the same wherever one begins. A frame that is lost to damage is the one before it.

        Raises FilmError where the film changes its size, or what its pixels are.
        """
        stamps = self._timeline.stamps
        last = len(stamps) if stop is None else min(stop, len(stamps))
        if first >= last:
            return
        # A picture of fields takes a look at those before and after.
        before = max(0, first - 1) if self.interlaced else first
        gray: Codes | None = None
        due = first
        with closing(self._pictures(before)) as pictures:
            for index, picture in pictures:
                if index < due:
                    continue
                if gray is not None:
                    while due < min(index, last):
                        yield self._frame(due, gray)
                        due += 1
                due = max(due, index)
                if due >= last:
                    return
                gray = self._layout.gray(picture, index)
                yield self._frame(due, gray)
                due += 1
        while gray is not None and due < last:
            yield self._frame(due, gray)
            due += 1

    def frame(self, number: int) -> Frame:
        """One frame. Raises FilmError where there is none of this number, else as `frames`."""
        for frame in self.frames(number, number + 1):
            return frame
        has = "does not have" if self.count is None else f"has {self.count} frames, from 0 on, and not"
        raise FilmError(f"{printable(self.path)} {has} frame {number}: give another number")

    def stamps(self, first: int = 0, stop: int | None = None) -> list[int]:
        """When these frames are shown, in units of the time base, not counted from the start."""
        return self._timeline.stamps[first:stop]

    def durations(self, first: int = 0, stop: int | None = None) -> list[int]:
        """How long these frames are shown, in units of the time base."""
        stamps = self._timeline.stamps
        last = stamps[-1] + round(self._last / self.time_base) if stamps else 0
        return [after - stamp for stamp, after in zip(stamps, [*stamps[1:], last], strict=True)][first:stop]

    def index_at(self, seconds: Fraction) -> int:
        """The number of the frame that is shown at a time, in seconds from the film's start."""
        return max(0, bisect_right(self._timeline.stamps, seconds / self.time_base + self.start) - 1)

    def close(self) -> None:
        """Lets go of what was opened: iterators close what they open themselves."""

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self, index: int, gray: Codes) -> Frame:
        stamps = self._timeline.stamps
        last = index + 1 == len(stamps)
        duration = self._last if last else (stamps[index + 1] - stamps[index]) * self.time_base
        return Frame(index, (stamps[index] - self.start) * self.time_base, duration, gray)

    @cached_property
    def _last(self) -> Fraction:
        """Seconds that the last frame is shown."""
        return self._timeline.last * self.time_base if self._timeline.last else 1 / self.rate

    @cached_property
    def _timeline(self) -> _Timeline:
        with opened(self.path) as container:
            stream = film_of(container, self.path)
            packets = [
                (packet.pts, packet.is_keyframe, packet.is_discard, packet.duration)
                for packet in _packets(container, stream)
                if packet.size
            ]
        shown = [(pts, key, duration) for pts, key, discarded, duration in packets if not discarded]
        given = [pts for pts, _, _ in shown if pts is not None]
        stamps = sorted(set(given))
        first = self._first[0]
        if first is not None:
            stamps = [stamp for stamp in stamps if stamp >= first]
        if len(set(given)) == len(shown) and stamps[: len(self._first)] == self._first:
            keys = sorted(pts for pts, key, _ in shown if key and pts is not None)
            last = max(duration or 0 for pts, _, duration in shown if pts == stamps[-1])
            return _Timeline(stamps, len(packets), keys, last)
        # Where packets do not tell what is shown when, the film is decoded to learn it.
        with opened(self.path) as container:
            stream = film_of(container, self.path)
            times = [picture.pts for picture in _decoded(container, stream)]
        # Frames come in their order, even where their times do not.
        stamps = sorted({time for time in times if time is not None})
        if len(stamps) < len(times):
            step = 1 / (self.rate * self.time_base)
            stamps = [(stamps[0] if stamps else self.start) + round(number * step) for number in range(len(times))]
        return _Timeline(stamps, max(len(stamps), len(packets)), None, 0)

    def _pictures(self, first: int) -> Generator[tuple[int, VideoFrame], None, None]:
        """The decoded frames from number `first` on, numbered; there may be others before them."""
        timeline = self._timeline
        with opened(self.path) as container:
            stream = film_of(container, self.path)
            stream.thread_type = "AUTO"
            packets = None
            if first and timeline.keys is not None:
                packets = _from(container, stream, timeline, timeline.stamps[first])
            if packets is not None:
                yield from self._whole(self._numbered(_pictures_of(packets)))
                return
        with opened(self.path) as container:
            stream = film_of(container, self.path)
            stream.thread_type = "AUTO"
            yield from self._whole(self._numbered(_decoded(container, stream)))

    def _numbered(self, pictures: Iterator[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        timeline = self._timeline
        if timeline.keys is None:
            yield from enumerate(pictures)
            return
        index = -1
        for picture in pictures:
            if picture.pts is None:
                index += 1
            else:
                place = bisect_left(timeline.stamps, picture.pts)
                if place <= index or place == len(timeline.stamps) or timeline.stamps[place] != picture.pts:
                    continue
                index = place
            yield index, picture

    def _whole(self, pictures: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
        """Pictures of two fields as whole ones, by FFmpeg's filter bwdif; all others as they are."""
        if not self.interlaced:
            yield from pictures
            return
        graph, waiting = None, deque[int]()
        for index, picture in pictures:
            if graph is None:
                graph = av.filter.Graph()
                source = graph.add_buffer(
                    width=picture.width, height=picture.height, format=picture.format, time_base=self.time_base
                )
                weave = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
                graph.link_nodes(source, weave, graph.add("buffersink")).configure()
            self._layout.check(picture, index)
            waiting.append(index)
            graph.vpush(picture)
            yield from _pulled(graph, waiting)
        if graph is not None:
            graph.vpush(None)
            yield from _pulled(graph, waiting)


@dataclass(frozen=True)
class _Timeline:
    stamps: list[int]
    """When each frame is shown, in units of the time base."""
    packets: int
    """How many the file holds of the film."""
    keys: list[int] | None
    """When those frames are shown from which on one can decode; None where one must decode from the beginning."""
    last: int
    """How long the last frame is shown; 0 where that is not known."""


def open_film(source: str | os.PathLike[str], *, rate: Fraction | None = None) -> Film:
    """Open a film, a folder of numbered pictures, or a pattern of their names such as `frames/%05d.png`.

    rate: frames per second of pictures; 24 where it is not given.

    Raises FilmError for what is no film or cannot be read.
    """
    from tintype.film.sequences import Sequence, is_sequence

    if is_sequence(source):
        return Sequence(source, rate or Fraction(24))
    return Film(Path(source))


def opened(path: Path) -> InputContainer:
    """A file as FFmpeg reads it, to be closed. Raises FilmError for what is no film."""
    name = printable(path)
    if not path.exists():
        raise FilmError(f"{name} does not exist: check the name")
    if not path.is_file():
        raise FilmError(f"{name} is no file: give a film")
    try:
        # A film may name other files and pages: none of the network is fetched.
        container = av.open(str(path), "r", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except PermissionError:
        raise FilmError(f"{name} must not be read: check its permissions") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        if path.stat().st_size == 0:
            raise FilmError(f"{name} is empty: copy the film once more") from None
        with path.open("rb") as file:
            head = file.read(12)
        if head[4:8] in (b"ftyp", b"mdat", b"wide"):
            raise FilmError(
                f"{name} is cut off or damaged, and lacks the list of its frames (moov): copy the film once more"
            ) from None
        reason = getattr(error, "strerror", None) or str(error)
        raise FilmError(f"{name} is no film that can be read ({reason}): check the file") from None
    if container.format.name in NO_FILMS or container.format.name.endswith("_pipe"):
        container.close()
        raise FilmError(f"{name} is no film: give a film, or a folder of numbered pictures")
    return container


def film_of(container: InputContainer, path: Path) -> VideoStream:
    """The stream that is the film, and no cover: the largest. Raises FilmError where there is none."""
    name = printable(path)
    streams = container.streams.video
    if not streams:
        raise FilmError(f"{name} has no pictures, only sound or text: give a film")
    moving = [stream for stream in streams if not stream.disposition & _COVERS]
    if not moving:
        raise FilmError(f"{name} has no moving pictures, only a cover: give a film")
    known = [stream for stream in moving if stream.codec_context is not None]
    if not known:
        raise FilmError(f"{name} is in a codec that FFmpeg does not decode here: convert it to another first")
    return max(known, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets up to the end of the film, or of what can be read of it."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError):
        return


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    return _pictures_of(_packets(container, stream))


def _pictures_of(packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    for packet in packets:
        try:
            yield from packet.decode()
        except (av.FFmpegError, OSError):
            continue  # Of a damaged packet nothing is shown.


def _head(container: InputContainer, stream: VideoStream, path: Path) -> list[VideoFrame]:
    """The first frames."""
    head: list[VideoFrame] = []
    for picture in _decoded(container, stream):
        head.append(picture)
        if len(head) == LOOK:
            break
    return head


def _from(
    container: InputContainer, stream: VideoStream, timeline: _Timeline, stamp: int
) -> Iterator[Packet[VideoStream]] | None:
    """Packets from one on from which the frame can be decoded that is shown then; None where they are not found."""
    assert timeline.keys is not None
    place = bisect_right(timeline.keys, stamp) - 1
    if place < 0:
        return None
    key = timeline.keys[place]
    back = 0
    unit = max(1, int(1 / (stream.time_base or Fraction(1))))
    for _ in range(8):
        if key - back <= timeline.stamps[0]:
            return None
        try:
            container.seek(key - back, stream=stream)
        except (av.FFmpegError, OSError):
            return None
        packets = _packets(container, stream)
        for packet in packets:
            if packet.pts is None and packet.size:
                continue
            if packet.pts is not None and packet.pts <= key:
                return _after(packet, packets)
            break
        back = back * 2 or unit
    return None


def _after(packet: Packet[VideoStream], packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    yield packet
    yield from packets


def _pulled(graph: av.filter.Graph, waiting: deque[int]) -> Iterator[tuple[int, VideoFrame]]:
    while waiting:
        try:
            picture = graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield waiting.popleft(), picture


def _claimed_time(stream: VideoStream) -> Fraction | None:
    """Seconds that the film lasts, by its header."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None
