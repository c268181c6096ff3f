"""The frames of one passage of a film, encoded into a file of its own."""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import TracebackType

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tintype.files import whole_file
from tintype.film.form import Form
from tintype.film.paint import Planes
from tintype.film.reader import Film, Frame


class SegmentWriter:
    """Writes one passage: a context manager. The file appears under its name when all frames are written.

    with SegmentWriter(path, film, form) as segment:
        segment.write(frame, planes)
    """

    def __init__(self, path: str | os.PathLike[str], film: Film, form: Form) -> None:
        self._stack = ExitStack()
        destination = self._stack.enter_context(whole_file(path))
        self._container = av.open(destination.file.name, "w", format="nut")
        stream = self._container.add_stream(form.codec, rate=film.rate, options=dict(form.options))
        assert isinstance(stream, VideoStream)
        self._stream = stream
        self._stream.width, self._stream.height, self._stream.pix_fmt = film.width, film.height, form.pixels
        self._stream.codec_context.time_base = 1 / film.rate
        self._pixels, self._count = form.pixels, 0

    def write(self, frame: Frame, planes: Planes) -> None:
        """Encode the next frame."""
        picture = VideoFrame(planes.planes[0].shape[1], planes.planes[0].shape[0], self._pixels)
        for plane, target in zip(planes.planes, picture.planes, strict=True):
            padded = np.zeros((target.height, target.line_size // plane.itemsize), plane.dtype)
            padded[:, : plane.shape[1]] = plane
            target.update(padded.tobytes())
        picture.pts, picture.time_base = self._count, self._stream.codec_context.time_base
        self._count += 1
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Encode what is left, and give the file its name."""
        with self._stack:
            self._container.mux(self._stream.encode(None))
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
