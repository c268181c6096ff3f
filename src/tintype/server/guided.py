"""The endpoints of guided work: photographs that are kept for a while, to be looked at, corrected and taken home."""

from __future__ import annotations

import json
from typing import Annotated, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError

from tintype.errors import printable
from tintype.hints import MOST
from tintype.photo.results import beside
from tintype.reference import checked_way
from tintype.server.archive import NAME, Made, archive
from tintype.server.contract import (
    AlternativesBody,
    ArchiveBody,
    DoubtBody,
    DoubtsBody,
    HintBody,
    HintsBody,
    LikelyBody,
    PhotoBody,
    PlaceColor,
    SettingsChange,
    bodies,
    content,
    form,
    problems,
)
from tintype.server.download import TYPES, Download, disposition
from tintype.server.folder import File
from tintype.server.looks import LARGEST, Box, check_hints, check_place, check_preview
from tintype.server.options import Settings, checked, from_form, hints_from_json
from tintype.server.photographs import Facts, Photograph
from tintype.server.problems import Refused
from tintype.server.service import Service
from tintype.server.whole import SETTINGS, format_of, numbers

Id = Annotated[str, Path(description="Of a photograph, as its upload was answered.", max_length=100)]

Version = Annotated[
    int | None, Query(ge=0, description="That of the photograph: a picture with it may be kept by the browser.")
]

Format = Annotated[str | None, Query(description="jpeg, png, tiff, webp or avif; none: the photograph's own.")]

Quality = Annotated[int | None, Query(ge=1, le=100)]

MOST_WAYS = 12

Count = Annotated[int, Query(ge=1, le=MOST_WAYS, description="Alternatives at most.")]

KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
"""Of pictures whose address names the version of their photograph."""


