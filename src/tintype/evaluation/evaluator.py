"""Photographs made gray, coloured, and compared with the truth: what is kept of each, in a run and in the benchmarks.

A row has metrics as numbers, and the arrays that the figures of sets are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tintype.color import film as films
from tintype.color.lab import gray as code_of
from tintype.color.lab import rgb_to_lab
from tintype.errors import DataError
from tintype.evaluation.figures import Floats
from tintype.evaluation.metrics import Areas, Codes, colorfulness, colorfulness_absolute, measure
from tintype.evaluation.protocol import TRUTH

Row = dict[str, float | str | NDArray[np.generic]]
"""What was measured of a photograph: column -> number, array or text."""

Painter = Callable[[str, Codes, Codes], Iterable[tuple[str, Codes]]]
"""Called with a photograph's name, its gray codes [h, w] and the truth [h, w, 3], both uint8; gives the label of each
way of colouring with its result, uint8 [h, w, 3]."""


def gray_of(truth: Codes, film: str) -> Codes:
    """The gray codes uint8 [h, w] that a film makes of a photograph, uint8 [h, w, 3]."""
    codes: Codes = np.rint(code_of(films.expose(truth / np.float32(255), film)) * 255).astype(np.uint8)
    return codes


def ab_of(rgb: Codes) -> NDArray[np.float32]:
    """CIE a*b* [h, w, 2] of uint8 sRGB [h, w, 3]."""
    ab: NDArray[np.float32] = rgb_to_lab(rgb / np.float32(255))[..., 1:]
    return ab


def row_of_truth(truth: Codes) -> Row:
    """Of a photograph as it was: colourfulness, and its pixels in each bin as `areas`, since each has the area 1, and
    as `bins`."""
    areas = Areas()
    areas.add(true_ab := ab_of(truth), true_ab)
    return {
        "colorfulness": colorfulness(truth),
        "colorfulness_absolute": colorfulness_absolute(truth),
        "areas": areas.pixels.astype(np.float32),
        "bins": areas.pixels.astype(np.int32),
    }


def row_of(prediction: Codes, truth: Codes, only: Collection[str] | None = None) -> Row:
    """Of a coloured photograph: the metrics of `measure`, `areas` by true bin, and its pixels by the `bins` that they
    fall in.

    Args:
        only: these metrics alone, as for `measure`.
    """
    by_truth, own = Areas(), Areas()
    ab = ab_of(prediction)
    by_truth.add(ab, ab_of(truth))
    own.add(ab, ab)
    row: Row = {**measure(prediction, truth, only)}
    return row | {
        "areas": by_truth.areas.astype(np.float32),
        "bins": own.pixels.astype(np.int32),
    }


class Gathered:
    """What was measured of photographs, held in memory; `figures.Measured` says what figures ask of it.

    Args:
        photos: names; sizes: their pixels.
        columns: label -> column -> of each photograph, [n] or [n, ...]; those of TRUTH among them.
    """

    def __init__(
        self, photos: Sequence[str], sizes: Sequence[int], columns: Mapping[str, Mapping[str, NDArray[np.generic]]]
    ):
        self.photos, self.sizes, self.columns = photos, sizes, columns

    @property
    def models(self) -> tuple[str, ...]:
        """Labels of all ways of colouring, in their order."""
        return tuple(label for label in self.columns if label != TRUTH)

    def values(self, model: str, column: str) -> Floats:
        """A column of each photograph, float64 [n] or [n, ...].

        Raises:
            DataError: it was not measured.
        """
        try:
            return np.asarray(self.columns[model][column], np.float64)
        except KeyError:
            raise DataError(f"{column} was not measured of {model}") from None


def gather(
    photographs: Iterable[tuple[str, Codes]],
    paint: Painter,
    *,
    film: str = "cie",
    only: Collection[str] | None = None,
    further: Callable[[str, Codes, Codes], Row] = lambda label, prediction, truth: {},
    truths: bool = True,
) -> Gathered:
    """Colour photographs' gray versions and measure the results, one after the other.

    Args:
        photographs: name and uint8 sRGB [h, w, 3] of each.
        paint: colours them.
        film: the response that makes the gray, as for `gray_of`.
        only: metrics, as for `row_of`.
        further: columns beside those of the metrics, of a label, its prediction and the truth.
        truths: whether the photographs themselves are measured, as TRUTH; figures of sets need them.
    """
    photos: list[str] = []
    sizes: list[int] = []
    rows: dict[str, list[Row]] = {}
    for name, truth in photographs:
        photos.append(name)
        sizes.append(truth.shape[0] * truth.shape[1])
        if truths:
            rows.setdefault(TRUTH, []).append(row_of_truth(truth) | further(TRUTH, truth, truth))
        for label, prediction in paint(name, gray_of(truth, film), truth):
            rows.setdefault(label, []).append(row_of(prediction, truth, only) | further(label, prediction, truth))
    columns = {
        label: {column: np.array([row[column] for row in own]) for column in own[0]} for label, own in rows.items()
    }
    return Gathered(photos, sizes, columns)


def _stacked(rows: Sequence[Row]) -> dict[str, NDArray[np.generic]]:
    """Of rows the columns that the first one has, [n, ...] each."""
    return {column: np.array([row[column] for row in rows]) for column in rows[0]}
