"""`tintype summary`: one file for a small run, a folder beside it for a large one, and nothing made twice."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from running import errors_of, tintype
from written_ledgers import write_ledger, write_photographs

ODD = [
    'a"<img src=x onerror=alert(1)>.png',
    "b<script><!--.png",
    "c\n'&amp;.png",
    os.fsdecode(b"d\xff.png"),
    "Ä ?#%.png",
]


def rows_of(page: Path) -> dict:
    text = page.read_text("utf-8")
    inside = re.search(r'<script type="application/json" id="rows">(.*?)</script>', text, re.DOTALL)
    if inside:
        return json.loads(inside[1])
    script = re.search(r'<script src="\./([^"]+)">', text)[1]
    return json.loads((page.parent / script).read_text("utf-8").removeprefix("window.tintypeRows = ")[:-2])


@pytest.fixture
def make(tmp_path):
    """`make(names)` writes photographs, results and their ledger, and returns the folder of results."""

    def made(names, **changes):
        folder = tmp_path / "out"
        records = write_photographs(tmp_path / "scans", folder, names)
        write_ledger(folder, [replace(record, **changes) for record in records])
        return folder

    return made


def test_a_small_run_is_one_file_whatever_its_names(make, tmp_path):
    page = tmp_path / "page.html"
    done = tintype("summary", make([f"1931/{name}" for name in ODD]), "-o", page, check=0)
    assert done.stdout.decode().strip() == str(page)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "page.html", "scans"]
    rows = rows_of(page)
    assert sorted(rows["name"]) == sorted(ODD)
    assert all(picture.startswith("data:image/webp;base64,") for picture in rows["thumbnail"])
    text = page.read_text("utf-8")
    assert "<img src=x" not in text
    assert text.count("</script>") == 2
    assert "http:" not in text
    assert "https:" not in text


def test_the_rest_of_the_ledger_is_told(make, tmp_path):
    page = tmp_path / "page.html"
    notes = ("its profile could not be kept",)
    tintype("summary", make(["a.png"], message="a.png is <broken>", state="failed", notes=notes), "-o", page, check=0)
    rows = rows_of(page)
    assert rows["states"][rows["state"][0]] == "failed"
    assert rows["texts"] == ["a.png is <broken> its profile could not be kept"]
    assert rows["flags_named"][-1] == "with a note"
    assert rows["flags"][0] >> len(rows["flags_named"]) - 1 == 1
    assert "1 failed" in page.read_text("utf-8")


def test_a_large_run_keeps_its_thumbnails_and_makes_again_what_changed(make, tmp_path):
    names = [f"{number // 50}/{number:03}.png" for number in range(201)]
    folder, page = make(names), tmp_path / "page.html"
    (folder / names[7]).unlink()
    tintype("summary", folder, "-o", page, check=0)
    kept = tmp_path / "page_files" / ".thumbnails"
    made = {path: path.stat().st_mtime_ns for path in kept.rglob("*.webp")}
    assert len(made) == 201
    with Image.open(next(iter(made))) as picture:
        assert picture.size == (64, 24)  # Before and after, side by side.
    assert len(list((tmp_path / "page_files").glob("rows-*.js"))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"out", "scans", "page.html", "page_files"}
    rows = rows_of(page)
    assert all((kept / key[:2] / f"{key[2:]}.webp") in made for key in rows["thumbnail"])
    assert page.stat().st_size < 100_000

    next(iter(made)).write_bytes(b"")  # As a power cut may leave it.
    copy(folder / names[8], folder / names[7])
    tintype("summary", folder, "-o", page, check=0)
    again = {path: path.stat().st_mtime_ns for path in kept.rglob("*.webp")}
    assert len(again) == 201
    assert all(path.stat().st_size for path in again)
    assert sum(made.get(path) != time for path, time in again.items()) == 2
    # A run over the folder of the page takes none of them for a photograph.
    listed = tintype("colorize", tmp_path / "page_files", "-o", tmp_path / "other", "--dry-run")
    assert b"->" not in listed.stdout


def copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def test_photographs_that_are_gone_have_no_picture(make, tmp_path):
    folder = make(["a.png", "b.png"])
    for path in (tmp_path / "scans" / "a.png", folder / "a.png"):
        path.unlink()
    tintype("summary", folder, "-o", tmp_path / "page.html", check=0)
    assert [bool(picture) for picture in rows_of(tmp_path / "page.html")["thumbnail"]] == [False, True]


@pytest.mark.parametrize(
    ("page", "answer"),
    [("page.html", "has no ledger"), ("page.txt", "is not the name of a page: use a name that ends in .html")],
)
def test_what_cannot_be_is_said_in_one_sentence(page, answer, tmp_path):
    (tmp_path / "empty").mkdir()
    done = tintype("summary", tmp_path / "empty", "-o", tmp_path / page)
    assert done.returncode in (1, 2)
    (sentence,) = errors_of(done)
    assert answer in sentence
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]


def test_of_a_store_there_is_no_page():
    done = tintype("summary", "s3://colour/1931/", check=2)
    (sentence,) = errors_of(done)
    assert "s3://colour/1931/ is no folder on a disk, of which a page can be made: see tintype runs s3:" in sentence
