"""The tutorial, as a student follows it: every line of its page, but with four steps of training instead of 300."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from running import tintype

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The tutorial's folder with its files, beside the example photographs."""
    above = tmp_path_factory.mktemp("clone")
    (above / "examples").symlink_to(ROOT / "examples")
    folder = above / "tutorial"
    folder.mkdir()
    (code,) = blocks("python")
    (folder / "pieces.py").write_text(code, encoding="utf-8")
    for configuration in blocks("toml"):
        name = re.search(r'^family = "(\w+)"$', configuration, re.MULTILINE)[1]
        (folder / f"{name}.toml").write_text(configuration, encoding="utf-8")
    return folder


def test_every_line_of_the_tutorial_runs(folder):
    setting_up, *steps = blocks("sh")
    assert setting_up.splitlines()[0] == '.venv/bin/pip install ".[train,plot,report]" scikit-image'
    for line in "\n".join(steps).splitlines():
        program, *words = shlex.split(line)
        words = [str(path) for word in words for path in (sorted(folder.glob(word)) if "*" in word else [word])]
        if program == "python":
            subprocess.run([sys.executable, *words], cwd=folder, check=True, timeout=120)
            assert len(list((folder / "pieces").glob("*.png"))) == 85
            continue
        assert program == "tintype", line
        if words[0] == "train":
            words += ["steps=4", "validate_every=2", "log_every=2"]
        elif words[0] == "evaluate":
            words += ["--jobs", "1"]
        done = tintype(*words, cwd=folder, check=0)
        if words[0] == "prepare":
            (printed,) = (block for block in blocks("text") if block.startswith("data:"))
            assert done.stdout.decode().splitlines() == printed.splitlines()
    assert {path.name for path in (folder / "coloured").iterdir() if path.is_file()} == {
        path.name for path in (ROOT / "examples" / "photographs").glob("*.jpg")
    }
    for name in ("curves.png", "models.jpg", "report.html"):
        assert (folder / name).stat().st_size > 10_000
