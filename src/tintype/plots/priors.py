"""Prior against prior, bin by bin: how often each colour is met in two sets, and what rebalancing makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tintype.color.bins import count, published_bins, published_prior, rebalancing_weights
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb
from tintype.data.shards import DESCRIPTION, Photographs, describe, shard_paths, sources
from tintype.errors import DataError, OptionError
from tintype.plots.curves import LOG
from tintype.plots.figure import FAINT, INK, new, powers, style
from tintype.plots.photographs import colours, colours_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = "published"


@dataclass(frozen=True)
class Prior:
    """How often each of the 313 bins is met."""

    name: str
    values: NDArray[np.float64]
    """float64 [313], sums to 1."""


def load(source: str | PathLike[str]) -> Prior:
    """The prior of a source.

    Args:
        source: "published" (ImageNet's); a prepared set or its set.json; a folder of shards or of photographs, whose
            colours are counted softly; the folder of a run, whose training set it is; a .npy file with 313 values.
    Raises:
        DataError: it is none of these, cannot be read, or is over other bins.
    """
    if source == PUBLISHED:
        return Prior("ImageNet, published", published_prior())
    path = Path(source)
    name = path.absolute().name
    if path.suffix == ".npy":
        return _checked(name, path, _array(path))
    if path.name == DESCRIPTION:
        return load(path.parent)
    if (path / LOG).is_file():
        return Prior(name, _of_run(path))
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; give a set, a run, photographs or {PUBLISHED!r}")
    description = describe(path)
    if description is not None:
        return _checked(name, path, description.get("prior"))
    return Prior(name, _counted(colours(path)))


def _array(path: Path) -> NDArray[np.generic]:
    """What a .npy file holds."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the prior cannot be read ({error})") from None


def _checked(name: str, path: Path, numbers: object) -> Prior:
    """The prior that numbers from a file are. Raises DataError when they are not one of each bin."""
    try:
        values = np.asarray(numbers, np.float64)
        if values.shape != (len(published_bins()),) or not (values.min() >= 0 and values.sum() > 0):
            raise ValueError
    except (TypeError, ValueError):
        raise DataError(f"{path}: contains no prior over the {len(published_bins())} published bins") from None
    return Prior(name, values / values.sum())


def _of_run(run: Path) -> NDArray[np.float64]:
    """The prior of what a run trains on, as its log names it."""
    try:
        with (run / LOG).open(encoding="utf-8") as file:
            data = next(json.loads(line) for line in file if '"start"' in line)["config"]["data"]
        folder, train, validation, limit = (data[key] for key in ("folder", "train", "validation", "limit"))
    except (StopIteration, ValueError, KeyError, TypeError):
        raise DataError(f"{run / LOG}: does not say what the run was trained on; give its data set instead") from None
    patterns = data.get("sources", ())
    description = describe(folder)
    if description and train == "train-*.tar" and limit is None and not patterns:
        return _checked(folder, Path(folder), description.get("prior")).values
    shards = [path for path in shard_paths(folder) if fnmatch(path.name, train) and not fnmatch(path.name, validation)]
    known = sources(folder) if patterns else {}
    chosen = {name for name, place in known.items() if any(fnmatch(place, pattern) for pattern in patterns)}
    return _counted(colours_of(Photographs(shards, limit, chosen.__contains__ if patterns else None)))


def _counted(photographs: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The prior, [313], of photographs given by their a*b*, [n, 2] each."""
    counts = np.zeros(len(published_bins()))
    for ab in photographs:
        counts += count(ab)
    return np.asarray(counts / counts.sum())


def bin_colours(bins: NDArray[np.float64], lightness: float = 60) -> NDArray[np.float64]:
    """sRGB in [0, 1] of bins [Q, 2] at one lightness, their chroma shrunk to what sRGB holds; [Q, 3]."""
    lab = np.column_stack([np.full(len(bins), float(lightness)), bins])
    return np.asarray(np.clip(lab_to_rgb(fit_chroma(lab)), 0, 1))


def draw(first: Prior, second: Prior, uniform: float = 0.5) -> Figure:
    """Left, each bin as a point in its colour, one prior across and the other up; right, both priors and the weights
    that the rebalancing makes of them, the bins ordered by the first.

    Args:
        uniform: lambda of the rebalancing weights, in [0, 1].
    Raises:
        OptionError: lambda is outside.
    """
    if not 0 <= uniform <= 1:
        raise OptionError(f"The share of the uniform prior must be from 0 to 1, not {uniform}")
    with style():
        return _draw(first, second, uniform)


def _draw(first: Prior, second: Prior, uniform: float) -> Figure:
    p, q = first.values, second.values
    colour = bin_colours(published_bins())
    lowest = min(values[values > 0].min() for values in (p, q)) / 2
    page = new(10.4, 5.2)
    left, right = page.subfigures(1, 2, squeeze=False, width_ratios=(0.92, 1))[0]
    points = left.subplots()
    points.set(xscale="log", yscale="log", xlabel=first.name, ylabel=second.name, aspect="equal")
    points.set_title("prior of each bin")
    reach = (lowest / 1.5, max(p.max(), q.max()) * 2)
    points.set(xlim=reach, ylim=reach)
    powers(points.xaxis)
    powers(points.yaxis)
    points.plot(reach, reach, color=FAINT, linewidth=0.8, zorder=1)
    # A bin that one of them never meets has no place on a logarithmic scale: it stands on the edge, as a ring.
    met = (p > 0) & (q > 0)
    rim = {"edgecolors": "#00000055", "linewidths": 0.5, "s": 26, "zorder": 2}
    points.scatter(p[met], q[met], c=colour[met], **rim)
    points.scatter(
        np.maximum(p, lowest)[~met],
        np.maximum(q, lowest)[~met],
        c="none",
        **rim | {"edgecolors": colour[~met], "linewidths": 1.2},
    )
    if not met.all():
        points.text(
            0.02,
            0.98,
            f"rings: {np.count_nonzero(~met)} bins that occur in only one of them",
            transform=points.transAxes,
            va="top",
            fontsize=7.5,
            color=FAINT,
        )
    order = np.argsort(-p, kind="stable")
    three = right.subplots(3, 1, sharex=True)
    for panel, prior in zip(three, (first, second), strict=False):
        values = prior.values[order]
        panel.bar(range(len(p)), np.maximum(values, lowest) - lowest, bottom=lowest, width=1.0, color=colour[order])
        panel.set(yscale="log", ylim=(lowest, reach[1]))
        powers(panel.yaxis, 5)
        panel.set_title(f"{prior.name}: {_entropy(values):.2f} nats")
    weights = three[2]
    for prior, line, ink in ((first, "-", INK), (second, (0, (4, 1.5)), "#D55E00")):
        weight = rebalancing_weights(prior.values, uniform)[order]
        weight[weight == 0] = np.nan
        weights.step(range(len(p)), weight, where="mid", linestyle=line, color=ink, linewidth=1.1, label=prior.name)
    weights.set(yscale="log", xlim=(-1, len(p)), xlabel=f"bins, by the prior of {first.name}")
    weights.yaxis.set_major_formatter("{x:g}")
    weights.set_title(f"weights of the rebalancing, \N{GREEK SMALL LETTER LAMDA} = {uniform:g}")
    weights.legend(loc="lower right", fontsize=7.5)
    for panel in three:
        panel.grid(axis="x", visible=False)
    return page


def _entropy(prior: NDArray[np.float64]) -> float:
    """In nats."""
    met = prior[prior > 0]
    return float(-(met * np.log(met)).sum())
