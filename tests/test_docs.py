"""The documents: README's lines run, links lead somewhere, and the commands that pages show exist."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from docs import metrics
from docs import options as tables
from running import tintype
from tintype.cli import COMMANDS
from tintype.color.lab import lightness

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = ROOT / "examples" / "photographs"
FOLDERS = ("docs", "examples", "notebooks")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    """Fenced blocks of these languages; "" for blocks that name none."""
    found = re.findall(r"^```(\w*)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


# README


def test_every_shell_line_of_readme_runs_as_written_in_a_clean_copy(tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("src", "examples"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy)
    before = {path: path.read_bytes() for path in (copy / "examples").rglob("*") if path.is_file()}
    # pip finds what tintype needs in this environment instead of downloading it.
    here = os.pathsep.join(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    environment = {**os.environ, "PYTHONPATH": here, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "false"}
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), environment["PATH"]])
    scripts = [
        block for block in blocks(read(ROOT / "README.md"), "sh") if "pytest" not in block
    ]  # that one is .ci/run
    (page,) = [script for script in scripts if "tintype serve" in script]
    scripts.remove(page)
    assert len(scripts) == 2
    for script in scripts:
        done = subprocess.run(
            ["bash", "-ec", script], cwd=copy, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, script + done.stdout + done.stderr
    # No browser opens here, and any port will do.
    page, environment["BROWSER"] = f"{page.strip()} --port 0", "true"
    with subprocess.Popen(
        ["bash", "-ec", page], cwd=copy, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as served:
        try:
            address = next(line.split()[1] for line in served.stdout if line.startswith("Page: "))
            with urlopen(f"{address}health") as answer:
                assert b'"ok"' in answer.read()
        finally:
            os.killpg(served.pid, signal.SIGTERM)
    coloured = {path.name for path in (copy / "coloured").iterdir() if path.is_file()}
    assert coloured == {path.name for path in (copy / "examples" / "photographs").glob("*.jpg")}
    assert (copy / "lange-in-colour.jpg").is_file()
    assert before == {path: path.read_bytes() for path in (copy / "examples").rglob("*") if path.is_file()}


def test_the_lines_for_windows_say_the_same():
    def plain(line: str) -> str:
        for windows, others in (
            ("py -m", "python3 -m"),
            (".venv\\Scripts\\", ".venv/bin/"),
            ("; ", " && "),
            ("\\", "/"),
        ):
            line = line.replace(windows, others)
        return line

    readme = read(ROOT / "README.md")
    others = [block for block in blocks(readme, "sh") if "pytest" not in block]
    assert [plain(block) for block in blocks(readme, "powershell")] == others


def test_readme_names_the_number_of_example_photographs():
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    photographs = list((ROOT / "examples" / "photographs").glob("*.jpg"))
    assert f"{names[len(photographs) - 1]} example photographs" in read(ROOT / "README.md")


# From Python


def test_every_example_of_the_pages_for_python_runs(tmp_path, monkeypatch):
    """The blocks of three pages run one after the other, as in a notebook; the test makes what they begin with."""
    monkeypatch.chdir(tmp_path)
    with Image.open(PHOTOGRAPHS / "migrant-mother-1936.jpg") as photograph:
        small = photograph.convert("L").resize((480, 640))
    for name in ("grandmother.jpg", "scan.jpg", "scan.tif", "street.jpg"):
        small.save(name)
    Path("scans").mkdir()
    small.save("scans/a.jpg")
    Path("street.json").write_text('[{"x": 40, "y": 50, "color": "#8b5a2b", "radius": 5}]', encoding="utf-8")
    gray = np.asarray(small)
    names = {
        "gray": gray,
        "data": Path("scan.jpg").read_bytes(),
        "photos": ["grandmother.jpg", "scan.tif"],
        "lightness": lightness(np.repeat(gray[:128, :96, None], 3, axis=2) / np.float32(255)),
    }
    for name in ("python.md", "inspect.md", "archives.md"):
        page = read(ROOT / "docs" / name)
        for number, block in enumerate(blocks(page, "python"), 1):
            line = page[: page.index(block)].count("\n")
            exec(compile("\n" * line + block, f"docs/{name}, block {number}", "exec"), names)
    for name in ("grandmother.color.jpg", "scan.png", "scan.color.tif", "street.color.jpg"):
        with Image.open(name) as result:
            assert np.ptp(np.asarray(result.convert("RGB")).astype(int), axis=2).max() > 5, f"{name} is gray"
    assert names["rgb"].shape == (*gray.shape, 3)
    assert names["ab"].shape[0] == 2
    assert names["logits"].shape == (len(names["model"].card.bins), *names["ab"].shape[1:])


# Links


def anchors(path: Path) -> set[str]:
    """What headings are linked by, as GitHub makes it of them."""
    found: dict[str, int] = {}
    text = re.sub(r"^```.*?^```$", "", read(path), flags=re.MULTILINE | re.DOTALL)
    result = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = found.get(anchor, 0)
        found[anchor] = number + 1
        result.add(f"{anchor}-{number}" if number else anchor)
    return result


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), target


# Commands


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda path: path.name)
def test_the_tables_of_options_are_those_of_the_commands(page):
    assert tables.filled(read(page)) == read(page), "python -m docs.options writes the tables again"


def test_the_tables_of_metrics_are_those_of_the_records():
    assert metrics.filled(read(metrics.PAGE)) == read(metrics.PAGE), "python -m docs.metrics writes the tables again"
    rows = re.findall(r"^\| `(\w+)` \|", read(metrics.PAGE), re.MULTILINE)
    assert sorted(rows) == sorted(metrics.METRICS)


def test_every_command_has_one_table_of_options_on_a_page():
    shown = [name for page in tables.PAGES for name, *_ in tables.TABLE.findall(read(page))]
    assert sorted(shown) == sorted(name for name, _ in tables.commands())


def test_a_table_says_what_the_help_says():
    (table,) = (text for name, _, text in tables.TABLE.findall(read(tables.PAGES[0])) if name == "colorize")
    rows = {row.split("`")[1]: row for row in table.splitlines()[2:]}
    assert "| INT | Short side" in rows["--size"]
    assert rows["--vividness"].endswith("0 to 10. Default: 1. |")
    assert "such as `drafts,*-back.jpg`." in rows["--exclude"]
    assert next(iter(rows)) == "--output, -o"


@cache
def options(command: str) -> set[str]:
    """The options that `tintype COMMAND --help` shows."""
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", tintype(*command.split(), "--help").stdout.decode()))


def shown(document: Path) -> list[str]:
    """The `tintype ...` commands of a page: lines of its blocks, and code in its text."""
    text = read(document)
    found = []
    for block in blocks(text, "", "sh", "powershell"):
        for line in block.replace("\\\n", " ").splitlines():
            found += re.findall(r"(?:^|&& |; |\| )(?:\S*[/\\])?tintype (.*)", line)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found += re.findall(r"`tintype ([^`]+)`", " ".join(outside.split("\n")))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_and_options_that_a_page_shows_exist(document):
    for line in shown(document):
        words = shlex.split(line.partition(" # ")[0].rstrip(" #"))
        if not words or not words[0].isalpha() or words[0].isupper():
            continue
        if words[:2] == ["plot", "KIND"]:
            continue
        name = words[0]
        assert name in COMMANDS, line
        if name in ("plot", "study") and len(words) > 1 and words[1].isalpha() and words[1].islower():
            name += f" {words[1]}"
        for word in words[1:]:
            option = word.strip("[](),").partition("=")[0]
            if re.fullmatch(r"--?[a-z][\w-]*", option):
                assert option in options(name) | {"--help"}, line
