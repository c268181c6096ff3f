"""What a run reads is looked for before the first step: of all runs of a command, before any of them begins."""

from pathlib import Path

import pytest

from running import errors_of, tintype
from small_sets import write_set
from tintype.errors import ConfigError, DataError
from tintype.training.config import read
from tintype.training.inputs import demand

ROOT = Path(__file__).parents[2]
TINY = """
name = "resunet.{tag}"
family = "resunet"
steps = 2
batch = 4
device = "cpu"

[network]
width = 2
depth = 2

[target]
kind = "ab"

[loss]
absolute = 1.0
{loss}

[data]
folder = "{folder}"
side = 32
validation_side = 32
"""


@pytest.fixture
def two(tmp_path) -> list[str]:
    """Configurations of which the second lacks a file of weights."""
    write_set(tmp_path / "data")
    loss = f'perceptual = 1.0\nvgg = "{tmp_path / "vgg.safetensors"}"'
    paths = []
    for tag, more in (("first", ""), ("second", loss)):
        path = tmp_path / f"{tag}.toml"
        path.write_text(TINY.format(tag=tag, loss=more, folder=tmp_path / "data"))
        paths.append(str(path))
    return paths


def test_a_file_that_the_last_run_lacks_is_said_before_the_first(two, tmp_path):
    (line,) = errors_of(tintype("train", *two, "-o", tmp_path / "runs", check=1))
    assert line.startswith("tintype: resunet.second: loss.vgg = ")
    assert "is not there" in line
    assert not (tmp_path / "runs").exists()
    assert tintype("train", two[0], "-o", tmp_path / "runs", check=0)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ("data.train=none-*.tar", DataError, r"no shard is named none-\*\.tar"),
        ("data.folder=nowhere", DataError, "no such data folder"),
        ("network.encoder=none.safetensors", ConfigError, r"network\.encoder = 'none\.safetensors' is not there"),
        ("start=none.onnx", ConfigError, r"start = 'none\.onnx' is not there"),
        ("start=runs/a,runs/b", ConfigError, r"start = 'runs/a' is not there"),
    ],
)
def test_what_is_missing_is_named(two, change, error, said):
    config = read(two[0])
    key = change.partition("=")[0]
    if key == "network.encoder":
        parts = ["data.train=train-*.tar", "data.validation=validation-*.tar", f"data.folder={config.data.folder}"]
        config = read(ROOT / "configs" / "tintype.v1.first.toml", [change, *parts])
    else:
        config = read(two[0], [change])
    with pytest.raises(error, match=said):
        demand(config)
    if key in ("network.encoder", "start"):
        demand(config, fresh=False)  # its checkpoint holds them


def test_a_model_that_ships_is_there(two):
    demand(read(two[0], ["start=tintype.mini"]))


def test_the_configurations_of_the_comparison_name_nothing_beside_the_repository():
    for path in [ROOT / "configs" / "comparison.toml", *(ROOT / "configs" / "comparison").glob("*.toml")]:
        assert "../shared" not in path.read_text(encoding="utf-8"), path
