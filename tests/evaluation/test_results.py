"""A run that is read: its figures against the metrics' own, and what is not a run."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tintype.color.lab import rgb_to_lab
from tintype.errors import DataError
from tintype.evaluation.metrics import Areas, decibels, measure
from tintype.evaluation.protocol import TRUTH
from tintype.evaluation.results import SET, read_run, write_csv
from tintype.evaluation.store import measured_path
from written_evaluations import MODELS, PHOTOS, SURE, write_evaluation


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_evaluation(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def run(folder):
    return read_run(folder)


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_models_and_photographs_are_told(run, folder):
    assert run.models == ("gray", "prior-mean", "random", *MODELS)
    assert run.photos == PHOTOS
    assert run.picture("pale", "roses/red") == folder / "predictions" / "pale" / "roses" / "red.png"
    assert run.picture(TRUTH, "beach") == folder / "truth" / "beach.png"


def test_values_are_those_of_the_pictures(run):
    for number, photo in enumerate(run.photos):
        for metric, value in measure(pixels(run.picture("pale", photo)), pixels(run.picture(TRUTH, photo))).items():
            assert run.values("pale", metric)[number] == pytest.approx(value, nan_ok=True)


def test_figures_of_the_set_are_the_metrics_own(run):
    areas = Areas()
    for photo in run.photos:
        ours, theirs = (pixels(run.picture(model, photo)) / np.float32(255) for model in ("pale", TRUTH))
        areas.add(rgb_to_lab(ours)[..., 1:], rgb_to_lab(theirs)[..., 1:])
    found = run.figures("pale")
    assert found["auc"] == pytest.approx(areas.auc(), rel=1e-5)
    assert found["auc_prior"] == pytest.approx(areas.auc_prior(), rel=1e-5)
    assert found["auc_balanced"] == pytest.approx(areas.auc_balanced(), rel=1e-5)
    assert found["psnr"] == pytest.approx(run.values("pale", "psnr").mean())
    assert found["psnr_pooled"] == pytest.approx(decibels(run.values("pale", "mse_rgb").mean()))
    assert found["dcf"] == pytest.approx(found["colorfulness"] - run.figures(TRUTH)["colorfulness"])


def test_figures_that_are_not_defined_are_left_out(run):
    assert "edge_bleeding" not in run.figures("gray")
    assert np.isnan(run.values("gray", "edge_bleeding")).all()
    assert "calibration_error" not in run.figures("gray")
    assert set(run.figures(TRUTH)) == {"colorfulness", "colorfulness_absolute"}


def test_reliability_is_that_of_all_photographs(run):
    confident, right, pixels = (run.values(SURE, name).sum(axis=0) for name in ("confidence", "right", "sure"))
    assert pixels.sum() == len(PHOTOS) * 32 * 32
    expected = sum(abs(right - confident)) / pixels.sum()
    assert run.figures(SURE)["calibration_error"] == pytest.approx(expected)


def test_the_table_is_long_and_finite_to_six_digits(run, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    mine = read_run(tmp_path / "run")
    # Of two equal pictures PSNR is infinite.
    mine.values("pale", "psnr")[0] = np.inf
    path = write_csv(mine)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["model", "photo", "metric", "value"]
    assert list(dict.fromkeys(row["model"] for row in rows)) == [TRUTH, *run.models]
    assert "nan" not in {row["value"] for row in rows}
    table = {(row["model"], row["photo"], row["metric"]): row["value"] for row in rows}
    assert len(table) == len(rows)
    assert table["pale", "beach", "psnr"] == "inf"
    assert float(table["pale", "market", "psnr"]) == pytest.approx(run.values("pale", "psnr")[1], rel=5e-6)
    assert float(table["pale", SET, "auc"]) == pytest.approx(run.figures("pale")["auc"], rel=5e-6)
    assert ("gray", "beach", "edge_bleeding") not in table


def test_what_was_not_measured_is_said(run):
    with pytest.raises(DataError, match=r"no lpips of pale; it has psnr"):
        run.values("pale", "lpips")
    with pytest.raises(DataError, match=r"no model bright; it has gray, prior-mean"):
        run.values("bright", "psnr")


def test_models_that_are_not_complete_are_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    path = measured_path(tmp_path / "run", "pale")
    with np.load(path) as file:
        part = {name: file[name] if file[name].ndim == 0 else file[name][:2] for name in file.files}
    np.savez(path, **part)
    assert read_run(tmp_path / "run").models == ("gray", "prior-mean", "random", "vivid")


def test_what_is_no_run_is_said(folder, tmp_path):
    with pytest.raises(DataError, match=r"is not a run.*tintype evaluate"):
        read_run(tmp_path)
    shutil.copytree(folder, tmp_path / "run")
    measured_path(tmp_path / "run", "pale").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(DataError, match=r"pale\.npz cannot be read"):
        read_run(tmp_path / "run")
    measured_path(tmp_path / "run", TRUTH).unlink()
    (tmp_path / "run" / "protocol.json").write_text(json.dumps({"side": 32}))
    with pytest.raises(DataError, match=r"protocol\.json cannot be read"):
        read_run(tmp_path / "run")


def test_a_run_that_is_not_finished_is_said(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    measured_path(tmp_path / "run", TRUTH).unlink()
    with pytest.raises(DataError, match="not finished"):
        read_run(tmp_path / "run")
