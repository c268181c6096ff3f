"""What has to be true after a night, whatever happened in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from benchmarks.faults.archive import Archive, Scan
from benchmarks.faults.night import Night, Run
from tintype.errors import printable
from tintype.photo import mark_of

WITHOUT_COLOUR = ("TIFF, one bit", "PNG, one bit")
"""Black and white take no colour."""


def faults(night: Night, archive: Archive, before: dict[str, tuple[object, ...]]) -> list[str]:
    """All that is wrong, a sentence each; before: the state of the archive at the beginning."""
    return [
        *_changed(before, archive.state()),
        *_unfinished(night.output),
        *_results(night, archive),
        *_refusals(night, archive),
        *_twice(night),
        *_ledger(night, archive),
        *(fault for run in night.runs for fault in _said(run)),
    ]


def _changed(before: dict[str, tuple[object, ...]], now: dict[str, tuple[object, ...]]) -> Iterator[str]:
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path):
            yield f"the archive was changed: {path!r} was {before.get(path)}, and is {now.get(path)}"


def _unfinished(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if name.endswith(".part"):
                yield f"{os.path.join(where, name)!r} was left behind"


def results_in(folder: Path) -> list[Path]:
    """All files of a folder of results but the run's own records."""
    found = []
    for where, folders, names in os.walk(folder):
        if Path(where) == folder and ".tintype" in folders:
            folders.remove(".tintype")
        found += [Path(where, name) for name in names]
    return sorted(found)


def _results(night: Night, archive: Archive) -> Iterator[str]:
    """Every sound photograph has one whole result, in its folder and by its name, and nothing else is there."""
    wanted = {
        (archive.origin(scan), page): scan
        for scan in archive.scans.values()
        for page in range(1, scan.pages + 1)
        if scan.said is None
    }
    if len(wanted) != archive.results:
        yield f"the archive has {archive.results} photographs, of which only {len(wanted)} differ"
    for path in results_in(night.output):
        mark = mark_of(path)
        if mark is None:
            yield f"{path!r} has no mark of tintype"
            continue
        page = re.search(r"\bpage=(\d+)", mark.settings)
        scan = wanted.pop((mark.origin, int(page[1]) if page else 1), None)
        if scan is None:
            yield f"{path!r} is a second result, or one of no photograph: its mark says {mark.origin}"
            continue
        yield from (f"{path!r} {what}" for what in _faults_of(path, scan, night.output))
    for scan in wanted.values():
        yield f"{scan.place!r} ({scan.kind}) has no result"


def _faults_of(path: Path, scan: Scan, folder: Path) -> Iterator[str]:
    place = path.relative_to(folder)
    if place.parent != scan.place.parent or not place.name.startswith(scan.place.stem):
        yield f"is where nobody looks for the result of {scan.place!r}"
    try:
        image = pyvips.Image.new_from_buffer(path.read_bytes(), "", fail_on="error")
        pixels = image.numpy()
    except pyvips.Error as error:
        yield f"is not whole: {error}"
        return
    if (image.width, image.height) != scan.size:
        yield f"has {image.width} x {image.height} pixels, not {scan.size}"
    if image.bands < 3:
        yield f"has {image.bands} channels"
    elif scan.kind not in WITHOUT_COLOUR and not np.ptp(pixels[..., :3].astype(np.float64), axis=2).any():
        yield "is gray"


def _refusals(night: Night, archive: Archive) -> Iterator[str]:
    """Every broken file is named, with its reason, and none else at the end."""
    said: dict[str, set[str]] = {}
    notes: dict[str, set[str]] = {}
    for run in night.runs:
        for line in run.lines:
            if line.get("status") == "failed":
                said.setdefault(line["input"], set()).add(line["message"])
            elif line.get("status") == "coloured":
                notes.setdefault(line["input"], set()).update(line["notes"])
    for scan in archive.scans.values():
        path = os.fspath(archive.folder / scan.place)
        if scan.said is not None:
            yield from _names(path, scan, said.get(path, set()))
        elif scan.note and path in notes and not any(re.search(scan.note, note) for note in notes[path]):
            # Where it was killed before it could say anything, nothing was said.
            yield f"{path!r} ({scan.kind}) is coloured without a word: {notes[path]}"
    last = [
        line["input"] for line in night.runs[-1].lines if line.get("status") == "failed" or line.get("why") == "failed"
    ]
    wrong = {os.fspath(archive.folder / scan.place) for scan in archive.refused}
    for path in sorted(set(last) ^ wrong):
        yield f"{path!r} {'failed' if path in last else 'is not named'} in the last run"


def _names(path: str, scan: Scan, said: set[str]) -> Iterator[str]:
    if not said:
        yield f"{path!r} ({scan.kind}) is named nowhere"
    for message in said:
        if not re.search(scan.said or "", message) or printable(path) not in printable(message):
            yield f"{path!r} ({scan.kind}) is said to be: {message}"


def _twice(night: Night) -> Iterator[str]:
    for path in night.remade:
        yield f"{path!r} was made again"
    coloured = Counter((line["input"], line["page"]) for run in night.runs for line in run.of("coloured"))
    for (path, page), count in coloured.items():
        if count > 1:
            yield f"{path!r}, page {page}, was coloured {count} times"


def _said(run: Run) -> Iterator[str]:
    """On standard error there is one printable sentence for each failure, and a traceback nowhere."""
    for line in run.errors:
        if not line.startswith("tintype: ") or "bug in tintype" in line or printable(line) != line:
            yield f"no sentence for a user: {line!r}"
    if run.code < 0:
        return
    said = Counter(run.errors)
    wanted = Counter(f"tintype: {printable(line['message'].strip())}" for line in run.of("failed"))
    for sentence in wanted:
        if said[sentence] != wanted[sentence]:
            yield f"{sentence!r} is said {said[sentence]} times, not {wanted[sentence]}"
    for line in run.of("failed"):
        if not any(printable(line[what]) in printable(line["message"]) for what in ("input", "output") if line[what]):
            yield f"of {line['input']!r} is said: {line['message']!r}"


def _ledger(night: Night, archive: Archive) -> Iterator[str]:
    """Each row 'done' has its result, as it was written, and each result its row; the rest is 'failed'."""
    rows = rows_of(night)
    results = {path.relative_to(night.output).as_posix(): path for path in results_in(night.output)}
    done = {row["output"]: row for row in rows if row["state"] == "done"}
    for place in sorted({*results} ^ {*done}):
        yield f"{place!r} is {'in the folder' if place in results else 'in the ledger'} only"
    for place in {*results} & {*done}:
        status, row = os.stat(results[place]), done[place]
        mark = mark_of(results[place])
        if (row["result_size"], row["result_modified"]) != (status.st_size, status.st_mtime_ns):
            yield f"{place!r} has another size or time than the ledger says"
        if mark is None or row["origin"] != mark.origin:
            yield f"{place!r} was made of another file than the ledger says"
    if len({(row["input"], row["page"]) for row in rows}) != len(rows):
        yield "the ledger has a photograph twice"


def rows_of(night: Night) -> list[dict[str, Any]]:
    """The rows of the ledger, as `tintype runs --json` prints them."""
    command = [night.user.python, "-m", "tintype", "runs", os.fspath(night.output), "--json"]
    done = subprocess.run(command, capture_output=True, **night.user.options())
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "state" in line]
