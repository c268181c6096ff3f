"""What the five projects found, decided by our own figures.

Each claim is listed with the figures that decide it and, for each figure, the side of 0 on which the claim puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.comparison.bootstrap import Resampled, rank_correlation
from benchmarks.comparison.measure import at
from benchmarks.comparison.table import LOW, constants_above, logs, methods, undertrained, with_interval
from tintype.color.bins import published_bins
from tintype.evaluation.bootstrap import interval, weights
from tintype.evaluation.figures import METRICS
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log

RULE = """A claim is **confirmed** if the 95 % interval of each of its figures lies on the side of 0 that the claim
names. It is **refuted** if none does and at least one lies on the other side. Otherwise it is **undecided**, and also
if a method that it needs is undertrained or was not measured. The intervals come from the Bayesian bootstrap over
photographs, the same photographs for all methods; for a figure over methods, also from the bootstrap over methods. They
do not include the effect of another seed. The last column gives the verdict with a second seed, where one was trained,
and a claim whose two verdicts contradict each other is undecided. Differences are first minus second; figures in
brackets decide nothing. We chose the deciding figures before measuring, with five exceptions: three claims at T = 1,
and two that compare a critic with the same network without one. In these, our first choice included a method that
counts as undertrained."""


CONFIRMED, REFUTED = "**confirmed**", "**refuted**"
FEWEST = 5
"""Least number of methods for a figure over methods."""


@dataclass(frozen=True)
class Measured:
    """All that claims are decided by."""

    figures: Resampled
    logs: dict[str, Log]
    marked: dict[str, list[str]]
    """The undertrained methods, and why."""

    def methods(self) -> list[str]:
        """Those trained enough."""
        return [label for label in methods(self.figures) if label not in self.marked]

    def weak(self, label: str) -> bool:
        """Whether a way supports no claim. What only the temperature of its card keeps down may do so at another."""
        reasons = self.marked.get(method := _method(label), [])
        if label != method and not constants_above(self.figures, label):
            reasons = [reason for reason in reasons if not reason.startswith(LOW)]
        return bool(reasons)


@dataclass(frozen=True)
class Evidence:
    """One figure of a claim."""

    words: str
    figure: Callable[[Measured], np.ndarray | None]
    """[1 + samples]; None: fewer than FEWEST methods to judge by."""
    side: int
    """+1 or -1: where the claim puts it; 0: told, and decides nothing."""
    needs: tuple[str, ...] = ()
    """Labels that must have been measured; those of methods must not be undertrained."""
    form: str = "{:+.2f}"


@dataclass(frozen=True)
class Claim:
    who: str
    """The project, as in the list of what they found."""
    words: str
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    """Why there is no evidence."""


NAMES = {name: metric.title for name, metric in METRICS.items()} | {"ab_error": "ab error", "red": "red %"}


def pair(first: str, second: str, **sides: int) -> tuple[Evidence, ...]:
    """Paired differences of two ways, by metric."""

    def of(metric: str) -> Callable:
        return lambda measured: measured.figures.difference(metric, first, second)

    return tuple(
        Evidence(f"{NAMES.get(metric, metric)}, {first} − {second}", of(metric), side, (first, second))
        for metric, side in sides.items()
    )


SATURATED = 60.0
"""Chroma of the bins that are the saturated extremes."""


def saturated(first: str, second: str) -> Evidence:
    """The area under the curve where the truth is saturated, each bin with the same weight."""

    def area(figures: Resampled, label: str) -> np.ndarray:
        bins = figures.bins & (np.hypot(*published_bins().T) >= SATURATED)
        return 100 * (figures.areas(label)[:, bins] / figures.pixels[:, bins]).mean(axis=1)

    return Evidence(
        f"auc_balanced over bins of a chroma of at least {SATURATED:g}, {first} − {second}",
        lambda measured: area(measured.figures, first) - area(measured.figures, second),
        1,
        (first, second),
    )


SPREAD = (0.0, 0.14, None, 0.58, 1.0)
"""Temperatures whose figures are compared; None: the card's."""


