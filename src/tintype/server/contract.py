"""The JSON of the API, as its OpenAPI description shows it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Color = Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$", examples=["#8b2a2b"])]


class Strict(BaseModel):
    """An object without other fields than these; numbers are no texts."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HintBody(Strict):
    """A disc of one colour. Places and radius in pixels of the upright photograph at full size."""

    x: float = Field(examples=[410])
    y: float = Field(examples=[520])
    color: Color
    radius: float = Field(gt=0, examples=[25])


class SettingsBody(Strict):
    """How a photograph is coloured."""

    model: str = Field(examples=["tintype.v2"])
    size: int | None = Field(ge=1, le=2048, description="Short side of what the network sees; null: the model's.")
    temperature: float | None = Field(gt=0, le=100, description="null: the model's.")
    vividness: float = Field(ge=0, le=10)
    blend: float = Field(ge=0, le=1)
    negative: bool
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


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457); `detail` is one sentence: what, where, what to do."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The vividness must be a number from 0 to 10, not 11"])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation for these statuses, as FastAPI takes them."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": _WHEN[status], "content": content} for status in sorted({*statuses, *_ALWAYS})}


_ALWAYS = (401, 403, 421, 429, 500, 503)

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
