"""The methods of the comparison: what each tests, with how many seeds, and whether it was trained for long enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.comparison.seeds import ENOUGH, RUNS
from tintype import targets
from tintype.color.bins import published_bins
from tintype.errors import DataError
from tintype.plots.curves import Log, read_log
from tintype.training import norms, record
from tintype.training.config import Config

CONFIGS = Path("configs/comparison")
LEAST, MOST = 360_000, 420_000
"""Parameters of a released network, between which those of all methods lie whose size is not what they test."""


@dataclass(frozen=True)
class Method:
    """A method of `configs/comparison/`."""

    tests: str
    """What it is there to show, beside which other method."""
    seeds: int = 1
    sized: bool = True
    """Whether it has between LEAST and MOST parameters; a method that tests an architecture may not."""
    before: str = ""
    """A configuration that is trained first, for a fifth of the samples, which the method starts from."""
    milliseconds: float = 20.0
    """Processor time that a sample takes, for a first guess of how long runs take; see docs/comparison.md."""


METHODS: Mapping[str, Method] = {
    "eccv16.own": Method("soft codes, rebalanced by the set's own prior", ENOUGH, milliseconds=19),
    "eccv16.rebalanced": Method("ImageNet's prior, beside eccv16.own", ENOUGH, milliseconds=19),
    "resunet.l1": Method("absolute error", ENOUGH, milliseconds=18),
    "resunet.mse": Method("squared error, beside resunet.l1", ENOUGH, milliseconds=18),
    "dcgan.mse": Method("the generator of dcgan.gan without a critic", ENOUGH, milliseconds=54),
    "dcgan.gan": Method("a critic that sees colour alone, beside dcgan.mse", ENOUGH, milliseconds=111),
    "dcgan.conditional": Method("a critic that also sees lightness, beside dcgan.gan", ENOUGH, milliseconds=111),
    "eccv16.soft": Method("no rebalancing, beside eccv16.rebalanced", ENOUGH, milliseconds=19),
    "eccv16.onehot": Method("one-hot codes, beside eccv16.soft", ENOUGH, milliseconds=19),
    "eccv16.euclidean": Method("regression, beside eccv16.soft", ENOUGH, milliseconds=14),
    "classifier.soft": Method("classification without skips", ENOUGH, milliseconds=19),
    "cnn_mse.mse": Method("regression without skips, beside classifier.soft", ENOUGH, milliseconds=26),
    "resunet.gan": Method("a critic beside absolute error, beside resunet.l1", ENOUGH, milliseconds=67),
    "resunet.perceptual": Method("features and absolute error, beside resunet.l1", ENOUGH, milliseconds=242),
    "resunet.features": Method("features alone, beside resunet.perceptual", ENOUGH, milliseconds=242),
    "eccv16.low": Method("output at 1/8, beside eccv16.own at 1/4", ENOUGH, milliseconds=11),
    "eccv16.half": Method("output at 1/2, beside eccv16.own at 1/4", ENOUGH, milliseconds=40),
    "eccv16.simplified": Method(
        "fewer layers in narrower blocks, beside eccv16.own of the same size", ENOUGH, milliseconds=16
    ),
    "eccv16.smoothed": Method("a smoothed prior, beside eccv16.own", ENOUGH, milliseconds=19),
    "tintype.small": Method("the flagship in small", ENOUGH, milliseconds=10),
    "resunet.l1mse": Method("absolute and squared error, beside each alone", ENOUGH, milliseconds=18),
    "cnn10.hsv": Method("hue and saturation", ENOUGH, milliseconds=37),
    "cnn10.lab": Method("a*b*, beside cnn10.hsv", ENOUGH, milliseconds=37),
    "pix2pix.gan": Method("patches that see lightness and colour", ENOUGH, milliseconds=40),
    "unet.pretrained": Method("a pretrained encoder, beside unet.random", sized=False, milliseconds=50),
    "unet.random": Method("the same encoder from random weights", sized=False, milliseconds=50),
    "unet.frozen": Method("the pretrained encoder unchanged, beside unet.pretrained", sized=False, milliseconds=31),
    "resunet.nogan": Method("NoGAN, beside resunet.gan", milliseconds=30),
    "resunet.judged": Method("a critic almost alone, beside resunet.gan", ENOUGH, milliseconds=67),
    "resunet.lpips": Method("LPIPS alone, beside resunet.features", milliseconds=500),
    "resunet.semantic": Method(
        "what a classifier sees as further input, beside resunet.mse", sized=False, milliseconds=15
    ),
    "siggraph17.hints": Method("training with hints, beside siggraph17.plain", milliseconds=27),
    "siggraph17.plain": Method("the network of siggraph17.hints without hints", milliseconds=27),
    "eccv16.warm": Method("few kinds of photographs first, beside eccv16.own", before="eccv16.warmup", milliseconds=19),
    "eccv16.lean": Method("half the parameters, beside eccv16.simplified", sized=False, milliseconds=9),
    "eccv16.shallow": Method("fewer layers, beside eccv16.own", milliseconds=18),
    "eccv16.dropout": Method("dropout, beside eccv16.own", milliseconds=19),
    "eccv16.adam": Method("Adam, beside eccv16.own by AdamW", milliseconds=19),
    "eccv16.l2": Method("weight decay in the gradient, beside eccv16.adam", milliseconds=19),
    "eccv16.adadelta": Method("Adadelta, beside eccv16.adam", milliseconds=19),
    "eccv16.grid": Method("bins of its own, beside eccv16.own", milliseconds=19),
    "eccv16.529": Method("529 bins, beside eccv16.own", milliseconds=19),
}
"""Name -> method, in the order in which they are trained: those first that most claims rest on."""

WARMUP = 0.2
"""Share of the samples for what a method starts from."""


SIDE_HEAD = "model_class."
"""The parameters of siggraph17 that its released network leaves out."""


def parameters(config: Config) -> int:
    """Parameters of the network as it is released: norms folded, without a side head.

    Where the photographs decide on the bins, they count as 313.
    """
    with torch.device("meta"):
        network = norms.fold(config.make_network(channels(config)))
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith(SIDE_HEAD))


def channels(config: Config) -> int:
    """The maps that a method's network ends in; 313 bins where the photographs decide on them."""
    table = targets.table(config.target, published_bins)
    return targets.make(config.target, table).channels