def spread(metric: str, name: str) -> tuple[Callable, tuple[str, ...]]:
    """The largest minus the smallest of a metric over temperatures, and the labels it needs."""
    labels = tuple(name if t is None else at(name, t) for t in SPREAD)
    return lambda measured: np.ptp([measured.figures.figure(metric, label) for label in labels], axis=0), labels


def narrower(metric: str, first: str, second: str) -> Evidence:
    """Whether temperature changes one model less than another."""
    (one, mine), (other, theirs) = spread(metric, first), spread(metric, second)
    words = f"range of {NAMES.get(metric, metric)} over T = 0 to 1, {first} − {second}"
    return Evidence(words, lambda measured: one(measured) - other(measured), -1, mine + theirs)


def over_methods(measured: Measured) -> np.ndarray | None:
    """Rank correlation of PSNR and colourfulness over the methods."""
    labels = measured.methods()
    if len(labels) < FEWEST:
        return None
    metrics = [[measured.figures.mean(metric, label) for label in labels] for metric in ("psnr", "colorfulness")]
    return rank_correlation(*(np.stack(metric, axis=-1) for metric in metrics), weights(len(labels)))


def over_photographs(label: str) -> Evidence:
    """Rank correlation of a photograph's detail and a way's error on it."""

    def figure(measured: Measured) -> np.ndarray:
        ways = measured.figures.ways
        return rank_correlation(ways[TRUTH]["detail"], ways[label]["ab_error"], measured.figures.weights)

    return Evidence(f"rank correlation of detail and ab error over photographs, {label}", figure, 1, (label,))


def of_runs(value: Callable[[Log], float]) -> Callable[[Measured], np.ndarray | None]:
    """The mean of a run's figure over the methods."""

    def figure(measured: Measured) -> np.ndarray | None:
        values = np.array([value(measured.logs[label]) for label in measured.methods() if label in measured.logs])
        return weights(len(values)) @ values if len(values) >= FEWEST else None

    return figure


def together(log: Log) -> float:
    """Rank correlation of validation loss and auc_balanced over the second half of a run."""
    losses, areas = (log.series("validation", figure)[1] for figure in ("loss", "auc_balanced"))
    half = len(losses) // 2
    return float(rank_correlation(losses[half:], areas[half:]))


def rise(log: Log) -> float:
    """Share in % by which the last validation loss is above the lowest."""
    losses = log.series("validation", "loss")[1]
    return float(100 * (losses[-1] / losses.min() - 1))


REACHED = 0.9


def later(log: Log) -> float:
    """Share of a run, in %, by which chroma reaches 0.9 of its last value later than the loss 0.9 of its fall.

    The loss starts from the first logged training steps; between validations both go straight.
    """
    steps, losses = log.series("validation", "loss")
    chroma = log.series("validation", "chroma")[1]
    first, start = (values[0] for values in log.series("train", "loss"))
    steps = np.concatenate([[first], steps])
    loss = (start - np.concatenate([[start], losses])) / (start - losses[-1])
    colour = np.concatenate([[0.0], chroma]) / chroma[-1]
    return float(100 * (_crossing(steps, colour) - _crossing(steps, loss)) / steps[-1])


def _crossing(steps: np.ndarray, share: np.ndarray) -> float:
    """The step at which a share that starts at 0 first reaches REACHED."""
    after = int(np.argmax(share >= REACHED))
    part = (REACHED - share[after - 1]) / (share[after] - share[after - 1])
    return float(steps[after - 1] + part * (steps[after] - steps[after - 1]))


