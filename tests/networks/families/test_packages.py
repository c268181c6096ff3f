"""Families of other packages: installed as any package is, and named as those that come with tintype."""

import re
import sys
from pathlib import Path

import pytest
import torch

from running import errors_of, tintype
from small_sets import write_set
from tintype.errors import ConfigError
from tintype.networks import families
from tintype.training import checkpoint

MODULE = """
import torch
from torch import nn

from tintype.networks import family


class Config(family.Config, frozen=True):
    width: int = 4
    weights: str = ""

    def files(self):
        return {"weights": self.weights}


class Network(family.Network):
    stride = 2
    scale = 2

    def __init__(self, config, channels):
        super().__init__(config, channels)
        self.body = nn.Sequential(nn.Conv2d(1, config.width, 3, 2, 1), nn.BatchNorm2d(config.width), nn.ReLU())
        self.head = nn.Conv2d(config.width, channels, 1)

    def load_pretrained(self):
        if self.config.weights:
            self.head.load_state_dict(torch.load(self.config.weights))

    def forward(self, lightness, hints):
        return self.head(self.body(lightness / 100))
"""

CONFIG = """
name = "dots.first"
family = "dots"
steps = 2
batch = 4
validate_every = 2
precision = "float32"
[data]
folder = "set"
side = 32
validation_side = 32
[loss]
squared = 1
[target]
kind = "ab"
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package as pip does: its module and its .dist-info beside each other, on the path of this process."""

    def install(module=MODULE, name="dots", package="dots-of-ink"):
        site = tmp_path / package
        about = site / f"{package.replace('-', '_')}-1.5.dist-info"
        about.mkdir(parents=True)
        module_name = package.replace("-", "_")
        (site / f"{module_name}.py").write_text(module)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        (about / "entry_points.txt").write_text(f"[tintype.families]\n{name} = {module_name}\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, module_name, raising=False)

    return install


def start(**knobs):
    """What a run that starts afresh does with a family."""
    family = families.get("dots")
    network = family.make(family.Config(**knobs), 2)
    family.load_pretrained(network)
    family.try_out(network)


def refused(**knobs):
    with pytest.raises(ConfigError) as error:
        start(**knobs)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_family_of_another_package_is_trained_exported_and_colours(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    install()
    assert {"dots", "tintype"} <= set(families.names())
    write_set(tmp_path / "set", 8, 2)
    (tmp_path / "dots.toml").write_text(CONFIG)
    tintype("train", "dots.toml", "network.width=6", check=0)
    state = checkpoint.load("runs/dots.first/last.pt")
    assert state["step"] == 2
    assert state["network"]["head.weight"].shape == (2, 6, 1, 1)
    # Continued, exported and drawn as any other.
    tintype("train", "dots.toml", "network.width=6", "steps=3", check=0)
    assert checkpoint.load("runs/dots.first/last.pt")["step"] == 3
    tintype("export", "runs/dots.first/last.pt", "-o", "dots.onnx", check=0)
    tintype("plot", "architecture", "dots", "-o", "dots.png", check=0)
    (tmp_path / "photograph.png").write_bytes(_gray())
    tintype("colorize", "photograph.png", "-o", "coloured.png", model="dots.onnx", check=0)
    # Without the package its checkpoints say what is missing.
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "dots-of-ink" not in place])
    done = tintype("export", "runs/dots.first/last.pt", "-o", "again.onnx")
    assert done.returncode != 0
    assert errors_of(done) == [
        f"tintype: runs/dots.first/last.pt: family 'dots' is unknown; there are {', '.join(families.names())}; "
        "if another package has it, install that"
    ]


def _gray() -> bytes:
    import io

    import numpy as np
    from PIL import Image

    memory = io.BytesIO()
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))).save(memory, "png")
    return memory.getvalue()


def test_a_file_that_it_names_is_looked_for_before_the_run(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    install()
    write_set(tmp_path / "set", 8, 2)
    (tmp_path / "dots.toml").write_text(CONFIG + '[network]\nweights = "none.pt"\n')
    done = tintype("train", "dots.toml")
    assert errors_of(done) == [
        "tintype: dots.first: network.weights = 'none.pt' is not there; name the file, or leave this run out"
    ]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import no_such_module", "cannot be imported (ModuleNotFoundError: No module named 'no_such_module')"),
        ("1 +", "cannot be imported (SyntaxError: invalid syntax"),
        ("", "has no Config that derives from tintype.networks.family.Config"),
        (MODULE.replace("class Network(family.Network)", "class Network(nn.Module)"), "has no Network that derives"),
        (
            MODULE.replace("config.width, channels, 1", "config.depth, channels, 1"),
            "making its network fails (AttributeError: 'Config' object has no attribute 'depth')",
        ),
        (
            MODULE.replace("lightness / 100", "hints / 100"),
            "trying its network fails (RuntimeError: Given groups=1, weight of size [4, 1, 3, 3]",
        ),
        (
            MODULE.replace("scale = 2", "scale = 4"),
            "its network gives maps of shape (1, 2, 32, 32), and not (1, 2, 16, 16)",
        ),
        (MODULE.replace("return self.head", "return None and self.head"), "trying its network fails (AttributeError"),
    ],
)
def test_what_goes_wrong_in_it_is_one_sentence(install, module, said):
    install(module)
    sentence = refused()
    assert sentence.startswith("family 'dots' of the package dots-of-ink 1.5: ")
    assert said in sentence
    assert "update the package" in sentence


def test_the_family_of_the_document_works(install):
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    install(re.search(r"^```python\n(from torch import nn\n.*?)^```$", page, re.MULTILINE | re.DOTALL)[1])
    start(width=8)


def test_a_file_of_weights_that_it_cannot_read_is_one_sentence(install, tmp_path):
    install()
    torch.save({"other": torch.zeros(1)}, tmp_path / "weights.pt")
    assert "loading its pretrained weights fails (RuntimeError: Error(s) in" in refused(
        weights=str(tmp_path / "weights.pt")
    )


def test_a_name_means_one_family(install):
    install(name="unet")
    with pytest.raises(ConfigError, match=r"family 'unet' is in tintype and in dots-of-ink 1\.5; uninstall"):
        families.get("unet")
    install(name="lines", package="lines")
    install(name="lines", package="strokes")
    with pytest.raises(ConfigError, match=r"family 'lines' is in lines 1\.5 and in strokes 1\.5; uninstall"):
        families.get("lines")
    assert families.get("tintype").package == ""
