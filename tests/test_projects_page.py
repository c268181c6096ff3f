"""The page of the five projects says what the comparison says, and names every configuration of theirs."""

import tomllib
from pathlib import Path

import pytest

from docs import projects

ROOT = Path(__file__).parents[1]
PAGE = projects.PAGE.read_text(encoding="utf-8")
PUBLISHED = ROOT / "configs" / "published"
SETS = {"cifar.toml", "coco.toml", "flowers.toml", "imagenet50k.toml", "vehicles.toml"}
"""What the configurations of the projects share; the others are those of papers."""


def test_the_results_are_those_of_the_comparison():
    comparison = projects.COMPARISON.read_text(encoding="utf-8")
    assert projects.filled(PAGE, comparison) == PAGE, "python -m docs.projects writes the results again"


def test_results_without_a_source_are_refused():
    with pytest.raises(ValueError, match=r"comparison-figures\.md has no figures or no verdicts for project B"):
        projects.results("B", "| | claim | here |\n|---|---|---|\n| A | one | undecided |\n")


def test_every_configuration_of_a_project_is_named():
    def shared(path: Path) -> str:
        include = tomllib.loads(path.read_text(encoding="utf-8"))["include"] if path.parent == PUBLISHED else ""
        return path.name if not include else shared((path.parent / include).resolve())

    theirs = [path.name for path in PUBLISHED.glob("*.toml") if path.stem != "pix2pix.gan" and shared(path) in SETS]
    assert len(theirs) > 20
    missing = [name for name in sorted(theirs) if f"configs/published/{name})" not in PAGE]
    assert set(missing) <= {"unet.nogan.toml"}, missing  # that is DeOldify's way
