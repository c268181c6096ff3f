"""The comparison of methods: its figures against those of the whole set, its rules, its cards."""

import io
import json
import re
import tarfile
import types
from importlib.resources import files

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.stats import spearmanr, t

from benchmarks.comparison import by_region, cars, claims, measure, methods, page, plots, release, samples, seeds, table
from benchmarks.comparison.__main__ import main
from benchmarks.comparison.bootstrap import Resampled, over_seeds, rank_correlation
from tintype.color.bins import published_bins
from tintype.errors import ConfigError, DataError
from tintype.evaluation.bootstrap import interval, weights
from tintype.evaluation.evaluator import ab_of, gray_of
from tintype.evaluation.metrics import Areas, colorfulness, psnr
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SIDE = 64


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> measure.Set:
    path = tmp_path_factory.mktemp("photographs") / "few.tar"
    with tarfile.open(path, "w") as archive:
        for name in PHOTOGRAPHS:
            buffer = io.BytesIO()
            Image.fromarray(getattr(skimage.data, name)()[::2, ::2]).save(buffer, "png")
            member = tarfile.TarInfo(f"{name}.png")
            member.size = buffer.tell()
            archive.addfile(member, io.BytesIO(buffer.getvalue()))
    return measure.Set(str(path), side=SIDE)


@pytest.fixture(scope="module")
def measured(photos, tiny, tmp_path_factory):
    """A folder with the truth, what knows nothing, and one model."""
    folder = tmp_path_factory.mktemp("figures")
    constants = {measure.MEAN: (3.0, 9.0), measure.ANNEALED: (0.0, 2.0)}
    ways = measure.ways_of([tiny], constants, ())
    measure.measure(ways, photos, folder, jobs=1)
    return folder, ways


def test_the_figures_are_those_of_the_whole_set(measured, photos, tiny):
    """The areas kept by photograph and bin add up to what one pass over all pixels gives."""
    folder, ways = measured
    figures = Resampled(folder, samples=10)
    paint = ways[-1].colorizer()
    photographs = photos.open()
    areas, rows = Areas(), []
    for number in range(len(photographs)):
        truth = photographs[number]
        ours = paint(gray_of(truth, "cie"))
        areas.add(ab_of(ours), ab_of(truth))
        rows.append((psnr(ours, truth), colorfulness(ours), colorfulness(ours) - colorfulness(truth)))
    expected = dict(zip(("psnr", "colorfulness", "dcf"), np.mean(rows, axis=0), strict=True))
    expected |= {"auc": areas.auc(), "auc_balanced": areas.auc_balanced()}
    for metric, value in expected.items():
        assert figures.figure(metric, "tiny.v1")[0] == pytest.approx(value, rel=1e-6), metric
    assert figures.bins.sum() == areas.bins()


def test_the_truth_is_without_error_and_gray_without_colour(measured):
    figures = Resampled(measured[0], samples=10)
    assert figures.figure("auc", TRUTH) == pytest.approx(100)
    assert figures.figure("auc_balanced", TRUTH) == pytest.approx(100)
    assert figures.figure("colorfulness", "gray") == pytest.approx(0)
    assert figures.figure("psnr", measure.MEAN)[0] > figures.figure("psnr", "another's colours")[0]


def test_differences_are_paired(measured):
    figures = Resampled(measured[0])
    assert interval(figures.difference("psnr", "gray", "gray")) == (0, 0)
    low, high = interval(figures.figure("psnr", "gray"))
    assert low < figures.figure("psnr", "gray")[0] < high


def test_what_was_measured_is_not_measured_again(measured, photos, build_model):
    folder, ways = measured
    photographs = photos.open()
    assert all(measure.is_measured(way, photos, photographs, folder) for way in ways)
    other = build_model(hints=True, temperature=True, offset=(0.0, 0.0))
    changed = measure.Way("tiny.v1", str(other))
    assert not measure.is_measured(changed, photos, photographs, folder)
    fewer = measure.Set(photos.tar, limit=2, side=SIDE)
    assert not measure.is_measured(ways[0], fewer, fewer.open(), folder)


