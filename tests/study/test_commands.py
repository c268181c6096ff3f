"""The commands of a study, as the page on the command line has them."""

import re
from pathlib import Path

import pytest

from running import tintype

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["power", "make", "serve", "quiz", "report", "answers", "texts"])
def test_every_option_is_documented(command):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = re.search(rf"^## tintype study {command}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert section, f"docs/cli.md has no section '## tintype study {command}'"
    described = {word for line in re.findall(r"^\| `([^`]*)`", section[1], re.M) for word in re.split("[ ,]+", line)}
    shown = tintype("study", command, "--help", check=0).stdout.decode()
    lines = re.findall(r"^│ +(?:\* +)?(--[a-z-]+)(?: (-\w)\b)?", shown, re.M)
    assert {option for line in lines for option in line if option} == described
