"""Forms with photographs (multipart/form-data), written to the private folder while they arrive."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from tintype.errors import printable
from tintype.server.folder import File, Folder
from tintype.server.problems import Full, Gone, Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

TEXT = (4 << 20) + (64 << 10)
"""Bytes at most of all fields without a file together: as many as a file of hints may have, and some more."""

PARTS = 40
"""Parts at most."""

BLOCK = 1 << 20
"""Bytes that are written at once."""

NAME = 200
"""Letters at most of a photograph's name."""


@dataclass
class Upload:
    """A file of a form. name: what its sender calls it, without folders and in printable letters."""

    file: File
    name: str


@dataclass
class Form:
    """What a form brought: texts and files by the name of their field."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def photo(self, field: str = "photo") -> Upload:
        """The file in a field. Raises Refused where there is none."""
        if field not in self.files:
            raise Refused(422, f"The form has no photograph: send its file in the field {field}")
        return self.files[field]

    def remove(self) -> None:
        """Remove the files."""
        for upload in self.files.values():
            upload.file.remove()


async def receive(request: Request, folder: Folder, most: int, texts: tuple[str, ...], files: tuple[str, ...]) -> Form:
    """The form that a request brings.

    Args:
        most: bytes that its files may have together.
        texts, files: the fields that it may have, and those that must be files.
    Raises:
        Refused: it is no such form (400, 415), too large (413), or there is no room for it (429). Gone: the client left
        in the middle of it. No file stays behind.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refused(415, "Send a form (multipart/form-data) with the photograph in its field photo")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most + TEXT:
        raise _too_large(most)
    parts = _Parts(folder, most, texts, files)
    try:
        try:
            parser = MultipartParser(options[b"boundary"], parts.callbacks())
            async for chunk in request.stream():
                if chunk:
                    parser.write(chunk)
                if parts.pending >= BLOCK:
                    await asyncio.to_thread(parts.write)
            await asyncio.to_thread(parts.write)
        except (FormParserError, UnicodeDecodeError):
            raise Refused(400, "The form cannot be read: send it as multipart/form-data") from None
        except ClientDisconnect:
            raise Gone from None
        except OSError as error:
            raise Full(f"The server cannot keep the photograph ({error.strerror}): try again later", 60) from None
        if not parts.ended:
            raise Refused(400, "The form ends before its last part: send it again")
    except BaseException:
        parts.form.remove()
        raise
    for upload in parts.form.files.values():
        upload.file.close()
    return parts.form


def plain_name(given: str) -> str:
    """The name of a file without folders, in printable letters, and not too long; its suffix stays."""
    name = "".join(letter for letter in re.split(r"[/\\]", given)[-1] if letter.isprintable()).strip()
    if name in ("", ".", ".."):
        return "photograph"
    stem, dot, suffix = name.rpartition(".")
    if len(name) > NAME and stem and len(suffix) < 10:
        return f"{stem[: NAME - len(suffix) - 1]}{dot}{suffix}"
    return name[:NAME]


def _too_large(most: int) -> Refused:
    return Refused(413, f"The photograph has more than {most / 1e6:g} MB, which is the most that is taken here")


class _Parts:
    """What a parser tells of the parts of a form. Bytes of files wait until `write` is called."""

    def __init__(self, folder: Folder, most: int, texts: tuple[str, ...], files: tuple[str, ...]) -> None:
        self.folder, self.most, self.texts, self.files = folder, most, texts, files
        self.form = Form()
        self.ended = False
        self.pending = 0
        self._waiting: list[tuple[File, bytes]] = []
        self._received = self._letters = self._count = 0
        self._header = self._value = b""
        self._disposition = b""
        self._name = ""
        self._file: File | None = None
        self._text: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._finish,
        }

    def write(self) -> None:
        """Write the bytes that wait."""
        waiting, self._waiting, self.pending = self._waiting, [], 0
        for file, data in waiting:
            file.write(data)

    def _begin(self) -> None:
        self._count += 1
        if self._count > PARTS:
            raise Refused(422, f"The form has more than {PARTS} parts")
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8")
        self._file, self._text = None, []
        if not self._name:
            raise Refused(400, "The form has a part without a name: send it as multipart/form-data")
        if self._name in self.form.texts or self._name in self.form.files:
            raise Refused(422, f"The form has {printable(self._name)[:40]!r} twice: give it once")
        given = options.get(b"filename")
        if self._name in self.files:
            if given is None:
                raise Refused(422, f"The field {self._name} must be a file")
            self._file = self.folder.file()
            name = plain_name(given.decode("utf-8", "replace"))
            self.form.files[self._name] = Upload(self._file, name)
        elif self._name not in self.texts:
            known = ", ".join((*self.files, *self.texts))
            raise Refused(422, f"There is no field {printable(self._name)[:40]!r}: the fields are {known}")
        elif given is not None:
            raise Refused(422, f"The field {self._name} takes no file")

    def _data(self, data: bytes, start: int, end: int) -> None:
        count = end - start
        if self._file is None:
            self._letters += count
            if self._letters > TEXT:
                raise Refused(413, f"The fields of the form have more than {TEXT >> 20} MB together")
            self._text.append(data[start:end])
            return
        self._received += count
        if self._received > self.most:
            raise _too_large(self.most)
        self._waiting.append((self._file, data[start:end]))
        self.pending += count

    def _end(self) -> None:
        if self._file is None:
            self.form.texts[self._name] = b"".join(self._text).decode("utf-8")

    def _finish(self) -> None:
        self.ended = True
