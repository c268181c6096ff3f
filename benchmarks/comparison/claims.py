"""What the five projects found, decided by our own figures.

Each claim is listed with the figures that decide it and, for each figure, the side of 0 on which the claim puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t

from benchmarks.comparison.bootstrap import Resampled, rank_correlation
from benchmarks.comparison.cars import GRAY_CAR, OTHER_HUES
from benchmarks.comparison.measure import BASELINES, CONSTANT, MEAN, at
from benchmarks.comparison.methods import METHODS
from benchmarks.comparison.seeds import ENOUGH, Figure
from benchmarks.comparison.table import LOW, Record, figure_of, record
from tintype.color.bins import published_bins
from tintype.errors import DataError
from tintype.evaluation.bootstrap import weights
from tintype.evaluation.figures import METRICS
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log

Kind = Literal["confirmed", "refuted", "undecided", "untested"]

FEWEST = 5
"""Least number of methods for a figure over methods, and of photographs for one of cars."""
SAMPLES = 300_000
"""Of a run, where its price is told."""
MOST = 12
"""Seeds beyond which more seeds are not worth their time."""

RULE = f"""A verdict needs {ENOUGH} seeds of every method that it rests on. A claim is **confirmed** if the 95 %
interval of each of its deciding figures lies on the side of 0 that the claim names, and **refuted** if none does and
at least one lies wholly on the other side. Otherwise it is undecided, and also with fewer seeds, when we say where
the figures point, and if a method that it needs supports no claim. It is untested if nothing was measured under the
conditions of the claim. The intervals are over photographs and seeds: photographs by the Bayesian bootstrap, the same
weights for all methods and seeds, and seeds by Student's distribution (`over_seeds` in
`benchmarks/comparison/bootstrap.py`). With one seed they are over photographs alone. A figure over methods is also
redrawn over methods. Differences are first minus second, seed by seed. Figures in brackets decide nothing."""


@dataclass(frozen=True)
class Measured:
    """All that claims are decided by, of one seed."""

    figures: Resampled
    logs: dict[str, Log]
    marked: Mapping[str, Sequence[str]]
    """The methods that support no claim, and why."""
    regions: Resampled | None = None
    """The same of photographs whose regions are labelled."""
    cars: Resampled | None = None
    """Of photographs with cars that were painted in other colours; no method is asked."""

    def methods(self) -> list[str]:
        """Those that support claims."""
        ways = [label for label in self.figures.ways if label not in (TRUTH, *BASELINES) and label == _method(label)]
        return [label for label in ways if label not in self.marked]


Found = np.ndarray | str
"""A figure [1 + samples], or why there is none."""


@dataclass(frozen=True)
class Evidence:
    """One figure of a claim."""

    words: str
    figure: Callable[[Measured], Found]
    side: int
    """+1 or -1: where the claim puts it; 0: told, and decides nothing."""
    needs: tuple[str, ...] = ()
    """Labels that must have been measured; those of methods must support claims."""
    form: str = "{:+.2f}"
    trained: bool = True
    """Whether it depends on how a network was trained; if not, there are no seeds."""


@dataclass(frozen=True)
class Claim:
    who: str
    """The project, as in the list of what they found."""
    words: str
    evidence: tuple[Evidence, ...] = ()
    untested: str = ""
    """Why the figures are of other conditions than the claim's, if they are."""
    test: str = ""
    """What would decide it, and what that costs; empty: further seeds of its methods."""
    chosen: str = ""
    """Why the deciding figures were chosen after some were seen, if they were."""
    aside: bool = False
    """A question beside the claims, for whose methods one seed is planned: it only says where that points."""


@dataclass(frozen=True)
class Verdict:
    """What the figures say of a claim."""

    kind: Kind
    why: str = ""
    told: tuple[tuple[Evidence, Figure], ...] = ()
    seeds: int | None = None
    """The fewest that a deciding figure has; None: none was trained for it."""

    @property
    def decided(self) -> bool:
        return self.kind in ("confirmed", "refuted")


