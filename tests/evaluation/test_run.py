"""Runs of an evaluation: what is kept, how it goes on, and what is said when something is in the way."""

import csv
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from small_models import write_model
from tintype import Colorizer
from tintype.color.bins import nearest_bin
from tintype.color.lab import lightness
from tintype.errors import DataError, ModelError, OptionError, UnwritableFile
from tintype.evaluation.evaluator import gray_of
from tintype.evaluation.figures import variants
from tintype.evaluation.metrics import measure
from tintype.evaluation.photographs import Photographs
from tintype.evaluation.protocol import TRUTH
from tintype.evaluation.results import SET, read_run
from tintype.evaluation.run import evaluate, nearly_gray
from tintype.evaluation.store import measured_path
from written_evaluations import photograph

PHOTOS = ("beach", "market", "roses/red", "street")
SIDE = 32
EVAL = Path(__file__).parents[3] / "shared" / "data" / "eval.tar"


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    return write_album(tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(write_model(tmp_path_factory.mktemp("model") / "ours.onnx", temperature=True, logits=7))


@pytest.fixture(scope="module")
def finished(album, model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    assert measured([model], album, folder) == []
    return folder


def write_album(folder: Path) -> Path:
    for number, name in enumerate(PHOTOS):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(number, SIDE)).save(path)
    return folder


def measured(models, data, folder, **settings) -> list[str]:
    return evaluate(models, data, folder, **{"side": SIDE, "jobs": 1} | settings)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def content(folder: Path) -> dict[str, bytes]:
    """All files of a run but for those that hold a time, by name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".npz")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Counted:
    """Progress that says how much was measured, and stops the run when told to."""

    def __init__(self, stop_at: int | None = None, stop: type[BaseException] = KeyboardInterrupt):
        self.stop_at, self.stop, self.count = stop_at, stop, None

    def __call__(self, what: str, done: int, count: int) -> None:
        if what == "measuring":
            self.count = count
            if self.stop_at is not None and done >= self.stop_at:
                raise self.stop


# What is kept


def test_every_prediction_is_kept_and_is_what_the_package_makes(finished, album, model):
    for photo in PHOTOS:
        truth = pixels(album / f"{photo}.png")
        gray = pixels(finished / "predictions" / "gray" / f"{photo}.png")
        np.testing.assert_array_equal(pixels(finished / "truth" / f"{photo}.png"), truth)
        assert np.abs(lightness(gray / np.float32(255)) - lightness(truth / np.float32(255))).max() < 0.3
        coloured = pixels(finished / "predictions" / "tiny.v1" / f"{photo}.png")
        np.testing.assert_array_equal(coloured, Colorizer(model)(gray[..., 0]))


def test_the_table_has_the_figures_of_the_pictures(finished):
    with (finished / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["model"] for row in rows)) == [TRUTH, "gray", "prior-mean", "random", "tiny.v1"]
    table = {(row["model"], row["photo"], row["metric"]): float(row["value"]) for row in rows}
    for label in ("gray", "random", "tiny.v1"):
        for photo in PHOTOS:
            ours, truth = (pixels(read_run(finished).picture(who, photo)) for who in (label, TRUTH))
            for metric, value in measure(ours, truth).items():
                if np.isnan(value):
                    assert (label, photo, metric) not in table
                else:
                    assert table[label, photo, metric] == pytest.approx(value, rel=1e-5, abs=1e-9)
    assert {metric for model, photo, metric in table if (model, photo) == ("tiny.v1", SET)} == set(variants())


def test_the_protocol_says_what_was_measured(finished, album):
    protocol = json.loads((finished / "protocol.json").read_text(encoding="utf-8"))
    assert [photo["name"] for photo in protocol["photographs"]["list"]] == ["beach", "market", "street", "roses/red"]
    assert protocol["photographs"]["source"] == album.name
    assert protocol["side"] == SIDE
    assert protocol["gray"] == "cie"
    assert protocol["models"]["tiny.v1"]["file"] == "ours.onnx"
    assert set(protocol["versions"]) == {"tintype", "python", "numpy", "onnxruntime", "pyvips", "libvips"}


def test_the_same_command_does_and_changes_nothing(finished, album, model):
    before, counted = content(finished), Counted()
    assert measured([model], album, finished, progress=counted) == []
    assert counted.count == 0
    assert content(finished) == before


def test_two_processes_give_the_same_files(finished, album, model, tmp_path):
    assert measured([model], album, tmp_path / "run", jobs=2) == []
    assert content(tmp_path / "run") == content(finished)
    assert not multiprocessing.active_children()


def test_seconds_are_of_models_alone(finished):
    run = read_run(finished)
    assert (run.values("tiny.v1", "seconds") > 0).all()
    assert np.isnan(run.values("gray", "seconds")).all()


def test_reliability_counts_all_places_of_the_network(finished):
    run = read_run(finished)
    assert run.values("tiny.v1", "sure").sum() == len(PHOTOS) * 16 * 16
    assert "calibration_error" not in run.figures("gray")


@pytest.mark.skipif(not EVAL.is_file(), reason="the measuring photographs are not here")
def test_gray_has_the_published_figures(model, tmp_path):
    """By scikit-image, on a few of the photographs. On all of them: PSNR 21.33, auc 87.17, auc_balanced 67.20."""
    side, count = 128, 3
    measured([model], EVAL, tmp_path / "run", side=side, limit=count)
    found = read_run(tmp_path / "run").figures("gray")
    psnr, colour, areas, bins = [], [], [], []
    for truth in map(Photographs(EVAL, side, count).__getitem__, range(count)):
        lab = rgb2lab(truth)
        encoded = lab[..., 0] / 100
        luminance = np.where(lab[..., 0] > 8, ((lab[..., 0] + 16) / 116) ** 3, lab[..., 0] / (29 / 3) ** 3)
        encoded = np.where(luminance <= 0.0031308, 12.92 * luminance, 1.055 * luminance ** (1 / 2.4) - 0.055)
        gray = np.repeat(np.rint(255 * encoded).astype(np.uint8)[..., None], 3, axis=2)
        psnr.append(peak_signal_noise_ratio(truth, gray))
        rg, yb = (np.int64(truth) @ np.array([[1, 0.5], [-1, 0.5], [0, -1]])).reshape(-1, 2).T
        colour.append(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
        error = np.hypot(lab[..., 1], lab[..., 2]).ravel()
        areas.append(np.clip(151 - np.ceil(error), 0, 151) / 151)
        bins.append(nearest_bin(lab[..., 1:]).ravel())
    areas, bins = np.concatenate(areas), np.concatenate(bins)
    frequent = [bin for bin in range(313) if (bins == bin).mean() >= 1e-4]
    assert found["psnr"] == pytest.approx(np.mean(psnr), abs=0.005)
    assert found["dcf"] == pytest.approx(-np.mean(colour), abs=0.01)
    assert found["auc"] == pytest.approx(100 * areas.mean(), abs=0.02)
    assert found["auc_balanced"] == pytest.approx(
        100 * np.mean([areas[bins == bin].mean() for bin in frequent]), abs=0.1
    )


# Settings


def test_whole_photographs_of_any_size(model, tmp_path):
    for name, (height, width) in {"tall": (40, 24), "wide": (20, 44)}.items():
        (tmp_path / "album").mkdir(exist_ok=True)
        Image.fromarray(photograph(0, 44)[:height, :width]).save(tmp_path / "album" / f"{name}.png")
    assert measured([model], tmp_path / "album", tmp_path / "run", side=None) == []
    run = read_run(tmp_path / "run")
    assert pixels(run.picture("random", "wide")).shape == (20, 44, 3)
    assert run.values(TRUTH, "bins").sum(axis=1).tolist() == [40 * 24, 20 * 44]


def test_film_and_damage_make_another_gray(album, model, tmp_path):
    measured([model], album, tmp_path / "run", film="blue", damage="size=16", limit=2)
    run = read_run(tmp_path / "run")
    assert run.protocol.gray == "blue, size=16"
    blue = gray_of(photograph(0, SIDE), "blue")
    small = Image.fromarray(blue).resize((16, 16), Image.Resampling.LANCZOS)
    gray = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(pixels(run.picture("gray", "beach"))[..., 0] - gray).max() <= 1


def test_more_hints_are_further_rows(album, tmp_path):
    taking = write_model(tmp_path / "taking.onnx", hints=True, gain=(0, 0), offset=(0, 0))
    measured([str(taking)], album, tmp_path / "run", hints=[5, 80])
    run = read_run(tmp_path / "run")
    psnr = [run.figures(label)["psnr"] for label in ("tiny.v1", "tiny.v1+5hints", "tiny.v1+80hints")]
    assert psnr == sorted(psnr)


@pytest.mark.parametrize("setting", [{"side": 8}, {"film": "kodachrome"}, {"damage": "noise"}, {"sizes": [0]}])
def test_settings_that_cannot_be_used_are_refused(album, model, tmp_path, setting):
    with pytest.raises(OptionError):
        measured([model], album, tmp_path / "run", **setting)
    assert not (tmp_path / "run").exists()


def test_photographs_without_colour_are_told(model, tmp_path):
    write_album(tmp_path / "album")
    Image.fromarray(photograph(0)[..., 1]).save(tmp_path / "album" / "old.png")
    measured([model], tmp_path / "album", tmp_path / "run")
    assert nearly_gray(read_run(tmp_path / "run")) == ["old"]


# Going on


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stopped_run_goes_on(finished, album, model, tmp_path, stop, monkeypatch):
    monkeypatch.setattr("tintype.evaluation.workers.CHUNK", SIDE * SIDE)
    with pytest.raises(stop):
        measured([model], album, tmp_path / "run", progress=Counted(18, stop))
    with pytest.raises(DataError, match=r"tiny\.v1"):
        read_run(tmp_path / "run").values("tiny.v1", "psnr")
    counted = Counted()
    assert measured([model], album, tmp_path / "run", progress=counted) == []
    assert counted.count == 2
    assert content(tmp_path / "run") == content(finished)


def test_stopped_processes_end(album, model, tmp_path, monkeypatch):
    monkeypatch.setattr("tintype.evaluation.workers.CHUNK", SIDE * SIDE)
    with pytest.raises(KeyboardInterrupt):
        measured([model], album, tmp_path / "run", jobs=2, progress=Counted(1))
    for _ in range(300):
        if not multiprocessing.active_children():
            break
        time.sleep(0.1)
    assert not multiprocessing.active_children()
    counted = Counted()
    measured([model], album, tmp_path / "run", progress=counted)
    assert counted.count < 20


def test_a_prediction_that_is_gone_is_made_again(album, model, tmp_path):
    measured([model], album, tmp_path / "run")
    path = read_run(tmp_path / "run").picture("tiny.v1", "market")
    before = path.read_bytes()
    path.unlink()
    counted = Counted()
    measured([model], album, tmp_path / "run", progress=counted)
    assert counted.count == 1
    assert path.read_bytes() == before


def test_further_models_join(album, model, tmp_path):
    other = write_model(tmp_path / "other.onnx", card={"name": "tiny.other"})
    measured([model], album, tmp_path / "run")
    counted = Counted()
    measured([str(other)], album, tmp_path / "run", progress=counted)
    assert counted.count == len(PHOTOS)
    assert read_run(tmp_path / "run").models[3:] == ("tiny.v1", "tiny.other")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": 16}, "side"),
        ({"film": "blue"}, r"gray \(cie and blue\)"),
        ({"damage": "noise=5"}, "gray"),
        ({"limit": 3}, "photographs .1 of 4"),
    ],
)
def test_another_protocol_in_the_same_folder_is_refused(finished, album, model, change, words):
    before = content(finished)
    with pytest.raises(DataError, match=words):
        measured([model], album, finished, **change)
    assert content(finished) == before


def test_other_photographs_of_the_same_names_are_refused(finished, model, tmp_path):
    before = content(finished)
    write_album(tmp_path)
    Image.fromarray(photograph(9, SIDE)).save(tmp_path / "street.png")
    with pytest.raises(DataError, match=r"photographs .1 of 4.*street"):
        measured([model], tmp_path, finished)
    assert content(finished) == before


def test_another_model_of_the_same_name_is_refused(finished, album, tmp_path):
    before = content(finished)
    other = write_model(tmp_path / "ours.onnx", temperature=True, logits=7, offset=(1, 2))
    with pytest.raises(DataError, match=r"another model called tiny\.v1 \(different sha256\)"):
        measured([str(other)], album, finished)
    assert content(finished) == before


def test_a_folder_of_something_else_is_refused(album, model, tmp_path):
    (tmp_path / "diary.txt").write_text("Dear diary")
    with pytest.raises(DataError, match="contains other files"):
        measured([model], album, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_broken_file_of_figures_is_named(album, model, tmp_path):
    measured([model], album, tmp_path / "run")
    measured_path(tmp_path / "run", "tiny.v1").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"tiny\.v1\.npz cannot be read.*delete it"):
        measured([model], album, tmp_path / "run")


# What is in the way


def test_broken_photographs_are_told_before_anything_is_coloured(model, tmp_path):
    write_album(tmp_path / "album")
    for name in ("beach", "street"):
        path = tmp_path / "album" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"beach\.png is broken.*2 of 4 photographs"):
        measured([model], tmp_path / "album", tmp_path / "run")
    assert not (tmp_path / "run" / "predictions").exists()
    write_album(tmp_path / "album")
    assert measured([model], tmp_path / "album", tmp_path / "run") == []


def test_a_model_that_fails_does_not_hold_up_the_others(model, tmp_path):
    """A network that takes only what is a multiple of 24 pixels wide, as the trial of its file is."""
    picky = write_model(tmp_path / "picky.onnx", card={"name": "tiny.picky"})
    graph = onnx.load(picky)
    tensors = {"narrow": [0, 0, -1, 6]}
    for name, values in tensors.items():
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.array(values), name))
    graph.graph.node[-1].CopyFrom(helper.make_node("Reshape", ["colour1", "narrow"], ["ab"]))
    onnx.save(graph, picky)
    (tmp_path / "album").mkdir()
    for name, width in {"a": 32, "b": 48, "c": 32}.items():
        Image.fromarray(photograph(0, 48)[:32, :width]).save(tmp_path / "album" / f"{name}.png")
    counted = Counted()
    (problem,) = measured([str(picky), model], tmp_path / "album", tmp_path / "run", side=None)
    assert problem.startswith("tiny.picky: ")
    assert "64 x 64" in problem
    assert "2 photographs" in problem
    assert read_run(tmp_path / "run").models[3:] == ("tiny.v1",)
    assert "tiny.picky" not in (tmp_path / "run" / "metrics.csv").read_text()
    assert len(measured([str(picky), model], tmp_path / "album", tmp_path / "run", side=None, progress=counted)) == 1
    assert counted.count == 2


def test_predictions_of_another_program_are_mended_and_measured(album, tmp_path):
    theirs = tmp_path / "theirs"
    write_album(theirs)
    (theirs / "beach.png").unlink()
    Image.fromarray(photograph(1, 16)).save(theirs / "market.png")
    (problem,) = measured([str(theirs)], album, tmp_path / "run")
    assert "no prediction of beach" in problem
    assert "2 photographs" in problem
    write_album(theirs)
    Image.fromarray(255 - photograph(2, SIDE)).save(theirs / "roses" / "red.png")
    counted = Counted()
    assert measured([str(theirs)], album, tmp_path / "run", progress=counted) == []
    assert counted.count == 3
    run = read_run(tmp_path / "run")
    assert dict(zip(run.photos, np.isinf(run.values("theirs", "psnr")), strict=True)) == {
        "beach": True,
        "market": True,
        "street": True,
        "roses/red": False,
    }
    assert "theirs,beach,psnr,inf" in (tmp_path / "run" / "metrics.csv").read_text()
    (theirs / "beach.png").write_bytes(b"gone again")
    assert len(measured([str(theirs)], album, tmp_path / "run")) == 1
    assert "theirs" not in read_run(tmp_path / "run").models


def test_what_cannot_be_written_is_said(album, model, tmp_path):
    measured([model], album, tmp_path / "run", limit=2)
    other = write_model(tmp_path / "other.onnx", card={"name": "tiny.other"})
    (tmp_path / "run" / "predictions" / "tiny.other").write_text("in the way")
    with pytest.raises(UnwritableFile, match=r"predictions/tiny.other.* cannot be written"):
        measured([str(other)], album, tmp_path / "run", limit=2)
    assert read_run(tmp_path / "run").models[3:] == ("tiny.v1",)


def test_a_model_that_is_none_is_said_before_anything_is_read(album, tmp_path):
    (tmp_path / "notes.onnx").write_text("no model")
    with pytest.raises(ModelError, match=r"notes\.onnx"):
        measured([str(tmp_path / "notes.onnx")], album, tmp_path / "run")
    assert not (tmp_path / "run").exists()
