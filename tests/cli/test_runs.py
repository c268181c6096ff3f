"""`tintype runs`, and the lines of JSON that programs read, against the schemas in docs/."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from running import errors_of, tintype

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def schema():
    """`schema(name)`: what checks one line, and fails where that has a field which the schema does not describe."""

    def check_of(name):
        content = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(content)
        validator = Draft202012Validator(content)
        described = {key for kind in content["$defs"].values() for key in kind.get("properties", ())}
        described_in_summary = content["$defs"]["end"]["properties"]["summary"].get("properties")

        def check(line):
            validator.validate(line)
            assert set(line) <= described
            if described_in_summary is not None:
                assert set(line.get("summary", ())) <= set(described_in_summary)

        check.refuses = lambda line: not validator.is_valid(line)
        return check

    return check_of


@pytest.fixture
def scans(photograph, tmp_path):
    for name in ("a.jpg", "b.png"):
        photograph(f"in/{name}")
    y, x = np.mgrid[0:200, 0:300]
    colours = np.stack([x * 255 // 300, y * 255 // 200, 255 - x * 255 // 300], -1).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "in/colour.png")
    (tmp_path / "in/broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "in/notes.txt").write_text("no picture")
    return tmp_path / "in"


def lines(*arguments, check, **options):
    return [json.loads(line) for line in tintype(*arguments, "--json", check=check, **options).stdout.splitlines()]


def test_every_line_of_json_keeps_its_schema(scans, tmp_path, tiny, schema):
    out = tmp_path / "out"
    asked = ("colorize", scans, tmp_path / "none.jpg", "-o", out)
    check = schema("colorize")
    seen = set()
    for words in (["--dry-run"], ["--skip-colour"], ["--vividness", "2"], ["--vividness", "2"], []):
        for line in lines(*asked, *words, model=tiny, check=1):
            check(line)
            seen |= {(line["status"], line["why"])} if "status" in line else set(line)
    assert seen == {
        ("planned", ""), ("coloured", ""), ("coloured", "again"), ("failed", ""), ("skipped", "done"),
        ("skipped", "failed"), ("skipped", "colour"), "summary",
    }  # fmt: skip
    first = {"input": "a", "output": None, "page": None, "status": "failed", "seconds": 1, "colour": None, "notes": []}
    assert not check.refuses(first | {"message": "a is empty", "why": ""})
    assert check.refuses(first | {"message": "", "why": ""})
    assert check.refuses(first)

    *rows, last = found = lines("runs", out, check=0)
    check = schema("runs")
    for line in found:
        check(line)
    assert [Path(row["input"]).name for row in rows] == ["a.jpg", "b.png", "broken.jpg", "colour.png", "none.jpg"]
    assert last["summary"] == {"done": 3, "failed": 2, "left": 0}
    assert [run["counts"].get("failed_before", 0) for run in last["runs"]] == [0, 0, 1, 0]
    assert check.refuses(rows[0] | {"state": "lost"})
    assert check.refuses({key: value for key, value in rows[0].items() if key != "origin"})


def test_what_failed_before_is_counted_apart_and_named_by_runs(scans, tmp_path, tiny):
    out = tmp_path / "out"
    asked = ("colorize", scans, "-o", out)
    first = errors_of(tintype(*asked, model=tiny, check=1))
    (sentence,) = (line.removeprefix("tintype: ") for line in first if "broken.jpg" in line)
    again = tintype(*asked, model=tiny, check=1)
    assert "; 3 skipped as done" not in first[-1]
    assert "1 failed before (--retry-failed tries it again); 3 skipped as done already" in errors_of(again)[-1]
    retried = errors_of(tintype(*asked, "--retry-failed", model=tiny, check=1))
    assert f"tintype: {sentence}" in retried
    assert "1 failed; 3 skipped as done already" in retried[-1]
    said = tintype("runs", out, check=0).stdout.decode().splitlines()
    assert len(said) == 5
    assert re.fullmatch(
        r"1: begun \d{4}-\d\d-\d\d \d\d:\d\d, finished after 0:\d\d:\d\d: .*3 coloured.* \(tiny.v1, size=64, .*\)",
        said[0],
    )
    assert "3 skipped, 1 failed before" in said[1]
    assert said[3:] == ["now: 3 done, 1 failed", f"failed: {sentence}"]


def test_a_folder_without_a_ledger_is_told_in_one_sentence(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        done = tintype("runs", folder, check=1)
        assert errors_of(done) == [
            f"tintype: {folder} has no ledger: tintype colorize keeps one in each folder that it is given with -o"
        ]
