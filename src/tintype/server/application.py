"""The API and the page, as one ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from tintype.errors import OptionError, TintypeError
from tintype.models.catalog import PURPOSES
from tintype.photo.kinds import SUFFIXES
from tintype.photo.results import beside, result_suffix
from tintype.server import upload
from tintype.server.contract import (
    HealthBody,
    HintBody,
    ModelBody,
    ModelsBody,
    PhotoBody,
    SettingsBody,
    SettingsChange,
    problems,
)
from tintype.server.folder import File, Folder
from tintype.server.looks import Box, Looks, Models, check_hints, check_preview
from tintype.server.options import Settings, checked, from_form, hints_from_json
from tintype.server.photographs import Facts, Photograph, Photographs
from tintype.server.problems import Gone, Refused, problem, refused, told
from tintype.server.queue import Queue, Watch
from tintype.version import __version__
from tintype.web import guard

Result = TypeVar("Result")

HEADERS = {
    **guard.HEADERS,
    # Pictures of files that were not sent yet are shown by addresses that begin with blob:.
    "Content-Security-Policy": guard.HEADERS["Content-Security-Policy"].replace(
        "img-src 'self'", "img-src 'self' blob: data:"
    ),
}

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
}

READ = ("model", "size", "temperature", "vividness", "blend", "negative", "salvage", "page")
"""The options of a photograph in a form."""

WRITTEN = ("format", "quality")
"""Those of its result."""

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "tiff": "image/tiff", "webp": "image/webp", "avif": "image/avif"}


@dataclass(frozen=True)
class Bounds:
    """What the server takes.

    upload: bytes of a photograph's file. pixels: of a photograph. photographs: at a time. idle: seconds that one is
    kept unused. jobs: works at a time.
    """

    upload: int = 512 << 20
    pixels: int = 200_000_000
    photographs: int = 1000
    idle: float = 7200.0
    jobs: int = 2


class Service:
    """What the endpoints share."""

    def __init__(self, models: Models, folder: Folder, bounds: Bounds, threads: int) -> None:
        self.models, self.folder, self.bounds = models, folder, bounds
        self.looks = Looks(models, bounds.pixels, threads=threads)
        self.photographs = Photographs(bounds.photographs, bounds.idle, self.looks.forget)
        self.queue = Queue(bounds.jobs)

    async def do(
        self, request: Request, work: Callable[[Watch], Result], *, quick: bool = True, turn: str | None = None
    ) -> Result:
        """Have a work done for the client of a request, as long as that is there."""
        return await self.queue.do(work, guard.caller(request), quick=quick, turn=turn, left=partial(_left, request))

    async def do_for(
        self, request: Request, photograph: Photograph, work: Callable[[Watch], Result], *, quick: bool = True
    ) -> Result:
        """The same for a photograph, one quick work at a time; a refusal where it was deleted meanwhile."""
        try:
            return await self.do(request, work, quick=quick, turn=photograph.id if quick else None)
        except TintypeError:
            if photograph.deleted:
                raise Refused(404, "The photograph was deleted meanwhile") from None
            raise

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
            hints=[HintBody.model_construct(**asdict(hint)) for hint in photograph.hints],
            version=photograph.version,
            expires_in=round(self.bounds.idle),
        )


async def _left(request: Request) -> None:
    """Returns when the client of a request has left. What it still sends is passed over."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


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
        service.queue.end()
        service.photographs.clear()

    api = FastAPI(
        title="tintype",
        version=__version__,
        summary="Turns black-and-white photographs into colour.",
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        redirect_slashes=False,
        responses={},
    )
    _add_errors(api)
    _add_page(api)
    _add_whole(api, service)
    _add_photographs(api, service)

    def refuse(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, _SENTENCES.get(error.status_code, error.detail))

    return guard.guarded(api, names, refuse, HEADERS)


async def _sweep(photographs: Photographs) -> None:
    while True:
        await asyncio.sleep(30)
        photographs.expire()


_SENTENCES = {
    403: "The request comes from a page of another site, which may not ask for this",
    404: "There is nothing at this address",
    405: "This address does not take such a request",
    421: "This server is not known by that name: open it by the address that it printed",
}