CLAIMS: Sequence[Claim] = (
    Claim(
        "A",
        "the network of hue and saturation is weak (here: against its twin to a*b*)",
        pair("cnn10.hsv", "cnn10.lab", psnr=-1, auc_balanced=-1, colorfulness=0),
    ),
    Claim(
        "B",
        "lowering the resolution of the output helps most",
        pair("eccv16.low", "eccv16.own", psnr=1, auc_balanced=1, colorfulness=0),
    ),
    Claim(
        "B",
        "rebalancing gives vibrancy (here: at T = 1)",
        (
            *pair(at("eccv16.rebalanced", 1), at("eccv16.soft", 1), colorfulness=1, auc_balanced=0, psnr=0),
            *pair("eccv16.rebalanced", "eccv16.soft", colorfulness=0),
        ),
    ),
    Claim(
        "C",
        "regression barely colours and yet scores well (here: beside the distribution's mean)",
        (
            *pair("eccv16.euclidean", at("eccv16.soft", 1), colorfulness=-1, psnr=1, auc_balanced=0),
            *pair("eccv16.euclidean", "eccv16.soft", colorfulness=0, psnr=0),
        ),
    ),
    Claim(
        "C",
        "soft encoding beats one-hot (here: at T = 1)",
        (
            *pair(at("eccv16.soft", 1), at("eccv16.onehot", 1), auc_balanced=1, psnr=1, colorfulness=0),
            *pair("eccv16.soft", "eccv16.onehot", auc_balanced=0, psnr=0),
        ),
    ),
    Claim(
        "C",
        "grey is learnt first, colour in the flat tail of the curve",
        (
            Evidence(
                "chroma reaches 0.9 of its last value later than the loss 0.9 of its fall, % of the run, over methods",
                of_runs(later),
                1,
                form="{:+.1f}",
            ),
        ),
    ),
    Claim(
        "C",
        "the simplified network is better (here of the same size)",
        pair("eccv16.simplified", "eccv16.own", auc_balanced=1, psnr=1, colorfulness=0),
    ),
    Claim(
        "C",
        "the set's own prior is sharper and better than ImageNet's",
        pair("eccv16.own", "eccv16.rebalanced", auc_balanced=1, psnr=1, colorfulness=0),
    ),
    Claim(
        "C",
        "temperature matters less with the own prior",
        (
            narrower("colorfulness", "eccv16.own", "eccv16.rebalanced"),
            narrower("psnr", "eccv16.own", "eccv16.rebalanced"),
        ),
    ),
    Claim(
        "C",
        "rebalanced models over-predict red",
        (
            *pair("eccv16.rebalanced", TRUTH, red=1),
            *pair("eccv16.own", TRUTH, red=1),
            *pair(at("eccv16.rebalanced", 1), TRUTH, red=0),
            *pair("tintype.small", TRUTH, red=0),
        ),
    ),
    Claim(
        "C",
        "the metrics rank desaturated models best",
        (Evidence("rank correlation of PSNR and colourfulness over methods", over_methods, -1),),
    ),
    Claim(
        "C",
        "the validation loss rises while metrics and images improve",
        (
            Evidence(
                "rank correlation of validation loss and auc_balanced in a run's second half, over methods",
                of_runs(together),
                1,
            ),
            Evidence(
                "last validation loss above the lowest, %, over methods",
                of_runs(rise),
                0,
            ),
        ),
    ),
    Claim("C", "busy images are harder", (over_photographs("tintype.small"), over_photographs("eccv16.own"))),
    Claim(
        "C",
        "unsmoothed weights give better saturated extremes",
        (
            saturated("eccv16.own", "eccv16.smoothed"),
            *pair("eccv16.own", "eccv16.smoothed", auc_balanced=0, psnr=0, colorfulness=0),
        ),
    ),
    Claim("C", "sky and interiors always right, grass and water sometimes swapped", why="needs labels of regions"),
    Claim("C", "more classes: worse loss, better on the first test set", why="all runs see the same photographs"),
    Claim(
        "D",
        "a perceptual loss is better than one of pixels",
        pair("resunet.perceptual", "resunet.l1", auc_balanced=1, psnr=1, colorfulness=0),
    ),
    Claim(
        "D",
        "question: absolute error is better than squared error",
        pair("resunet.l1", "resunet.mse", auc_balanced=1, psnr=1, colorfulness=0),
    ),
    Claim(
        "D",
        "question: absolute and squared error together are better than either",
        (
            *pair("resunet.l1mse", "resunet.l1", auc_balanced=1, psnr=1),
            *pair("resunet.l1mse", "resunet.mse", auc_balanced=1, psnr=1),
        ),
    ),
    Claim(
        "D",
        "question: an adversary improves on absolute error alone",
        (
            *pair("resunet.gan", "resunet.l1", auc_balanced=1, colorfulness=1, psnr=0),
            *pair("pix2pix.gan", "resunet.l1", auc_balanced=0, colorfulness=0),
        ),
    ),
    Claim("E", "squared error desaturates", pair("cnn_mse.mse", TRUTH, colorfulness=-1)),
    Claim(
        "E",
        "classification gives more realistic colour than regression",
        pair("classifier.soft", "cnn_mse.mse", auc_balanced=1, colorfulness=1, psnr=0),
    ),
    Claim(
        "E",
        "the annealed mean is much more consistent in space than the mode",
        (
            *pair("eccv16.own", at("eccv16.own", 0), roughness=-1),
            *pair("eccv16.rebalanced", at("eccv16.rebalanced", 0), roughness=-1),
            *pair("eccv16.soft", at("eccv16.soft", 0), roughness=0),
        ),
    ),
    Claim(
        "E",
        "adversarial training is promising",
        pair("dcgan.gan", "dcgan.mse", auc_balanced=1, colorfulness=1, psnr=0),
    ),
)


