"""The files in an archive, read one by one in place: tar, tar of tars, gzipped tar, zip.

Nothing is ever unpacked to disk, so that the names in an archive name nothing but themselves.
"""

from __future__ import annotations

import gzip
import io
import mmap
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tintype.errors import DataError, UnreadablePhoto, printable

MOST = 20_000_000
"""Files in an archive at most. All of ImageNet, the largest collection of its kind, has 14 million."""
LARGEST = 2**28
"""Bytes of a file at most."""
UNPACKED = 2**31
"""Bytes of a gzipped tar at most: it is held in memory, for its files cannot be reached one by one."""

_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    struct.error,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
)
"""What the libraries raise for an archive that is broken."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive."""

    name: str
    """Folders and name, with forward slashes."""
    size: int
    """In bytes."""
    archive: bytes | mmap.mmap
    offset: int
    zipped: zipfile.ZipInfo | None = None

    def read(self) -> bytes:
        """The file.

        Raises:
            UnreadablePhoto: it is broken or too large.
        """
        if max(self.size, self.zipped.compress_size if self.zipped else 0) > LARGEST:
            raise UnreadablePhoto(f"{self.name} is larger than any photograph")
        if self.zipped is None:
            return self.archive[self.offset : self.offset + self.size]
        return self._unzip(self.zipped)

    def _unzip(self, info: zipfile.ZipInfo) -> bytes:
        """APPNOTE.TXT, 4.3.7: a header of 30 bytes, a name and an extra field of the lengths that it says, the data."""
        try:
            start = self.offset + 30 + sum(struct.unpack("<HH", self.archive[self.offset + 26 : self.offset + 30]))
            content = self.archive[start : start + info.compress_size]
            if info.compress_type == zipfile.ZIP_DEFLATED:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, max(1, self.size))  # 0: no limit
            elif info.compress_type != zipfile.ZIP_STORED:
                raise zlib.error("packed in a way that tintype does not read")
        except (struct.error, zlib.error) as error:
            raise UnreadablePhoto(f"{self.name} is broken in its archive ({error})") from None
        if len(content) != self.size or zlib.crc32(content) != info.CRC:
            raise UnreadablePhoto(f"{self.name} is broken in its archive, or encrypted")
        return content


def members(path: Path, enter: Callable[[str], bool] = lambda name: True) -> Iterator[Member]:
    """All files of an archive in its order. A tar inside a tar is a folder of its name.

    Args:
        enter: says for each tar inside whether it is read.
    Raises:
        DataError: it cannot be read, is cut short, or is suspicious (unsafe names, too many or too large files).
    """
    try:
        for number, member in enumerate(_members(path, enter)):
            if number == MOST:
                raise DataError(f"{path}: holds more than {MOST} files, more than any collection")
            yield member
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: the archive cannot be read ({why}); download it again") from error


def _members(path: Path, enter: Callable[[str], bool]) -> Iterator[Member]:
    with path.open("rb") as file:
        head = file.read(4)
        if head[:2] == b"\x1f\x8b":
            unpacked = _gunzip(path)
            yield from _tar(path, io.BytesIO(unpacked), unpacked, len(unpacked), enter)
            return
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # an empty file is a ValueError
        if head[:2] == b"PK":
            yield from _zip(path, content)
        else:
            file.seek(0)
            yield from _tar(path, file, content, len(content), enter)


def _gunzip(path: Path) -> bytes:
    with gzip.open(path) as stream:
        content = stream.read(UNPACKED + 1)
    if len(content) > UNPACKED:
        raise DataError(f"{path}: unpacks to more than {UNPACKED >> 30} GiB; unpack it yourself, and give the folder")
    return content


def _zip(path: Path, content: mmap.mmap) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith("/"):
                yield Member(_safe(info.filename, path), info.file_size, content, info.header_offset, info)


def _tar(
    path: Path,
    stream: IO[bytes],
    content: bytes | mmap.mmap,
    size: int,
    enter: Callable[[str], bool],
    start: int = 0,
    inside: str = "",
) -> Iterator[Member]:
    """The files of a tar of `size` bytes that begins at `start` of the content, and is read for its headers."""
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        while (member := archive.next()) is not None:
            # It would else grow with the archive. The stubs of typeshed do not know it.
            archive.members.clear()  # type: ignore[attr-defined]
            if not member.isfile() or member.issparse():
                continue
            name = inside + _safe(member.name, path)
            offset = start + member.offset_data
            if name.endswith(".tar") and not inside:
                if enter(name):
                    tar = archive.extractfile(member)
                    assert tar is not None  # as of every regular file
                    yield from _tar(path, tar, content, member.size, enter, offset, f"{name.removesuffix('.tar')}/")
            else:
                yield Member(name, member.size, content, offset)
        # For tarfile a header that is cut short is the end; a whole archive ends with a block of zeros.
        if size < archive.offset + tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it is cut short")


def _safe(name: str, path: Path) -> str:
    """A name as it may stand in a list: relative, below its folder, of one line."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or any(ord(character) < 32 for character in name):
        raise DataError(
            f"{path}: contains a file called {name!r}, a name that leads out of the archive or is not a plain one; get "
            "the archive from a source that you trust"
        )
    return printable("/".join(parts))
