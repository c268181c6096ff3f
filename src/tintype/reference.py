"""Colours from another photograph: what a colour photograph tells of a gray one, as hints.

The model looks at both in gray. Parts of which it holds the same colours likely, that are as light, as rough and lie in
about the same place, are taken for the same kind of thing: sky for sky, skin for skin.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import rgb_to_lab
from tintype.colours import FINER, Colours, network_size, seen_of
from tintype.distribution import Distribution, code
from tintype.errors import HintError, OptionError, UnsupportedPhoto
from tintype.hints import Hint
from tintype.parts import Parts
from tintype.photo import Photo, read_colour
from tintype.photo.source import name_of
from tintype.photo.toning import Samples

if TYPE_CHECKING:
    from tintype.models import Model

Way = Literal["regions", "palette"]
"""What is taken: the colours of corresponding regions, or the palette as a whole."""

Given = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | NDArray[np.generic]
"""A colour photograph: a path, the bytes of a file, a binary stream, or an array [h, w, 3] of sRGB."""

MOST = 24
"""Hints that a reference gives at most."""

GRAY = 0.02
"""Share of a photograph that must have a colour of its own, or it is no reference."""

GROUP = 25
"""a*b* units: bins that round to the same multiple of these are one colour where parts are compared."""

PLACE = 0.3
"""How much the place in the photograph, 0 to 1 across and down, counts beside the roots of probabilities."""

SURE, UNSURE, END = 0.13, 0.17, 0.2
"""Distances between parts: up to the first the colour of the reference is taken as it is, at the second halfway from
that of the model, from the last on not at all."""

CYCLE = 0.2
"""Distance from a part, at most, of the part that its counterpart corresponds to in turn."""

MIXED = 15.0
"""a*b* units that the colours of one part of a reference deviate by, beyond which they are no colour of it."""

NEAR = 10.0
"""a*b* units within which colours are alike: the deviation of a normal distribution."""

PLAUSIBLE = 0.15
"""How likely a model must hold a colour for a part, as a share of how likely it holds the likeliest one."""

WIDEST = 1.5
"""Radius of a hint, at most, in cells of the network's answer: a disc has one colour, and a large one would show."""

PALETTE = 8
"""Colours of a palette."""

SHADE = 30.0
"""L* by which a part may be lighter or darker than a colour of the palette that it takes: a standard deviation."""

