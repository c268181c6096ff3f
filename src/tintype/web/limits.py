"""Limits on what strangers can use up: requests, connections, and lines of the log.

A study may stand on the open network for weeks. Nobody who connects to it, however fast, however slowly and however
often, may fill its memory, its file descriptors or its disk.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CALLERS = 10_000
"""Callers at most that a bucket remembers, the latest ones."""

PATIENCE = 10.0
"""Seconds within which a request must have arrived whole."""

PIECE = 64 << 10
"""Bytes of a photograph that must arrive in every `UPLOADING` seconds."""

UPLOADING = 30.0

IDLE = 60.0
"""Seconds that a connection is kept for the next request."""

CONNECTIONS = 4000
"""Connections at most, where the process may open so many files: a browser opens six."""

RESERVED = 48
"""Files that the process may open for other things than connections: the answers, pictures, libraries."""

REPEAT = 60.0
"""Seconds until the log says the same again."""


class Bucket:
    """A limit on how often each of many callers may do something: so often at once, and then so often a second."""

    def __init__(self, most: float, per_second: float, clock: Callable[[], float] = time.monotonic):
        self.most, self.per_second, self.clock = most, per_second, clock
        self._left: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._left)

    def take(self, caller: str) -> bool:
        """Whether the caller may, this time."""
        now = self.clock()
        left, since = self._left.pop(caller, (self.most, now))
        left = min(self.most, left + (now - since) * self.per_second)
        # Whoever came last stands last, so that the first is who has been away the longest.
        self._left[caller] = (max(0.0, left - 1), now)
        while len(self._left) > CALLERS:
            del self._left[next(iter(self._left))]
        return left >= 1


def protocol(most: int = CONNECTIONS, patience: float = PATIENCE, piece: int | None = None) -> type[H11Protocol]:
    """How uvicorn speaks on each of at most `most` connections; one whose request takes longer than `patience` seconds
    to arrive is closed.

    A body may take longer where there is a `piece`: then at least so many bytes of it must arrive in every `patience`
    seconds.

    When one more arrives, the connection is closed that has been waiting longest: for a next request, or for the rest
    of its first. Only while all others are being answered is the new one refused.
    """
    waiting: dict[Connection, None] = {}

    class Connection(H11Protocol):
        _late: asyncio.TimerHandle | None = None
        _full: asyncio.TimerHandle | None = None
        _missing = 0
        """Bytes of the body that must arrive in time; 0 where it has not begun."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(cast(asyncio.Transport, transport))
            if len(self.connections) > most:
                oldest = next(iter(waiting), None)
                (self if oldest is None else oldest)._drop()
                if oldest is None:
                    return
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._arrived()
            self._read()
            super().connection_lost(exc)
            # uvicorn leaves its timer, and with it everything here, for another minute where the peer broke off.
            self._unset_keepalive_if_required()

        def data_received(self, data: bytes) -> None:
            if self._late is None and self._unfinished():
                self._wait()
            super().data_received(data)
            if not self._unfinished():
                self._arrived()
            elif piece is not None and self.conn.their_state is h11.SEND_BODY and not self.cycle.response_complete:
                self._missing -= len(data)
                if self._missing <= 0:
                    self._arrived()
                    self._wait()
                    self._missing = piece

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing() and self._unfinished():
                waiting[self] = None

        def timeout_keep_alive_handler(self) -> None:
            # Who never reads what was sent would keep it here for ever.
            self._drop()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._full = self.loop.call_later(self.timeout_keep_alive, self._drop)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._read()

        def _read(self) -> None:
            if self._full is not None:
                self._full.cancel()
                self._full = None

        def _unfinished(self) -> bool:
            """Whether the next request, or the rest of this one, is still to come."""
            return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

        def _wait(self) -> None:
            waiting.setdefault(self)
            self._late = self.loop.call_later(patience, self._drop)

        def _arrived(self) -> None:
            self._missing = 0
            waiting.pop(self, None)
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _drop(self) -> None:
            self._arrived()
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            else:
                self.transport.close()

    return Connection


def room_for_connections() -> int:
    """Connections that this process can hold, having asked the system for as many files as it gives."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, which has no such limit
        return CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + RESERVED
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(CONNECTIONS, soft - RESERVED))


class Sparse(logging.Filter):
    """Lets the log say each thing once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self._clock = clock
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        failure = record.exc_info[1] if record.exc_info else None
        what = f"{record.name} {str(record.msg).partition(chr(10))[0][:80]} {type(failure).__name__}"
        now = self._clock()
        if now - self._said.get(what, -REPEAT) < REPEAT:
            return False
        self._said.pop(what, None)
        self._said[what] = now
        while len(self._said) > 100:
            del self._said[next(iter(self._said))]
        return True


def log() -> None:
    """Let uvicorn and asyncio write to standard error, sparsely."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("tintype: %(message)s"))
    handler.addFilter(Sparse())
    for name in ("uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)


class Server(uvicorn.Server):
    """Says in one line when there are too many connections for the process.

    stopping: called when it is asked to end, before the requests in flight are waited for.
    """

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(_failed)
        await super().startup(sockets)


def run(
    application: ASGIApp,
    listening: socket.socket,
    proxies: list[str],
    *,
    uploads: bool = False,
    grace: int = 5,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Answer on a socket within these limits until the process is asked to end.

    Args:
        proxies: addresses of web servers in front, whose word on the client is believed.
        uploads: whether a request may take its time, as long as PIECE of it arrives every UPLOADING seconds.
        grace: seconds that requests in flight get at the end. stopping: as for `Server`.
    """
    log()
    pace = (UPLOADING, PIECE) if uploads else (PATIENCE, None)
    config = uvicorn.Config(
        application,
        http=protocol(room_for_connections(), *pace),
        ws="none",
        log_config=None,
        # No log of requests: addresses, codes and names of photographs are nobody's business.
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=int(IDLE),
        timeout_graceful_shutdown=grace,
    )
    Server(config, stopping).run(sockets=[listening])


def _failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        logging.getLogger("asyncio").warning("there are too many connections; new ones wait until others have ended")
    else:
        loop.default_exception_handler(context)
