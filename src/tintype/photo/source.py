"""The bytes of a photograph: opened once, so that tags and pixels are always those of the same file.

A file of up to IN_MEMORY bytes is read at once. A larger one is read where it lies, through a handle of its own and
never through a memory map: a map of a file that somebody shortens ends the whole process. Whoever has read pixels
asks `check` afterwards, which refuses a file that was rewritten meanwhile.
"""

from __future__ import annotations

import io
import os
import re
import stat
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import pyvips

from tintype.errors import UnreadablePhoto
from tintype.photo.origin import origin_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

IN_MEMORY = 64 << 20
"""Bytes of the largest file that is read as a whole."""

CONCURRENCY = "concurrency"
"""The field of a picture that tells libvips on how many threads to compute it."""

_ADDRESS = re.compile(r"(https?:)/+", re.IGNORECASE)

_TICK = 20_000_000
"""Nanoseconds within which two changes of a file may carry the same time: twice the longest tick of a kernel."""

_TRIES = 10

Given = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A photograph as it is given to be read: a path, the bytes of a file, or a binary stream."""

_ORIGINS: dict[tuple[int, ...], str] = {}
"""The origins of the last files, by what the system says of them: all pages of a file have the same, and a long file is
not read once more for each.
"""

_MOST_ORIGINS = 16

_CALLED_BACK: deque[pyvips.SourceCustom] = deque(maxlen=1000)


def name_of(source: object) -> str:
    """What errors call a source: its path in printable letters, or what it is."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the given file"
    if not isinstance(source, str | os.PathLike):
        source = getattr(source, "name", None)
        if not isinstance(source, str):
            return "the given stream"
    return os.fsdecode(source).encode("utf-8", "backslashreplace").decode()


def is_address(name: str | os.PathLike[str]) -> bool:
    """Whether a name is an address of the web and not the path of a file."""
    return _ADDRESS.match(os.fsdecode(name)) is not None


def absent(name: str) -> str:
    """The sentence for a path where no file is, which may be an address of the web."""
    if is_address(name):
        # A path has one slash where an address has two.
        name = _ADDRESS.sub(r"\1//", name)
        pipe = "curl -s ADDRESS | tintype colorize - > coloured.jpg"
        return f"{name} is an address, not a file: download it first, or pipe it to -, as in: {pipe}"
    return f"{name} does not exist: check the path"


def unopened(source: object, name: str, error: OSError | ValueError) -> UnreadablePhoto:
    """The error of a source that cannot be opened or read, in a sentence."""
    if isinstance(error, FileNotFoundError) or is_address(name):
        return UnreadablePhoto(absent(name))
    # Windows says of a folder that it may not be read.
    if isinstance(error, IsADirectoryError) or (isinstance(source, str | os.PathLike) and os.path.isdir(source)):
        return UnreadablePhoto(f"{name} is a folder, not a photograph")
    if isinstance(error, PermissionError):
        return UnreadablePhoto(f"{name} cannot be read: check its permissions")
    reason = getattr(error, "strerror", None) or error
    return UnreadablePhoto(f"{name} cannot be read ({reason}): check the path and the disk")


@dataclass(frozen=True)
class Mend:
    """Harmless faults of a file made good for a decoder, without touching the file.

    patches: place -> bytes that stand there instead. tail: bytes after the end. note: what the user should know of it.
    """

    patches: Mapping[int, bytes]
    tail: bytes = b""
    note: str | None = None

    def applied(self, stream: BinaryIO) -> BinaryIO:
        """The mended bytes of a stream."""
        return io.BufferedReader(_Mended(stream, self))

    def within(self, data: bytes) -> bytes:
        """Mended bytes."""
        mended = bytearray(data)
        for place, patch in self.patches.items():
            end = min(place + len(patch), len(data))
            mended[place:end] = patch[: max(0, end - place)]
        return bytes(mended + self.tail)


