"""What a server of pages does against other sites and strangers, whatever its pages are.

Every response forbids what the pages do not need. A request must name this server, so that a page of another site
cannot lead its own name here; what changes something must come from a page of ours; and no request brings more than a
form holds.
"""

from __future__ import annotations

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
    headers: Mapping[str, str] = HEADERS,
) -> ASGIApp:
    """An application that adds headers to the responses of another one, where it does not set them itself, and gives
    requests to it that name this server.

    Args:
        names: of hosts under which it is served, beside localhost and every address in numbers.
        refused: what a request for another host is told.
    """
    names = {"localhost", *(name.lower().rstrip(".") for name in names)}
    extra = [(key.lower().encode(), value.encode()) for key, value in headers.items()]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                set_already = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in set_already)]
            await send(message)

        if scope["type"] == "http" and not _names_us(scope, names):
            await refused(Request(scope), HTTPException(421, "host"))(scope, receive, add)
            return
        await inner(scope, receive, add)

    return application


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
    try:
        origin = urlsplit(request.headers.get("origin", "")).netloc
    except ValueError:  # such as http://[
        origin = ""
    if not origin or origin != request.headers.get("host"):
        raise HTTPException(403, "elsewhere")


async def body(request: Request) -> bytes:
    """What a request brings; HTTPException where that is more than BODY."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > BODY:
            raise HTTPException(413, "too_long")
    return content


async def form(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name; HTTPException for what is no form."""
    try:
        fields = parse_qs((await body(request)).decode("utf-8", "replace"), max_num_fields=50)
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
