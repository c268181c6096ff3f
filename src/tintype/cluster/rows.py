"""What became of each photograph, where many computers write: a file for each row, OUT/.tintype/rows/../NAME.json.

What decides whether a photograph is done stands in the name of its row, so that one listing of the folder is enough:

    KEY-MADE-STATE-SIZE.json    KEY: digest of the result's place. MADE: digest of the file and the settings that it was
                                made of. STATE: done, failed, again (failed, for now), left. SIZE: the result's
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b

from tintype.album import Record, Run
from tintype.cluster.presence import who_is_at_work
from tintype.cluster.stores import Entry, Store
from tintype.errors import LedgerError
from tintype.threads import ahead

ROWS = ".tintype/rows"
"""Where the rows lie, from the folder of the results on."""

RUNS = ".tintype/runs"
"""Where the runs of a store lie, a file each."""

READERS = 16
"""Rows that are read at once."""

_NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})-(done|failed|again|left)-(\d+)\.json")


@dataclass(frozen=True)
class Row:
    """What the name of a row tells. place: that of its file in the store."""

    place: str
    key: str
    made: str
    state: str
    size: int


class Rows:
    """The rows of a store of results."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def of(self, place: str) -> list[Row]:
        """The rows of one result, by its place."""
        key = key_of(place)
        return rows_of(self.store.files(f"{ROWS}/{key[:2]}")).get(key, [])

    def put(self, record: Record, made: str) -> str:
        """Write a row; returns its place. Older ones of the same result are to be removed afterwards."""
        key = key_of(record.output)
        state = "again" if record.state == "failed" and record.transient else record.state
        place = f"{ROWS}/{key[:2]}/{key}-{made}-{state}-{record.result_size}.json"
        self.store.write(json.dumps(record.json()).encode(), place)
        return place

    def read(self, row: Row) -> Record | None:
        """The whole row; None where it is none."""
        try:
            content = json.loads(self.store.read(row.place))
            return Record.of_json(content) if isinstance(content, dict) else None
        except (ValueError, LedgerError):
            return None

    def put_run(self, run: Run) -> None:
        """Write down that a run began, or how it ended."""
        self.store.write(json.dumps(run.json()).encode(), f"{RUNS}/{run.id}.json")

    @property
    def runs(self) -> list[Run]:
        """The runs, the earliest first."""
        found = []
        at_work = who_is_at_work(self.store) is not None
        for entry in self.store.files(RUNS):
            with suppress(ValueError, TypeError):  # It is no run.
                run = Run(**json.loads(self.store.read(entry.place)))
                found.append(replace(run, state="cut off") if run.state == "working" and not at_work else run)
        return sorted(found, key=lambda run: run.begun)

    def __iter__(self) -> Iterator[Record]:
        """The newest row of each result, in the order of the inputs."""
        rows = [row for of_one in rows_of(self.store.files(ROWS)).values() for row in of_one]
        newest: dict[str, Record] = {}
        for record in ahead(self.read, rows, READERS, beside=True):
            if record is not None:
                other = newest.setdefault(record.output, record)
                newest[record.output] = max(other, record, key=lambda record: record.finished)
        if not newest and not self.runs:
            raise LedgerError(
                f"{self.store.name('')} has no rows: tintype colorize --engine ray leaves them with results"
            )
        yield from sorted(newest.values(), key=lambda record: (record.input, record.page or 0, record.output))


def rows_of(entries: Iterable[Entry]) -> dict[str, list[Row]]:
    """The rows of each result, by its key, as the names of files tell; other files are passed over."""
    found = defaultdict(list)
    for entry in entries:
        name = _NAME.fullmatch(entry.place.rpartition("/")[2])
        if name is not None:
            found[name[1]].append(Row(entry.place, name[1], name[2], name[3], int(name[4])))
    return dict(found)


def key_of(place: str) -> str:
    """The key of a result by its place below the folder of the results."""
    return blake2b(place.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def made_of(size: int, stamp: str, record: Record) -> str:
    """A digest of what a row is about: the input as it was listed, and the model and the settings of the record.

    Whether a photograph fails or is left alone may depend on the version of tintype, too.
    """
    version = "" if record.state == "done" else record.version
    content = "\0".join((str(size), stamp, record.model, record.settings, version))
    return blake2b(content.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