NAMES = {name: metric.title for name, metric in METRICS.items()} | {"ab_error": "ab error", "red": "red %"}


def pair(first: str, second: str, **sides: int) -> tuple[Evidence, ...]:
    """Paired differences of two ways, by metric."""

    def of(metric: str) -> Callable[[Measured], Found]:
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
        found: np.ndarray = 100 * (figures.areas(label)[:, bins] / figures.pixels[:, bins]).mean(axis=1)
        return found

    return Evidence(
        f"auc_balanced over bins of a chroma of at least {SATURATED:g}, {first} − {second}",
        lambda measured: area(measured.figures, first) - area(measured.figures, second),
        1,
        (first, second),
    )


SPREAD = (0.0, 0.14, None, 0.58, 1.0)
"""Temperatures whose figures are compared; None: the card's."""


def spread(metric: str, name: str) -> tuple[Callable[[Measured], np.ndarray], tuple[str, ...]]:
    """The largest minus the smallest of a metric over temperatures, and the labels it needs."""
    labels = tuple(name if t is None else at(name, t) for t in SPREAD)
    return lambda measured: np.ptp([measured.figures.figure(metric, label) for label in labels], axis=0), labels


def narrower(metric: str, first: str, second: str) -> Evidence:
    """Whether temperature changes one model less than another."""
    (one, mine), (other, theirs) = spread(metric, first), spread(metric, second)
    words = f"range of {NAMES.get(metric, metric)} over T = 0 to 1, {first} − {second}"
    return Evidence(words, lambda measured: one(measured) - other(measured), -1, mine + theirs)


FEW = f"fewer than {FEWEST} methods to judge by"


def over_methods(measured: Measured) -> Found:
    """Rank correlation of PSNR and colourfulness over the methods."""
    labels = measured.methods()
    if len(labels) < FEWEST:
        return FEW
    metrics = [[measured.figures.mean(metric, label) for label in labels] for metric in ("psnr", "colorfulness")]
    return rank_correlation(*(np.stack(metric, axis=-1) for metric in metrics), weights(len(labels)))


def over_photographs(label: str) -> Evidence:
    """Rank correlation of a photograph's detail and a way's error on it."""

    def figure(measured: Measured) -> Found:
        ways = measured.figures.ways
        return rank_correlation(ways[TRUTH]["detail"], ways[label]["ab_error"], measured.figures.weights)

    return Evidence(f"rank correlation of detail and ab error over photographs, {label}", figure, 1, (label,))


def of_runs(value: Callable[[Log], float], *names: str) -> Callable[[Measured], Found]:
    """The mean of a run's figure over the methods.

    Args:
        names: what the logs must hold.
    """

    def figure(measured: Measured) -> Found:
        logs = [measured.logs[label] for label in measured.methods() if label in measured.logs]
        logs = [log for log in logs if all(len(log.series("validation", name)[0]) for name in names)]
        if len(logs) < FEWEST:
            return f"fewer than {FEWEST} runs whose logs hold {' and '.join(names)}"
        return weights(len(logs)) @ np.array([value(log) for log in logs])

    return figure


def of_two_runs(value: Callable[[Log], float], name: str, first: str, second: str) -> Callable[[Measured], Found]:
    """The difference of a figure of two runs; it has no interval of its own, only that over seeds."""

    def figure(measured: Measured) -> Found:
        for label in (first, second):
            if label not in measured.logs or not len(measured.logs[label].series("validation", name)[0]):
                return f"no log of {label} that holds {name}"
        difference = value(measured.logs[first]) - value(measured.logs[second])
        return np.full(len(measured.figures.weights), difference)

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


SOON = 0.2


def soon(log: Log) -> float:
    """Mean validation loss over the first fifth of a run."""
    steps, losses = dense(log, "loss")
    part = np.linspace(steps[0], max(SOON * steps[-1], steps[0]), 50)
    return float(np.interp(part, steps, losses).mean())


REACHED = 0.9