BUDGETS: Mapping[str, float] = {"half": 0.5, "double": 2.0, "held": 1.0}
"""Runs that tell whether a method was trained for long enough, by their share of its samples; "held" holds the rate.

They lie in ROOT/half/seed-K, ROOT/double/seed-K and ROOT/held/seed-K."""

STILL = 0.01
"""A method is undertrained whose validation loss falls by more than this share of itself when the samples double."""


def undertrained_by(
    whole: Log, *, half: Log | None = None, double: Log | None = None, held: Log | None = None
) -> str | None:
    """Why a method counts as undertrained: with twice the samples its validation loss would still fall by more than
    STILL. Empty: it does not count as that; None: no run tells.

    The loss at the end of a run whose rate fell to 0 hardly moves, however short the run was, so its own curve tells
    nothing. These runs do, the first that is there:

    - `double`, of twice the samples, shows what they bring.
    - `half`, of half the samples, shows what the last doubling brought. The next one brings less as a rule, so a method
      passes whose loss fell little; one whose loss fell more counts as undertrained until `double` was trained.
    - `held`, of the same samples at a rate that does not fall, shows the same by its own curve from its middle on.
    """
    if double is not None:
        return _said(_fall(last_loss(whole), last_loss(double)), "with twice the samples")
    if half is not None:
        return _said(_fall(last_loss(half), last_loss(whole)), "from half the samples to all")
    if held is not None:
        steps, losses = held.series("validation", "loss")
        middle = float(np.interp(steps[-1] / 2, steps, losses))
        return _said(_fall(middle, losses[-1]), "over the second half of a run at a held rate")
    return None


def last_loss(log: Log) -> float:
    """The last validation loss of a run.

    Raises:
        DataError: it was never validated.
    """
    losses = log.series("validation", "loss")[1]
    if not len(losses):
        raise DataError(f"{log.name}: the run was never validated")
    return float(losses[-1])


def _fall(before: float, after: float) -> float:
    return (before - after) / abs(before)


def _said(fall: float, when: str) -> str:
    return f"its validation loss falls by {100 * fall:.1f} % {when}" if fall > STILL else ""


def undertrained(root: Path, seed: int = 1) -> dict[str, str | None]:
    """`undertrained_by` of every method of a comparison whose run is complete, from all runs that are there."""
    found = {}
    for name in METHODS:
        runs = {budget: root / budget / f"seed-{seed}" / RUNS / name for budget in BUDGETS}
        whole = root / f"seed-{seed}" / RUNS / name
        if is_complete(whole):
            logs = {budget: read_log(run) for budget, run in runs.items() if is_complete(run)}
            found[name] = undertrained_by(read_log(whole), **logs)
    return found


def is_complete(run: Path) -> bool:
    """Whether a run has made all its steps, by its record."""
    try:
        return bool(json.loads((run / record.NAME).read_text(encoding="utf-8"))["complete"])
    except (OSError, ValueError, KeyError):
        return False
