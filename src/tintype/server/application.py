"""The API and the page, as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp

from tintype.errors import HintError, OptionError, TintypeError
from tintype.server import guided, whole
from tintype.server.contract import ArchiveBody, ProblemBody
from tintype.server.options import OPTIONS, checked, from_text, hints_from_json
from tintype.server.photographs import Photographs
from tintype.server.problems import Gone, Refused, problem, refused, told
from tintype.server.service import Service
from tintype.version import __version__
from tintype.web import guard

HEADERS = {
    **guard.HEADERS,
    # Pictures of files that are not sent yet have addresses that begin with blob:.
    "Content-Security-Policy": guard.HEADERS["Content-Security-Policy"].replace(
        "img-src 'self'", "img-src 'self' blob:"
    ),
}

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Of the files of the page."""

SWEEP = 30.0
"""Seconds between two looks for photographs that nobody uses."""

DESCRIPTION = """Colours black-and-white photographs, in one call or step by step.

Errors are `application/problem+json`; `detail` is one sentence. Places are in pixels of the upright photograph at full
size, from its upper left corner."""


def application(service: Service, names: Collection[str] = ()) -> ASGIApp:
    """The ASGI application.

    Args:
        names: of hosts under which it is served, beside localhost and every address in numbers.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(service.photographs))
        yield
        sweeping.cancel()
        service.close()

    api = FastAPI(
        title="tintype",
        version=__version__,
        summary="Turns black-and-white photographs into colour.",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        redirect_slashes=False,
    )
    _add_errors(api)
    _add_page(api)
    api.include_router(whole.routes(service))
    api.include_router(guided.routes(service))
    _describe(api, service.token is not None)

    def elsewhere(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, _SENTENCES[error.status_code])

    return guard.guarded(api, names, elsewhere, headers=HEADERS, most=service.most, door=service.door)


async def _sweep(photographs: Photographs) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        photographs.expire()


_SENTENCES = {
    404: "There is nothing at this address",
    405: "This address does not take such a request",
    413: "The request brings too much",
    421: "This server is not known by that name: open it by the address that it printed",
}


def _add_errors(api: FastAPI) -> None:
    """Say in one sentence what went wrong, whatever it was."""

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(api, request))
        return problem(error.status_code, _SENTENCES.get(error.status_code, str(error.detail)), headers)

    def refusal(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return refused(error)

    def tintype(_: Request, error: Exception) -> Response:
        assert isinstance(error, TintypeError)
        return told(error)

    def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem(400 if error.errors()[0]["type"] == "json_invalid" else 422, _sentence(error))

    def gone(_: Request, error: Exception) -> Response:
        return Response(status_code=400)  # Nobody is there to read it.

    def memory(_: Request, error: Exception) -> Response:
        return problem(413, "The photograph needs more memory than there is: make it smaller first")

    def failed(_: Request, error: Exception) -> Response:
        return problem(500, "Something went wrong because of a bug in tintype, please report it")

    for kind, handler in (
        (HTTPException, http),
        (Refused, refusal),
        (TintypeError, tintype),
        (RequestValidationError, invalid),
        (Gone, gone),
        (MemoryError, memory),
        (Exception, failed),
    ):
        api.add_exception_handler(kind, handler)


def _methods(api: FastAPI, request: Request) -> list[str]:
    """What an address takes."""
    for path, operations in api.openapi()["paths"].items():
        if compile_path(path)[0].match(request.url.path):
            return sorted(map(str.upper, operations))
    return ["GET", "HEAD"]  # of the page


def _sentence(error: RequestValidationError) -> str:
    """One sentence for the first fault, the command's own where it is that of an option."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return "The request cannot be read: send JSON"
    place = [str(part) for part in fault["loc"][1:]]
    given = fault.get("input")
    try:
        if isinstance(error.body, list):
            hints_from_json(error.body)
        elif fault["loc"][0] == "query" and isinstance(given, str) and place[0] != "size":  # of a picture
            if place[0] in OPTIONS:
                checked(place[0], from_text(place[0], given))
        elif fault["loc"][0] == "body" and len(place) == 1:
            checked(place[0], given)
    except (HintError, OptionError) as known:
        return str(known)
    return f"{'.'.join(place) or 'The body'}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _add_page(api: FastAPI) -> None:
    """The files of the page, which are read once."""
    kept = {**_files(files("tintype.server") / "page"), "page.css": (files("tintype.web") / "page.css").read_bytes()}

    def file(name: str) -> Response:
        suffix = f".{name.rpartition('.')[2]}"
        if name not in kept or suffix not in MEDIA:
            raise HTTPException(404)
        return Response(kept[name], media_type=MEDIA[suffix])

    async def index(request: Request) -> Response:
        return file("index.html")

    async def static(request: Request) -> Response:
        return file(request.path_params["name"])

    api.add_route("/", index, include_in_schema=False)
    api.add_route("/static/{name:path}", static, include_in_schema=False)


def _files(folder: Traversable, above: str = "") -> dict[str, bytes]:
    """The files of a folder and those below it, by their paths."""
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _files(entry, f"{above}{entry.name}/")
        else:
            found[above + entry.name] = entry.read_bytes()
    return found


def _describe(api: FastAPI, token: bool) -> None:
    """Complete the OpenAPI description by what FastAPI does not know."""
    described = api.openapi()
    schemas = described["components"]["schemas"]
    for body in (ProblemBody, ArchiveBody):
        schemas[body.__name__] = body.model_json_schema(ref_template="#/components/schemas/{model}")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    if token:
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
        described["paths"]["/health"]["get"]["security"] = []
