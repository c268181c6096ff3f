"""The bootstrap over photographs: its figures are those of the set, and its intervals hold what they should."""

from types import SimpleNamespace

import numpy as np
import pytest

from tintype.errors import DataError
from tintype.evaluation import metrics
from tintype.evaluation.bootstrap import Resampled, interval, weights
from tintype.evaluation.protocol import TRUTH
from tintype.evaluation.results import read_run
from written_evaluations import write_evaluation


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_evaluation(tmp_path_factory.mktemp("evaluation") / "run"))


def made_up(**values: np.ndarray) -> SimpleNamespace:
    """A run of which only a figure of each photograph is known, for each model."""
    return SimpleNamespace(photos=next(iter(values.values())), values=lambda model, metric: values[model])


@pytest.mark.parametrize("model", ["gray", "vivid"])
def test_the_first_figures_are_those_of_the_run(run, model):
    figures = Resampled(run, samples=5)
    for metric, value in run.figures(model).items():
        assert figures.figure(metric, model)[0] == pytest.approx(value, rel=1e-9), metric


def test_a_photograph_of_double_weight_counts_as_two(run):
    """The pooled PSNR and the areas of a redrawing are those of a set that has a photograph twice."""
    figures = Resampled(run, samples=1)
    figures.weights = np.array([[2, 1, 1, 1]]) / 5
    twice = [0, *range(4)]
    areas, pixels = (values[twice].sum(axis=0) for values in (run.values("pale", "areas"), run.values(TRUTH, "bins")))
    assert figures.figure("auc", "pale") == pytest.approx(metrics.auc(areas, pixels))
    assert figures.figure("auc_prior", "pale") == pytest.approx(metrics.auc_prior(areas, pixels))
    bins = metrics.frequent(run.values(TRUTH, "bins").sum(axis=0))
    assert figures.figure("auc_balanced", "pale") == pytest.approx(metrics.auc_balanced(areas, pixels, bins))
    error = run.values("pale", "mse_rgb")[twice].mean()
    assert figures.figure("psnr_pooled", "pale") == pytest.approx(10 * np.log10(255**2 / error))


def test_the_bins_of_auc_balanced_are_those_of_the_set_in_every_redrawing():
    """A bin that a single photograph fills stays, however little that photograph counts: its area does not vary."""
    pixels = np.zeros((3, 313))
    pixels[:, 0], pixels[0, 1] = 10_000, 20
    areas = pixels * np.array([0.5, 0.7, 0.9])[:, None]
    columns = {("truth", "bins"): pixels, ("model", "areas"): areas}
    measured = SimpleNamespace(photos=["a", "b", "c"], values=lambda model, column: columns[model, column])
    figures = Resampled(measured, samples=500)
    assert list(np.flatnonzero(figures.bins)) == [0, 1]
    first = 100 * (figures.weights @ np.array([0.5, 0.7, 0.9]))
    assert figures.figure("auc_balanced", "model") == pytest.approx((first + 50) / 2)


def test_what_was_not_measured_is_said(run):
    with pytest.raises(DataError, match="no confidence of gray"):
        Resampled(run, samples=5).figure("calibration_error", "gray")


@pytest.mark.parametrize(("kind", "count"), [("normal", 60), ("exponential", 300)])
def test_intervals_cover_the_truth(kind, count):
    """Of 400 simulated sets of photographs: both models share what makes a photograph hard, 4 dB of it; one is better
    by 0.3 dB, and something by chance."""
    chance = np.random.default_rng(1)
    values = {}
    for number in range(400):
        values[f"hard {number}"] = chance.normal(22, 4, count)
        apart = chance.normal(0, 1, count) if kind == "normal" else chance.exponential(1, count) - 1
        values[f"better {number}"] = values[f"hard {number}"] + 0.3 + apart
    figures = Resampled(made_up(**values), samples=1000)
    singles = [interval(figures.figure("psnr", f"hard {number}")) for number in range(400)]
    pairs = [interval(figures.difference("psnr", f"better {number}", f"hard {number}")) for number in range(400)]
    assert 0.92 <= np.mean([low <= 22 <= high for low, high in singles]) <= 0.98
    assert 0.92 <= np.mean([low <= 0.3 <= high for low, high in pairs]) <= 0.98


def test_intervals_are_as_wide_as_theory_says():
    """Of a mean the standard error of the Bayesian bootstrap is the deviation over root n + 1 (Rubin 1981)."""
    values = np.random.default_rng(0).normal(0, 1, 99)
    figure = Resampled(made_up(a=values), samples=5000).figure("psnr", "a")
    assert figure[1:].std() == pytest.approx(values.std() / 10, rel=0.03)


def test_a_photograph_without_a_value_is_left_out():
    nan = float("nan")
    figures = Resampled(made_up(a=np.array([1.0, nan, 3, 8]), b=np.array([5.0, 7, nan, 2]), c=np.full(4, nan)), 10)
    assert figures.figure("psnr", "a")[0] == pytest.approx(4)
    # Both have the first and the last photograph alone.
    assert figures.difference("psnr", "a", "b")[0] == pytest.approx((1 - 5 + 8 - 2) / 2)
    assert np.isnan(figures.figure("psnr", "c")).all()
    assert np.isnan(interval(figures.difference("psnr", "a", "c"))).all()


def test_an_infinite_figure_has_an_infinite_interval():
    figures = Resampled(made_up(a=np.array([30.0, np.inf]), b=np.array([30.0, 30.0])), samples=10)
    assert interval(figures.figure("psnr", "a")) == (np.inf, np.inf)
    assert interval(figures.difference("psnr", "a", "b")) == (np.inf, np.inf)


def test_weights_are_of_the_set_first_and_the_same_each_time():
    drawn = weights(7, 3)
    assert drawn[0] == pytest.approx(np.full(7, 1 / 7))
    assert drawn.sum(axis=1) == pytest.approx(np.ones(4))
    assert np.array_equal(drawn, weights(7, 3))
