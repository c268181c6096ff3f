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
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tintype.color.bins import published_prior
from tintype.errors import DataError
from tintype.evaluation import protocol as protocols
from tintype.evaluation.metrics import Reliability, dcf, fid, psnr_pooled
from tintype.evaluation.protocol import Protocol
from tintype.files import whole_file

TRUTH = "truth"
BASELINES = ("gray", "prior-mean", "random")
"""The baselines of every run: no colour, the mean colour of the prior, another photograph's colours."""

SET = "(set)"
"""Stands for a photograph where a figure is of the whole set."""

RARE = 1e-4
"""Share of the set's pixels that a bin must hold to count for `auc_balanced`."""

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
    _measured: dict[str, dict[str, np.ndarray]] = field(repr=False)

    def metrics(self, model: str) -> tuple[str, ...]:
        """The names of what `values` has of a model, in the order of the tables."""
        return tuple(name for name in self._measured[model] if name not in _NOT_METRICS)

    def values(self, model: str, metric: str) -> np.ndarray:
        """A metric of each photograph, float64 [n]; NaN where it is not defined.

        Raises:
            DataError: it was not measured.
        """
        try:
            return self._measured[model][metric]
        except KeyError:
            raise DataError(
                f"{self.folder} has no {metric} of {model}; it has {', '.join(self.metrics(model))}"
                if model in self._measured
                else f"{self.folder} has no model {model}; it has {', '.join(self.models)}"
            ) from None

    @property
    def pixels(self) -> np.ndarray:
        """Pixels of each photograph in each true bin, int64 [n, 313]."""
        return self._measured[TRUTH]["bins"].astype(np.int64)

    def areas(self, model: str) -> np.ndarray:
        """Sum over the pixels of each true bin of their area under the curve, 0..1 each; float64 [n, 313].

        `areas_under_curve(weights @ run.areas(model), weights @ run.pixels)` are those of any resampling.
        """
        return self.values(model, "areas").astype(np.float64)

    def bins(self, model: str) -> np.ndarray:
        """Pixels of each photograph whose predicted colour falls in each bin, int64 [n, 313]."""
        return self.values(model, "bins").astype(np.int64)

    def reliability(self, model: str) -> Reliability | None:
        """Of the predicted distribution, over all photographs; None where a model has none."""
        measured = self._measured[model]
        if "sure" not in measured:
            return None
        found = Reliability(measured["sure"].shape[1])
        found.pixels = measured["sure"].sum(axis=0).astype(np.int64)
        found.confident = measured["confidence"].sum(axis=0)
        found.right = measured["right"].sum(axis=0)
        return found

    def seconds(self, model: str) -> np.ndarray:
        """Seconds to colour each photograph on one processor, float64 [n]; NaN where it was not timed."""
        return self.values(model, "seconds")

    def figures(self, model: str) -> dict[str, float]:
        """The figures of the set by name; those that are not defined are left out.

        The mean over photographs of each metric, and: psnr_pooled, auc, auc_prior, auc_balanced, dcf, dcf_absolute,
        calibration_error, semantic_accuracy (in %, for class_right), fid.
        """
        found = {}
        for metric in self.metrics(model):
            values = self.values(model, metric)
            if (defined := values[~np.isnan(values)]).size:
                found[metric] = float(defined.mean())
        if "class_right" in found:
            found["semantic_accuracy"] = 100 * found.pop("class_right")
        if model == TRUTH:
            return found
        sizes = [photograph.height * photograph.width for photograph in self.protocol.photographs]
        found["psnr_pooled"] = psnr_pooled(self.values(model, "mse_rgb"), sizes)
        found |= areas_under_curve(self.areas(model).sum(axis=0), self.pixels.sum(axis=0))
        for name, metric in (("dcf", "colorfulness"), ("dcf_absolute", "colorfulness_absolute")):
            found[name] = dcf(self.values(model, metric), self.values(TRUTH, metric))
        if (reliability := self.reliability(model)) is not None:
            found["calibration_error"] = reliability.error()
        if "features" in self._measured[model] and len(self.photos) > 1:
            found["fid"] = fid(self._measured[model]["features"], self._measured[TRUTH]["features"])
        return found

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


def areas_under_curve(areas: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    """`auc`, `auc_prior` and `auc_balanced` as `metrics.Areas` has them, in %, from sums over a set.

    Args:
        areas: [..., 313], the sum over the pixels of each true bin of their area under the curve, 0..1 each.
        pixels: [..., 313], how many there are. Both may be weighted, as in a bootstrap.
    Returns:
        a number each, or an array [...].
    """
    total = pixels.sum(axis=-1)
    scarce = 1 / published_prior()
    counts = pixels >= RARE * total[..., None]
    area = np.divide(areas, pixels, out=np.zeros(np.shape(areas)), where=pixels > 0)
    found = {
        "auc": areas.sum(axis=-1) / total,
        "auc_prior": (areas * scarce).sum(axis=-1) / (pixels * scarce).sum(axis=-1),
        "auc_balanced": (area * counts).sum(axis=-1) / counts.sum(axis=-1),
    }
    return {name: 100 * value if np.ndim(value) else 100 * float(value) for name, value in found.items()}


def read_run(folder: str | os.PathLike) -> Run:
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
        found = read_measured(folder, label)
        if found is not None and tuple(found["photos"]) == photos:
            measured[label] = found
    models = tuple(label for label in measured if label != TRUTH)
    if TRUTH not in measured or not models:
        raise DataError(f"{folder} is not finished: repeat the tintype evaluate that made it, which continues there")
    return Run(folder, protocol, models, photos, measured)


def read_protocol(folder: Path) -> Protocol | None:
    """The protocol of a run; None where there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    path = folder / protocols.FILE
    try:
        return Protocol.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({why}); evaluate into another folder") from None


def read_measured(folder: Path, label: str) -> dict[str, np.ndarray] | None:
    """The arrays that were measured of a model, also of one that is not complete; None where there are none.

    Raises:
        DataError: the file is broken.
    """
    path = measured_path(folder, label)
    try:
        # Opened here: numpy leaves a file that is broken open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it, and repeat tintype evaluate") from None


def measured_path(folder: Path, label: str) -> Path:
    """Where the figures of a model lie."""
    return folder / "measured" / f"{label}.npz"


def picture_path(folder: Path, label: str, photo: str) -> Path:
    """Where a coloured photograph lies; of TRUTH, the photograph itself."""
    return folder.joinpath(*(("predictions", label) if label != TRUTH else (TRUTH,)), f"{photo}.png")


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
