"""Evaluations under damages, films and on real plates: what is kept, and what the table says."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from small_models import write_model
from tintype import Colorizer
from tintype.errors import DataError, OptionError
from tintype.evaluation.evaluator import gray_of
from tintype.evaluation.results import read_run
from tintype.evaluation.robustness import COLUMNS, EXPOSURES, LEVELS, conditions, damaged, plates, write_table
from written_evaluations import photograph

SMALL = {"side": 32, "jobs": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """a* = 0.2 L* + 10, b* = 20 - 0.4 L*: better than gray on photographs of these colours."""
    return str(write_model(tmp_path_factory.mktemp("model") / "ours.onnx"))


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """Photographs whose colours the model knows, but for noise: all that a damage does is to be seen in them."""
    folder = tmp_path_factory.mktemp("album")
    painter = write_model(folder / "painter.onnx")
    for number in range(3):
        rgb = Colorizer(painter, threads=1)(gray_of(photograph(number), "cie"))
        noise = np.random.default_rng(number).normal(0, 8, (*rgb.shape[:2], 3))
        Image.fromarray(np.clip(rgb + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    painter.unlink()
    return folder


@pytest.fixture(scope="module")
def finished(album, model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    assert damaged([model], album, folder, ["noise=40", "film=blue", "noise=9"], **SMALL) == []
    return folder


@pytest.fixture(scope="module")
def negative(tmp_path_factory) -> Path:
    """A plate of a photograph in colour: its blue, green and red planes one above the other."""
    folder = tmp_path_factory.mktemp("negatives")
    rgb = np.asarray(Image.fromarray(data.astronaut()).resize((150, 150)))
    Image.fromarray(np.concatenate([rgb[..., 2], rgb[..., 1], rgb[..., 0]])).save(folder / "00001v.png")
    return folder


def rows(folder: Path) -> dict[tuple[str, ...], float]:
    with write_table(folder).open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        assert tuple(next(reader)) == COLUMNS
        return {tuple(row[:4]): float(row[4]) for row in reader}


def test_conditions_are_kinds_with_all_their_levels_or_single_ones():
    assert conditions(["noise"]) == [("film", "cie"), *(("noise", level) for level in LEVELS["noise"])]
    assert conditions(["jpeg=7", "blur=0.50", "film=rec601", "jpeg=7.0"]) == [
        ("film", "cie"), ("jpeg", "7"), ("blur", "0.5"), ("film", "rec601"),
    ]  # fmt: skip
    every = conditions()
    assert len(every) == len(set(every)) == sum(map(len, LEVELS.values()))
    assert {level for kind, level in every if kind == "size"} >= {"64", "1024"}


@pytest.mark.parametrize("word", ["rust", "film=sepia", "noise=1000", "size=70.5", "none", "noise=", "plate"])
def test_what_is_no_condition_is_refused(word):
    with pytest.raises(OptionError, match=r"^[^\n]*$"):
        conditions([word])


def test_each_condition_is_a_run_of_its_gray(finished, model):
    assert sorted(path.name for path in finished.iterdir() if path.is_dir()) == [
        "film=blue", "film=cie", "noise=40", "noise=9",
    ]  # fmt: skip
    assert read_run(finished / "film=blue").protocol.gray == "blue"
    assert read_run(finished / "noise=40").protocol.gray == "cie, noise=40"


def test_the_table_has_what_is_kept_of_the_gain_over_gray(finished):
    table = rows(finished)
    assert list(dict.fromkeys(key[:2] for key in table)) == [
        ("film", "cie"), ("film", "blue"), ("noise", "9"), ("noise", "40"),
    ]  # fmt: skip
    gains = {}
    for kind, level in (("film", "cie"), ("noise", "40")):
        run = read_run(finished / f"{kind}={level}")
        areas = {name: run.figures(name)["auc_balanced"] for name in ("tiny.v1", "gray")}
        gains[kind] = areas["tiny.v1"] - areas["gray"]
        assert table[kind, level, "tiny.v1", "auc_balanced"] == pytest.approx(areas["tiny.v1"], rel=1e-5)
        assert table[kind, level, "tiny.v1", "gain"] == pytest.approx(gains[kind], rel=1e-4)
        assert table[kind, level, "tiny.v1", "colorfulness"] == pytest.approx(
            run.figures("tiny.v1")["colorfulness"], 1e-5
        )
    kept = table["noise", "40", "tiny.v1", "gain_kept"]
    assert kept == pytest.approx(100 * gains["noise"] / gains["film"], rel=1e-4)
    assert kept < 95
    assert kept < table["noise", "9", "tiny.v1", "gain_kept"]
    assert table["noise", "40", "tiny.v1", "gain_kept_low"] <= kept <= table["noise", "40", "tiny.v1", "gain_kept_high"]
    assert table["film", "cie", "tiny.v1", "gain_kept"] == table["film", "cie", "tiny.v1", "gain_kept_high"] == 100
    assert ("film", "cie", "truth", "colorfulness") in table
    assert ("film", "cie", "gray", "gain") not in table


def test_a_model_that_is_no_better_than_gray_has_no_gain_to_keep(album, tmp_path):
    wrong = str(write_model(tmp_path / "wrong.onnx", card={"name": "tiny.wrong"}, gain=(0, 0), offset=(-60, -60)))
    damaged([wrong], album, tmp_path / "run", ["blur=2"], limit=2, **SMALL)
    table = rows(tmp_path / "run")
    assert table["blur", "2", "tiny.wrong", "gain"] < 0
    assert ("blur", "2", "tiny.wrong", "gain_kept") not in table


def test_a_repeated_call_adds_conditions_and_does_nothing_again(finished, album, model):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.png")}
    watched = []
    damaged([model], album, finished, ["noise=9", "fading=0.5"], watch=lambda *told: watched.append(told), **SMALL)
    assert watched == [("film=cie", 0, 3), ("noise=9", 1, 3), ("fading=0.5", 2, 3), ("", 3, 3)]
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert ("fading", "0.5", "tiny.v1", "gain_kept") in rows(finished)


def test_other_photographs_are_refused(finished, album, model):
    with pytest.raises(DataError, match="photographs"):
        damaged([model], album, finished, ["noise=9"], limit=2, **SMALL)


def test_predictions_are_no_model_to_try(album, tmp_path):
    with pytest.raises(OptionError, match="give models"):
        damaged([str(album)], album, tmp_path / "run", ["noise"], **SMALL)


def test_no_run_at_all_is_said(tmp_path):
    with pytest.raises(DataError, match="contains no runs"):
        write_table(tmp_path)


def test_each_exposure_of_a_plate_is_coloured_and_compared_with_the_colours_of_all(negative, model, tmp_path):
    flat = np.random.default_rng(0).integers(0, 255, (400, 150), np.uint8)
    Image.fromarray(flat).save(negative / "00002v.png")
    problems = plates([model], negative, tmp_path / "run", jobs=1)
    (negative / "00002v.png").unlink()
    assert len(problems) == 1
    assert "00002v.png cannot be aligned" in problems[0]
    true = np.asarray(Image.open(tmp_path / "run" / "plates" / "true" / "00001v.png"))
    for channel, exposure in enumerate(reversed(EXPOSURES)):
        genuine = np.asarray(Image.open(tmp_path / "run" / "plates" / exposure / "00001v.png"))
        assert np.array_equal(genuine, true[..., channel])
        coloured = Image.open(tmp_path / "run" / f"plate={exposure}" / "predictions" / "tiny.v1" / "00001v.png")
        assert np.array_equal(np.asarray(coloured), Colorizer(model, threads=1)(genuine))
        protocol = json.loads((tmp_path / "run" / f"plate={exposure}" / "protocol.json").read_text(encoding="utf-8"))
        assert protocol["gray"] == f"{exposure} exposure of the plate (baselines: cie)"
    assert json.loads((tmp_path / "run" / "plate=lightness" / "protocol.json").read_text())["gray"] == "cie"
    table = rows(tmp_path / "run")
    assert list(dict.fromkeys(key[1] for key in table)) == ["lightness", *EXPOSURES]
    assert ("plate", "blue", "tiny.v1", "gain") in table


def test_no_negative_is_said(album, model, tmp_path):
    with pytest.raises(DataError, match="no photograph"):
        plates([model], tmp_path, tmp_path / "run", jobs=1)
    with pytest.raises(DataError, match="cannot be read"):
        plates([model], tmp_path / "nowhere", tmp_path / "run", jobs=1)
    with pytest.raises(DataError, match="not a three-filter negative"):
        plates([model], album, tmp_path / "run", jobs=1)