def test_a_card_that_says_more_of_the_same_model_changes_no_figure(tiny, build_model):
    said = build_model(hints=True, temperature=True, card={"description": "the same", "version": "2"})
    assert measure.Way("a", str(said)).key() == measure.Way("a", str(tiny)).key()
    resized = build_model(hints=True, temperature=True, card={"size": 32})
    assert measure.Way("a", str(resized)).key() != measure.Way("a", str(tiny)).key()


def test_models_of_one_name_are_refused(tiny, build_model):
    with pytest.raises(DataError, match="too; give one"):
        measure.ways_of([tiny, build_model(hints=True, temperature=True)], {}, ())


@pytest.mark.parametrize(
    ("colour", "red"), [((220, 30, 30), 100), ((30, 30, 220), 0), ((30, 200, 30), 0), ((130,) * 3, 0)]
)
def test_what_counts_as_red(colour, red):
    picture = np.full((8, 8, 3), colour, np.uint8)
    assert measure.appearance(picture)["red"] == red


def test_roughness_is_the_distance_of_neighbouring_cells():
    stripes = np.zeros((8, 16, 2))
    stripes[:, 4:8] = stripes[:, 12:] = (3, 4)
    # Two rows of cells with three steps of 5 each, four columns with one step of 0 each.
    assert measure.roughness(stripes) == pytest.approx(5 * 6 / 10)


def test_weights_of_a_rank_correlation_count_like_copies():
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(2, 30))
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    kept = np.repeat([1.0, 0.0], 15)
    ranks = [values.argsort().argsort() for values in (first, second)]
    expected = np.corrcoef(ranks[0][:15], ranks[1][:15])[0, 1]
    assert rank_correlation(first, second, kept) == pytest.approx(expected)


# Seeds


