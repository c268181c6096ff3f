"""The frames of one passage of a film, encoded into a file of its own."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tintype.errors import FilmError, UnwritableFile, printable
from tintype.files import FULL, whole_file
from tintype.film.form import CODECS, Form
from tintype.film.paint import Planes
from tintype.film.reader import Film, Frame
from tintype.film.signal import Codes

_MATRICES = {"bt709": 1, "bt601": 6}
_BT709 = 1  # primaries


class SegmentWriter:
    """Writes one passage: a context manager. The file appears under its name when all frames are in it.

        with SegmentWriter(path, film, form) as segment:
            segment.write(frame, planes)

    It begins with a frame from which one can decode, and no frame refers to one of another segment. The same frames
    give the same bytes.

    Raises UnwritableFile where the disk does not take it, and FilmError where the encoder refuses.
    """

    def __init__(self, path: str | os.PathLike[str], film: Film, form: Form) -> None:
        self._name, self._form, self._count = printable(path), form, 0
        with ExitStack() as stack, self._guarded():
            destination = stack.enter_context(whole_file(path))
            # FFmpeg opens the file once more, by its name.
            self._container = av.open(destination.file.name, "w", format=CODECS[form.codec].segment)
            stack.callback(self._container.close)
            stream = self._container.add_stream(form.encoder, rate=film.rate, options=dict(form.options))
            self._stream = cast(VideoStream, stream)
            context = self._stream.codec_context
            context.width, context.height = form.size
            context.pix_fmt = "pal8" if form.codec == "gif" else form.pixels
            context.time_base = 1 / film.rate
            tag(context, film, form)
            self._stack = stack.pop_all()

    def write(self, frame: Frame, planes: Planes) -> None:
        """Encode the next frame."""
        with self._guarded():
            picture = picture_of(planes, self._form)
            picture.pts, picture.time_base = self._count, self._stream.codec_context.time_base
            self._mux(self._stream.encode(picture))
        self._count += 1

    def close(self) -> None:
        """Encode what is left, and give the file its name."""
        with self._stack, self._guarded():
            self._mux(self._stream.encode(None))
            self._container.close()

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            self._container.mux(packet)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with refusals(self._name, self._form):
            yield


def tag(context: VideoCodecContext, film: Film, form: Form) -> None:
    """Say of a stream of a form what its pixels are and mean."""
    context.sample_aspect_ratio = film.aspect
    if form.subsampling is not None:
        context.color_range = 2 if form.signal.full else 1
        context.colorspace = _MATRICES[form.signal.matrix]
        context.color_primaries, context.color_trc = _BT709, form.transfer


@contextmanager
def refusals(name: str, form: Form) -> Iterator[None]:
    """Failures of FFmpeg while it encodes or writes, as errors of ours."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        number, reason = error.errno, error.strerror or str(error)
        if number in (*FULL, errno.EFBIG):
            raise UnwritableFile(
                f"{name} cannot be written ({reason}): free some space on the disk", reason=reason, number=number
            ) from error
        width, height = form.size
        raise FilmError(
            f"{name} cannot be written as {form.codec} of {width} x {height} pixels ({reason}): choose another codec"
        ) from error


def picture_of(planes: Planes, form: Form) -> VideoFrame:
    """The pixels of a frame as FFmpeg takes them."""
    if form.codec == "gif":
        return _palette(planes.planes[0])
    first = planes.planes[0]
    picture = VideoFrame(first.shape[1], first.shape[0], form.pixels)
    for codes, plane in zip(planes.planes, picture.planes, strict=True):
        rows = codes.reshape(len(codes), -1)
        if form.pixels.endswith("be"):
            rows = rows.astype(">u2")
        target: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # has a buffer
        kept = target[: len(rows) * plane.line_size].reshape(len(rows), plane.line_size)
        kept[:, : rows.shape[1] * rows.itemsize] = rows.view(np.uint8).reshape(len(rows), -1)
    if form.subsampling is not None:
        picture.color_range = 2 if form.signal.full else 1
        picture.colorspace = _MATRICES[form.signal.matrix]
        picture.color_primaries, picture.color_trc = _BT709, form.transfer
    return picture


def _palette(rgb: Codes) -> VideoFrame:
    """A picture of 256 colours of its own, in a pattern that stays where it is from frame to frame."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=rgb.shape[1], height=rgb.shape[0], format=av.VideoFormat("rgb24"), time_base=Fraction(1, 100)
    )
    split = graph.add("split")
    made = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    used = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3")
    source.link_to(split)
    split.link_to(used, 0, 0)
    split.link_to(made, 1, 0)
    made.link_to(used, 0, 1)
    used.link_to(graph.add("buffersink"))
    graph.configure()
    graph.vpush(VideoFrame.from_ndarray(cast("NDArray[np.uint8]", rgb), "rgb24"))
    graph.vpush(None)
    return graph.vpull()
