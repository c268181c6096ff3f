"""`tintype robustness`: its options, its table, its picture."""

import sys

import pytest
from PIL import Image

from small_models import write_model
from tintype import Colorizer
from tintype.cli import main
from tintype.cli.robustness import robustness
from tintype.evaluation.evaluator import gray_of
from written_evaluations import photograph


@pytest.fixture
def asked(tmp_path) -> dict:
    """Options with two photographs whose colours the model knows."""
    model = write_model(tmp_path / "ours.onnx")
    (tmp_path / "album").mkdir()
    for number in range(2):
        rgb = Colorizer(model, threads=1)(gray_of(photograph(number), "cie"))
        Image.fromarray(rgb).save(tmp_path / "album" / f"{number}.png")
    return {
        "data": str(tmp_path / "album"), "models": (str(model),), "output": tmp_path / "run", "side": 32, "jobs": 1,
    }  # fmt: skip


def test_a_table_is_printed_and_the_curves_are_kept(asked, capsys):
    assert robustness(damages=("film=blue", "noise=20"), **asked) == 0
    out, err = capsys.readouterr()
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "(100 %)" in lines["film=cie"]
    assert {"film=blue", "noise=20"} < lines.keys()
    for name in ("robustness.csv", "robustness.png"):
        assert str(asked["output"] / name) in out.replace("\n", "")
        assert (asked["output"] / name).stat().st_size > 1000
    assert err == "tintype: warning: 2 photographs are few: the intervals are too narrow; take 30 or more\n"


def test_without_matplotlib_there_is_the_table_and_a_sentence(asked, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert robustness(damages=("film=cie",), **asked) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert """pip install ".[plot]\"""" in said
    assert (asked["output"] / "robustness.csv").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "--data"),
        ("--data a --limit 0", "--limit takes a whole number of at least 1"),
        ("--data a --jobs 0", "--jobs takes a whole number of at least 1"),
        ("--data a --side wide", "--side takes a number of pixels, or whole, not wide"),
        ("--plates a --damages noise", "--data"),
        ("--data a --damages noise,rust", "rust"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, said, tmp_path, capsys):
    assert main(["robustness", "-o", str(tmp_path / "run"), *options.split()]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
