"""What a server of pages does against other sites and strangers, whatever its pages are.

Every response forbids what the pages do not need. A request must name this server, so that a page of another site
cannot lead its own name here; what changes something must come from a page of ours; and no request brings more than a
form holds.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer, under which browsers name no origin of a form either, and `_own` needs it.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Of every response."""

BODY = 4096
"""Bytes at most that a request may bring."""


def guarded(
    inner: ASGIApp,
    names: Collection[str],
    refused: Callable[[Request, HTTPException], Response],
    *,
    headers: Mapping[str, str] = HEADERS,
    most: Callable[[Request], int] = lambda request: BODY,
    door: Callable[[Request], Response | None] = lambda request: None,
) -> ASGIApp:
    """An application that adds headers to the responses of another one, where it does not set them itself, and gives
    requests to it that name this server.

    Args:
        names: of hosts under which it is served, beside localhost and every address in numbers.
        refused: what a request for another host is told.
        most: bytes at most that a request may bring. Who reads more of it gets HTTPException.
        door: the response to a request that is not let in; None lets it in.
    """
    names = {"localhost", *(name.lower().rstrip(".") for name in names)}
    extra = [(key.lower().encode(), value.encode()) for key, value in headers.items()]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                set_already = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in set_already)]
            await send(message)

        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        request = Request(scope)
        if not _names_us(scope, names):
            response: Response | None = refused(request, HTTPException(421, "host"))
        else:
            response = door(request)
        if response is not None:
            await response(scope, receive, add)
        else:
            await inner(scope, _bounded(receive, most(request)), add)

    return application


def _bounded(receive: Receive, most: int) -> Receive:
    """What receives a request of at most so many bytes."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, "too_long")
        return message

    return bounded


def _names_us(scope: Scope, names: Collection[str]) -> bool:
    """Whether a request is for an address in numbers, or for one of these names."""
    hosts = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
    host = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?", hosts[0] if len(hosts) == 1 else "")
    if host is None:
        return False
    with suppress(ValueError):
        ipaddress.ip_address(host[1].strip("[]"))
        return True
    return host[1].lower().rstrip(".") in names


def check_origin(request: Request) -> None:
    """Refuse what a page of another site sends in a participant's name."""
    if not _own(request):
        raise HTTPException(403, "elsewhere")


def is_foreign(request: Request) -> bool:
    """Whether a browser says that a page of another site sends this; programs say nothing of the kind."""
    if "origin" in request.headers:
        return not _own(request)
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


def _own(request: Request) -> bool:
    """Whether a page of ours sends this."""
    try:
        origin = urlsplit(request.headers.get("origin", "")).netloc
    except ValueError:  # such as http://[
        origin = ""
    return bool(origin) and origin == request.headers.get("host")


def bears(request: Request, token: str, cookie: str) -> bool:
    """Whether a request has the token: in the header of a program, or in the cookie of a browser."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    offered = given.strip() if kind.lower() == "bearer" else request.cookies.get(cookie, "")
    return is_token(offered, token)


def is_token(offered: str, token: str) -> bool:
    """Whether it is the token; how long this takes does not tell how much of it is right."""
    return hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), token.encode())


def remember(request: Request, response: Response, cookie: str, value: str) -> None:
    """Set a cookie for pages of ours alone, which no script reads."""
    response.set_cookie(
        cookie, value, max_age=30 * 86400, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


async def form(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name; HTTPException for what is no form."""
    try:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=50)
    except ValueError:
        raise HTTPException(400, "no_form") from None
    return {key: values[0] for key, values in fields.items()}


def caller(request: Request) -> str:
    """Where a request comes from; of IPv6 its network, as a single client has 2^64 addresses."""
    host = request.client.host if request.client else ""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.version == 6:
            mapped = address.ipv4_mapped
            return str(mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host