def mixed_model(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of values [seeds, photographs], both random, by the analysis of variance of a mixed
    model, with Satterthwaite's degrees of freedom."""
    n, p = values.shape
    mean, rows, columns = values.mean(), values.mean(axis=1), values.mean(axis=0)
    of_seeds = p * ((rows - mean) ** 2).sum() / (n - 1)
    of_photographs = n * ((columns - mean) ** 2).sum() / (p - 1)
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / ((n - 1) * (p - 1))
    parts = np.array([of_seeds, of_photographs, -rest]) / (n * p)
    variance = max(parts.sum(), rest / (n * p))
    freedom = variance**2 / (parts**2 / [n - 1, p - 1, (n - 1) * (p - 1)]).sum()
    half = t.ppf(0.975, freedom) * np.sqrt(variance)
    return mean - half, mean + half


def coverage(apart: float, interval_of) -> tuple[float, float]:
    """Share of simulated experiments whose interval holds the truth, 0, and the mean width of the intervals.

    Three seeds, which stray by `apart`, on 60 photographs, which stray by 1 for all seeds alike and by 0.3 for each.
    """
    generator = np.random.default_rng(5)
    found = []
    for _ in range(300):
        values = apart * generator.normal(size=(3, 1)) + generator.normal(size=60)
        low, high = interval_of(values + 0.3 * generator.normal(size=(3, 60)))
        found.append((low <= 0 <= high, high - low))
    return tuple(np.mean(found, axis=0))


REDRAWN = weights(60, 1000)


def of_three(values: np.ndarray) -> tuple[float, float]:
    return interval(over_seeds([REDRAWN @ seed for seed in values]))


@pytest.mark.parametrize("apart", [0.0, 0.1, 1.0])
def test_an_interval_of_three_seeds_holds_the_truth_as_often_as_it_says(apart):
    """Wherever the seeds stray less than photographs, as much or more; a mixed model is our measure."""
    held, width = coverage(apart, of_three)
    other_held, other_width = coverage(apart, mixed_model)
    assert held >= max(0.93, other_held - 0.02)
    assert width < 1.5 * other_width


def test_weights_on_three_seeds_would_hold_it_too_rarely():
    """Which is why seeds are redrawn by Student's distribution, and not as photographs are."""
    drawn = weights(3, 1000)
    held, _ = coverage(1.0, lambda values: interval((drawn * (REDRAWN @ values.T)).sum(axis=1)))
    assert held < 0.8


def test_one_seed_is_what_it_is_and_seeds_that_agree_add_nothing():
    figure = REDRAWN @ np.random.default_rng(1).normal(size=60)
    assert np.array_equal(over_seeds([figure]), figure)
    assert over_seeds([figure] * 3) == pytest.approx(figure)


def test_two_seeds_are_wider_than_three_of_the_same_spread():
    flat = np.zeros(1001)
    (low2, high2), (low3, high3) = (
        interval(over_seeds([flat + v for v in values])) for values in ((-1, 1), (-1, 0, 1))
    )
    assert (low3, high3) == pytest.approx((-t.ppf(0.975, 2) / 3**0.5, t.ppf(0.975, 2) / 3**0.5), rel=0.02)
    assert low2 < 3 * low3
    assert high2 > 3 * high3


def test_folders_of_seeds_are_found_by_their_numbers(tmp_path):
    for name in ("seed-10", "seed-2", "seed-x", "cars"):
        (tmp_path / name).mkdir()
    assert list(seeds.folders(tmp_path)) == [2, 10]
    with pytest.raises(DataError, match="seed-1"):
        seeds.folders(tmp_path / "seed-2")


# What decides


def log_of(losses, spread=None, steps=None) -> Log:
    steps = steps or [100 * (n + 1) for n in range(len(losses))]
    spread = spread or [10.0] * len(losses)
    lines = [
        {"step": step, "loss": loss, "spread": s, "auc_balanced": 70.0}
        for step, loss, s in zip(steps, losses, spread, strict=True)
    ]
    return Log("a run", [{"step": 50, "loss": 2 * losses[0]}], lines, 8)


def test_colour_that_comes_after_the_loss_has_fallen_is_later():
    losses = [2.0, 1.0, 1.0, 1.0, 1.0]
    assert claims.later(log_of(losses, [1, 1, 1, 5, 10])) > 20
    assert claims.later(log_of(losses, [10, 10, 10, 10, 10])) < 0


def test_the_first_looks_of_a_run_count_too():
    log = log_of([1.0, 1.0, 1.0], [4, 7, 10])
    log.early.extend({"step": step, "loss": 1.0 + 9 / (1 + step), "spread": 0.0} for step in (0, 20, 50))
    assert list(claims.dense(log, "loss")[0]) == [0, 20, 50, 100, 200, 300]
    assert claims.later(log) > 60


def test_a_run_that_falls_sooner_has_the_lower_mean_loss_early_on():
    slow, fast = [4.0, 3.0, 2.0, 1.0, 1.0], [2.0, 1.5, 1.0, 1.0, 1.0]
    assert claims.soon(log_of(fast)) < claims.soon(log_of(slow))


class Figures(types.SimpleNamespace):
    """Resampled figures without photographs: each way has one figure."""

    def figure(self, metric: str, label: str) -> np.ndarray:
        return self.ways[label]

    def difference(self, metric: str, label: str, other: str) -> np.ndarray:
        return self.ways[label] - self.ways[other]


NOISE = np.linspace(-1, 1, 101)


def measured_of(ways: dict[str, float], marked=()) -> claims.Measured:
    figures = Figures(ways={label: value + NOISE * (label != "b") for label, value in ways.items()})
    return claims.Measured(figures, {}, {label: ["‡ not above prior mean"] for label in marked})


def decide(ways: dict[str, float], evidence, marked=(), count=3, **claim) -> claims.Verdict:
    return claims.verdict(
        claims.Claim("C", "a is better", evidence, **claim), [measured_of(ways, marked) for _ in range(count)]
    )


@pytest.mark.parametrize(
    ("first", "said"), [(2.0, "confirmed"), (0.5, "undecided"), (-0.5, "undecided"), (-2.0, "refuted")]
)
def test_an_interval_of_three_seeds_decides(first, said):
    assert decide({"a": first, "b": 0.0}, claims.pair("a", "b", psnr=1)).kind == said


@pytest.mark.parametrize(("count", "words"), [(1, "one seed"), (2, "2 seeds")])
def test_fewer_than_three_seeds_decide_nothing_and_say_where_they_point(count, words):
    for first, toward in ((2.0, "confirmed"), (-2.0, "refuted"), (0.5, "neither")):
        said = decide({"a": first, "b": 0.0}, claims.pair("a", "b", psnr=1), count=count)
        assert (said.kind, said.why) == ("undecided", f"{words}: points to {toward}")


def test_seeds_that_are_apart_decide_nothing():
    """Each seed alone would confirm or refute; the second was 0.8 apart in the first version of the page."""
    claim = claims.Claim("C", "a is better", claims.pair("a", "b", psnr=1))
    apart = [measured_of({"a": value, "b": 0.0}) for value in (2.0, 6.0, 1.5)]
    assert claims.verdict(claim, apart[:1]).why == "one seed: points to confirmed"
    assert claims.verdict(claim, apart) == claims.verdict(claim, apart)
    assert claims.verdict(claim, apart).kind == "undecided"


def test_what_needs_no_training_needs_no_seeds():
    evidence = claims.Evidence("a figure", lambda measured: 2.0 + NOISE, 1, trained=False)
    assert decide({"a": 2.0}, (evidence,), count=1).kind == "confirmed"


def test_figures_that_contradict_each_other_decide_nothing():
    contrary = claims.pair("a", "b", psnr=1) + claims.pair("a", "b", colorfulness=-1)
    said = decide({"a": 2.0, "b": 0.0}, contrary)
    assert said.kind == "undecided"
    claim = claims.Claim("C", "a is better", contrary)
    assert "contradict" in claims.would_decide(claim, said, {"a": 3, "b": 3})


def test_what_is_only_told_decides_nothing():
    told = claims.pair("a", "b", psnr=1) + claims.pair("a", "b", colorfulness=0)
    assert decide({"a": 2.0, "b": 0.0}, told).kind == "confirmed"
    assert decide({"a": 2.0, "b": 0.0}, claims.pair("a", "b", psnr=0)).kind == "untested"


def test_a_method_that_supports_no_claim_decides_none():
    said = decide({"a": 2.0, "b": 0.0}, claims.pair("a", "b", psnr=1), ["a"])
    assert (said.kind, said.why) == ("undecided", "a supports no claim")


def test_what_was_measured_under_other_conditions_or_not_at_all_is_untested():
    evidence = claims.pair("a", "b", psnr=1)
    said = decide({"a": 2.0, "b": 0.0}, evidence, untested="other photographs")
    assert (said.kind, said.why) == ("untested", "other photographs")
    assert decide({"a": 2.0}, evidence).why == "b was not measured"


def test_few_methods_say_nothing_of_all_and_old_logs_nothing_of_the_spread():
    old = Log("a run", [{"step": 50, "loss": 2.0}], [{"step": 100, "loss": 1.0, "chroma": 5.0}], 8)
    figures = Figures(ways={label: np.zeros(11) for label in "abcdef"})
    measured = claims.Measured(figures, dict.fromkeys("abcdef", old), {})
    assert "spread" in claims.of_runs(claims.later, "loss", "spread")(measured)
    assert not isinstance(claims.of_runs(claims.rise, "loss")(measured), str)
    few = claims.Measured(figures, {"a": old}, {})
    assert "fewer than 5 runs" in claims.of_runs(claims.rise, "loss")(few)


def test_an_open_claim_says_what_would_decide_it():
    first, second = "resunet.l1", "resunet.mse"
    evidence = claims.pair(first, second, psnr=1)
    claim = claims.Claim("D", "one is better", evidence)
    ways = {first: 2.0, second: -2.0}
    one = decide(ways, evidence, count=1)
    hours = 3 * methods.METHODS[first].milliseconds * 300_000 / 1000 / 3600
    assert claims.would_decide(claim, one, {first: 1, second: 2}) == (
        f"further seeds (2 of {first}, 1 of {second}): 3 runs of 300,000 samples, "
        f"about {hours:.0f} hours of a processor core"
    )
    assert claims.would_decide(claim, decide(ways, evidence), {first: 3, second: 3}) == ""


def test_seeds_that_a_figure_needs():
    wide = seeds.Figure(1.0, -1.5, 3.5, 3, (0.0, 1.0, 2.0))
    count = claims.enough(wide)
    assert t.ppf(0.975, count - 1) / count**0.5 < 1 <= t.ppf(0.975, count - 2) / (count - 1) ** 0.5


@pytest.mark.parametrize(
    ("mean", "said"), [(6.0, "‡ not above prior mean (at T=1 it is)"), (4.0, "‡ not above prior mean")]
)
def test_a_method_that_only_its_temperature_keeps_down_is_told_apart(mean, said):
    ways = {"a": 4.5, "a T=1": mean, measure.MEAN: 5.0, measure.ANNEALED: 1.0}
    figures = Figures(ways={label: np.full(11, value) for label, value in ways.items()})
    comparison = seeds.Comparison([seeds.Seed(1, figures, {})])
    assert table.marks(comparison) == {"a": [said]}
    assert table.marks(comparison, {"a": "better by 2 with double the samples"})["a"][0].startswith("† better")


def test_what_only_its_temperature_keeps_down_supports_a_claim_at_another():
    ways = {"a": 4.5, "a T=1": 6.0, measure.MEAN: 5.0, measure.ANNEALED: 1.0}
    figures = Figures(ways={label: np.full(11, value) for label, value in ways.items()})
    low = [claims.Measured(figures, {}, {"a": ["‡ not above prior mean"]})]
    assert claims._weak("a", low)
    assert not claims._weak("a T=1", low)
    short = [claims.Measured(figures, {}, {"a": ["† better with more", "‡ not above prior mean"]})]
    assert claims._weak("a T=1", short)


def test_saturated_extremes_are_the_bins_far_from_gray():
    far = np.hypot(*published_bins().T) >= 60
    areas = {"a": np.where(far, 0.9, 0.1)[None], "b": np.full((1, 313), 0.5)}
    figures = Figures(bins=np.full(313, True), pixels=np.ones((1, 313)), areas=areas.get)
    measured = claims.Measured(figures, {}, {})
    assert claims.saturated("a", "b").figure(measured) == pytest.approx(40)


def test_the_claims_ask_for_methods_that_there_are():
    asked = {claims._method(label) for claim in claims.CLAIMS for part in claim.evidence for label in part.needs}
    assert asked - {TRUTH, *measure.BASELINES} <= set(methods.METHODS)


def test_every_open_claim_without_evidence_says_why_and_what_would_test_it():
    for claim in claims.CLAIMS:
        assert any(part.side for part in claim.evidence) or (claim.untested and claim.test), claim.words


# Best of n


def test_neighbours_share_their_chance_and_every_pixel_has_its_own_distribution():
    generator = np.random.default_rng(0)
    field = samples.smooth_noise(300, 32, 32, 0.125, generator)
    assert field.std() == pytest.approx(1, abs=0.02)
    assert (field * np.roll(field, 4, axis=2)).mean() == pytest.approx(np.exp(-1), abs=0.05)  # 4 = 0.125 x 32
    shares = np.array([0.6, 0.3, 0.1])
    logits = np.log(shares)[:, None, None] * np.ones((1, 32, 32))
    found = np.concatenate([samples.drawn(logits, np.eye(3)[:, :2], 0.125, generator) for _ in range(100)], axis=2)
    assert found.mean(axis=(1, 2)) == pytest.approx(shares[:2], abs=0.03)


def test_the_best_of_n_is_the_mean_over_all_ways_to_take_n():
    from itertools import combinations

    values = np.array([3.0, 1.0, 4.0, 1.5, 9.0])
    for count in (1, 2, 4, 5):
        taken = list(combinations(values, count))
        assert samples.expected_best(values, count, True) == pytest.approx(np.mean([max(each) for each in taken]))
        assert samples.expected_best(values, count, False) == pytest.approx(np.mean([min(each) for each in taken]))


def test_the_best_of_more_colourings_is_better_and_a_regression_has_but_one(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "DRAWS", 4)
    monkeypatch.setattr(samples, "BEST_OF", (1, 4))
    monkeypatch.setattr(samples, "PHOTOGRAPHS", 2)
    model = files("tintype") / "models" / "weights" / "eccv16.own.onnx"
    for label in ("eccv16.own", "eccv16.own, drawn in parts"):
        samples.Task(measure.Way(label, str(model)), photos, tmp_path).work()
    found = samples.records([samples.read(tmp_path)])["ways"]
    plain, drawn = found["eccv16.own"], found["eccv16.own, drawn in parts"]
    assert list(plain["psnr"]) == ["1"]
    assert drawn["psnr"]["4"]["value"] > drawn["psnr"]["1"]["value"]
    assert drawn["rmse_ab"]["4"]["value"] < drawn["rmse_ab"]["1"]["value"]


# Regions and cars


def test_errors_are_of_the_pixels_of_each_kind_and_hues_may_swap():
    masks = {"grass": np.zeros((10, 10), bool), "water": np.zeros((10, 10), bool)}
    masks["grass"][:5], masks["water"][5:] = True, True
    truth = np.zeros((10, 10, 2))
    truth[:5], truth[5:] = (-20, 20), (-5, -30)
    hue = by_region.hues([(truth, masks)])
    exact = by_region.row(truth, truth, masks, hue)
    assert exact["error.grass"] == exact["swap.grass.water"] == exact["swap.water.grass"] == 0
    assert exact["chroma.grass"] == pytest.approx(800**0.5)
    swapped = by_region.row(truth[::-1], truth, masks, hue)
    assert swapped["swap.grass.water"] == swapped["swap.water.grass"] == 100
    assert swapped["error.water"] == pytest.approx(np.hypot(15, 50))
    gray = by_region.row(0 * truth, truth, masks, hue)
    assert np.isnan(gray["swap.grass.water"])
    assert np.isnan(gray["error.sky"])


def test_a_car_in_another_hue_keeps_its_lightness_and_all_else():
    rgb = np.full((16, 16, 3), (150, 110, 110), np.uint8)
    car = np.zeros((16, 16), bool)
    car[4:12, 4:12] = True
    found = list(cars.versions(rgb, car, (3.0, 9.0)))
    assert [label for label, _ in found] == [cars.OTHER_HUES] * 5 + [cars.GRAY_CAR, cars.BROWN_CAR]
    for label, version in found:
        assert np.array_equal(version[~car], rgb[~car])
        assert abs(int(gray_of(version, "cie")[5, 5]) - int(gray_of(rgb, "cie")[5, 5])) <= 1, label
    chroma = [np.linalg.norm(ab_of(version)[5, 5]) for _, version in found]
    assert chroma[:5] == pytest.approx([np.linalg.norm(ab_of(rgb)[5, 5])] * 5, abs=1)
    assert chroma[5] < 0.5
    psnrs = [psnr(version, rgb) for _, version in found]
    assert max(psnrs[1:4]) < psnrs[5]


# Cards


@pytest.mark.parametrize(("name", "size"), [("resunet.l1", 128), ("cnn10.hsv", 32)])
def test_the_last_size_that_fits_a_name_counts(name, size):
    assert release.size_of(name, release.SIZES) == size


@pytest.mark.parametrize("sizes", [["cnn10.*=32"], ["large"]])
def test_a_method_without_a_size_is_refused(sizes):
    with pytest.raises(ConfigError, match="size"):
        release.size_of("resunet.l1", sizes)


def loss(**changes) -> dict:
    return {"loss": {"cross_entropy": 1.0, "uniform": 0.5, "prior": "own", "perceptual": 0.0} | changes}


def test_the_training_data_is_what_the_comparison_sees():
    rows = release.training_data(loss())
    assert sum(row["photographs"] for row in rows) == 27_000
    assert not any("ImageNet" in row["name"] for row in rows)


@pytest.mark.parametrize("changes", [{"perceptual": 1.0}, {"prior": "published"}])
def test_what_comes_from_imagenet_through_the_loss_is_named(changes):
    rows = release.training_data(loss(**changes))
    assert [row for row in rows if "ImageNet" in row["name"]] == rows[:1]


def test_every_method_says_what_it_is():
    for path in release.CONFIGS.glob("*.toml"):
        assert release.said_of(path.stem).endswith("."), path


# Pages


@pytest.fixture(scope="module")
def root(measured, photos, tiny, tmp_path_factory):
    """The folder of a comparison with two seeds, which are alike."""
    root = tmp_path_factory.mktemp("comparison")
    for number in (1, 2):
        folder = root / f"seed-{number}" / seeds.FIGURES
        folder.mkdir(parents=True)
        for path in measured[0].glob("*.npz"):
            (folder / path.name).write_bytes(path.read_bytes())
    return root


def test_one_command_writes_the_findings_and_the_pages_keep_their_own_words(root, tmp_path):
    path, found = tmp_path / "page.md", tmp_path / "findings.json"
    text = "before\n" + "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\nown words\n" for name in page.PARTS)
    path.write_text(text)
    main(["page", str(root), "--findings", str(found), "--pages", str(path)])
    written = path.read_text()
    assert written.startswith("before\n")
    assert written.count("own words") == len(page.PARTS)
    assert "\nold\n" not in written
    assert re.search(r"\| tiny\.v1( ‡)? \| 2 \|", written)
    assert json.loads(found.read_text())["ways"]["tiny.v1"]["psnr"]["seeds"] == 2
    path.write_text(text.replace("/seeds", "/other"))
    with pytest.raises(DataError, match="seeds"):
        main(["page", str(root), "--findings", str(found), "--pages", str(path)])


