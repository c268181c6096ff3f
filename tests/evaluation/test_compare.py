"""Models of several runs ranked together: who is better, what is real, and what must not stand together."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tintype.errors import DataError, OptionError
from tintype.evaluation.bootstrap import Resampled
from tintype.evaluation.compare import LEVEL, RANKED, chances, compare, rank
from tintype.evaluation.metrics import colorfulness
from tintype.evaluation.results import read_run
from written_evaluations import MODELS, PHOTOS, photograph, write_evaluation

BASELINES = ("gray", "prior-mean", "random")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs of the same photographs: of MODELS, and of another pale model and a new one."""
    top = tmp_path_factory.mktemp("evaluations")
    write_evaluation(top / "first")
    write_evaluation(top / "second", {"pale": 0.7, "near": 0.95}, seed=3)
    return top


@pytest.fixture(scope="module")
def runs(folders):
    return [read_run(folders / name) for name in ("first", "second")]


def models(ranking) -> list[str]:
    return [place.model for place in ranking.places]


def test_models_of_all_runs_stand_together_once(runs):
    (ranking,) = compare(runs, ["psnr"]).rankings
    assert sorted(models(ranking)) == sorted([*BASELINES, "first/pale", "vivid", "second/pale", "near"])
    values = {place.model: place.value for place in ranking.places}
    assert values["second/pale"] == pytest.approx(runs[1].figures("pale")["psnr"])
    assert values["first/pale"] == pytest.approx(runs[0].figures("pale")["psnr"])
    assert list(values.values()) == sorted(values.values(), reverse=True)


def test_a_run_that_is_named_twice_counts_once(runs, folders):
    (ranking,) = compare([runs[0], read_run(folders / "first")], ["psnr"]).rankings
    assert sorted(models(ranking)) == sorted([*BASELINES, *MODELS])


def test_runs_of_one_name_are_told_apart_by_their_paths(runs, tmp_path):
    write_evaluation(tmp_path / "first", {"pale": 0.9}, seed=1)
    (ranking,) = compare([runs[0], read_run(tmp_path / "first")], ["psnr"]).rankings
    assert {f"{runs[0].folder}/pale", f"{tmp_path / 'first'}/pale"} <= set(models(ranking))


@pytest.mark.parametrize(
    ("metric", "best"),
    [("psnr", max), ("auc", max), ("ciede2000", min), ("rmse_ab", min), ("dcf_photo", min), ("psnr_pooled", max)],
)
def test_the_best_stands_first(runs, metric, best):
    (ranking,) = compare(runs[:1], [metric]).rankings
    figures = {model: runs[0].figures(model)[metric] for model in runs[0].models}
    assert models(ranking)[0] == best(figures, key=figures.get)
    assert models(ranking)[-1] == {max: min, min: max}[best](figures, key=figures.get)
    assert all(pair.better_by >= 0 for pair in ranking.pairs)


def test_the_best_colourfulness_is_the_nearest_to_the_truth(tmp_path):
    """Not the highest: twice the chroma is farther away than 0.9 of it."""
    run = read_run(write_evaluation(tmp_path / "run", {"strong": 2.0, "near": 0.9}))
    coloured, dcf = compare([run], ["colorfulness", "dcf"]).rankings
    order = models(coloured)
    assert order.index("near") < order.index("strong") < order.index("gray")
    assert models(dcf) == order
    truth = np.mean([colorfulness(photograph(number)) for number in range(len(PHOTOS))])
    assert coloured.truth.value == pytest.approx(truth)
    gap = {place.model: abs(place.value - truth) for place in coloured.places}
    assert coloured.difference("near", "gray").better_by == pytest.approx(gap["gray"] - gap["near"])


def test_a_difference_seen_from_the_other_side(runs):
    (ranking,) = compare(runs, ["psnr"]).rankings
    there, back = ranking.difference("near", "gray"), ranking.difference("gray", "near")
    assert (back.better_by, back.low, back.high) == (-there.better_by, -there.high, -there.low)
    assert there.low < there.better_by < there.high
    assert back.real is there.real


def test_only_some_photographs(runs):
    found = compare(runs, ["psnr", "auc_balanced"], only=["beach", "ro"])
    assert [photograph.name for photograph in found.protocol.photographs] == ["beach", "roses/red"]
    vivid = next(place for place in found.rankings[0].places if place.model == "vivid")
    assert vivid.value == pytest.approx(runs[0].values("vivid", "psnr")[[0, 2]].mean())