SOFT, SPARE, ROUNDS = 0.3, 1.0, 100
"""How soft the sharing out of a palette is, how much it costs to use a colour more or less than the reference does, and
how often both sides are brought into line."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A photograph in gray, as a model sees it in parts."""

    parts: Parts
    traits: NDArray[np.floating]
    """[parts, traits]: roots of the probabilities of groups of colours, lightness, roughness, place. The distance
    between two tells how differently the model sees them."""

    @classmethod
    def of(cls, found: Distribution) -> Scene:
        """That behind a distribution."""
        parts = Parts.of(found)
        height, width = parts.labels.shape
        groups = np.unique(np.round(found.bins / GROUP), axis=0, return_inverse=True)[1].ravel()
        summed = np.eye(groups.max() + 1, dtype=np.float32)[groups].T @ found.probabilities.reshape(len(groups), -1)
        cells = found.guide.reshape(height, found.guide.shape[0] // height, width, -1) / 100
        down, across = ((np.arange(side) + 0.5) / side * PLACE for side in (height, width))
        traits = [
            *np.sqrt(summed),
            cells.mean(axis=(1, 3)).ravel(),
            cells.std(axis=(1, 3)).ravel(),
            np.repeat(down, width),
            np.tile(across, height),
        ]
        return cls(parts, np.stack([_mean(plane, parts) for plane in traits], axis=1))

    @property
    def shares(self) -> NDArray[np.floating]:
        """Of the photograph, [parts]; their sum is 1."""
        return self.parts.sizes / self.parts.labels.size


@dataclass(frozen=True, eq=False)
class Reference:
    """A colour photograph that one model has looked at, for as many photographs as one likes."""

    name: str
    """What notes call it."""
    digest: str
    """Tells it from other references."""
    model: Model
    scene: Scene
    lab: NDArray[np.float32]
    """float32 [3, h', w'], CIE L*a*b* of its cells."""

    @classmethod
    def of(cls, source: Given, model: Model, size: int, threads: int | None = None) -> Reference:
        """Look at a colour photograph.

        size: short side of what the network sees, in pixels.

        Raises HintError where the model takes no hints, ModelError where it has no distribution, OptionError for an
        array that is no colour photograph, and UnsupportedPhoto for a gray or toned one. Else as `read_colour`.
        """
        if not model.takes_hints:
            raise HintError(f"The model {model.name} takes no hints, and so no reference: choose a model that does")
        name, rgb = _read(source, size)
        samples = Samples(*rgb.shape[:2])
        samples.take(0, rgb)
        if samples.share_in_colour() < GRAY:
            raise UnsupportedPhoto(f"{name} is gray or of one tone: give a reference in colour")
        lab = np.moveaxis(rgb_to_lab(rgb / np.float32(255)), -1, 0).astype(np.float32)
        photo = Photo(name, rgb.shape[1], rgb.shape[0], "array", 32, np.ascontiguousarray(lab[0]))
        height, width = network_size(rgb.shape[:2], size, model.card.stride)
        guide = photo.thumbnail(width * FINER, height * FINER, threads)
        guess = model.predict(seen_of(photo, guide, threads), logits=True)
        assert guess.logits is not None
        assert model.card.bins is not None
        bins = np.array(model.card.bins, np.float64)
        found = Distribution.of(guess.logits, bins, (photo.height, photo.width), guide)
        height, width = guess.ab.shape[1:]
        cells = [replace(photo, plane=plane).thumbnail(width, height, threads) for plane in lab]
        digest = blake2b(rgb.tobytes(), digest_size=8).hexdigest()
        return cls(name, digest, model, Scene.of(found), np.stack(cells))


def hints_from(colours: Colours, reference: Reference | Given, way: Way = "regions", count: int = MOST) -> list[Hint]:
    """What a colour photograph tells of the colours of another one, as hints; none where it tells nothing.

    Hints that the colours have are not looked at. The same photographs always give the same hints.

    Args:
        colours: of the photograph. Kept logits save one pass of the network.
        reference: a colour photograph, or what `Reference.of` has looked at.
        way: 'regions' gives a part the colour of the part of the reference that corresponds to it, where one does;
            'palette' shares out the colours of the reference as a whole, each to the parts where it is likely.
        count: of hints, at most; those that change most.
    Raises:
        OptionError for a way or count that there is not, else as `Reference.of`.
    """
    way = checked_way(way)
    if not isinstance(count, int) or count < 1:
        raise OptionError(f"The number of hints must be at least 1, not {count!r}")
    if colours.hints:
        colours = colours.with_hints([])
    if not isinstance(reference, Reference):
        reference = Reference.of(reference, colours.model, min(colours.guide.shape) // FINER, colours.threads)
    elif reference.model is not colours.model:
        raise OptionError(f"{reference.model.name} looked at the reference: let {colours.model.name} look at it")
    scene = Scene.of(colours.distribution())
    guess = np.stack([_mean(plane.ravel(), scene.parts) for plane in colours.ab], axis=1)
    ab, told = _of_regions(scene, reference, guess) if way == "regions" else _of_palette(scene, reference)
    change = told * scene.shares * np.hypot(*(ab - guess).T)
    most = WIDEST * min(side / cells for side, cells in zip(colours.size, colours.ab.shape[1:], strict=True))
    hints: list[Hint] = []
    for part in np.argsort(-change, kind="stable").tolist():
        if told[part] and len(hints) < count:
            hints += [
                Hint(x, y, code(scene.parts.lightness[part], ab[part]), min(radius / 2, most))
                for x, y, radius in scene.parts.discs(part, 1)
            ]
    return hints


def checked_way(way: str) -> Way:
    """Raises OptionError where it is not one."""
    if way == "regions":
        return "regions"
    if way == "palette":
        return "palette"
    raise OptionError(f"The way to use a reference must be regions or palette, not {way!r}")


def _read(source: Given, size: int) -> tuple[str, NDArray[np.uint8]]:
    """The name of a colour photograph, and its sRGB uint8 [h, w, 3], as large as is needed of it."""
    if not isinstance(source, np.ndarray):
        name = name_of(source)
        return name, read_colour(source, name, share=lambda w, h: min(1.0, FINER * size / min(w, h)))
    top = {"u1": 255, "u2": 65535}.get(source.dtype.str[1:], 1 if source.dtype.kind == "f" else None)
    if top is None or source.ndim != 3 or source.shape[2] != 3 or not source.size:
        raise OptionError(
            "A reference must be an array [height, width, 3] of uint8, uint16 or floats, not "
            f"{list(source.shape)} of {source.dtype}"
        )
    light = np.clip(np.nan_to_num(source.astype(np.float32) / top), 0, 1)
    return "the given array", (light * 255 + 0.5).astype(np.uint8)


def _mean(values: NDArray[np.floating], parts: Parts) -> NDArray[np.floating]:
    """The mean of each part, [parts], of values of the cells, row by row."""
    return np.asarray(np.bincount(parts.labels.ravel(), values) / parts.sizes)


def _distances(ones: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """Between any two points, [ones, others]."""
    return np.asarray(np.sqrt(((ones[:, None] - others) ** 2).sum(axis=2)))


def _plausible(scene: Scene, ab: NDArray[np.floating]) -> NDArray[np.floating]:
    """How likely colours [n, 2] are for each part, as a share of the likeliest colour's; [parts, n]."""

    def likely(colours: NDArray[np.floating]) -> NDArray[np.floating]:
        near = np.exp(-((_distances(scene.parts.found.bins, colours) / NEAR) ** 2) / 2)
        return np.asarray(scene.parts.probabilities.T @ near)

    return np.asarray(likely(ab) / likely(scene.parts.found.bins).max(axis=1, keepdims=True))


def _of_regions(
    scene: Scene, reference: Reference, guess: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The a*b* of each part by its counterpart in the reference, [parts, 2], and whether it has one, [parts].

    guess: the a*b* that the model gives the parts by itself, [parts, 2].
    """
    other = reference.scene
    apart = _distances(scene.traits, other.traits)
    best = apart.argmin(axis=1)
    distance = apart.min(axis=1)
    back = apart.argmin(axis=0)[best]
    cycle = np.sqrt(((scene.traits - scene.traits[back]) ** 2).sum(axis=1))
    planes = reference.lab[1:].reshape(2, -1)
    true = np.stack([_mean(plane, other.parts) for plane in planes], axis=1)
    mixed = np.sqrt(np.maximum(_mean((planes**2).sum(axis=0), other.parts) - (true**2).sum(axis=1), 0))
    # Two photographs that differ as a whole may still have parts that look alike by chance.
    distance = np.maximum(distance, scene.shares @ distance)
    trust = np.interp(distance, (SURE, UNSURE), (1, 0.5))[:, None]
    plausible = _plausible(scene, true)[np.arange(len(best)), best]
    told = (distance < END) & (cycle < CYCLE) & (mixed[best] < MIXED) & (plausible > PLAUSIBLE)
    return guess + trust * (true[best] - guess), told


def _of_palette(scene: Scene, reference: Reference) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The a*b* of each part out of the palette of the reference, [parts, 2], and whether it takes any, [parts].

    Each part takes colours that are likely for it and about as light, and each colour goes to about as much of the
    photograph as it has of the reference: optimal transport with soft margins (Cuturi 2013, Chizat 2018).
    """
    palette, shares = _palette(reference.lab)
    plausible = _plausible(scene, palette[:, 1:])
    shade = (scene.parts.lightness[:, None] - palette[:, 0]) / SHADE
    kernel = np.exp(-(shade**2 / 2 - np.log(plausible + 1e-3)) / SOFT)
    across = np.ones(len(shares))
    for _ in range(ROUNDS):
        down = scene.shares / np.maximum(kernel @ across, 1e-30)
        across = (shares / np.maximum(down @ kernel, 1e-30)) ** (SPARE / (SPARE + SOFT))
    best = (kernel * across).argmax(axis=1)
    # Of the colour, what the model holds likely around it: a part keeps the hue of its own kind.
    bins = scene.parts.found.bins
    near = np.exp(-((_distances(palette[:, 1:], bins) / NEAR) ** 2) / 2)[best] * scene.parts.probabilities.T
    ab = near @ bins / near.sum(axis=1, keepdims=True)
    return ab, plausible[np.arange(len(best)), best] > PLAUSIBLE


def _palette(lab: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Up to PALETTE colours [n, 3], CIE L*a*b*, of those of a photograph [3, h', w'], and their shares, [n]."""
    points = lab.reshape(3, -1).T
    ab = points[:, 1:]
    # Each next one begins where the others are farthest from.
    chosen = [ab.mean(axis=0)]
    while len(chosen) < PALETTE:
        chosen.append(ab[_distances(ab, np.stack(chosen)).min(axis=1).argmax()])
    centres = np.stack(chosen)
    for _ in range(10):
        nearest = _distances(ab, centres).argmin(axis=1)
        counts = np.maximum(np.bincount(nearest, minlength=PALETTE), 1)
        means = np.stack([np.bincount(nearest, plane, PALETTE) / counts for plane in points.T], axis=1)
        centres = means[:, 1:]
    shares = np.bincount(nearest, minlength=PALETTE) / len(points)
    used = shares > 0
    return means[used], shares[used]
