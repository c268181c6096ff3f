"""What the endpoints share: the photographs, the queue, and who is let in."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tintype.errors import TintypeError
from tintype.server import upload
from tintype.server.contract import PhotoBody, SettingsBody, bodies
from tintype.server.folder import Folder
from tintype.server.looks import Looks
from tintype.server.models import Models
from tintype.server.photographs import Photograph, Photographs
from tintype.server.problems import Full, Refused, Stopping, problem, refused
from tintype.server.queue import Queue, Watch
from tintype.web import guard
from tintype.web.limits import Bucket

Result = TypeVar("Result")

GRACE = 5.0
"""Seconds that requests in flight get when the server is asked to end."""

STRANGERS = (30, 0.5)
"""Wrong tokens of an address: at once, and then per second."""

TEXT = 4 << 20
"""Bytes at most of a request without files: as many as a file of hints may have."""


@dataclass(frozen=True)
class Bounds:
    """What the server takes.

    upload: bytes of a photograph's file. pixels: of a photograph. photographs: at a time. idle: seconds that one is
    kept unused. jobs: works at a time.
    """

    upload: int = 500_000_000
    pixels: int = 200_000_000
    photographs: int = 2000
    idle: float = 7200.0
    jobs: int = 2


class Service:
    """What the endpoints share.

    Args:
        threads: processors for one work.
        token: what lets in; None: everybody is let in who reaches the server.
    """

    def __init__(
        self, models: Models, folder: Folder, bounds: Bounds, *, threads: int, token: str | None = None
    ) -> None:
        self.models, self.folder, self.bounds, self.token = models, folder, bounds, token
        self.looks = Looks(models, bounds.pixels, threads=threads)
        self.photographs = Photographs(bounds.photographs, bounds.idle, self.looks.forget)
        self.queue = Queue(bounds.jobs)
        self._uploads: set[asyncio.Task[object]] = set()
        self._strangers = Bucket(*STRANGERS)
        # Browsers send the cookies of a host to all of its ports: two servers must not take each other's.
        self._cookie = f"tintype-{hashlib.sha256((token or '').encode()).hexdigest()[:12]}"

    # ---- who is let in

    def door(self, request: Request) -> Response | None:
        """The response to a request that is not let in; None lets it in."""
        path, changes = request.url.path, request.method not in ("GET", "HEAD", "OPTIONS")
        foreign = guard.is_foreign(request) if changes else _fetched_elsewhere(request) and path != "/"
        if foreign:
            return problem(403, "The request comes from a page of another site, which may not ask for this")
        if self.token is None or path == "/health":
            return None
        offered = request.query_params.get("token") if path == "/" else None
        if offered is not None and guard.is_token(offered, self.token):
            # So that it stays neither in the address bar nor in the history.
            response = RedirectResponse("/", 303)
            guard.remember(request, response, self._cookie, offered)
            return response
        if offered is None and guard.bears(request, self.token, self._cookie):
            return None
        tried = offered is not None or "authorization" in request.headers
        if tried and not self._strangers.take(guard.caller(request)):
            return refused(Full("There were too many wrong tokens from here: wait a minute"))
        sentence = "The token is missing or wrong: open the page by the whole address that tintype serve printed"
        if path == "/" and "text/html" in request.headers.get("accept", ""):
            return PlainTextResponse(sentence, 401)
        return problem(401, sentence, {"WWW-Authenticate": "Bearer"})

    def most(self, request: Request) -> int:
        """Bytes that a request may bring."""
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            return self.bounds.upload + upload.TEXT
        return TEXT

    # ---- uploads

    @asynccontextmanager
    async def received(
        self, request: Request, texts: tuple[str, ...], files: tuple[str, ...] = ("photo",)
    ) -> AsyncIterator[upload.Form]:
        """The form that a request brings; its files are removed afterwards, unless they were taken out of it.

        Raises as `upload.receive`, and Stopping when it has not arrived in time before the server ends.
        """
        task = asyncio.current_task()
        assert task is not None
        self._uploads.add(task)
        try:
            form = await upload.receive(request, self.folder, self.bounds.upload, texts, files)
        except asyncio.CancelledError:
            if self.queue.ended and task.uncancel() == 0:
                raise Stopping from None
            raise
        finally:
            self._uploads.discard(task)
        try:
            yield form
        finally:
            form.remove()

    # ---- work

    async def do(
        self,
        request: Request,
        work: Callable[[Watch], Result],
        *,
        quick: bool = True,
        turn: str | None = None,
        watched: bool = True,
    ) -> Result:
        """Have a work done for the client of a request, as long as that is there.

        watched: whether it is to be noticed here that the client leaves.
        """
        left = partial(_left, request) if watched else None
        return await self.queue.do(work, guard.caller(request), quick=quick, turn=turn, left=left)

    async def do_for(
        self,
        request: Request,
        photograph: Photograph,
        work: Callable[[Watch], Result],
        *,
        quick: bool = True,
        watched: bool = True,
    ) -> Result:
        """The same for a photograph, one quick work at a time; a refusal where it was deleted meanwhile."""
        try:
            return await self.do(request, work, quick=quick, turn=photograph.id if quick else None, watched=watched)
        except TintypeError:
            if photograph.deleted:
                raise Refused(404, "The photograph was deleted meanwhile") from None
            raise

    def stop(self) -> None:
        """The server is asked to end: what waits is refused, what is in flight gets GRACE seconds."""
        self.queue.stop()
        asyncio.get_running_loop().call_later(GRACE, self.end)

    def end(self) -> None:
        """Give up what is in flight."""
        self.queue.end()
        for task in self._uploads:
            task.cancel()

    def close(self) -> None:
        """Forget everything. Nothing is asked any more."""
        self.end()
        self.queue.join(2.0)
        self.photographs.clear()

    # ---- answers

    def body(self, photograph: Photograph) -> PhotoBody:
        """What is said of a photograph."""
        facts, settings = photograph.facts, photograph.settings
        model = self.models.get(settings.model)
        return PhotoBody(
            id=photograph.id,
            name=photograph.name,
            width=facts.width,
            height=facts.height,
            bytes=photograph.file.size,
            format=facts.format,
            depth=facts.depth,
            pages=facts.pages,
            in_colour=facts.in_colour,
            line_art=facts.line_art,
            notes=list(facts.notes),
            settings=SettingsBody(**asdict(settings)),
            takes_hints=model.takes_hints,
            takes_temperature=model.takes_temperature,
            temperature=model.card.temperature if settings.temperature is None else settings.temperature,
            hints=bodies(photograph.hints),
            version=photograph.version,
            expires_in=round(self.bounds.idle),
        )


def _fetched_elsewhere(request: Request) -> bool:
    """Whether a browser says that a page of another site leads here, by whatever means."""
    return request.headers.get("sec-fetch-site") == "cross-site"


async def _left(request: Request) -> None:
    """Returns when the client of a request has left. What it still sends is passed over."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
