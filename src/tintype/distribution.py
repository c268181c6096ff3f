"""What a model holds possible where it colours a photograph: its distribution over colours, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import Enlarger
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb
from tintype.colorizer import Colorizer
from tintype.colours import Colours
from tintype.errors import OptionError
from tintype.photo import Photo

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Letters = FreeTypeFont | ImageFont

COUNT = 10
"""Number of colours listed for a place."""

Measure = Literal["deviation", "entropy"]

MEASURES: dict[Measure, tuple[str, float]] = {
    "deviation": ("expected deviation of the colour, in a*b*", 40.0),
    "entropy": ("entropy, in bits", 8.0),
}
"""What a map may show: its name, and where its scale ends, the same for all photographs."""


_MORE_DOUBT = 4.0
"""By how much more of the expected deviation of its colours, in a*b* units, the model must doubt a photograph than its
inversion to take it for a negative."""


@dataclass(frozen=True)
class Region:
    """A part of a photograph, in pixels of the upright photograph from its upper left corner."""

    x: int
    y: int
    width: int = 1
    height: int = 1

    def __str__(self) -> str:
        if (self.width, self.height) == (1, 1):
            return f"pixel {self.x},{self.y}"
        return f"region of {self.width} x {self.height} pixels at {self.x},{self.y}"


@dataclass(frozen=True)
class Likely:
    """A colour that a model holds possible.

    color: as #rrggbb at the lightness of the place, with as much chroma as sRGB holds there. a, b: CIE a*b* of its bin.
    """

    color: str
    a: float
    b: float
    probability: float


@dataclass(frozen=True, eq=False)
class Distribution:
    """How probable each colour is at each place of a photograph, at temperature 1."""

    colours: Colours
    """The look at the photograph that found it."""
    probabilities: NDArray[np.floating]
    """float32 [Q, h', w'], sums to 1 over Q."""
    bins: NDArray[np.float64]
    """float64 [Q, 2], CIE a*b*."""

    @classmethod
    def of(cls, colours: Colours) -> Distribution:
        """That behind colours which were looked at with `logits=True`.

        Raises ValueError where they were not.
        """
        if colours.logits is None or colours.model.card.bins is None:
            raise ValueError("these colours have no logits: look with logits=True")
        weights = np.exp(colours.logits - colours.logits.max(axis=0))
        return cls(colours, weights / weights.sum(axis=0), np.array(colours.model.card.bins, np.float64))

    @property
    def entropy(self) -> NDArray[np.floating]:
        """In bits, float32 [h', w']: 0 where one colour is certain, log2 Q where all are alike."""
        p = self.probabilities
        entropy: NDArray[np.floating] = -(p * np.log2(np.maximum(p, 1e-30))).sum(axis=0)
        return entropy

    @property
    def deviation(self) -> NDArray[np.float32]:
        """The root of the expected squared distance from the mean colour, in a*b* units; float32 [h', w']."""
        mean = np.einsum("qc,qhw->chw", self.bins, self.probabilities)
        squares = np.einsum("q,qhw->hw", (self.bins**2).sum(axis=1), self.probabilities)
        return np.asarray(np.sqrt(np.maximum(squares - (mean**2).sum(axis=0), 0)), np.float32)

    def mean(self, plane: NDArray[np.floating], region: Region) -> NDArray[np.floating]:
        """The mean of a plane [..., h', w'] of cells over the pixels of a region; [...]."""
        down = _shares(region.y, region.height, self.colours.size[0], plane.shape[-2])
        across = _shares(region.x, region.width, self.colours.size[1], plane.shape[-1])
        return np.asarray(np.einsum("...hw,h,w->...", plane, down, across))

    def lightness(self, region: Region) -> float:
        """The mean CIE L* of a region."""
        rows = self.colours.photo.lightness(region.y, region.y + region.height)
        return float(rows[:, region.x : region.x + region.width].mean())

    def likeliest(self, region: Region, count: int = COUNT) -> list[Likely]:
        """The most probable colours of a region, most probable first."""
        probabilities = self.mean(self.probabilities, region)
        best = np.argsort(-probabilities, kind="stable")[:count]
        lab = np.column_stack([np.full(len(best), self.lightness(region)), self.bins[best]])
        rgb = (np.clip(lab_to_rgb(fit_chroma(lab)), 0, 1) * 255 + 0.5).astype(np.uint8)
        return [
            Likely("#" + bytes(code).hex(), float(self.bins[i, 0]), float(self.bins[i, 1]), float(probabilities[i]))
            for i, code in zip(best, rgb, strict=True)
        ]

    def map(self, measure: Measure, size: tuple[int, int]) -> NDArray[np.float32]:
        """A measure at (height, width) `size`, along the edges of the lightness as the colours are; float32 [h, w]."""
        plane = self.deviation if measure == "deviation" else self.entropy
        both = np.stack([plane, plane]).astype(np.float32, copy=False)
        return np.asarray(Enlarger(both, self.colours.guide, size).rows(0, size[0])[0])


def looks_negative(colorizer: Colorizer, distribution: Distribution) -> bool:
    """Whether a photograph is more likely a negative: the model doubts its colours more than those of its inversion.

    A hint, not a test: docs/inspect.md has the figures. The inversion is looked at by the same colorizer.

    Raises:
        ModelError: the model fails on the inversion.
    """
    other = Distribution.of(colorizer.look(distribution.colours.photo.inverted(), logits=True))
    return bool(distribution.deviation.mean() - other.deviation.mean() > _MORE_DOUBT)


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


def _shares(start: int, length: int, size: int, cells: int) -> NDArray[np.float64]:
    """The share that each of the cells along an axis has in the pixels from `start` on; sums to 1."""
    edges = np.clip(np.arange(cells + 1) * (size / cells), start, start + length)
    return np.asarray(np.diff(edges) / length)


SIDE = 640
"""Long side of the two pictures, in pixels, at least; and at most twice that."""

MARGIN, LINE = 16, 24


def draw(distribution: Distribution, region: Region, measure: Measure) -> Image:
    """The coloured photograph, the map of a measure beside it, and the likeliest colours of a region under them."""
    from PIL import Image, ImageDraw, ImageFont

    letters, small = ImageFont.load_default(16), ImageFont.load_default(14)
    colours = distribution.colours
    photo = colours.photo
    longest = max(photo.width, photo.height)
    scale = min(2 * SIDE, max(SIDE, longest)) / longest
    width, height = (max(1, round(side * scale)) for side in (photo.width, photo.height))
    # A narrow picture still needs room for the words under it.
    column = max(width, 420)
    title, end = MEASURES[measure]
    values = np.clip(distribution.map(measure, (height, width)) / end, 0, 1)
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
    _likeliest(pen, distribution, region, (MARGIN, below), column, small)
    _scale(page, measure, (2 * MARGIN + column, below), column, small)
    pen.text(
        (2 * MARGIN + column, below + 3 * LINE),
        f"here: {distribution.mean(distribution.deviation, region):.1f} a*b* units, "
        f"{distribution.mean(distribution.entropy, region):.2f} bits",
        fill="#222222",
        font=small,
    )
    return page


def _likeliest(
    pen: ImageDraw, distribution: Distribution, region: Region, corner: tuple[int, int], width: int, letters: Letters
) -> None:
    left, top = corner
    colours = distribution.likeliest(region)
    pen.text((left, top), f"likeliest colours of the {region}", fill="#222222", font=letters)
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
