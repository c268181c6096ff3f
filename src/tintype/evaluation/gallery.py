"""The photographs of a report: a sample, and the best and worst of each model, each picture held once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintype.errors import DataError
from tintype.evaluation.cells import difference
from tintype.evaluation.ways import Way, pictured, truth_of
from tintype.reports import pictures

SIDE = 256
"""Longer side of the pictures in the page at most, in pixels."""

CASES = 3
"""Best and worst photographs of each model."""


@dataclass(frozen=True)
class Held:
    """A picture that the page holds."""

    number: int
    picture: pictures.Shown


@dataclass(frozen=True)
class Hung:
    """A picture in its place: who coloured it, and how far from the truth."""

    way: Way
    held: Held
    difference: str | None
    """Mean CIEDE2000; None where it was not measured."""


@dataclass(frozen=True)
class Strip:
    """One photograph, coloured in several ways."""

    photo: str
    pictures: Sequence[Hung]
    gain: str = ""
    """By how much it is nearer to the truth than gray, in CIEDE2000."""


@dataclass(frozen=True)
class Cases:
    """The photographs where a model gains most over gray, and least."""

    way: Way
    best: Sequence[Strip]
    worst: Sequence[Strip]


class Gallery:
    """The pictures of a page, each once and small."""

    def __init__(self) -> None:
        self._held: dict[Path, Held] = {}

    @property
    def held(self) -> list[Held]:
        """All that were hung, by their numbers."""
        return list(self._held.values())

    def hold(self, path: Path) -> Held:
        """A picture file.

        Raises:
            DataError: it cannot be read.
        """
        if path not in self._held:
            try:
                self._held[path] = Held(len(self._held), pictures.shown(path, SIDE))
            except OSError as error:
                raise DataError(
                    f"{path} cannot be read ({error.strerror or 'it is broken'}): repeat the tintype evaluate that "
                    "wrote it"
                ) from None
        return self._held[path]

    def strip(self, ways: Sequence[Way], photo: str, gain: str = "") -> Strip:
        """One photograph in some ways of colouring."""
        number = ways[0].joined.photos.index(photo)
        hung = []
        for way in ways:
            value = float(way.values("ciede2000")[number]) if way.has("ciede2000") else np.nan
            hung.append(Hung(way, self.hold(way.picture(photo)), None if np.isnan(value) else difference(value)))
        return Strip(photo, hung, gain)

    def sample(self, ways: Sequence[Way], count: int, seed: int) -> list[Strip]:
        """`count` photographs drawn at random, in their order."""
        photos = ways[0].joined.photos
        drawn = np.random.default_rng(seed).permutation(len(photos))[:count]
        return [self.strip(pictured(ways), photos[number]) for number in sorted(drawn)]

    def cases(self, ways: Sequence[Way]) -> list[Cases]:
        """Of each model the photographs where it gains most over gray, and least."""
        truth = truth_of(ways)
        gray = next((way for way in ways if way.own_label == "gray"), truth)
        if not gray.has("ciede2000"):
            return []
        cases = []
        for way in ways:
            if not way.knows or not way.has("ciede2000"):
                continue
            gain = gray.values("ciede2000") - way.values("ciede2000")
            order = np.argsort(-gain, kind="stable")
            few = min(CASES, len(order) // 2)
            best, worst = (
                [
                    self.strip((gray, way, truth), way.joined.photos[number], difference(gain[number], signed=True))
                    for number in numbers
                ]
                for numbers in (order[:few], order[::-1][:few])
            )
            if few:
                cases.append(Cases(way, best, worst))
        return cases
