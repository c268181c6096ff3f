"""What a page shows of each photograph, as columns of JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from tintype.album.ledger import Record
from tintype.album.measures import OUTLIERS, outliers
from tintype.summary.thumbnails import Pair

STATES = ("done", "failed", "left")

FLAGS = (*OUTLIERS.values(), "was in colour", "with a note")
"""What a photograph may be marked as, in words; the bits of the column `flags`."""


@dataclass(frozen=True)
class Entry:
    """A photograph of the page: what the ledger says of it, and its files."""

    record: Record
    original: Path
    result: Path | None

    @property
    def pair(self) -> Pair:
        record = self.record
        state = record.size, record.modified, record.result_size, record.result_modified
        return Pair(self.original, self.result, record.page, (record.width or 0) * (record.height or 0), state)

    @property
    def doubt(self) -> float:
        """In a*b* units; below 0 where it was not measured."""
        return self.record.measures.get("doubt", -1.0)

    @property
    def rank(self) -> tuple[int, float]:
        """Where it stands when what deserves a look comes first: what failed, then the most doubtful."""
        return self.record.state != "failed", -self.doubt


def entry_of(record: Record, original: Path, folder: Path) -> Entry:
    """original: the photograph's path. folder: that of the results."""
    return Entry(record, original, folder / record.output if record.state == "done" else None)


def columns(entries: Sequence[Entry], thumbnails: Sequence[str], page: Path) -> dict[str, object]:
    """The entries as the script of the page reads them, by columns.

    thumbnails: of each entry, a data URI or the key in the folder of thumbnails; empty where there is none.
    page: where the page lies; addresses are relative to its folder where they can be.
    """
    here = Path(os.path.abspath(page)).parent
    places: dict[tuple[str, str, str], int] = {}
    addresses: dict[Path, str] = {}

    def address(folder: Path) -> str:
        if folder not in addresses:
            addresses[folder] = address_of(folder, here)
        return addresses[folder]

    place: list[int] = []
    for entry in entries:
        shown = entry.record.output.rpartition("/")[0]
        result = "" if entry.result is None else address(entry.result.parent)
        place.append(places.setdefault((shown, address(entry.original.parent), result), len(places)))
    records = [entry.record for entry in entries]
    return {
        "states": STATES,
        "flags_named": FLAGS,
        "places": list(places),
        "place": place,
        "name": [entry.original.name for entry in entries],
        # The result's own name, where it is another one.
        "result": [
            0 if entry.result is None or entry.result.name == entry.original.name else entry.result.name
            for entry in entries
        ],
        "page": [record.page or 0 for record in records],
        "state": [STATES.index(record.state) for record in records],
        "doubt": [round(10 * entry.doubt) if entry.doubt >= 0 else -1 for entry in entries],
        "chroma": [round(10 * record.measures.get("chroma", -0.1)) for record in records],
        "flags": [_flags(record) for record in records],
        "texts": [" ".join(filter(None, (record.message, *record.notes))) or 0 for record in records],
        "seconds": [round(record.seconds, 1) for record in records],
        "finished": [_time(record.finished) for record in records],
        "width": [record.width or 0 for record in records],
        "height": [record.height or 0 for record in records],
        "thumbnail": list(thumbnails),
    }


def address_of(folder: Path, here: Path) -> str:
    """The address of a folder, with / at its end, for a page that lies in the folder `here`."""
    folder = Path(os.path.abspath(folder))
    try:
        # With ./ before it, a name with a colon is none of a scheme.
        path = "./" + os.path.relpath(folder, here).replace(os.sep, "/")
    except ValueError:
        return folder.as_uri() + "/"  # On another drive of Windows.
    return quote(os.fsencode(path)) + "/"


def _flags(record: Record) -> int:
    told = outliers(record.measures)
    marks = (*(name in told for name in OUTLIERS), bool(record.colour), bool(record.notes))
    return sum(1 << bit for bit, holds in enumerate(marks) if holds)


def _time(text: str) -> int:
    """Seconds since 1970 of a time, ISO 8601; 0 where there is none."""
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return 0


def counted(entries: Iterable[Entry]) -> dict[str, int]:
    """How many photographs are in which state."""
    counts = dict.fromkeys(STATES, 0)
    for entry in entries:
        counts[entry.record.state] += 1
    return counts