def test_seeds_of_other_photographs_are_refused(root, photos, tmp_path):
    for number, limit in ((1, None), (2, 2)):
        folder = tmp_path / f"seed-{number}" / seeds.FIGURES
        folder.mkdir(parents=True)
        measure.measure_way(measure.Way(TRUTH), measure.Set(photos.tar, limit, SIDE), folder)
    with pytest.raises(DataError, match="other photographs"):
        seeds.read(tmp_path)


def test_the_pages_are_made_of_the_committed_findings():
    parts = page.parts()
    put = set()
    for path in page.PAGES:
        text = path.read_text(encoding="utf-8")
        for name, part in parts.items():
            if f"<!-- {name} -->" in text:
                assert f"<!-- {name} -->\n\n{part.strip()}\n\n<!-- /{name} -->" in text, (path, name)
                put.add(name)
    assert put == set(parts)


def test_no_committed_verdict_rests_on_fewer_than_three_seeds():
    found = json.loads(page.FINDINGS.read_text(encoding="utf-8"))
    trained = {claim.words: any(part.trained for part in claim.evidence if part.side) for claim in claims.CLAIMS}
    assert [row["claim"] for row in found["claims"]] == list(trained)
    for row in found["claims"]:
        if row["verdict"] in ("confirmed", "refuted"):
            deciding = [figure for figure in row["figures"] if figure["side"]]
            assert deciding, row["claim"]
            if trained[row["claim"]]:
                assert row["seeds"] >= 3, row["claim"]
                assert all(figure["seeds"] >= 3 for figure in deciding), row["claim"]
        else:
            assert row["would"], row["claim"]


