"""`tintype evaluate`: its options, its table, its exit codes."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from small_models import write_model
from tintype.cli import main
from tintype.cli.evaluate import evaluate
from tintype.errors import DataError
from tintype.evaluation.results import read_run
from written_evaluations import photograph

FULL = {"hints": True, "temperature": True}


@pytest.fixture
def album(tmp_path) -> Path:
    (tmp_path / "album").mkdir()
    for number in range(2):
        Image.fromarray(photograph(number)).save(tmp_path / "album" / f"{number}.png")
    return tmp_path / "album"


@pytest.fixture
def model(tmp_path) -> str:
    return str(write_model(tmp_path / "ours.onnx", **FULL))


def run(album: Path, model: str, output: Path, *models: Path, **options) -> int:
    return evaluate(
        data=str(album), output=output, models=(model, *map(str, models)), **{"side": 32, "jobs": 1} | options
    )


def test_a_table_and_the_files_are_told(album, model, tmp_path, capsys):
    assert run(album, model, tmp_path / "run") == 0
    out, err = capsys.readouterr()
    psnr = read_run(tmp_path / "run").figures("tiny.v1")["psnr"]
    (row,) = (line for line in out.splitlines() if line.split()[:1] == ["tiny.v1"])
    assert f"{psnr:.2f}" in row
    assert str(tmp_path / "run" / "metrics.csv") in out.replace("\n", "")
    assert err == ""


def test_the_command_line_takes_it(album, model, tmp_path, capsys):
    words = ["evaluate", "--models", model, "--data", str(album), "-o", str(tmp_path / "run"), "--side", "32"]
    assert main([*words, "--jobs", "1"]) == 0
    assert main([*words, "--film", "kodachrome"]) == 2
    assert "choose one of cie, panchromatic" in capsys.readouterr().err


def test_options_become_rows_and_protocol(album, model, tmp_path):
    more = ["--side=whole", "--temperatures=0.5", "--sizes=32,48", "--hints=2", "--film=blue", "--damage=jpeg=50"]
    words = ["evaluate", "--models", model, "--data", str(album), "-o", str(tmp_path / "run"), "--jobs=1"]
    assert main([*words, *more]) == 0
    protocol = json.loads((tmp_path / "run" / "protocol.json").read_text(encoding="utf-8"))
    assert list(protocol["models"]) == ["tiny.v1", "tiny.v1 T=0.5", "tiny.v1 32px", "tiny.v1 48px", "tiny.v1+2hints"]
    assert protocol["gray"] == "blue, jpeg=50"
    assert protocol["side"] is None


def test_a_model_that_fails_ends_in_1(album, model, tmp_path, capsys):
    (tmp_path / "theirs").mkdir()
    assert run(album, model, tmp_path / "run", tmp_path / "theirs") == 1
    assert "theirs: " in capsys.readouterr().err
    assert read_run(tmp_path / "run").models[3:] == ("tiny.v1",)


def test_gray_photographs_are_told_in_one_line(album, model, tmp_path, capsys):
    Image.fromarray(np.full((32, 32), 90, np.uint8)).save(album / "old.png")
    assert run(album, model, tmp_path / "run") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "1 of 3 photographs" in line
    assert "old" in line


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--side=big", "--side takes a number of pixels, or whole, not big"),
        ("--side=4", "at least 16"),
        ("--temperatures=cold", "--temperatures takes numbers such as 0.2,0.4, not cold"),
        ("--sizes=1.5", "--sizes takes whole numbers such as 128,256, not 1.5"),
        ("--hints=few", "--hints takes whole numbers"),
        ("--limit=0", "--limit takes a whole number of at least 1"),
        ("--jobs=0", "--jobs takes a whole number of at least 1"),
        ("--lpips=vgg16.pth", "--lpips takes VGG16,LPIPS: two files with a comma between them"),
        ("--models=,", "--models takes names of models"),
        ("--film=kodachrome", "kodachrome"),
        ("--damage=scratches", "scratches"),
    ],
)
def test_wrong_options_are_refused(album, model, tmp_path, capsys, option, words):
    command = ["evaluate", "--data", str(album), "-o", str(tmp_path / "run"), option]
    assert main([*command, *([] if "models" in option else ["--models", model])]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_photographs_that_are_not_there(model, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        run(tmp_path / "nowhere", model, tmp_path / "run")


def test_metrics_that_ask_networks(album, model, tmp_path):
    """By small random networks; their arithmetic is tested with the metrics."""
    pytest.importorskip("torch")
    from safetensors.torch import save_file

    from small_weights import write_lpips, write_vgg16
    from tintype.networks.encoders.mobilenetv2 import MobileNetV2

    rgb, mean = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in ("rgb", "mean"))
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", ["rgb"], ["mean"])], "mean", [rgb], [mean])
    features = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(features, tmp_path / "features.onnx")
    save_file(MobileNetV2().state_dict(), tmp_path / "mobilenet.safetensors")
    Image.fromarray(photograph(5)).save(album / "n01440764_tench.png")
    options = {
        "classifier": tmp_path / "mobilenet.safetensors",
        "lpips": (str(write_vgg16(tmp_path)), str(write_lpips(tmp_path))),
        "inception": tmp_path / "features.onnx",
    }
    assert run(album, model, tmp_path / "run", **options) == 0
    found = read_run(tmp_path / "run")
    assert np.isnan(found.values("tiny.v1", "class_right")).tolist() == [True, True, False]
    assert (found.values("tiny.v1", "lpips") > 0).all()
    assert found.figures("tiny.v1")["fid"] > 0
    assert found.figures("truth")["semantic_accuracy"] in (0, 100)
    assert {"semantic_accuracy", "lpips", "fid"} <= found.protocol.metrics.keys()
    with pytest.raises(DataError, match="metric fid"):
        run(album, model, tmp_path / "run")
