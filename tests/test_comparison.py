"""The comparison of methods: its figures against those of the whole set, its rules, its cards."""

import io
import tarfile
import types

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.stats import spearmanr

from benchmarks.comparison import claims, measure, release, table
from benchmarks.comparison.__main__ import main
from benchmarks.comparison.bootstrap import Resampled, rank_correlation
from tintype.color.bins import published_bins
from tintype.errors import ConfigError, DataError
from tintype.evaluation.bootstrap import interval
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


# What decides


def log_of(losses, chroma=None, steps=None) -> Log:
    steps = steps or [100 * (n + 1) for n in range(len(losses))]
    chroma = chroma or [10.0] * len(losses)
    lines = [
        {"step": step, "loss": loss, "chroma": c, "auc_balanced": 70.0}
        for step, loss, c in zip(steps, losses, chroma, strict=True)
    ]
    return Log("a run", [{"step": 50, "loss": 2 * losses[0]}], lines, 8)


@pytest.mark.parametrize(("last", "expected"), [(0.98, 0.02), (1.0, 0.0), (1.02, -0.02)])
def test_the_tail_is_the_last_tenth_of_a_run(last, expected):
    assert table.tail(log_of([2.0] * 8 + [1.0, last])) == pytest.approx(expected)


def test_a_run_that_still_improves_is_undertrained(measured):
    figures = Resampled(measured[0], samples=10)
    still, done = (table.undertrained(figures, {"tiny.v1": log_of([2.0] * 8 + [1.0, last])}) for last in (0.98, 0.995))
    assert "† still improving" in still["tiny.v1"]
    assert "† still improving" not in done.get("tiny.v1", [])


def test_colour_that_comes_after_the_loss_has_fallen_is_later():
    losses = [2.0, 1.0, 1.0, 1.0, 1.0]
    assert claims.later(log_of(losses, [1, 1, 1, 5, 10])) > 20
    assert claims.later(log_of(losses, [10, 10, 10, 10, 10])) < 0


class Figures(types.SimpleNamespace):
    """Resampled figures without photographs: each way has one figure."""

    def figure(self, metric: str, label: str) -> np.ndarray:
        return self.ways[label]

    def difference(self, metric: str, label: str, other: str) -> np.ndarray:
        return self.ways[label] - self.ways[other]


def decide(ways: dict[str, float], evidence, marked=()) -> str:
    noise = np.linspace(-1, 1, 101)
    figures = Figures(ways={label: value + noise * (label != "b") for label, value in ways.items()})
    measured = claims.Measured(figures, {}, {label: ["† still improving"] for label in marked})
    return claims.verdict(claims.Claim("C", "a is better", evidence), measured)[1]


@pytest.mark.parametrize(
    ("first", "said"), [(2.0, "**confirmed**"), (0.5, "undecided"), (-0.5, "undecided"), (-2.0, "**refuted**")]
)
def test_an_interval_decides(first, said):
    assert decide({"a": first, "b": 0.0}, claims.pair("a", "b", psnr=1)) == said


def test_figures_that_contradict_each_other_decide_nothing():
    contrary = claims.pair("a", "b", psnr=1) + claims.pair("a", "b", colorfulness=-1)
    assert decide({"a": 2.0, "b": 0.0}, contrary) == "undecided"


def test_what_is_only_told_decides_nothing():
    told = claims.pair("a", "b", psnr=1) + claims.pair("a", "b", colorfulness=0)
    assert decide({"a": 2.0, "b": 0.0}, told) == "**confirmed**"


def test_an_undertrained_method_supports_no_claim():
    assert decide({"a": 2.0, "b": 0.0}, claims.pair("a", "b", psnr=1), ["a"]) == "undecided (a is undertrained)"
    assert decide({"a": 2.0}, claims.pair("a", "b", psnr=1)) == "undecided (b was not measured)"


