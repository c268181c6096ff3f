"""The JSON of the API, as its OpenAPI description shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tintype.hints import Hint

Color = Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$", examples=["#8b2a2b"])]


class Strict(BaseModel):
    """An object without other fields than these; numbers are no texts."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HintBody(Strict):
    """A disc of one colour. Places and radius in pixels of the upright photograph at full size."""

    x: float = Field(ge=-1e9, le=1e9, examples=[410])
    y: float = Field(ge=-1e9, le=1e9, examples=[520])
    color: Color
    radius: float = Field(gt=0, le=1e9, examples=[25])


def bodies(hints: Iterable[Hint]) -> list[HintBody]:
    """Hints as JSON shows them."""
    return [HintBody.model_construct(x=h.x, y=h.y, color=h.color, radius=h.radius) for h in hints]


class SettingsBody(Strict):
    """How a photograph is coloured."""

    model: str = Field(examples=["tintype.v2"])
    size: int | None = Field(ge=1, le=2048, description="Short side of what the network sees; null: the model's.")
    temperature: float | None = Field(gt=0, le=100, description="null: the model's.")
    vividness: float = Field(ge=0, le=10)
    blend: float = Field(ge=0, le=1)
    negative: bool
    faded: bool
    salvage: bool
    page: int | None = Field(ge=1)


class SettingsChange(Strict):
    """Any of the settings; null is the default."""

    model: str | None = Field(None, examples=["tintype.v2"])
    size: int | None = Field(None, ge=1, le=2048, examples=[256])
    temperature: float | None = Field(None, gt=0, le=100, examples=[0.38])
    vividness: float | None = Field(None, ge=0, le=10, examples=[1.2])
    blend: float | None = Field(None, ge=0, le=1, examples=[1])
    negative: bool | None = Field(None, examples=[False])
    faded: bool | None = Field(None, examples=[False])
    salvage: bool | None = Field(None, examples=[False])
    page: int | None = Field(None, ge=1, examples=[None])


class PhotoBody(BaseModel):
    """A photograph that was uploaded."""

    id: str = Field(examples=["mXbTw1xDkqf0Pp0Bq0bA3w2Z"])
    name: str = Field(examples=["street.jpg"])
    width: int = Field(description="Of the upright photograph, in pixels.", examples=[4000])
    height: int = Field(examples=[3000])
    bytes: int = Field(description="Of its file.", examples=[2400000])
    format: str = Field(examples=["jpeg"])
    depth: int = Field(description="Bits of a sample.", examples=[8])
    pages: int = Field(description="Photographs in its file.", examples=[1])
    in_colour: bool = Field(description="It is a colour photograph; only its lightness is used.")
    line_art: bool = Field(description="It is hardly anything but black and white, which take no colour.")
    notes: list[str] = Field(description="What the user should know of its file, a sentence each.", examples=[[]])
    settings: SettingsBody
    takes_hints: bool
    takes_temperature: bool
    temperature: float | None = Field(description="What applies where the setting is null.", examples=[0.38])
    hints: list[HintBody]
    version: int = Field(description="Grows with every change.", examples=[7])
    expires_in: int = Field(description="Seconds until it is forgotten if nobody uses it.", examples=[7200])


class ModelBody(BaseModel):
    """A model that photographs may be coloured with."""

    name: str = Field(examples=["tintype.v2"])
    description: str
    purpose: str
    licence: str = Field(examples=["Apache-2.0"])
    size: int = Field(description="Short side of what the network sees, in pixels, at which colours come out best.")
    takes_hints: bool
    takes_temperature: bool
    temperature: float | None
    default: bool


class ModelsBody(BaseModel):
    """All models, those to use first."""

    models: list[ModelBody]


