"""What goes wrong, as problem+json (RFC 9457): the sentences of the command line, and a status for each."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from tintype.errors import (
    PhotoError,
    TintypeError,
    TooManyPixels,
    UnreadablePhoto,
    UnsupportedPhoto,
    UnwritableFile,
)

MEDIA = "application/problem+json"

WAIT = 10
"""Seconds after which a client may try again what was too much just now, where nothing better is known."""


class Refused(Exception):
    """A request that is refused: with a status, one sentence, and perhaps the seconds after which to try again."""

    def __init__(self, status: int, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_after = status, detail, retry_after


class Full(Refused):
    """Too much just now."""

    def __init__(self, detail: str, retry_after: float = WAIT) -> None:
        super().__init__(429, detail, retry_after=retry_after)


class Stopping(Refused):
    """The server is about to end."""

    def __init__(self) -> None:
        super().__init__(503, "The server is stopping: try again once it runs", retry_after=WAIT)


class Gone(Exception):
    """The client has left, so nobody waits for the work any more."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response that says what went wrong."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type=MEDIA)


def refused(error: Refused) -> JSONResponse:
    """The response to a request that is refused."""
    after = {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return problem(error.status, error.detail, after)


def told(error: TintypeError) -> JSONResponse:
    """The response to what the command line would refuse."""
    return refused(Refused(status_of(error), str(error), retry_after=WAIT if status_of(error) == 429 else None))


def status_of(error: TintypeError) -> int:
    """The status of an error of tintype."""
    cause = error.__cause__ if isinstance(error, PhotoError) else error
    if isinstance(cause, UnwritableFile):
        return 429 if cause.number in (errno.ENOSPC, errno.EDQUOT) else 503
    if isinstance(error, TooManyPixels):
        return 413
    return 415 if isinstance(error, (UnreadablePhoto, UnsupportedPhoto)) else 422
