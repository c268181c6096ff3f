"""Many results as one ZIP, which is sent while it is made."""

from __future__ import annotations

import asyncio
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import PurePath

from tintype.errors import TintypeError
from tintype.server.download import blocks
from tintype.server.folder import File
from tintype.server.problems import Refused

NAME = "coloured.zip"

ERRORS = "errors.txt"
"""The file in an archive that says which photographs are not in it, and why."""

Made = tuple[str, File]
"""The name of a result, and its file."""


async def archive(ids: Sequence[str], make: Callable[[str], Awaitable[Made]]) -> AsyncIterator[bytes]:
    """The bytes of a ZIP with the results of photographs, stored as they are.

    While one is sent, the next is made. One that fails does not hold up the others.

    Args:
        make: the result of the photograph of an id, whose file is removed afterwards. What it may raise is Refused or
            TintypeError.
    """
    sink = _Sink()
    errors: list[str] = []
    names: set[str] = {ERRORS}
    todo = iter(ids)
    making = _begun(next(todo, None), make)
    try:
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
            while making is not None:
                file: File | None = None
                try:
                    name, file = await making
                    making = _begun(next(todo, None), make)
                    info = _entry(_apart(name, names), file.size)
                    with packed.open(info, "w", force_zip64=file.size > 1 << 31) as entry:
                        async for block in blocks(file):
                            entry.write(block)
                            yield sink.taken()
                except (Refused, TintypeError) as error:
                    errors.append(str(error))
                    making = _begun(next(todo, None), make)
                finally:
                    if file is not None:
                        file.remove()
            if errors:
                packed.writestr(_entry(ERRORS, 0), "\n".join([*errors, ""]))
        yield sink.taken()
    finally:
        if making is not None:
            making.cancel()
            with suppress(BaseException):
                (await making)[1].remove()


def _begun(id: str | None, make: Callable[[str], Awaitable[Made]]) -> asyncio.Future[Made] | None:
    return None if id is None else asyncio.ensure_future(make(id))


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    info.external_attr = 0o644 << 16
    info.file_size = size
    return info


def _apart(name: str, names: set[str]) -> str:
    """The name, with a number where another result has it; on some systems case does not tell names apart."""
    path, number = PurePath(name), 1
    while name.casefold() in names:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    names.add(name.casefold())
    return name


class _Sink:
    """What zipfile writes to, a little at a time; it cannot go back."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Whoever reads it closes nothing."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        written, self._written = b"".join(self._written), []
        return written
