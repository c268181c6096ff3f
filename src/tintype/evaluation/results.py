"""A run of `tintype evaluate`, read from its folder: the figures of each photograph, and those of the set.

RUN/protocol.json                  see `protocol`
RUN/metrics.csv                    model, photo, metric, value; rows of the set have photo "(set)"
RUN/truth/PHOTO.png                the photographs as they were measured, 8-bit RGB
RUN/predictions/MODEL/PHOTO.png    as they were coloured
RUN/measured/MODEL.npz             what was measured, and what figures of resampled sets are computed from
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tintype.errors import DataError
from tintype.evaluation import protocol as protocols
from tintype.evaluation.figures import METRICS, Floats, Weighted
from tintype.evaluation.protocol import BASELINES, TRUTH, Protocol
from tintype.evaluation.store import picture_path, read_measured, read_protocol
from tintype.files import whole_file

SET = "(set)"
"""Stands for a photograph where a figure is of the whole set."""

_NOT_METRICS = frozenset(
    ("key", "photos", "files", "areas", "bins", "seconds", "confidence", "right", "sure", "features")
)


@dataclass(frozen=True, eq=False)
class Run:
    """What was measured. Arrays are in the order of `photos`; a photograph is [n], a colour bin [313]."""

    folder: Path
    protocol: Protocol
    models: tuple[str, ...]
    """Labels of the ways of colouring that are complete: the baselines, then in the order in which they were asked for.
    The truth is not among them; where a label is taken, TRUTH will do for what a photograph has alone."""
    photos: tuple[str, ...]
    _measured: dict[str, dict[str, NDArray[np.generic]]] = field(repr=False)

    def metrics(self, model: str) -> tuple[str, ...]:
        """The names of what `values` has of a model, in the order of the tables."""
        return tuple(name for name in self._measured[model] if name not in _NOT_METRICS)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pixels of each photograph, [n]."""
        return tuple(photograph.height * photograph.width for photograph in self.protocol.photographs)

    def values(self, model: str, column: str) -> Floats:
        """A metric of each photograph, float64 [n]; NaN where it is not defined. Or of what figures are made from:

        areas [n, 313], of each true bin the sum over its pixels of their area under the curve, 0..1 each; bins
        [n, 313], pixels whose predicted colour falls in each, of TRUTH the true bins; seconds [n] to colour it on one
        processor, NaN where it was not timed; confidence, right, sure [n, 15], as `Reliability` gathers them; features
        [n, d].

        Raises:
            DataError: it was not measured.
        """
        try:
            return np.asarray(self._measured[model][column], np.float64)
        except KeyError:
            raise DataError(
                f"{self.folder} has no {column} of {model}; it has {', '.join(self.metrics(model))}"
                if model in self._measured
                else f"{self.folder} has no model {model}; it has {', '.join(self.models)}"
            ) from None

    def figures(self, model: str) -> dict[str, float]:
        """The figures of the set by name, of METRICS; those that are not defined are left out."""
        whole = Weighted(self, np.full((1, len(self.photos)), 1 / len(self.photos)))
        figures = {}
        for name, metric in METRICS.items():
            if model == TRUTH and not metric.truth:
                continue
            with suppress(DataError):
                figures[name] = float(whole.figure(name, model)[0])
        return {name: figure for name, figure in figures.items() if not np.isnan(figure)}

    def picture(self, model: str, photo: str) -> Path:
        """The file of a coloured photograph; of TRUTH, the photograph itself."""
        return picture_path(self.folder, model, photo)

    def rows(self) -> Iterator[tuple[str, str, str, float]]:
        """The rows of metrics.csv: the truth, then the models; of each its set first."""
        for model in (TRUTH, *self.models):
            for metric, value in self.figures(model).items():
                yield model, SET, metric, value
            for metric in self.metrics(model):
                for photo, value in zip(self.photos, self.values(model, metric), strict=True):
                    if not np.isnan(value):
                        yield model, photo, metric, float(value)


def read_run(folder: str | os.PathLike[str]) -> Run:
    """A run from its folder. Models that are not measured to the end are left out.

    Raises:
        DataError: the folder is not a run, is broken, or nothing in it is complete.
    """
    folder = Path(folder)
    protocol = read_protocol(folder)
    if protocol is None:
        raise DataError(
            f"{folder} is not a run: it has no {protocols.FILE}; make one with tintype evaluate -o {folder}"
        )
    photos = tuple(photograph.name for photograph in protocol.photographs)
    measured = {}
    for label in (TRUTH, *BASELINES, *protocol.models):
        arrays = read_measured(folder, label)
        if arrays is not None and tuple(arrays["photos"]) == photos:
            measured[label] = arrays
    models = tuple(label for label in measured if label != TRUTH)
    if TRUTH not in measured or not models:
        raise DataError(f"{folder} is not finished: repeat the tintype evaluate that made it, which continues there")
    return Run(folder, protocol, models, photos, measured)


def write_csv(run: Run) -> Path:
    """Write RUN/metrics.csv again; its path.

    Raises:
        UnwritableFile: it cannot be written.
    """
    path = run.folder / "metrics.csv"
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("model", "photo", "metric", "value"))
    table.writerows((model, photo, metric, f"{value:.6g}") for model, photo, metric, value in run.rows())
    with whole_file(path) as file:
        file.write(text.getvalue().encode())
    return path