def test_few_methods_say_nothing_of_all():
    figures = Figures(ways={label: np.zeros(11) for label in "abcd"})
    measured = claims.Measured(figures, {label: log_of([1.0, 0.9]) for label in "abcd"}, {})
    few = claims.Claim("C", "it rises", (claims.Evidence("rise", claims.of_runs(claims.rise), 1),))
    assert claims.verdict(few, measured)[1] == "undecided (fewer than 5 methods to judge by)"


@pytest.mark.parametrize(
    ("mean", "said"), [(6.0, "‡ not above prior mean (at T=1 it is)"), (4.0, "‡ not above prior mean")]
)
def test_a_method_that_only_its_temperature_keeps_down_is_told_apart(mean, said):
    ways = {"a": 4.5, "a T=1": mean, measure.MEAN: 5.0, measure.ANNEALED: 1.0}
    figures = Figures(ways={label: np.full(11, value) for label, value in ways.items()})
    assert table.undertrained(figures, {}) == {"a": [said]}


def test_saturated_extremes_are_the_bins_far_from_gray():
    far = np.hypot(*published_bins().T) >= 60
    areas = {"a": np.where(far, 0.9, 0.1)[None], "b": np.full((1, 313), 0.5)}
    figures = Figures(bins=np.full(313, True), pixels=np.ones((1, 313)), areas=areas.get)
    measured = claims.Measured(figures, {}, {})
    assert claims.saturated("a", "b").figure(measured) == pytest.approx(40)


def test_the_claims_ask_for_methods_that_there_are():
    there = {path.stem for path in release.CONFIGS.glob("*.toml")} | {TRUTH}
    asked = {claims._method(label) for claim in claims.CLAIMS for part in claim.evidence for label in part.needs}
    assert asked <= there


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


def test_the_page_takes_the_figures_and_keeps_its_own_words(measured, tmp_path):
    """The folder of figures stands for both seeds, so that they are not apart."""
    text = "before\n"
    for name in ("figures", "seeds", "claims"):
        text += f"<!-- {name} -->\nold\n<!-- /{name} -->\nown words\n"
    path = tmp_path / "page.md"
    path.write_text(text)
    folder = str(measured[0])
    main(["page", folder, "--runs", str(tmp_path), "--again", folder, str(tmp_path), "--page", str(path)])
    found = path.read_text()
    assert found.startswith("before\n")
    assert found.count("own words") == 3
    assert "old" not in found
    assert "| tiny.v1 ‡ |" in found or "| tiny.v1 |" in found
    assert "| *apart, median* | 0.00 |" in found
    assert found.count("| not measured |") > 0
    assert "second seed" in found
    path.write_text(text.replace("/seeds", "/other"))
    with pytest.raises(DataError, match="seeds"):
        main(["page", folder, "--again", folder, str(tmp_path), "--page", str(path)])


def test_what_only_its_temperature_keeps_down_supports_a_claim_at_another():
    ways = {"a": 4.5, "a T=1": 6.0, measure.MEAN: 5.0, measure.ANNEALED: 1.0}
    figures = Figures(ways={label: np.full(11, value) for label, value in ways.items()})
    low = claims.Measured(figures, {}, {"a": ["‡ not above prior mean"]})
    assert low.weak("a")
    assert not low.weak("a T=1")
    still = claims.Measured(figures, {}, {"a": ["† still improving", "‡ not above prior mean"]})
    assert still.weak("a T=1")


@pytest.mark.parametrize(
    ("said", "again", "expected"),
    [
        ("**refuted**", "**confirmed**", "undecided (depends on the seed; first seed: refuted)"),
        ("**confirmed**", "**confirmed**", "**confirmed**"),
        ("**confirmed**", "not measured", "**confirmed**"),
        ("**confirmed**", "undecided", "**confirmed**"),
    ],
)
def test_a_claim_that_turns_with_the_seed_is_undecided(said, again, expected):
    assert claims.of_both(said, again) == expected