def test_runs_that_share_some_photographs_are_ranked_on_these(runs, tmp_path):
    fewer = read_run(write_evaluation(tmp_path / "fewer", {"new": 0.9}, PHOTOS[:2]))
    with pytest.raises(DataError, match=r"first and .*fewer cannot be ranked together.*photographs \(2 of 4"):
        compare([runs[0], fewer], ["psnr"])
    (ranking,) = compare([runs[0], fewer], ["psnr"], only=PHOTOS[:2]).rankings
    assert {"new", "vivid"} <= set(models(ranking))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gray": "blue"}, "gray (CIE L* and blue)"),
        ({"side": 64}, "side (32 and 64)"),
        ({"metrics": {"psnr": "of lightness"}}, "metric psnr"),
    ],
)
def test_runs_of_another_protocol_are_not_ranked_together(runs, tmp_path, changes, said):
    other = read_run(write_evaluation(tmp_path / "other", {}, **changes))
    with pytest.raises(DataError) as caught:
        compare([runs[0], other], ["psnr"])
    assert said in str(caught.value)


def test_runs_without_a_common_photograph_are_refused(runs, tmp_path):
    other = read_run(write_evaluation(tmp_path / "other", {}, ("sea", "hill"), first=20))
    with pytest.raises(DataError, match="have no photograph in common"):
        compare([runs[0], other], ["psnr"])


def test_what_cannot_be_ranked_by_is_said(runs):
    with pytest.raises(OptionError, match="No metric psrn to rank by: choose from psnr, "):
        compare(runs, ["psrn"])
    with pytest.raises(DataError, match="lpips was not measured for any model"):
        compare(runs, ["lpips"])
    with pytest.raises(OptionError, match="has a name that begins with kodak: they are called beach, market"):
        compare(runs, ["psnr"], only=["kodak"])


def test_models_without_a_figure_are_named(runs):
    bleeding, calibration = compare(runs[:1], ["edge_bleeding", "calibration_error"]).rankings
    assert bleeding.without == ("gray",)
    assert models(calibration) == ["vivid"]
    assert calibration.pairs == ()


def test_one_photograph_tells_nothing(runs):
    (ranking,) = compare(runs, ["psnr"], only=["beach"]).rankings
    assert not any(pair.real for pair in ranking.pairs)


def test_every_metric_becomes_json(runs):
    measured = [metric for metric in RANKED if metric not in ("lpips", "semantic_accuracy")]
    values = json.loads(json.dumps(compare(runs, measured).to_json(), allow_nan=False))
    assert values["photographs"] == len(PHOTOS)
    psnr = values["rankings"][0]
    assert len(psnr["pairs"]) == 7 * 6 / 2
    assert psnr["places"][0] == {"model": "near"} | psnr["places"][0]


def test_what_is_infinite_is_null_in_json(tmp_path):
    """A prediction that is the truth has no finite PSNR."""
    run = read_run(write_evaluation(tmp_path / "run"))
    run.values("pale", "psnr")[0] = np.inf
    values = compare([run], ["psnr"]).to_json()["rankings"][0]
    assert values["places"][0] == {"model": "pale", "value": None, "low": None, "high": None}


def made_up(values: np.ndarray) -> Resampled:
    """Of PSNR alone, [models, photographs]."""
    run = SimpleNamespace(photos=values[0], values=lambda model, metric: values[int(model)])
    return Resampled(run, samples=500)


def test_equal_models_are_rarely_told_apart():
    """Of 100 sets of five models that do not differ, about one of twenty at most has a pair that is called real."""
    chance = np.random.default_rng(3)
    figures = made_up(chance.normal(22, 2, (500, 100)))
    names = [[str(5 * number + model) for model in range(5)] for number in range(100)]
    wrong = [any(pair.real for pair in rank(figures, "psnr", five).pairs) for five in names]
    # Each pair judged for itself, every fourth set would have one.
    assert np.mean(wrong) <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 100)


def test_what_differs_is_told_apart_and_what_does_not_is_not():
    chance = np.random.default_rng(4)
    hard = chance.normal(22, 4, 100)
    values = hard + np.array([[0.0], [0.0], [1.0]]) + chance.normal(0, 1, (3, 100))
    ranking = rank(made_up(values), "psnr", ("0", "1", "2"))
    assert ranking.difference("2", "0").real
    assert ranking.difference("2", "1").real
    assert not ranking.difference("0", "1").real


def test_equal_models_differ_by_nothing():
    assert chances(np.zeros((1, 11))) == pytest.approx([1])
