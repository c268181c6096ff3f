"""The page: one file for a small run; for a large one its rows and thumbnails lie in a folder beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

from tintype.album.ledger import Ledger, Run
from tintype.album.measures import EXPLANATION
from tintype.errors import OptionError, TintypeError, printable
from tintype.files import whole_file
from tintype.summary.rows import Entry, columns, counted, entry_of
from tintype.summary.thumbnails import Kept, make_folder, thumbnail
from tintype.threads import ahead, available_threads
from tintype.version import __version__

INLINE = 200
"""Photographs up to which the page is a single file."""

MOST_RUNS = 100
"""Runs that the page lists, the latest."""

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, of how much."""


def write(folder: Path, output: Path, progress: Progress | None = None) -> int:
    """Write the page of the run or runs whose results lie in a folder; it may be written while a run works.

    output: NAME.html. The page of more than INLINE photographs keeps its rows and thumbnails in the folder NAME_files
        beside it. It is there to be looked at before its thumbnails are; those that are there already are used again.
    Returns the number of photographs.

    Raises:
        LedgerError: the folder has no ledger. TintypeError: the ledger is empty. OptionError: it is no name of a page.
        UnwritableFile: the disk does not take the page.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{output} is not the name of a page: use a name that ends in .html")
    show = progress or (lambda what, done, count: None)
    with Ledger(folder, read_only=True) as ledger:
        entries = [entry_of(record, Path(ledger.input_of(record)), folder) for record in ledger]
        runs = ledger.runs
    if not entries:
        raise TintypeError(
            f"The ledger of {folder} has no photograph yet: colour some with tintype colorize -o {folder}"
        )
    if len(entries) <= INLINE:
        _write_single(entries, runs, folder, output, show)
    else:
        _write_large(entries, runs, folder, output, show)
    return len(entries)


def _write_single(entries: Sequence[Entry], runs: Sequence[Run], folder: Path, output: Path, show: Progress) -> None:
    made: list[str] = []
    show("thumbnails", 0, len(entries))
    for picture in ahead(lambda entry: thumbnail(entry.pair), entries, available_threads()):
        made.append("" if picture is None else "data:image/webp;base64," + base64.b64encode(picture).decode())
        show("thumbnails", len(made), len(entries))
    # No name can end the element that holds it.
    rows = _json(columns(entries, made, output)).replace("<", "\\u003c")
    data = f'<script type="application/json" id="rows">{rows}</script>'
    _write_page(entries, runs, folder, output, data)


def _write_large(entries: Sequence[Entry], runs: Sequence[Run], folder: Path, output: Path, show: Progress) -> None:
    beside = output.with_name(f"{output.stem}_files")
    # A hidden folder, in which no later run looks for photographs.
    kept = Kept(beside / ".thumbnails")
    pairs = [entry.pair for entry in entries]
    keys = [pair.key for pair in pairs]
    order = sorted(range(len(entries)), key=lambda place: entries[place].rank)
    missing = sum(key not in kept.there for key in keys)
    _write_rows(entries, runs, folder, output, beside, keys)
    show("thumbnails", 0, missing)
    kept.make(((keys[i], pairs[i]) for i in order), lambda done: show("thumbnails", done, missing))
    if not kept.there.issuperset(keys):
        there = [key if key in kept.there else "" for key in keys]
        _write_rows(entries, runs, folder, output, beside, there)
    kept.forget(set(keys))


def _write_rows(
    entries: Sequence[Entry], runs: Sequence[Run], folder: Path, output: Path, beside: Path, keys: Sequence[str]
) -> None:
    """The page and its rows, under a name of their own: a page that is open goes on with those that it has."""
    table = columns(entries, keys, output) | {"folder": f"./{_quoted(beside.name)}/.thumbnails"}
    script = f"window.tintypeRows = {_json(table)};\n".encode()
    name = f"rows-{blake2b(script, digest_size=6).hexdigest()}.js"
    make_folder(beside)
    with whole_file(beside / name) as file:
        file.write(script)
    _write_page(entries, runs, folder, output, f'<script src="./{_quoted(beside.name)}/{name}"></script>')
    for other in beside.glob("rows-*.js"):
        if other.name != name:
            with suppress(OSError):
                other.unlink()


def _write_page(entries: Sequence[Entry], runs: Sequence[Run], folder: Path, output: Path, data: str) -> None:
    title = f"{printable(Path(os.path.abspath(folder)).name)}: photographs coloured by tintype"
    style, script = _part("summary.css"), _part("summary.js")
    counts = counted(entries)
    words = [(f"{_number(counts['done'])} coloured", "")]
    words += [(f"{_number(counts['failed'])} failed", "bad")] if counts["failed"] else []
    words += [(f"{_number(counts['left'])} left alone, in colour already", "")] if counts["left"] else []
    html = Template(_part("summary.html")).substitute(
        title=escape(title),
        version=escape(__version__),
        policy=_policy(style, script),
        style=style,
        script=script,
        counts="".join(f'<li class="{kind}">{escape(text)}</li>' for text, kind in words),
        facts="".join(f"<dt>{escape(name)}</dt><dd>{escape(printable(text))}</dd>" for name, text in _facts(entries)),
        runs="".join(map(_row, reversed(runs[-MOST_RUNS:]))),
        measures=escape(EXPLANATION),
        data=data,
    )
    with whole_file(output) as file:
        file.write(html.encode("utf-8", "backslashreplace"))


def _facts(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    made = Counter((entry.record.model, entry.record.settings) for entry in entries if entry.record.state == "done")
    facts = []
    for (model, settings), count in made.most_common(5):
        facts += [(f"model of {_number(count)}", model), ("settings", settings)]
    if len(made) > 5:
        facts.append(("and", f"{len(made) - 5} other combinations of model and settings"))
    seconds = sum(entry.record.seconds for entry in entries)
    size = sum(entry.record.result_size for entry in entries)
    return [*facts, ("time", f"{_duration(seconds)} of work, all photographs together"), ("results", _bytes(size))]


def _row(run: Run) -> str:
    counts = ", ".join(f"{_number(count)} {what}" for what, count in run.counts.items() if count)
    cells = (
        f"{run.id}",
        _moment(run.begun),
        _moment(run.ended or run.state),
        run.version,
        counts,
        run.model,
        run.settings,
    )
    return "<tr>" + "".join(f"<td>{escape(printable(cell))}</td>" for cell in cells) + "</tr>"


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: its own style and script, and what lies on the same disk or server."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}' 'self' file:; "
        "img-src data: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _part(name: str) -> str:
    return files("tintype.summary").joinpath("page", name).read_text("utf-8")


def _json(content: object) -> str:
    return json.dumps(content, separators=(",", ":"))


def _quoted(name: str) -> str:
    return quote(os.fsencode(name))


def _number(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def _moment(text: str) -> str:
    return text.replace("T", " ").replace("Z", " UTC")


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _bytes(size: float) -> str:
    unit, *larger = "bytes", "KB", "MB", "GB", "TB"
    while size >= 1000 and larger:
        size, unit = size / 1000, larger.pop(0)
    return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