def _add_errors(api: FastAPI) -> None:
    def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, _SENTENCES.get(error.status_code, str(error.detail)), error.headers)

    def refusal(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return refused(error)

    def tintype(_: Request, error: Exception) -> Response:
        assert isinstance(error, TintypeError)
        return told(error)

    def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem(422, _sentence(error))

    def gone(_: Request, error: Exception) -> Response:
        return Response(status_code=499)  # Nobody is there to read it.

    def memory(_: Request, error: Exception) -> Response:
        return problem(413, "The photograph needs more memory than there is: make it smaller first")

    def failed(_: Request, error: Exception) -> Response:
        return problem(500, "Something went wrong in tintype: please report it")

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


def _sentence(error: RequestValidationError) -> str:
    """One sentence for the first fault that was found."""
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"][1:]]
    name = place[-1] if place else "body"
    if fault["loc"][0] == "body" and len(place) == 1 and fault["type"] != "json_invalid":
        try:
            checked(name, fault.get("input"))
        except OptionError as told:
            return str(told)
    if fault["type"] == "json_invalid":
        return "The request is not JSON"
    return f"{'.'.join(place) or 'The body'}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _add_page(api: FastAPI) -> None:
    page = files("tintype.server") / "page"
    kept = {**_files(page), "page.css": (files("tintype.web") / "page.css").read_bytes()}

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


def _add_whole(api: FastAPI, service: Service) -> None:
    """What needs no photograph to be kept."""

    @api.get("/health", summary="Whether the server answers", tags=["server"])
    async def health() -> HealthBody:
        return HealthBody(status="ok", version=__version__)

    @api.get("/v1/models", summary="The models to colour with", tags=["server"], responses=problems())
    async def models() -> ModelsBody:
        return ModelsBody(
            models=[
                ModelBody(
                    name=card.name,
                    description=card.description,
                    purpose=PURPOSES.get(card.name, "research"),
                    licence=card.licence,
                    size=card.size,
                    takes_hints=service.models.takes_hints(card),
                    takes_temperature=card.temperature is not None,
                    temperature=card.temperature,
                    default=card.name == service.models.default,
                )
                for card in service.models.cards
            ]
        )


def _add_photographs(api: FastAPI, service: Service) -> None:
    """Guided work: photographs that are kept for a while."""
    looks, photographs = service.looks, service.photographs

    @api.post(
        "/v1/photos",
        status_code=201,
        summary="Upload a photograph to work on",
        tags=["photographs"],
        responses=problems(400, 413, 415, 422),
    )
    async def add(request: Request, response: Response) -> PhotoBody:
        photographs.check_room()
        form = await upload.receive(request, service.folder, service.bounds.upload)
        try:
            sent = _photo_of(form)
            settings = Settings(service.models.default).changed(from_form(form.texts, READ))
            looks.colorizer(settings)
            photo, pages = await service.do(
                request, lambda watch: looks.open(sent.file.path, sent.name, settings.reading)
            )
            photograph = Photograph(sent.file, sent.name, Facts.of(photo, pages), settings)
            photographs.add(photograph)
            looks.keep(photograph, photo)
            await service.do_for(request, photograph, lambda watch: looks.colours(photograph, settings, (), watch))
        except BaseException:
            form.remove()
            raise
        response.headers["Location"] = f"/v1/photos/{photograph.id}"
        return service.body(photograph)

    @api.get("/v1/photos/{id}", summary="A photograph", tags=["photographs"], responses=problems(404))
    async def get(id: str) -> PhotoBody:
        return service.body(photographs.find(id))

    @api.patch(
        "/v1/photos/{id}", summary="Change settings", tags=["photographs"], responses=problems(404, 413, 415, 422)
    )
    async def change(request: Request, id: str, asked: SettingsChange) -> PhotoBody:
        photograph = photographs.find(id)
        settings = photograph.settings.changed(
            {name: getattr(asked, name) for name in asked.model_fields_set}
            | ({"model": service.models.default} if "model" in asked.model_fields_set and asked.model is None else {})
        )
        looks.colorizer(settings)
        facts = None
        if settings.reading != photograph.settings.reading:
            facts = await service.do_for(request, photograph, lambda watch: looks.facts(photograph, settings.reading))
        photograph.change(settings=settings, facts=facts)
        return service.body(photograph)

    @api.put(
        "/v1/photos/{id}/hints", summary="Set the hints", tags=["photographs"], responses=problems(400, 404, 413, 422)
    )
    async def hint(id: str, hints: Annotated[list[HintBody], Body(max_length=1000)]) -> PhotoBody:
        photograph = photographs.find(id)
        found = hints_from_json([hint.model_dump() for hint in hints])
        check_hints(found, photograph)
        photograph.change(hints=tuple(found))
        return service.body(photograph)

    @api.delete(
        "/v1/photos/{id}", status_code=204, summary="Forget a photograph", tags=["photographs"], responses=problems(404)
    )
    async def delete(id: str) -> None:
        photographs.delete(photographs.find(id))

    @api.get(
        "/v1/photos/{id}/preview",
        summary="A picture of it, or of a part of it, as JPEG",
        tags=["photographs"],
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}, **problems(404, 413, 415, 422)},
    )
    async def preview(
        request: Request,
        id: str,
        size: int = 1024,
        box: str | None = None,
        gray: bool = False,
        vividness: Annotated[float | None, Query(ge=0, le=10)] = None,
        blend: Annotated[float | None, Query(ge=0, le=1)] = None,
        temperature: Annotated[float | None, Query(gt=0, le=100)] = None,
        version: int | None = None,
    ) -> Response:
        photograph = photographs.find(id)
        given = {"vividness": vividness, "blend": blend, "temperature": temperature}
        settings = photograph.settings.changed({name: value for name, value in given.items() if value is not None})
        hints, part = photograph.hints, _box(box)
        check_preview(size, part, (photograph.facts.height, photograph.facts.width))
        picture = await service.do_for(
            request,
            photograph,
            lambda watch: looks.preview(photograph, settings, hints, watch, size=size, box=part, gray=gray),
        )
        headers = {} if version is None else {"Cache-Control": "private, max-age=86400, immutable"}
        return Response(picture, media_type="image/jpeg", headers=headers)

    @api.get(
        "/v1/photos/{id}/result",
        summary="The full-size file",
        tags=["photographs"],
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in TYPES.values()}}, **problems(404, 413, 415, 422)},
    )
    async def result(request: Request, id: str, format: str | None = None, quality: int | None = None) -> Response:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        format = None if format is None else str(checked("format", format))
        if quality is not None:
            checked("quality", quality)
        kind = _format_of(photograph.name, format)
        target = service.folder.file()
        try:
            notes = await service.do_for(
                request,
                photograph,
                lambda watch: looks.result(
                    photograph.file.path,
                    photograph.name,
                    target,
                    settings,
                    hints,
                    watch,
                    format=kind,
                    quality=quality,
                ),
                quick=False,
            )
            return _download(target, beside(photograph.name, format, page=settings.page).name, kind, notes)
        except BaseException:
            target.remove()
            raise


