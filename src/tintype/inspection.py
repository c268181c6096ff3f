"""What `tintype inspect` shows: a picture of how sure a model is, and whether a photograph looks like a negative."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb
from tintype.colorizer import Colorizer
from tintype.colours import Colours
from tintype.distribution import COUNT, MEASURES, Distribution, Likely, Measure, Region
from tintype.errors import OptionError
from tintype.photo import Photo

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Letters = FreeTypeFont | ImageFont

_MORE_DOUBT = 4.0
"""By how much more of the expected deviation of its colours, in a*b* units, the model must doubt a photograph than its
inversion to take it for a negative."""


class LikelyColor(TypedDict):
    """One of the likeliest colours of a region, as JSON has it."""

    color: str
    a: float
    b: float
    probability: float


class Summary(TypedDict):
    """What `tintype inspect --json` prints."""

    photo: str
    width: int
    height: int
    model: str
    region: dict[str, int]
    lightness: float
    color: str
    deviation: float
    entropy: float
    negative: bool
    colors: list[LikelyColor]


def lightness(photo: Photo, region: Region) -> float:
    """The mean CIE L* of a region."""
    rows = photo.lightness(region.y, region.y + region.height)
    return float(rows[:, region.x : region.x + region.width].mean())


def looks_negative(colorizer: Colorizer, photo: Photo, found: Distribution) -> bool:
    """Whether a photograph is more likely a negative: the model doubts its colours more than those of its inversion.

    A hint, not a test: docs/inspect.md has the figures. The inversion is looked at by the same colorizer.

    Raises:
        ModelError: the model fails on the inversion.
    """
    other = colorizer.look(photo.inverted(), logits=True).distribution()
    return bool(found.deviation.mean() - other.deviation.mean() > _MORE_DOUBT)


def summary(colorizer: Colorizer, photo: Photo, name: str, colours: Colours, region: Region) -> Summary:
    """What there is to say of a region, as `tintype inspect --json` prints it.

    Args:
        colours: of the photograph, looked at with logits.
    Raises:
        ModelError: the model fails on the inversion.
    """
    found = colours.distribution()
    total, count = np.zeros(3), 0
    for strip in colours.paint(depth=8, box=(region.x, region.y, region.width, region.height)):
        total += strip.sum(axis=(0, 1), dtype=np.float64)
        count += strip.shape[0] * strip.shape[1]
    deviation, entropy = (float(found.mean(plane, region)) for plane in (found.deviation, found.entropy))
    light = lightness(photo, region)
    return {
        "photo": name,
        "width": photo.width,
        "height": photo.height,
        "model": colorizer.model.name,
        "region": {"x": region.x, "y": region.y, "width": region.width, "height": region.height},
        "lightness": round(light, 2),
        "color": "#" + bytes(np.rint(total / count).astype(np.uint8)).hex(),
        "deviation": round(deviation, 3),
        "entropy": round(entropy, 4),
        "negative": looks_negative(colorizer, photo, found),
        "colors": [
            {"color": likely.color, "a": likely.a, "b": likely.b, "probability": round(likely.probability, 6)}
            for likely in found.likeliest(region, light)
        ],
    }


def checked(photo: Photo, region: Region | None) -> Region:
    """The region; None is the whole photograph.

    Raises:
        OptionError: a part of it is outside.
    """
    region = region or Region(0, 0, photo.width, photo.height)
    for start, length, size in ((region.x, region.width, photo.width), (region.y, region.height, photo.height)):
        if start < 0 or length < 1 or start + length > size:
            raise OptionError(
                f"There is no {region} in {photo.name}: it has {photo.width} x {photo.height} pixels, counted from 0,0 "
                "at the upper left"
            )
    return region


SIDE = 640
"""Long side of the two pictures, in pixels, at least; and at most twice that."""

MARGIN, LINE = 16, 24


def draw(colours: Colours, found: Distribution, region: Region, measure: Measure) -> Image:
    """The coloured photograph, the map of a measure beside it, and the likeliest colours of a region under them."""
    from PIL import Image, ImageDraw, ImageFont

    letters, small = ImageFont.load_default(16), ImageFont.load_default(14)
    photo = colours.photo
    longest = max(photo.width, photo.height)
    scale = min(2 * SIDE, max(SIDE, longest)) / longest
    width, height = (max(1, round(side * scale)) for side in (photo.width, photo.height))
    # A narrow picture still needs room for the words under it.
    column = max(width, 420)
    title, end = MEASURES[measure]
    values = np.clip(found.map(measure, (height, width)) / end, 0, 1)
    pictures = (
        Image.fromarray(np.concatenate(list(colours.paint(depth=8, size=(height, width))))),
        Image.fromarray(_ramp()[(values * 255 + 0.5).astype(np.uint8)]),
    )
    below = MARGIN + LINE + height + MARGIN
    page = Image.new("RGB", (3 * MARGIN + 2 * column, below + (COUNT + 1) * LINE + MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for left, head, picture in zip((MARGIN, 2 * MARGIN + column), (colours.model.name, title), pictures, strict=True):
        pen.text((left, MARGIN), head, fill="#222222", font=letters)
        page.paste(picture, (left, MARGIN + LINE))
        if (region.width, region.height) != (photo.width, photo.height):
            box = [left + region.x * scale, MARGIN + LINE + region.y * scale]
            box += [left + (region.x + region.width) * scale, MARGIN + LINE + (region.y + region.height) * scale]
            # A pixel would not be seen: its mark lies around it.
            for grown, ink in ((6, "black"), (5, "white"), (4, "white"), (3, "black")):
                pen.rectangle([box[0] - grown, box[1] - grown, box[2] + grown - 1, box[3] + grown - 1], outline=ink)
    likeliest = found.likeliest(region, lightness(photo, region))
    _likeliest(pen, likeliest, f"likeliest colours of the {region}", (MARGIN, below), column, small)
    _scale(page, measure, (2 * MARGIN + column, below), column, small)
    pen.text(
        (2 * MARGIN + column, below + 3 * LINE),
        f"here: {found.mean(found.deviation, region):.1f} a*b* units, {found.mean(found.entropy, region):.2f} bits",
        fill="#222222",
        font=small,
    )
    return page


def _likeliest(
    pen: ImageDraw, colours: list[Likely], title: str, corner: tuple[int, int], width: int, letters: Letters
) -> None:
    left, top = corner
    pen.text((left, top), title, fill="#222222", font=letters)
    room = width - 300
    for number, likely in enumerate(colours, 1):
        y = top + number * LINE
        pen.rectangle([left, y, left + 40, y + LINE - 4], fill=likely.color)
        pen.text((left + 50, y + 1), f"{likely.color}   a* {likely.a:g}, b* {likely.b:g}", fill="#222222", font=letters)
        length = room * likely.probability / colours[0].probability
        pen.rectangle([left + 220, y + 3, left + 220 + length, y + LINE - 7], fill="#999999")
        pen.text((left + 226 + length, y + 1), f"{100 * likely.probability:.1f} %", fill="#222222", font=letters)


def _scale(page: Image, measure: Measure, corner: tuple[int, int], width: int, letters: Letters) -> None:
    from PIL import Image, ImageDraw

    left, top = corner
    bar = Image.fromarray(np.broadcast_to(_ramp()[np.linspace(0, 255, width).astype(np.uint8)], (LINE - 8, width, 3)))
    page.paste(bar, (left, top + 4))
    pen = ImageDraw.Draw(page)
    end = MEASURES[measure][1]
    for part in range(5):
        anchor = "la" if part == 0 else "ra" if part == 4 else "ma"
        text = f"{end * part / 4:g}" + (" or more" if part == 4 else "")
        pen.text((left + part * width / 4, top + LINE), text, fill="#222222", font=letters, anchor=anchor)


@cache
def _ramp() -> NDArray[np.uint8]:
    """From sure to unsure: uint8 [256, 3], from dark blue over red to pale yellow, ever lighter."""
    t = np.linspace(0, 1, 256)
    hue = np.deg2rad(290 + 170 * t)
    chroma = 20 + 200 * t * (1 - t)
    lab = np.stack([8 + 88 * t, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    return np.asarray(np.clip(lab_to_rgb(fit_chroma(lab)), 0, 1) * 255 + 0.5).astype(np.uint8)