def routes(service: Service) -> APIRouter:
    """The endpoints of guided work."""
    router = APIRouter(tags=["guided work"])
    looks, photographs = service.looks, service.photographs

    @router.post(
        "/v1/photos",
        status_code=201,
        summary="Upload a photograph to work on",
        responses=problems(413, 415),
        openapi_extra=form("photo", *SETTINGS),
    )
    async def add(request: Request, response: Response) -> PhotoBody:
        photographs.check_room()
        async with service.received(request, SETTINGS) as given:
            sent = given.photo()
            settings = Settings(service.models.default).changed(from_form(given.texts))
            looks.colorizer(settings)
            photo, pages = await service.do(
                request, lambda watch: looks.open(sent.file.path, sent.name, settings.reading)
            )
            photograph = Photograph(sent.file, sent.name, Facts.of(photo, pages), settings)
            looks.keep(photograph, photo)
            del photo
            try:
                await service.do(request, lambda watch: looks.colours(photograph, settings, (), watch))
                photographs.add(photograph)
            except BaseException:
                looks.forget(photograph)
                raise
            del given.files["photo"]
        response.headers["Location"] = f"/v1/photos/{photograph.id}"
        return service.body(photograph)

    @router.get("/v1/photos/{id}", summary="A photograph", responses=problems(404))
    async def get(id: Id) -> PhotoBody:
        return service.body(photographs.find(id))

    @router.patch("/v1/photos/{id}", summary="Change settings of a photograph", responses=problems(404, 413, 415))
    async def change(request: Request, id: Id, asked: SettingsChange) -> PhotoBody:
        photograph = photographs.find(id)
        given = {name: getattr(asked, name) for name in asked.model_fields_set}
        if given.get("model", "") is None:
            given["model"] = service.models.default
        settings = photograph.settings.changed(given)
        looks.colorizer(settings)
        facts = None
        if settings.reading != photograph.settings.reading:
            facts = await service.do_for(request, photograph, lambda watch: looks.facts(photograph, settings.reading))
            # Others may have been changed meanwhile.
            settings = photograph.settings.changed(given)
        check_hints(photograph.hints, facts or photograph.facts, service.models.get(settings.model))
        photograph.change(settings=settings, facts=facts)
        return service.body(photograph)

    @router.put("/v1/photos/{id}/hints", summary="Set the hints of a photograph", responses=problems(404, 413))
    async def hint(request: Request, id: Id, hints: Annotated[list[HintBody], Body(max_length=MOST)]) -> PhotoBody:
        photograph = photographs.find(id)
        # As they were given: the mark of a result tells whole numbers from others.
        found = hints_from_json(await request.json())
        check_hints(tuple(found), photograph.facts, service.models.get(photograph.settings.model))
        photograph.change(hints=tuple(found))
        return service.body(photograph)

    @router.delete("/v1/photos/{id}", status_code=204, summary="Forget a photograph", responses=problems(404))
    async def delete(id: Id) -> Response:
        photographs.delete(photographs.find(id))
        return Response(status_code=204)

    @router.get(
        "/v1/photos/{id}/preview",
        summary="A picture of a photograph, or of a part of it",
        response_class=Response,
        responses={**content("The picture", "image/jpeg"), **problems(404, 413, 415)},
    )
    async def preview(
        request: Request,
        id: Id,
        size: Annotated[
            int, Query(ge=1, description="Long side of the whole photograph, in pixels of the picture.")
        ] = 1024,
        box: Annotated[
            str | None,
            Query(
                description="X,Y,WIDTH,HEIGHT: only this part, in pixels of the photograph.",
                examples=["0,0,512,512"],
                json_schema_extra={"pattern": "^[0-9]{1,9}(,[0-9]{1,9}){3}$"},
            ),
        ] = None,
        gray: Annotated[bool, Query(description="Without colour.")] = False,
        vividness: Annotated[float | None, Query(ge=0, le=10, description="In place of the setting.")] = None,
        blend: Annotated[float | None, Query(ge=0, le=1)] = None,
        temperature: Annotated[float | None, Query(gt=0, le=100)] = None,
        version: Version = None,
    ) -> Response:
        photograph = photographs.find(id)
        given = {"vividness": vividness, "blend": blend, "temperature": temperature}
        settings = photograph.settings.changed({name: value for name, value in given.items() if value is not None})
        looks.colorizer(settings)
        hints, part = photograph.hints, cast("Box | None", numbers(box or "", "box", 4))
        check_preview(size, part, (photograph.facts.height, photograph.facts.width))
        picture = await service.do_for(
            request,
            photograph,
            lambda watch: looks.preview(photograph, settings, hints, watch, size=size, box=part, gray=gray),
        )
        return Response(picture, media_type="image/jpeg", headers=None if version is None else KEPT)

    @router.get("/v1/photos/{id}/likely", summary="The likely colours of a place", responses=problems(404, 413, 415))
    async def likely(
        request: Request,
        id: Id,
        x: Annotated[float, Query(description="In pixels of the photograph.", examples=[410])],
        y: Annotated[float, Query(examples=[520])],
        radius: Annotated[float | None, Query(gt=0, description="Of the place; none: a pixel.")] = None,
        count: Annotated[int, Query(ge=1, le=100)] = 10,
    ) -> LikelyBody:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        check_place(x, y, radius, photograph)
        lightness, current, found = await service.do_for(
            request,
            photograph,
            lambda watch: looks.likely(photograph, settings, hints, watch, (x, y, radius), count),
        )
        colours = [PlaceColor(color=c.color, a=c.a, b=c.b, probability=round(c.probability, 6)) for c in found]
        return LikelyBody(lightness=round(lightness, 2), current=current, colours=colours)

    @router.get("/v1/photos/{id}/doubts", summary="The places that the model doubts", responses=problems(404, 413, 415))
    async def doubts(request: Request, id: Id, count: Annotated[int, Query(ge=1, le=100)] = 12) -> DoubtsBody:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        found = await service.do_for(
            request,
            photograph,
            lambda watch: looks.colours(photograph, settings, hints, watch, logits=True).doubts(count),
        )
        places = [DoubtBody(x=d.x, y=d.y, radius=d.radius, doubt=round(d.deviation, 2)) for d in found]
        return DoubtsBody(places=places)

    @router.get(
        "/v1/photos/{id}/doubts/map",
        summary="The doubts as a picture to lay over the photograph",
        response_class=Response,
        responses={**content("RGBA, the more opaque the more doubtful", "image/png"), **problems(404, 413, 415)},
    )
    async def doubt_map(
        request: Request,
        id: Id,
        size: Annotated[int, Query(ge=1, le=LARGEST, description="Long side, in pixels.")] = 1024,
        version: Version = None,
    ) -> Response:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        check_preview(size, None, (photograph.facts.height, photograph.facts.width))
        picture = await service.do_for(
            request, photograph, lambda watch: looks.doubt_map(photograph, settings, hints, watch, size)
        )
        return Response(picture, media_type="image/png", headers=None if version is None else KEPT)

    @router.get(
        "/v1/photos/{id}/alternatives",
        summary="Other colourings of the whole photograph, as hints",
        responses=problems(404, 413, 415),
    )
    async def alternatives(request: Request, id: Id, count: Count = 4) -> AlternativesBody:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        ways = await service.do_for(
            request, photograph, lambda watch: looks.alternatives(photograph, settings, hints, watch, count)
        )
        return AlternativesBody(alternatives=[HintsBody(hints=bodies(way)) for way in ways])

    @router.get(
        "/v1/photos/{id}/alternatives/{number}/preview",
        summary="A picture of one of these colourings",
        response_class=Response,
        responses={**content("The picture", "image/jpeg"), **problems(404, 413, 415)},
    )
    async def alternative(
        request: Request,
        id: Id,
        number: Annotated[int, Path(ge=1, le=MOST_WAYS, description="From 1 on.")],
        size: Annotated[int, Query(ge=1, le=LARGEST, description="Long side, in pixels.")] = 160,
        count: Count = 4,
        version: Version = None,
    ) -> Response:
        photograph = photographs.find(id)
        settings, hints = photograph.settings, photograph.hints
        picture = await service.do_for(
            request,
            photograph,
            lambda watch: looks.alternative(photograph, settings, hints, watch, number, count, size),
        )
        return Response(picture, media_type="image/jpeg", headers=None if version is None else KEPT)

    @router.post(
        "/v1/photos/{id}/reference",
        summary="The colours of another photograph, as hints",
        responses=problems(404, 413, 415),
        openapi_extra=form("reference", "way", required="reference"),
    )
    async def refer(request: Request, id: Id) -> HintsBody:
        photographs.find(id)
        async with service.received(request, ("way",), ("reference",)) as given:
            sent, way = given.photo("reference"), checked_way(given.texts.get("way") or "regions")
            photograph = photographs.find(id)
            settings = photograph.settings
            found = await service.do_for(
                request, photograph, lambda watch: looks.reference_hints(photograph, settings, watch, sent, way)
            )
        return HintsBody(hints=bodies(found))

    async def made(
        request: Request, photograph: Photograph, format: str | None, quality: int | None, watched: bool = True
    ) -> tuple[File, str, str, tuple[str, ...]]:
        """The result of a photograph: its file, its name, its type, and what the user should know of it."""
        settings, hints = photograph.settings, photograph.hints
        kind = format_of(photograph.name, format)
        target = service.folder.file()
        try:
            notes = await service.do_for(
                request,
                photograph,
                lambda watch: looks.result(photograph, target, settings, hints, watch, format=kind, quality=quality),
                quick=False,
                watched=watched,
            )
        except BaseException:
            target.remove()
            raise
        target.close()
        return target, beside(photograph.name, format, page=settings.page).name, TYPES[kind], notes

    @router.get(
        "/v1/photos/{id}/result",
        summary="The full-size file of a photograph",
        response_class=Response,
        responses={**content("The coloured file", *TYPES.values()), **problems(404, 413, 415)},
    )
    async def result(request: Request, id: Id, format: Format = None, quality: Quality = None) -> Response:
        if format is not None:
            checked("format", format)
        return Download(*await made(request, photographs.find(id), format, quality))

    schema = {"schema": {"$ref": "#/components/schemas/ArchiveBody"}}

    @router.post(
        "/v1/archive",
        summary="The full-size files of several photographs as one ZIP",
        response_class=Response,
        responses={**content("The ZIP; errors.txt in it names what failed", "application/zip"), **problems(404, 413)},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": schema, "application/x-www-form-urlencoded": schema},
            }
        },
    )
    async def zipped(request: Request) -> Response:
        asked = await _asked(request)
        if asked.format is not None:
            checked("format", asked.format)
        if not any(id in photographs for id in asked.photos):
            raise Refused(404, "There is none of these photographs here, or they were kept long enough")

        async def make(id: str) -> Made:
            if id not in photographs:
                raise Refused(
                    404, f"{printable(id)[:80]}: there is no such photograph here, or it was kept long enough"
                )
            photograph = photographs.find(id)
            try:
                file, name, _, _ = await made(request, photograph, asked.format, asked.quality, watched=False)
            except Refused as error:
                raise Refused(error.status, f"{photograph.name}: {error.detail}") from None
            return name, file

        headers = {"Content-Disposition": disposition(NAME)}
        return StreamingResponse(
            archive(list(dict.fromkeys(asked.photos)), make), media_type="application/zip", headers=headers
        )

    return router


async def _asked(request: Request) -> ArchiveBody:
    """What an archive is to hold, out of JSON or of a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(body.decode("utf-8"), max_num_fields=100_000)
            found: dict[str, object] = {"photos": [value for name, value in pairs if name == "photos"]}
            for name, value in pairs:
                if name != "photos":
                    found[name] = int(value) if name == "quality" and value.isdecimal() and len(value) < 9 else value
            return ArchiveBody.model_validate(found)
        return ArchiveBody.model_validate(json.loads(body))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "The body"
        raise Refused(422, f"{place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}") from None
    except (ValueError, RecursionError):
        raise Refused(400, 'The request cannot be read: send JSON such as {"photos": ["ID"]}, or a form') from None