def test_each_family_of_claims_has_its_plot(tmp_path):
    log = Log("a run", [{"step": 50, "loss": 9.0}], [], 8)
    rows = [(0, 8.0, 0.1), (100, 2.0, 0.2), (1000, 1.0, 6.0)]
    log.validation.extend({"step": s, "loss": v, "spread": w, "true_spread": 12.0} for s, v, w in rows)
    learnt = plots.series(log)
    assert learnt["fallen"] == pytest.approx([0, 6 / 7, 1], rel=1e-4)
    assert learnt["spread"][-1] == 0.5
    found = json.loads(page.FINDINGS.read_text(encoding="utf-8"))
    written = plots.draw(found | {"learning": {"resunet.l1": learnt}}, tmp_path)
    assert [path.name for path in written] == [
        "comparison-losses.svg",
        "comparison-temperature.svg",
        "comparison-learning.svg",
    ]
    for path in written:
        assert "<svg" in path.read_text(encoding="utf-8")


def test_the_paint_of_an_example_is_its_strongest_hue_in_the_lower_half():
    rgb = np.full((20, 20, 3), 120, np.uint8)
    rgb[12:16, 4:12] = (230, 190, 20)
    rgb[2:6, 4:12] = (230, 190, 20)
    rgb[17:19, 0:2] = (200, 20, 150)
    paint = cars.paint_of(rgb)
    assert paint[12:16, 4:12].all()
    assert paint.sum() == 32
