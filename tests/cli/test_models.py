"""`tintype models`, and what every command has in common."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from running import errors_of, tintype
from tintype.cli import COMMANDS
from tintype.models import DEFAULT, catalog
from tintype.models.catalog import PURPOSES, bytes_of
from tintype.version import __version__

ROOT = Path(__file__).parents[2]


def test_models_are_listed_for_programs():
    listed = json.loads(tintype("models", "--json", check=0).stdout)
    assert listed[0]["name"] == DEFAULT
    for model in listed:
        assert {"name", "family", "version", "size", "licence", "training_data", "figures"} <= model.keys()
        assert model["training_data"]
        assert all({"metric", "value", "protocol"} <= figure.keys() for figure in model["figures"])


def test_models_are_listed_for_people():
    text = tintype("models", check=0).stdout.decode()
    rows = [line.split() for line in text.splitlines() if " MB " in line]
    assert [row[0] for row in rows] == [card.name for card in catalog()]
    # The two to use come first, each with its size and what it is for; the others are for research.
    use, research = text.index("To use:"), text.index("For research")
    assert use < text.index(DEFAULT) < text.index("tintype.mini") < research < text.index("resunet.l1 ")
    assert rows[0][:3] == [DEFAULT, f"{bytes_of(DEFAULT) / 1e6:.1f}", "MB"]
    assert PURPOSES["tintype.mini"].split(";")[0][:20] in text
    assert text.strip().endswith(f"tintype models {DEFAULT}")
    text = tintype("models", DEFAULT, check=0).stdout.decode()
    for word in (DEFAULT, "licence", "trained on", "measured"):
        assert word in text


def test_a_model_of_ones_own_is_shown(build_model):
    path = build_model(card={"name": "tiny.mine", "training_data": [], "figures": []})
    text = tintype("models", str(path), check=0).stdout.decode()
    assert "tiny.mine" in text
    assert "0.0 MB" in text
    assert "64 pixels, sides multiples of 8" in text
    assert "None" not in text
    assert "trained on" not in text  # of what the card does not say
    listed = json.loads(tintype("models", DEFAULT, str(path), "--json", check=0).stdout)
    assert [model["name"] for model in listed] == [DEFAULT, "tiny.mine"]
    assert [model["bytes"] for model in listed] == [bytes_of(DEFAULT), path.stat().st_size]


def test_a_file_that_calls_itself_like_a_shipped_model_is_listed_by_another_name(build_model):
    path = build_model(card={"family": "tintype", "name": DEFAULT})
    (listed,) = json.loads(tintype("models", str(path), "--json", check=0).stdout)
    assert listed["name"].startswith("own.")
    assert DEFAULT not in tintype("models", str(path), check=0).stdout.decode()


@pytest.mark.parametrize(
    ("model", "said", "code"),
    [
        ("unknown", "There is no model named unknown: give one that ships with tintype", 2),
        ("none.onnx", "none.onnx cannot be used as a model: there is no such file", 2),
        (__file__, "cannot be used as a model: it is not an ONNX file", 1),
    ],
)
def test_what_is_no_model(model, said, code):
    (line,) = errors_of(tintype("models", model, check=code))
    assert said in line


def test_version():
    assert tintype("--version", check=0).stdout.decode().strip() == __version__


@pytest.mark.parametrize("arguments", [["nonsense"], ["models", "--nonsense"]])
def test_wrong_usage_is_one_sentence_and_2(arguments):
    done = tintype(*arguments, check=2)
    assert len(errors_of(done)) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; from tintype.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'numpy', 'onnxruntime', 'pyvips', 'PIL', 'torch', 'msgspec', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.search(rf"^## tintype {name}$", page, re.M), f"docs/cli.md has no section '## tintype {name}'"
    assert import_module(f"tintype.cli.{name}").__doc__