class HealthBody(BaseModel):
    """The server answers."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=["0.2.0"])


class PlaceColor(BaseModel):
    """A colour that the model holds possible at a place."""

    color: Color
    a: float = Field(description="CIE a*", examples=[12.0])
    b: float = Field(description="CIE b*", examples=[-4.0])
    probability: float = Field(examples=[0.21])


class LikelyBody(BaseModel):
    """The likely colours of a place, most probable first."""

    lightness: float = Field(description="CIE L* of the place.", examples=[54.1])
    current: Color
    colours: list[PlaceColor]


class DoubtBody(BaseModel):
    """A place whose colours the model doubts; in pixels of the upright photograph at full size."""

    x: float = Field(examples=[410])
    y: float = Field(examples=[520])
    radius: float = Field(examples=[25])
    doubt: float = Field(description="Expected deviation of its colour, in a*b* units.", examples=[21.5])


class DoubtsBody(BaseModel):
    """The places that the model doubts, most doubtful first."""

    places: list[DoubtBody]


class HintsBody(BaseModel):
    """Hints that are not set yet: those that there are already, where they belong to it, and new ones."""

    hints: list[HintBody]


class AlternativesBody(BaseModel):
    """Other colourings of the whole photograph, which differ where the model doubts."""

    alternatives: list[HintsBody]


class RegionBody(BaseModel):
    x: int
    y: int
    width: int
    height: int


class InspectBody(BaseModel):
    """How sure a model is of the colours of a region, as `tintype inspect --json` prints it."""

    photo: str = Field(examples=["street.jpg"])
    width: int
    height: int
    model: str
    region: RegionBody
    lightness: float
    color: Color
    deviation: float = Field(description="Expected, in a*b* units.")
    entropy: float = Field(description="In bits.")
    negative: bool = Field(description="It looks like a negative.")
    colors: list[PlaceColor]


class ArchiveBody(Strict):
    """Which results an archive holds."""

    photos: list[str] = Field(min_length=1, examples=[["mXbTw1xDkqf0Pp0Bq0bA3w2Z"]])
    format: str | None = Field(None, examples=[None])
    quality: int | None = Field(None, ge=1, le=100, examples=[None])


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457); `detail` is one sentence: what, where, what to do."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The vividness must be a number from 0 to 10, not 11"])


Schema = dict[str, object]

_FILE: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}

_FIELDS: dict[str, Schema] = {
    "photo": {**_FILE, "description": "The photograph's file."},
    "model": {"type": "string", "description": "The name of a model.", "examples": ["tintype.v2"]},
    "size": {"type": "integer", "minimum": 1, "maximum": 2048, "description": "Short side of what the network sees."},
    "temperature": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    "vividness": {"type": "number", "minimum": 0, "maximum": 10, "default": 1},
    "blend": {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
    "negative": {"type": "boolean", "default": False, "description": "It is a negative."},
    "faded": {"type": "boolean", "default": False, "description": "It has faded: raise its contrast first."},
    "salvage": {"type": "boolean", "default": False, "description": "Colour what is left of a damaged file."},
    "page": {"type": "integer", "minimum": 1, "description": "Which photograph of a file that holds several."},
    "format": {"type": "string", "enum": ["jpeg", "jpg", "png", "tiff", "tif", "webp", "avif"]},
    "quality": {"type": "integer", "minimum": 1, "maximum": 100},
    "hints": {
        "type": "string",
        "contentMediaType": "application/json",
        "description": "JSON: a list of hints.",
        "examples": ['[{"x": 410, "y": 520, "color": "#8b2a2b", "radius": 25}]'],
    },
    "at": {"type": "string", "pattern": "^[0-9]+,[0-9]+$", "description": "X,Y of a pixel.", "examples": ["410,520"]},
    "region": {
        "type": "string",
        "pattern": "^[0-9]+,[0-9]+,[0-9]+,[0-9]+$",
        "description": "X,Y,WIDTH,HEIGHT in pixels.",
        "examples": ["410,520,40,30"],
    },
    "reference": {**_FILE, "description": "A colour photograph whose colours are to be taken."},
    "reference_way": {"type": "string", "enum": ["regions", "palette"], "default": "regions"},
    "way": {"type": "string", "enum": ["regions", "palette"], "default": "regions"},
}


def form(*fields: str, required: str = "photo") -> Schema:
    """What describes a form with these fields, as FastAPI takes it."""
    schema: Schema = {
        "type": "object",
        "properties": {name: _FIELDS[name] for name in fields},
        "required": [required],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def content(description: str, *media: str) -> dict[int | str, dict[str, Any]]:
    """The response 200 that is a file of one of these types."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {kind: {"schema": schema} for kind in media}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation for these statuses, as FastAPI takes them."""
    media = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": _WHEN[status], "content": media} for status in sorted({*statuses, *_ALWAYS})}


_ALWAYS = (400, 401, 403, 421, 422, 429, 500, 503)

_WHEN = {
    400: "The request cannot be read",
    401: "The token is missing or wrong",
    403: "The request comes from a page of another site",
    404: "There is no such photograph here",
    409: "Not in this state",
    413: "Too many bytes or pixels",
    415: "Not a photograph that can be read",
    421: "The request is for another host",
    422: "An option that cannot be used",
    429: "Too much just now: try again after the seconds in Retry-After",
    500: "A fault of the server",
    503: "The server is stopping",
}