def later(log: Log) -> float:
    """Share of a run, in %, by which the spread of chroma reaches 0.9 of its last value later than the loss 0.9 of its
    fall.

    The spread is about the mean colour, so that a uniform brown has none. The first looks of a run count too; where
    there are none, the loss starts from the first logged training steps. In between both go straight.
    """
    steps, losses = dense(log, "loss")
    wide = dense(log, "spread")[1]
    first, start = (values[0] for values in log.series("train", "loss"))
    if first < steps[0]:
        steps, losses, wide = (
            np.concatenate([[value], series]) for value, series in ((first, steps), (start, losses), (0.0, wide))
        )
    loss = (losses[0] - losses) / (losses[0] - losses[-1])
    return float(100 * (_crossing(steps, wide / wide[-1]) - _crossing(steps, loss)) / steps[-1])


def dense(log: Log, figure: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a figure at the first looks of a run and at its validations."""
    both = dict(zip(*log.series("early", figure), strict=True)) | dict(
        zip(*log.series("validation", figure), strict=True)
    )
    steps = np.array(sorted(both))
    return steps, np.array([both[step] for step in steps])


def _crossing(steps: np.ndarray, share: np.ndarray) -> float:
    """The step at which a share first reaches REACHED."""
    after = int(np.argmax(share >= REACHED))
    if after == 0:
        return float(steps[0])
    part = (REACHED - share[after - 1]) / (share[after] - share[after - 1])
    return float(steps[after - 1] + part * (steps[after] - steps[after - 1]))


def in_regions(words: str, side: int, first: tuple[str, str], second: tuple[str, str]) -> Evidence:
    """The difference of two columns of `regions`, each of a way: (column, label)."""

    def figure(measured: Measured) -> Found:
        if measured.regions is None:
            return "no photographs with labelled regions were measured"
        (column, label), (other, theirs) = first, second
        try:
            ours = measured.regions.measured.values(label, column)
            found = measured.regions.mean_of(ours - measured.regions.measured.values(theirs, other))
        except DataError as error:
            return str(error)
        return "no photographs with such regions were measured" if np.isnan(found).any() else found

    return Evidence(words, figure, side, tuple(dict.fromkeys((first[1], second[1]))))


def with_cars(metric: str) -> Evidence:
    """What PSNR or SSIM says of cars in other hues of the same chroma, beside gray cars; no network is asked."""

    def figure(measured: Measured) -> Found:
        if measured.cars is None:
            return "no photographs with labelled cars were measured"
        if measured.cars.count < FEWEST:
            return f"fewer than {FEWEST} photographs with cars in colour were measured"
        return measured.cars.difference(metric, OTHER_HUES, GRAY_CAR)

    return Evidence(f"{NAMES[metric]}, cars in another hue − gray cars", figure, -1, form="{:+.3f}", trained=False)


def price(runs: Mapping[str, int]) -> str:
    """What so many runs of some methods take."""
    hours = sum(count * METHODS[name].milliseconds for name, count in runs.items()) * SAMPLES / 1000 / 3600
    return f"{sum(runs.values())} runs of {SAMPLES:,} samples, about {hours:.0f} hours of a processor core"


CLAIMS: Sequence[Claim] = (
    Claim(
        "A",
        "the network of hue and saturation is weak (here: against its twin to a*b*)",
        pair("cnn10.hsv", "cnn10.lab", psnr=-1, auc_balanced=-1, colorfulness=0),
    ),
    Claim(
        "A",
        "DeOldify is good: little bleeding, slightly desaturated",
        untested="its weights cannot be had where this was measured",
        test="its authors' weights, converted and measured: edge bleeding at most the truth's, ΔCF below 0 and above "
        "that of `resunet.l1`; half an hour",
    ),
    Claim(
        "A",
        "the self-supervised part is key, even in GANs",
        pair("resunet.judged", "resunet.gan", auc_balanced=-1, psnr=-1, colorfulness=0),
    ),
    Claim(
        "B",
        "lowering the resolution of the output helps most",
        (
            *pair("eccv16.low", "eccv16.own", psnr=1, auc_balanced=1, colorfulness=0),
            *pair("eccv16.own", "eccv16.half", psnr=0, auc_balanced=0, colorfulness=0),
        ),
    ),
    Claim(
        "B",
        "50 000 photographs are far too few for the paper's results",
        untested="the published network's weights cannot be had where this was measured, and our networks are a "
        "hundredth of its size",
        test="the authors' ECCV16, converted and measured, and `eccv16.rebalanced` on a quarter, half and all of the "
        f"photographs with the same number of samples, three seeds each: {price({'eccv16.rebalanced': 9})}",
    ),
    Claim(
        "B",
        "rebalancing gives vibrancy (here: at T = 1)",
        (
            *pair(at("eccv16.rebalanced", 1), at("eccv16.soft", 1), colorfulness=1, auc_balanced=0, psnr=0),
            *pair("eccv16.rebalanced", "eccv16.soft", colorfulness=0),
        ),
        chosen="at T = 0.38 the method without rebalancing is no better than a constant colour",
    ),
    Claim(
        "C",
        "regression barely colours and yet scores well (here: beside the distribution's mean)",
        (
            *pair("eccv16.euclidean", at("eccv16.soft", 1), colorfulness=-1, psnr=1, auc_balanced=0),
            *pair("eccv16.euclidean", "eccv16.soft", colorfulness=0, psnr=0),
        ),
        chosen="at T = 0.38 the classifier is no better than a constant colour",
    ),
    Claim(
        "C",
        "soft encoding beats one-hot (here: at T = 1)",
        (
            *pair(at("eccv16.soft", 1), at("eccv16.onehot", 1), auc_balanced=1, psnr=1, colorfulness=0),
            *pair("eccv16.soft", "eccv16.onehot", auc_balanced=0, psnr=0),
        ),
        chosen="at T = 0.38 both are no better than a constant colour",
    ),
    Claim(
        "C",
        "grey is learnt first, colour in the flat tail of the curve",
        (
            Evidence(
                "spread of chroma about its mean reaches 0.9 of its last value later than the loss 0.9 of its fall, "
                "% of the run, over methods",
                of_runs(later, "loss", "spread"),
                1,
                form="{:+.1f}",
            ),
        ),
        chosen="we first took the mean chroma, which counts a uniform brown as colour",
    ),
    Claim(
        "C",
        "the simplified network learns faster (here of the same size)",
        (
            Evidence(
                "mean validation loss over the first fifth of the run, eccv16.simplified − eccv16.own",
                of_two_runs(soon, "loss", "eccv16.simplified", "eccv16.own"),
                -1,
                ("eccv16.simplified", "eccv16.own"),
                form="{:+.3f}",
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
        tuple(
            part
            for label in ("eccv16.rebalanced", "eccv16.own", at("eccv16.rebalanced", 1), "tintype.small")
            for part in pair(label, TRUTH, red=0)
        ),
        untested="project C weighed its loss by the prior of nearly one batch, with 76 empty bins and values down to "
        "1e-42, while ours is that of all photographs; our networks are also small and were trained briefly",
        test="`eccv16.own` with the prior of one batch beside `eccv16.own`, three seeds each: "
        + price({"eccv16.own": 6}),
    ),
    Claim(
        "C",
        "the metrics rank desaturated models best",
        (Evidence("rank correlation of PSNR and colourfulness over methods", over_methods, -1),),
    ),
    Claim(
        "C",
        "PSNR and SSIM are blind to a thing's having several plausible colours (cars)",
        (with_cars("psnr"), with_cars("ssim")),
        test="photographs whose cars are labelled, and no training: minutes",
    ),
    Claim(
        "C",
        "the validation loss rises while metrics and images improve",
        (
            Evidence(
                "rank correlation of validation loss and auc_balanced in a run's second half, over methods",
                of_runs(together, "loss", "auc_balanced"),
                0,
            ),
            Evidence("last validation loss above the lowest, %, over methods", of_runs(rise, "loss"), 0),
        ),
        untested="project C saw its photographs 100 to 600 times, ours were seen 2 to 11 times",
        test="`eccv16.own` on 3 000 photographs for 100 passes, three seeds: " + price({"eccv16.own": 3}),
    ),
    Claim(
        "C",
        "more classes: worse loss, better on the first test set",
        untested="all methods here see the same photographs",
        test="`eccv16.own` on one collection and on all, measured on the held-out photographs of the one, three seeds "
        "each: " + price({"eccv16.own": 6}),
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
    Claim(
        "C",
        "sky is right, grass and water are sometimes swapped (interiors have no label here)",
        (
            in_regions(
                "ab error in sky, eccv16.own − prior mean", -1, ("error.sky", "eccv16.own"), ("error.sky", MEAN)
            ),
            in_regions(
                "grass nearer to the colour of water, %, eccv16.own − truth",
                1,
                ("swap.grass.water", "eccv16.own"),
                ("swap.grass.water", TRUTH),
            ),
            in_regions(
                "water nearer to the colour of grass, %, eccv16.own − truth",
                1,
                ("swap.water.grass", "eccv16.own"),
                ("swap.water.grass", TRUTH),
            ),
        ),
    ),
    Claim(
        "D",
        "a perceptual loss is better than one of pixels",
        (
            *pair("resunet.perceptual", "resunet.l1", auc_balanced=1, psnr=1, colorfulness=0),
            *pair("resunet.features", "resunet.l1", auc_balanced=0, psnr=0, colorfulness=0),
        ),
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
        chosen="we first took `pix2pix.gan`, which is another network",
    ),
    Claim("E", "squared error desaturates", pair("cnn_mse.mse", TRUTH, colorfulness=-1)),
    Claim(
        "E",
        "classification gives more realistic colour than regression (here: on one body, at T = 1)",
        (
            *pair(at("eccv16.soft", 1), "eccv16.euclidean", auc_balanced=1, colorfulness=1, psnr=0),
            *pair("classifier.soft", "cnn_mse.mse", auc_balanced=0, colorfulness=0, psnr=0),
        ),
        chosen="we first compared `classifier.soft` at T = 0.38 with `cnn_mse.mse`, two different networks",
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
        (
            *pair("dcgan.gan", "dcgan.mse", auc_balanced=1, colorfulness=1, psnr=0),
            *pair("dcgan.conditional", "dcgan.mse", auc_balanced=0, colorfulness=0, psnr=0),
        ),
        chosen="we first took a comparison with another network",
    ),
    Claim(
        "E",
        "question: a critic that also sees the lightness is better than one that sees colour alone",
        pair("dcgan.conditional", "dcgan.gan", auc_balanced=1, psnr=1, colorfulness=0),
    ),
    *(
        Claim(who, f"question: {words}", pair(first, second, auc_balanced=1, psnr=1, colorfulness=0), aside=True)
        for who, words, first, second in (
            ("A", "a critic that joins late (NoGAN) is better than one from the start", "resunet.nogan", "resunet.gan"),
            ("A", "a pretrained encoder is better than random weights", "unet.pretrained", "unet.random"),
            ("A", "a pretrained encoder is better trained on than frozen", "unet.pretrained", "unet.frozen"),
            ("B", "dropout helps", "eccv16.dropout", "eccv16.own"),
            ("B", "weight decay in the gradient (L2) is better than none of it in Adam", "eccv16.l2", "eccv16.adam"),
            ("B", "AdamW is better than Adam", "eccv16.own", "eccv16.adam"),
            ("B", "Adadelta is better than Adam", "eccv16.adadelta", "eccv16.adam"),
            ("B", "fewer layers are enough", "eccv16.shallow", "eccv16.own"),
            ("C", "half the parameters are enough", "eccv16.lean", "eccv16.simplified"),
            ("D", "LPIPS is a better loss than features", "resunet.lpips", "resunet.features"),
            ("D", "what a classifier sees helps as further input", "resunet.semantic", "resunet.mse"),
            ("E", "a grid of bins of one's own is better than the 313", "eccv16.grid", "eccv16.own"),
            ("–", "529 bins are better than 313", "eccv16.529", "eccv16.own"),
            ("–", "few kinds of photographs first are better than all at once", "eccv16.warm", "eccv16.own"),
            ("–", "training with hints is better also without hints", "siggraph17.hints", "siggraph17.plain"),
        )
    ),
)


def verdict(claim: Claim, measured: Sequence[Measured]) -> Verdict:
    """What the seeds that were measured say of a claim."""
    told: list[tuple[Evidence, Figure]] = []
    deciding: list[tuple[Evidence, Figure]] = []
    lacking: list[str] = []
    doubts: list[str] = []
    for evidence in claim.evidence:
        missing = [label for label in evidence.needs if not any(label in each.figures.ways for each in measured)]
        if missing:
            if evidence.side:
                lacking.append(f"{missing[0]} was not measured")
            continue
        holders = [each for each in measured if all(label in each.figures.ways for label in evidence.needs)]
        found = [evidence.figure(each) for each in holders]
        figures = [figure for figure in found if not isinstance(figure, str)]
        if not figures:
            if evidence.side:
                lacking += [figure for figure in found if isinstance(figure, str)][:1] or [
                    "no seed has all its methods"
                ]
            continue
        pair_ = (evidence, Figure.of(figures if evidence.trained else figures[:1]))
        told.append(pair_)
        if evidence.side:
            deciding.append(pair_)
            doubts += [f"{label} supports no claim" for label in evidence.needs if _weak(label, holders)]
    if claim.untested or lacking or not deciding:
        return Verdict("untested", claim.untested or "; ".join(dict.fromkeys(lacking)), tuple(told))
    return _decided(tuple(told), deciding, list(dict.fromkeys(doubts)))


def _decided(
    told: tuple[tuple[Evidence, Figure], ...], deciding: Sequence[tuple[Evidence, Figure]], doubts: Sequence[str]
) -> Verdict:
    """The rule."""
    counts = [figure.seeds for evidence, figure in deciding if evidence.trained]
    seeds = min(counts) if counts else None
    sides = [evidence.side * figure.side for evidence, figure in deciding]
    toward: Kind = "undecided"
    if all(side > 0 for side in sides):
        toward = "confirmed"
    elif all(side <= 0 for side in sides) and min(sides) < 0:
        toward = "refuted"
    if seeds is not None and seeds < ENOUGH:
        points = f"points to {toward}" if toward != "undecided" else "points to neither"
        doubts = [f"{'one seed' if seeds == 1 else f'{seeds} seeds'}: {points}", *doubts]
    if doubts:
        return Verdict("undecided", "; ".join(doubts), told, seeds)
    return Verdict(toward, "", told, seeds)


def _weak(label: str, measured: Sequence[Measured]) -> bool:
    """Whether a way supports no claim. What only the temperature of its card keeps down may do so at another."""
    reasons = list(measured[0].marked.get(method := _method(label), []))
    if label != method and not _constants_above(measured, label):
        reasons = [reason for reason in reasons if not reason.startswith(LOW)]
    return bool(reasons)


def _constants_above(measured: Sequence[Measured], label: str) -> bool:
    return any(
        Figure.of([each.figures.difference("auc_balanced", label, name) for each in measured]).low <= 0
        for name in CONSTANT
    )


def _method(label: str) -> str:
    """The method of a label that may name a temperature."""
    return label.partition(" T=")[0]


def would_decide(claim: Claim, said: Verdict, seeds: Mapping[str, int]) -> str:
    """What would decide an open claim, and what that costs; empty: it is decided.

    Args:
        seeds: of each method, how many were measured.
    """
    if said.decided:
        return ""
    if claim.test:
        return claim.test
    needed = {_method(label) for part in claim.evidence if part.side for label in part.needs}
    missing = {
        name: ENOUGH - seeds.get(name, 0)
        for name in sorted(needed - {TRUTH, *BASELINES})
        if seeds.get(name, 0) < ENOUGH
    }
    if missing:
        names = ", ".join(f"{count} of {name}" for name, count in missing.items())
        return f"further seeds ({names}): {price(missing)}"
    if said.kind == "untested" or said.seeds is None or said.seeds < ENOUGH:
        return f"{ENOUGH} seeds of all methods, with the logs of their runs"
    counts = [enough(figure) for evidence, figure in said.told if evidence.side and not figure.side]
    if not counts:
        return "nothing that is more of the same: its figures contradict each other"
    if (most := max(counts)) > MOST:
        return f"more than {MOST} seeds, by how far these are apart"
    further = dict.fromkeys(sorted(needed - {TRUTH, *BASELINES}), most - said.seeds)
    return f"about {most} seeds, by how far these are apart: {price(further)}"


def enough(figure: Figure) -> int:
    """With how many seeds the interval of a figure would leave out 0, if seeds go on as far apart as these are."""
    spread = float(np.std(figure.by_seed, ddof=1))
    for count in range(figure.seeds, MOST + 1):
        if t.ppf(0.975, count - 1) * spread / np.sqrt(count) < abs(figure.value):
            return count
    return MOST + 1


def records(measured: Sequence[Measured]) -> list[Record]:
    """Every claim with its figures and its verdict, as findings.json holds them."""
    seeds = {
        label: sum(label in each.figures.ways for each in measured) for each in measured for label in each.figures.ways
    }
    found = []
    for claim in CLAIMS:
        said = verdict(claim, measured)
        found.append(
            {
                "who": claim.who,
                "claim": claim.words,
                "verdict": said.kind,
                "why": said.why,
                "seeds": said.seeds,
                "would": would_decide(claim, said, seeds),
                "chosen": claim.chosen,
                "aside": claim.aside,
                "figures": [
                    {"words": evidence.words, "side": evidence.side, "form": evidence.form} | record(figure)
                    for evidence, figure in said.told
                ],
            }
        )
    return found


def shown(found: Record) -> str:
    """A figure in words; in brackets if it decides nothing."""
    text = f"{found['words']}: {figure_of(found).text(found['form'].format)}"
    return text if found["side"] else f"({text})"


def said(found: Record) -> str:
    """A verdict in words."""
    kind = found["verdict"]
    return f"**{kind}**" if kind in ("confirmed", "refuted") else f"{kind} ({found['why']})" if found["why"] else kind


def table(found: Sequence[Record]) -> str:
    """All claims with all their figures, as Markdown."""
    lines = [RULE, "", "| | claim | figures | here | what would decide it |", "|---" * 5 + "|"]
    for row in found:
        figures = [*map(shown, row["figures"])]
        if row["chosen"]:
            figures.append(f"*Chosen after some figures were seen: {row['chosen']}.*")
        lines.append(f"| {row['who']} | {row['claim']} | {'<br>'.join(figures)} | {said(row)} | {row['would']} |")
    return "\n".join(lines)


def overview(found: Sequence[Record]) -> str:
    """The claims and questions of the projects, each with its verdict and one figure, as Markdown."""
    found = [row for row in found if not row["aside"]]
    counts = {kind: sum(row["verdict"] == kind for row in found) for kind in ("confirmed", "refuted", "undecided")}
    lines = [
        f"Of {len(found)} claims and questions, {counts['confirmed']} are confirmed, {counts['refuted']} refuted and "
        f"{counts['undecided']} undecided; {len(found) - sum(counts.values())} are untested.",
        "",
        "| | claim | here | the first figure |",
        "|---" * 4 + "|",
    ]
    for row in found:
        figure = shown(row["figures"][0]) if row["figures"] else ""
        lines.append(f"| {row['who']} | {row['claim']} | {said(row)} | {figure} |")
    return "\n".join(lines)
