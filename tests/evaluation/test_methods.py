"""Ways of colouring: which rows there are, and what each gives a photograph."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from small_models import write_model
from tintype import Colorizer
from tintype.color.bins import nearest_bin
from tintype.color.lab import lightness, rgb_to_lab
from tintype.errors import DataError, ModelError, OptionError
from tintype.evaluation.evaluator import gray_of
from tintype.evaluation.methods import (
    Coloured,
    Method,
    Picture,
    baselines,
    partners,
    plan,
    prediction_files,
    simulated_hints,
)
from tintype.evaluation.metrics import Reliability
from tintype.models import Model
from written_evaluations import photograph

SIDE = 64


def picture(name: str = "a", number: int = 0, other: int = 1) -> Picture:
    truth = photograph(number, SIDE)
    return Picture(name, truth, gray_of(truth, "cie"), lambda: photograph(other, SIDE))


def ab(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb / np.float32(255))[..., 1:]


def paint(method: Method, **options) -> Coloured:
    return method.open()(picture(**options))


@pytest.fixture
def full(tmp_path) -> str:
    """A model that takes everything and has a distribution."""
    return str(write_model(tmp_path / "full.onnx", hints=True, temperature=True, logits=7))


@pytest.fixture
def plain(tmp_path) -> str:
    return str(write_model(tmp_path / "plain.onnx"))


# Which rows there are


def test_settings_are_asked_for_one_at_a_time(full, plain, tmp_path):
    (tmp_path / "theirs").mkdir()
    rows = plan([full, plain, str(tmp_path / "theirs")], [1.0, 0.5], [64, 32], [3, 1])
    assert [row.label for row in rows] == [
        "tiny.v1 full",
        "tiny.v1 full T=0.5",
        "tiny.v1 full 32px",
        "tiny.v1 full+3hints",
        "tiny.v1 full+1hints",
        "tiny.v1 plain",
        "tiny.v1 plain 32px",
        "theirs",
    ]
    assert [row.temperature for row in rows if "T=" in row.label] == [0.5]
    assert [row.size for row in rows if "px" in row.label] == [32, 32]


def test_without_a_model_it_is_the_default():
    assert [row.label for row in plan([])] == ["tintype.v2"]


def test_a_model_named_twice_is_one_row(plain):
    assert len(plan([plain, plain])) == 1


@pytest.mark.parametrize("option", [{"temperatures": [0.5]}, {"hints": [1]}])
def test_what_no_model_takes_is_refused(plain, option):
    with pytest.raises(OptionError, match=f"--{next(iter(option))}"):
        plan([plain], **option)


@pytest.mark.parametrize("option", [{"temperatures": [-1.0]}, {"sizes": [0]}, {"hints": [0]}])
def test_settings_that_cannot_be_used_are_refused(full, option):
    with pytest.raises(OptionError):
        plan([full], **option)


def test_two_rows_of_one_name_are_refused(full, tmp_path):
    (tmp_path / "more" / "tiny.v1").mkdir(parents=True)
    with pytest.raises(OptionError, match=r"called tiny\.v1"):
        plan([full, str(tmp_path / "more" / "tiny.v1")])
    (tmp_path / "gray").mkdir()
    with pytest.raises(OptionError, match="called gray"):
        plan([str(tmp_path / "gray")])


def test_a_model_that_is_none_is_refused_at_once():
    with pytest.raises(ModelError, match=r"no model named tintype\.v0"):
        plan(["tintype.v0"])


def test_a_single_photograph_has_none_to_borrow_from():
    assert [method.label for method in baselines(2)] == ["gray", "prior-mean", "random"]
    assert [method.label for method in baselines(1)] == ["gray", "prior-mean"]


def test_each_photograph_lends_its_colours_once():
    for count in (2, 3, 50):
        other = partners(count)
        assert sorted(other) == list(range(count))
        assert (other != np.arange(count)).all()
    np.testing.assert_array_equal(partners(50), partners(50))


def test_a_method_travels(full):
    method = plan([full], [0.5])[1]
    np.testing.assert_array_equal(paint(pickle.loads(pickle.dumps(method))).rgb, paint(method).rgb)


def test_the_protocol_names_the_file_and_its_settings(full, plain):
    rows = {row.label: row.described() for row in plan([full, plain], [0.5], [32], [3])}
    assert rows["tiny.v1 full"] == {
        "file": "full.onnx",
        "sha256": hashlib.sha256(Path(full).read_bytes()).hexdigest(),
        "bytes": Path(full).stat().st_size,
        "size": 64,
        "temperature": 1.0,
        "vividness": 1.0,
        "hints": 0,
    }
    assert rows["tiny.v1 full T=0.5"]["temperature"] == 0.5
    assert rows["tiny.v1 full 32px"]["size"] == 32
    assert rows["tiny.v1 full+3hints"]["hints"] == 3
    assert "temperature" not in rows["tiny.v1 plain"]


# What knows nothing


def test_gray_is_the_lightness_of_the_truth():
    found = paint(Method("gray", "gray")).rgb
    assert np.ptp(found, axis=2).max() == 0
    assert np.abs(lightness(found / np.float32(255)) - lightness(picture().truth / np.float32(255))).max() < 0.3


def test_the_mean_colour_of_the_published_prior():
    """4.61, 12.08: the mean of the ImageNet prior over its bins."""
    table = np.load(Path(__file__).parents[2] / "src/tintype/color/tables/pts_in_hull.npy")
    prior = np.load(Path(__file__).parents[2] / "src/tintype/color/tables/prior_probs.npy")
    found = ab(paint(Method("prior-mean", "prior-mean")).rgb)
    np.testing.assert_allclose(found[20:40, 20:40].mean(axis=(0, 1)), prior @ table, atol=0.3)


def test_random_has_the_colours_of_the_other():
    """Where sRGB holds them at the lightness of this one."""
    distance = np.linalg.norm(ab(paint(Method("random", "random")).rgb) - ab(photograph(1, SIDE)), axis=-1)
    assert np.median(distance) < 1.5


def test_colours_of_a_photograph_of_another_size_are_resized():
    whole = picture()
    other = Picture(whole.name, whole.truth[:40], whole.gray[:40], whole.other)
    assert Method("random", "random").open()(other).rgb.shape == (40, SIDE, 3)


# Models


def test_a_model_colours_as_the_package_does(full):
    found = paint(Method("tiny.v1 full T=0.5", "model", full, temperature=0.5))
    expected = Colorizer(full, temperature=0.5)(picture().gray)
    np.testing.assert_array_equal(found.rgb, expected)
    assert found.seconds > 0


def test_reliability_is_that_of_the_distribution(full):
    """Against a pass of its own for the logits, and a mean over blocks of pixels."""
    found = paint(Method("tiny.v1 full", "model", full)).reliability
    seen = lightness(np.repeat(picture().gray[..., None], 3, axis=2) / np.float32(255))
    logits = Model(full).predict(seen, logits=True).logits
    side = logits.shape[1]
    true = ab(picture().truth).reshape(side, SIDE // side, side, SIDE // side, 2).mean(axis=(1, 3))
    weights = np.exp(logits.astype(float))
    expected = Reliability()
    bins = np.array(Model(full).card.bins)
    expected.add(np.moveaxis(weights / weights.sum(axis=0), 0, -1), nearest_bin(true, bins))
    assert found.pixels.sum() == side**2
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    np.testing.assert_allclose(found.confident, expected.confident, rtol=1e-3)
    assert np.abs(found.right - expected.right).sum() <= 0.01 * side**2


def test_a_model_without_distribution_has_no_reliability(plain):
    assert paint(Method("tiny.v1 plain", "model", plain)).reliability is None


# Simulated hints


def test_more_hints_are_the_first_ones_and_others():
    truth = photograph(0, SIDE)
    assert simulated_hints(truth, 10, 5)[:3] == simulated_hints(truth, 3, 5)
    assert simulated_hints(truth, 3, 6) != simulated_hints(truth, 3, 5)


def test_hints_are_the_mean_colour_of_their_patch():
    """6 pixels a side at 256, as Zhang et al. 2017 draw them: a disc as large, inside the photograph."""
    truth = photograph(0, 256)
    for hint in simulated_hints(truth, 50, 0):
        top, left = round(hint.y - 3), round(hint.x - 3)
        patch = truth[top : top + 6, left : left + 6]
        assert patch.shape == (6, 6, 3)
        assert hint.color == "#" + bytes(np.rint(patch.reshape(-1, 3).mean(axis=0)).astype(np.uint8)).hex()
        assert np.pi * hint.radius**2 == pytest.approx(36)


def test_hints_bring_colours_to_the_truth(tmp_path):
    """Of a model whose colours are those of its hints alone."""
    model = write_model(tmp_path / "blank.onnx", hints=True, gain=(0, 0), offset=(0, 0))
    distances = [
        np.linalg.norm(ab(paint(Method("x", "model", str(model), hints=n)).rgb) - ab(picture().truth), axis=-1).mean()
        for n in (0, 20, 200)
    ]
    assert distances[0] > distances[1] > distances[2]


# Predictions of other programs


def test_predictions_are_taken_as_they_are(tmp_path):
    (tmp_path / "theirs" / "sea").mkdir(parents=True)
    Image.fromarray(photograph(3, SIDE)).save(tmp_path / "theirs" / "sea" / "a.webp", lossless=True)
    found = paint(Method("theirs", "folder", str(tmp_path / "theirs")), name="sea/a")
    np.testing.assert_array_equal(found.rgb, photograph(3, SIDE))
    assert np.isnan(found.seconds)


def test_predictions_that_cannot_be_used_are_named(tmp_path):
    method = Method("theirs", "folder", str(tmp_path))
    with pytest.raises(ModelError, match="no prediction of a"):
        paint(method)
    Image.fromarray(photograph(0, 32)).save(tmp_path / "a.png")
    with pytest.raises(ModelError, match=r"a\.png has 32 x 32 pixels, but the photograph has 64 x 64"):
        paint(method)
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:100])
    with pytest.raises(ModelError, match=r"a\.png is broken"):
        paint(method)


def test_two_predictions_of_one_photograph_are_refused(tmp_path):
    for suffix in ("png", "bmp"):
        Image.fromarray(photograph(0)).save(tmp_path / f"a.{suffix}")
    with pytest.raises(DataError, match="belong to the same photograph"):
        prediction_files(tmp_path)
