"""The endpoints that keep nothing: bytes in, bytes out."""

from __future__ import annotations

from dataclasses import fields
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tintype.distribution import Region
from tintype.errors import OptionError
from tintype.models.catalog import PURPOSES
from tintype.photo.kinds import SUFFIXES
from tintype.photo.results import beside, result_suffix
from tintype.reference import checked_way
from tintype.server.contract import HealthBody, InspectBody, ModelBody, ModelsBody, content, form, problems
from tintype.server.download import TYPES, Download
from tintype.server.options import Settings, from_form, hints_from_text
from tintype.server.service import Service
from tintype.version import __version__

SETTINGS = tuple(field.name for field in fields(Settings))
"""The options of a photograph."""

WRITTEN = ("format", "quality")
"""Those of its result."""


def routes(service: Service) -> APIRouter:
    """The endpoints that keep nothing."""
    router = APIRouter()
    looks, models = service.looks, service.models

    @router.get("/health", summary="Whether the server answers", tags=["server"])
    async def health() -> HealthBody:
        return HealthBody(status="ok", version=__version__)

    listed = ModelsBody(
        models=[
            ModelBody(
                name=card.name,
                description=card.description,
                purpose=PURPOSES.get(card.name, "research"),
                licence=card.licence,
                size=card.size,
                takes_hints=models.takes_hints(card.name),
                takes_temperature=card.temperature is not None,
                temperature=card.temperature,
                default=card.name == models.default,
            )
            for card in models.cards
        ]
    )

    @router.get("/v1/models", summary="The models to colour with", tags=["server"], responses=problems())
    async def list_models() -> ModelsBody:
        return listed

    @router.post(
        "/v1/colorize",
        summary="Colour a photograph: its file in, the coloured file out",
        description="The same bytes as `tintype colorize` writes with these options.",
        tags=["photographs in one call"],
        response_class=Response,
        responses={**content("The coloured file", *TYPES.values()), **problems(413, 415)},
        openapi_extra=form("photo", *SETTINGS, *WRITTEN, "hints", "reference", "reference_way"),
    )
    async def colorize(request: Request) -> Response:
        texts = (*SETTINGS, *WRITTEN, "hints", "reference_way")
        async with service.received(request, texts, ("photo", "reference")) as given:
            photo, reference = given.photo(), given.files.get("reference")
            way = checked_way(given.texts.pop("reference_way", "") or "regions")
            hints = hints_from_text(given.texts.pop("hints", "") or "[]")
            options = from_form(given.texts)
            format, quality = cast("str | None", options.pop("format", None)), options.pop("quality", None)
            settings = Settings(models.default).changed(options)
            looks.colorizer(settings)
            kind = format_of(photo.name, format)
            target = service.folder.file()
            try:
                notes = await service.do(
                    request,
                    lambda watch: looks.once(
                        photo.file.path,
                        photo.name,
                        target,
                        settings,
                        hints,
                        watch,
                        format=kind,
                        quality=cast("int | None", quality),
                        reference=reference,
                        way=way,
                    ),
                    quick=False,
                )
            except BaseException:
                target.remove()
                raise
        return Download(target, beside(photo.name, format, page=settings.page).name, TYPES[kind], notes)

    @router.post(
        "/v1/inspect",
        summary="How sure a model is of its colours, and which others it held possible",
        tags=["photographs in one call"],
        responses=problems(413, 415),
        openapi_extra=form("photo", "model", "size", "at", "region"),
    )
    async def inspect(request: Request) -> InspectBody:
        async with service.received(request, ("model", "size", "at", "region")) as given:
            photo = given.photo()
            at, region = (numbers(given.texts.pop(name, ""), name, count) for name, count in (("at", 2), ("region", 4)))
            if at and region:
                raise OptionError("at and region contradict each other: give one of them")
            settings = Settings(models.default).changed(from_form(given.texts))
            looks.colorizer(settings)
            place = Region(*at) if at else Region(*region) if region else None
            found = await service.do(
                request, lambda watch: looks.inspect(photo.file.path, photo.name, settings, place, watch), quick=False
            )
        return InspectBody.model_validate(found)

    return router


def format_of(name: str, format: str | None) -> str:
    """The format of the result of a photograph of this name."""
    return SUFFIXES[result_suffix(name, format).lower()]


FORMS = {2: "X,Y such as 410,520", 4: "X,Y,WIDTH,HEIGHT such as 410,520,40,30"}


def numbers(text: str, name: str, count: int) -> tuple[int, ...] | None:
    """Whole numbers with commas between them; None for an empty text. Raises OptionError."""
    if not text.strip():
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise OptionError(f"{name} takes {FORMS[count]}, in pixels, not {text[:40]!r}")
    return tuple(map(int, parts))