def _photo_of(form: upload.Form) -> upload.Upload:
    sent = form.files.get("photo")
    if sent is None:
        raise Refused(422, "The form has no photograph: send its file in the field photo")
    return sent


def _format_of(name: str, format: str | None) -> str:
    """The format of the result of a photograph of this name."""
    return SUFFIXES[result_suffix(name, format).lower()]


def _box(text: str | None) -> Box | None:
    """x,y,width,height out of an address."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise OptionError(f"The box must be x,y,width,height such as 410,520,40,30, in pixels, not {text[:40]!r}")
    x, y, width, height = map(int, parts)
    return x, y, width, height


def _download(file: File, name: str, format: str, notes: tuple[str, ...]) -> Response:
    """A file as a download; it is removed once it is sent, or nobody takes it any more."""
    file.close()

    def content() -> AsyncIterator[bytes]:
        return _sent(file)

    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(file.size),
    }
    if notes:
        headers["X-Tintype-Notes"] = quote(json.dumps(notes))
    return StreamingResponse(content(), media_type=TYPES[format], headers=headers)


async def _sent(file: File) -> AsyncIterator[bytes]:
    try:
        with file.path.open("rb") as stream:
            while block := await asyncio.to_thread(stream.read, 1 << 18):
                yield block
    finally:
        file.remove()
