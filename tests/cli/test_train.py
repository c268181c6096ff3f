"""tintype train on several files."""

import json

import pytest

from running import errors_of, tintype
from small_sets import write_set

pytest.importorskip("torch")

TEXT = """
name = "cnn10.{tag}"
family = "cnn10"
batch = {batch}
precision = "float32"
device = "cpu"

[network]
width = 2
widths = [1]

[target]
kind = "ab"

[data]
folder = "set"
side = 16
validation_side = 16

[loss]
{loss} = 1.0
"""


@pytest.fixture
def files(tmp_path):
    """A folder with files of runs: two that differ in batch, one with a name twice, one with a mistake."""
    write_set(tmp_path / "set", train=6, validation=1)
    for file, tag, batch, loss in (
        ("small", "small", 2, "squared"),
        ("large", "large", 4, "squared"),
        ("again", "small", 2, "absolute"),
        ("wrong", "wrong", 2, "sqared"),
    ):
        (tmp_path / f"{file}.toml").write_text(TEXT.format(tag=tag, batch=batch, loss=loss), encoding="utf-8")
    return tmp_path


def test_each_is_shown_as_many_photographs_in_a_folder_of_its_own(files):
    words = ("train", "small.toml", "large.toml", "--samples", "9", "-o", "out")
    done = tintype(*words, cwd=files, check=0)
    lengths = {}
    for name in ("cnn10.small", "cnn10.large"):
        lines = [json.loads(line) for line in (files / "out" / name / "log.jsonl").read_text("utf-8").splitlines()]
        lengths[name] = lines[-1]["step"]
    assert lengths == {"cnn10.small": 5, "cnn10.large": 3}
    # In the order of the words, and each says where it goes.
    said = done.stdout.decode().splitlines()
    heads = [line for line in said if line.startswith("cnn10.")]
    assert [line.split(": ")[0] for line in heads] == ["cnn10.small", "cnn10.large"]

    again = tintype(*words, cwd=files, check=0).stdout.decode()
    assert again.count("is complete") == 2


def test_when_the_time_is_up_no_other_begins(files):
    tintype("train", "small.toml", "large.toml", "--max-minutes", "0.0001", cwd=files, check=0)
    assert [path.name for path in (files / "runs").iterdir()] == ["cnn10.small"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("small.toml", "again.toml"),
            2,
            "cnn10.small: several of the files have this name; give each a name of its own",
        ),
        (("small.toml", "wrong.toml"), 1, "wrong.toml: the key loss.sqared is unknown; is squared meant?"),
        (("small.toml", "gone.toml"), 1, "gone.toml: the configuration cannot be read (No such file or directory)"),
        (("steps=3",), 2, "name a configuration, as in: tintype train mine.toml -o runs/first"),
        (("small.toml", "--samples", "0"), 2, "--samples takes a whole number of at least 1, not 0"),
    ],
)
def test_mistakes_are_said_before_anything_is_trained(files, words, code, said):
    (line,) = errors_of(tintype("train", *words, cwd=files, check=code))
    assert line.startswith("tintype: ")
    assert line.endswith(said)
    assert not (files / "runs").exists()