def verdict(claim: Claim, measured: Measured) -> tuple[list[str], str]:
    """Each figure of a claim in words, and what they decide."""
    if not claim.evidence:
        return [], f"undecided ({claim.why})"
    told, sides, doubts = [], [], []
    for evidence in claim.evidence:
        missing = [f"{label} was not measured" for label in evidence.needs if label not in measured.figures.ways]
        if evidence.side:
            doubts += missing[:1]
        if missing:
            continue
        if evidence.side:
            doubts += [f"{label} is undertrained" for label in evidence.needs if measured.weak(label)]
        figure = evidence.figure(measured)
        if figure is None:
            doubts.append(f"fewer than {FEWEST} methods to judge by")
            continue
        text = f"{evidence.words}: {with_interval(figure, evidence.form.format)}"
        told.append(text if evidence.side else f"({text})")
        if evidence.side:
            low, high = interval(figure)
            sides.append(evidence.side * ((low > 0) - (high < 0)))
    if doubts:
        return told, f"undecided ({', '.join(dict.fromkeys(doubts))})"
    if all(side > 0 for side in sides):
        return told, CONFIRMED
    if all(side <= 0 for side in sides) and min(sides) < 0:
        return told, REFUTED
    return told, "undecided"


def _method(label: str) -> str:
    """The method of a label that may name a temperature."""
    return label.partition(" T=")[0]


def decide(folder: Path, runs: Path | None, again: tuple[Path, Path | None] | None = None) -> str:
    """The claims as Markdown; `again`: figures and runs of the same methods with another seed."""
    measured = read(folder, runs)
    other = read(*again) if again else None
    lines = [RULE, "", "| | claim | figures | here |", "|---|---|---|---|"]
    if other is not None:
        lines[2:] = ["| | claim | figures | here | second seed |", "|---|---|---|---|---|"]
    for claim in CLAIMS:
        told, said = verdict(claim, measured)
        cells = [claim.who, claim.words, "<br>".join(told), said]
        if other is not None:
            trained = all(label in other.figures.ways for evidence in claim.evidence for label in evidence.needs)
            again_said = verdict(claim, other)[1] if claim.evidence and trained else "not measured"
            cells[-1:] = [of_both(said, again_said), again_said]
        lines.append(f"| {' | '.join(cells)} |")
    if measured.marked:
        why = "; ".join(f"{label} ({', '.join(reasons)})" for label, reasons in measured.marked.items())
        lines += ["", f"Undertrained: {why}."]
    return "\n".join(lines)


def of_both(said: str, again: str) -> str:
    """The verdict of two seeds: a claim that one confirms and the other refutes is undecided."""
    turns = {said, again} == {CONFIRMED, REFUTED}
    return f"undecided (depends on the seed; first seed: {said.strip('*')})" if turns else said


def read(folder: Path, runs: Path | None) -> Measured:
    """All that claims are decided by, from the folders of figures and of runs."""
    figures = Resampled(folder)
    found = logs(runs, methods(figures))
    return Measured(figures, found, undertrained(figures, found))
