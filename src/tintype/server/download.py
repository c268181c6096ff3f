"""Results on their way to the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tintype.server.folder import File

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "tiff": "image/tiff", "webp": "image/webp", "avif": "image/avif"}

BLOCK = 1 << 18
"""Bytes that are sent at once."""


class Download(StreamingResponse):
    """A file as a download; it is removed once it is sent, or nobody takes it any more.

    Args:
        notes: what the user should know of it, a sentence each.
    """

    def __init__(self, file: File, name: str, media: str, notes: tuple[str, ...] = ()) -> None:
        file.close()
        headers = {"Content-Disposition": disposition(name), "Content-Length": str(file.size)}
        if notes:
            headers["X-Tintype-Notes"] = quote(json.dumps(notes))
        super().__init__(blocks(file), media_type=media, headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.remove()


def disposition(name: str) -> str:
    """What tells a browser to save a file under a name."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


async def blocks(file: File) -> AsyncIterator[bytes]:
    """The bytes of a file."""
    with closing(await asyncio.to_thread(file.path.open, "rb")) as stream:
        while block := await asyncio.to_thread(stream.read, BLOCK):
            yield block