class Source:
    """The bytes of one photograph, from a path, bytes, or a binary stream. A context manager.

    name: what errors call it. in_memory: files with more bytes (default: IN_MEMORY) are read where they lie.
    threads: how many decode its pixels; None: as many as libvips takes.

    Raises OSError where a file cannot be opened or read, UnreadablePhoto where it is being written.
    """

    def __init__(
        self,
        source: Given,
        name: str,
        in_memory: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.name, self.threads = name, threads
        self.data: bytes | None = None
        self._failures: list[OSError] = []  # what the disk said while libvips was reading
        self._file: io.FileIO | None = None
        self._views: list[BinaryIO] = []
        if isinstance(source, str | os.PathLike):
            self._open(source, in_memory)
        else:
            self.data = bytes(source) if isinstance(source, bytes | bytearray | memoryview) else _all_of(source, name)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *error: object) -> None:
        # What libvips calls back outlives the reading, and must not keep the bytes.
        for view in self._views:
            view.close()
        self._views.clear()
        self.data = None
        if self._file is not None:
            self._file.close()

    def stream(self) -> BinaryIO:
        """A stream of its own over the bytes, at their beginning."""
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self._file is not None
        return io.BufferedReader(_View(self._file, self._lock))

    def read(self) -> bytes:
        """All bytes, also those of a large file."""
        return self.data if self.data is not None else self.stream().read()

    def load(self, loader: str, mend: Mend | None = None, **options: Any) -> pyvips.Image:
        """Opens the picture with a loader of libvips, such as 'jpegload'.

        Raises what pyvips raises: pyvips.Error, or UnicodeDecodeError.
        """
        if self.data is not None:
            data = self.data if mend is None else mend.within(self.data)
            image = pyvips.Operation.call(f"{loader}_buffer", data, **options)
        else:
            image = pyvips.Operation.call(f"{loader}_source", self._custom(mend), **options)
        if self.threads is not None:
            image.set_type(pyvips.GValue.gint_type, CONCURRENCY, self.threads)
        return image

    def within(self, data: bytes) -> Source:
        """A photograph that lies in this one, as another source."""
        return Source(data, self.name, threads=self.threads)

    def size(self) -> tuple[int, int] | None:
        """(height, width) by the header; None where it does not tell."""
        try:
            if self.data is not None:
                image = pyvips.Image.new_from_buffer(self.data, "")
            else:
                image = pyvips.Image.new_from_source(self._custom(), "")
        except (pyvips.Error, UnicodeDecodeError):
            pyvips.vips_lib.vips_error_clear()
            return None
        return image.height, image.width

    def origin(self) -> str:
        """What `origin_of` says of its bytes; of a file that was asked for before and is as it was, without reading."""
        if self._file is None:
            return origin_of(self.stream())
        status = os.fstat(self._file.fileno())
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        origin = _ORIGINS.get(state)
        if origin is None:
            if len(_ORIGINS) >= _MOST_ORIGINS:
                _ORIGINS.clear()
            origin = _ORIGINS[state] = origin_of(self.stream())
        return origin

    def check(self) -> None:
        """Raises UnreadablePhoto when the file was changed since it was opened, OSError when the disk failed."""
        if self._failures:
            raise self._failures[0]
        if self._file is not None and _state(self._file) != self._state:
            raise _changed(self.name)

    def _open(self, path: str | os.PathLike[str], in_memory: int | None) -> None:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed on leaving
        try:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                # A pipe gives its bytes once, and the reading takes several looks.
                with file:
                    self.data = file.readall()
                return
            self._file, self._lock, self._state = file, threading.Lock(), _settled(file, self.name)
            if status.st_size <= (IN_MEMORY if in_memory is None else in_memory):
                self.data = self.stream().read()
        except BaseException:
            file.close()
            raise

    def _custom(self, mend: Mend | None = None) -> pyvips.SourceCustom:
        view = self.stream() if mend is None else mend.applied(self.stream())
        self._views.append(view)
        failures = self._failures

        def read(size: int) -> bytes:
            try:
                return view.read(size)
            except (OSError, ValueError) as error:
                # An exception cannot pass through libvips, which takes this for the end of the file.
                failures.append(error if isinstance(error, OSError) else OSError(str(error)))
                return b""

        def seek(offset: int, whence: int) -> int:
            try:
                return view.seek(offset, whence)
            except (OSError, ValueError):
                return -1

        source = pyvips.SourceCustom()
        source.on_read(read)
        source.on_seek(seek)
        # libvips keeps no reference to what it calls back, and may let go of the picture later than we do.
        _CALLED_BACK.append(source)
        return source


def _all_of(stream: BinaryIO, name: str) -> bytes:
    """The bytes of a stream from its beginning, or from where it stands if it cannot go back."""
    with suppress(OSError, ValueError, AttributeError):
        stream.seek(0)
    data = stream.read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise UnreadablePhoto(f"{name} gives no bytes: open it as a binary file, as in open(path, 'rb')")
    return bytes(data)


class _View(io.RawIOBase):
    """A place of its own in a file that several read, from several threads."""

    def __init__(self, file: io.FileIO, lock: threading.Lock) -> None:
        self._shared, self._lock, self._at = file, lock, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with self._lock:
            self._shared.seek(self._at)
            count = self._shared.readinto(buffer)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        if start is None:
            start = os.fstat(self._shared.fileno()).st_size
        self._at = max(0, start + offset)
        return self._at


class _Mended(io.RawIOBase):
    """A stream with other bytes in some places, and more at its end."""

    def __init__(self, stream: BinaryIO, mend: Mend):
        self._stream, self._mend, self._at = stream, mend, 0
        self._length = stream.seek(0, os.SEEK_END)

    def close(self) -> None:
        self._stream.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        buffer = memoryview(into).cast("B")
        self._stream.seek(self._at)
        data = bytearray(self._stream.read(len(buffer)))
        for place, patch in self._mend.patches.items():
            start, end = max(place, self._at), min(place + len(patch), self._at + len(data))
            if start < end:
                data[start - self._at : end - self._at] = patch[start - place : end - place]
        if len(data) < len(buffer):
            beyond = max(0, self._at - self._length)
            data += self._mend.tail[beyond : beyond + len(buffer) - len(data)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        end = self._length + len(self._mend.tail)
        self._at = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence] + offset)
        return self._at


def _state(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _settled(file: BinaryIO, name: str) -> tuple[int, int]:
    """The state of a file that was not written within the last tick of the clock: what is written from now on shows."""
    for _ in range(_TRIES):
        state = _state(file)
        if not 0 <= time.time_ns() - state[1] < _TICK:
            return state
        time.sleep(_TICK / 1e9)
    raise _changed(name)


def _changed(name: str) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} was changed while it was read: colour it again once it is complete")
