"""What became of every photograph of a folder of results: a row each, in OUT/.tintype/run.sqlite.

A row is written when its result is on the disk, in a transaction of its own. Nothing depends on the file alone: where
it is lost, the marks in the results tell what is done, and the rows are written again.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, cast

from tintype.album.lock import FOLDER, Lock
from tintype.album.tasks import Task
from tintype.errors import LedgerError, UnwritableFile
from tintype.files import FULL, inherit, make_folder
from tintype.version import __version__

NAME = "run.sqlite"

VERSION = 1
"""Of the tables; `PRAGMA user_version` of the file."""

MINE = 0x74696E74
"""`PRAGMA application_id` of the file."""

PATIENCE = 60
"""Seconds that a reader or writer waits for another program that has the file."""

CHUNK = 1000
"""Rows that are read at once, so that nobody who reads holds up the run."""

State = Literal["done", "failed", "left"]


@dataclass(frozen=True)
class Record:
    """What became of one photograph.

    input: its path, as it was found. page: of a file that holds several.
    output: the result, relative to the folder, with /; empty where there can be none, as of a file that does not exist.
    state: 'done', 'failed', or 'left': a colour photograph that was left alone.
    message: why it failed, was left alone or was made again, one sentence. notes: what was damaged or not kept.
    transient: of a failed one, whether the cause lay outside the photograph, as a full disk or missing rights do: the
        next run tries again.
    size, modified: bytes of the input, and when it was written, in nanoseconds since 1970.
    origin: LENGTH-QUICK-WHOLE of the bytes that were read (see `tintype.photo.origin`); empty where they were not.
    result_size, result_modified: the same of the result, once it was there; else 0.
    model, settings: what it was made with. version: of tintype.
    seconds: how long it took. finished: when, ISO 8601 in UTC. run: number of the run.
    width, height: upright, in pixels; None where it was not decoded. colour: whether it is a colour photograph.
    measures: what was measured of its colours.
    """

    input: str
    output: str
    state: State
    page: int | None = None
    message: str = ""
    transient: bool = False
    notes: tuple[str, ...] = ()
    size: int = 0
    modified: int = 0
    origin: str = ""
    result_size: int = 0
    result_modified: int = 0
    model: str = ""
    settings: str = ""
    version: str = __version__
    seconds: float = 0.0
    finished: str = ""
    run: int = 0
    width: int | None = None
    height: int | None = None
    colour: bool | None = None
    measures: Mapping[str, float] = field(default_factory=dict)

    def json(self) -> dict[str, object]:
        """The record as an object of JSON: all fields by their names."""
        values = {name: getattr(self, name) for name in _FIELDS}
        return values | {"notes": list(self.notes), "measures": dict(self.measures)}

    @classmethod
    def of_json(cls, content: Mapping[str, object]) -> Record:
        """What `json` gave, as a record; fields of other versions are passed over. Raises LedgerError."""
        known = {name: content[name] for name in _FIELDS if name in content}
        try:
            # What JSON holds is checked where it is used; a row that lacks its first three fields is none.
            record = cls(**known)  # type: ignore[arg-type]
            return replace(record, notes=tuple(record.notes), measures=dict(record.measures))
        except (TypeError, ValueError):
            raise LedgerError(f"{str(content)[:200]} is no row of a ledger: leave it out") from None


_FIELDS = tuple(field.name for field in fields(Record))


@dataclass(frozen=True)
class Run:
    """One run of the command: when it was, and what became of its photographs.

    begun, ended: ISO 8601 in UTC; ended is None where the run was killed, or is at work.
    state: 'working', 'finished', 'stopped' (by Ctrl-C, a signal or an error), or 'cut off' (killed).
    model, settings: what was asked for. version: of tintype.
    counts: photographs by what became of them, as far as the run had told of them when it was stopped; while it works,
        and where it was cut off, as far as rows tell.
    """

    id: int
    begun: str
    ended: str | None
    state: str
    version: str
    model: str
    settings: str
    counts: Mapping[str, int]

    def json(self) -> dict[str, object]:
        return asdict(self) | {"counts": dict(self.counts)}


_COLUMNS = {
    "input": "NOT NULL",
    "page": "INTEGER",
    "output": "NOT NULL",
    "state": "TEXT NOT NULL",
    "message": "",
    "transient": "INTEGER NOT NULL",
    "notes": "TEXT NOT NULL",
    "size": "INTEGER NOT NULL",
    "modified": "INTEGER NOT NULL",
    "origin": "TEXT NOT NULL",
    "result_size": "INTEGER NOT NULL",
    "result_modified": "INTEGER NOT NULL",
    "model": "TEXT NOT NULL",
    "settings": "TEXT NOT NULL",
    "version": "TEXT NOT NULL",
    "seconds": "REAL NOT NULL",
    "finished": "TEXT NOT NULL",
    "run": "INTEGER NOT NULL",
    "width": "INTEGER",
    "height": "INTEGER",
    "colour": "INTEGER",
    "measures": "TEXT NOT NULL",
}
"""Names of files need not be text: those that are none are kept as bytes, so their columns have no type."""

SCHEMA = f"""
CREATE TABLE photographs ({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())});
CREATE UNIQUE INDEX results ON photographs (output) WHERE output != '';
CREATE UNIQUE INDEX without_result ON photographs (input) WHERE output = '';
CREATE INDEX in_order ON photographs (input, ifnull(page, 0), output);
CREATE INDEX of_runs ON photographs (run, state);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, begun TEXT NOT NULL, ended TEXT, state TEXT NOT NULL, version TEXT NOT NULL,
    model TEXT NOT NULL, settings TEXT NOT NULL, counts TEXT NOT NULL, place NOT NULL
);
PRAGMA application_id = {MINE};
PRAGMA user_version = {VERSION};
"""
"""`notes`, `measures` and `counts` are JSON. `runs.place` is where the run was started, seen from the folder: inputs
that are no absolute paths are relative to it."""

_ROW = ", ".join(_COLUMNS)
_PUT = f"INSERT OR REPLACE INTO photographs ({_ROW}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_OF = f"SELECT {_ROW} FROM photographs WHERE output = ? AND output != ''"  # as its index has it
_NEXT = f"""SELECT {_ROW} FROM photographs WHERE (input, ifnull(page, 0), output) > (?, ?, ?)
    ORDER BY input, ifnull(page, 0), output LIMIT {CHUNK}"""

Row = tuple[object, ...]


class Ledger:
    """The ledger of a folder of results: a context manager, for any number of threads.

        with Ledger("coloured", read_only=True) as ledger:
            for record in ledger:              # in the order of the inputs
                print(record.input, record.state, record.message)

    folder: that of the results. read_only: only to be read, also while a run works; else the file is made where there
    is none. One run writes at a time: hold its `Lock`.
    notice: is told, in a sentence, of a ledger that had to be set aside, and of one that can no longer be kept.

    Raises LedgerError where there is none to read, or none can be kept.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        read_only: bool = False,
        notice: Callable[[str], object] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / FOLDER / NAME
        self.read_only = read_only
        self.run = 0
        """The number of the run that was begun."""
        self._notice = notice or (lambda message: None)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._places: dict[int, str] = {}
        self._here = ""

    def __enter__(self) -> Ledger:
        try:
            self._here = os.path.relpath(os.getcwd(), self.folder)
        except (OSError, ValueError):
            self._here = ""  # On another drive of Windows, or a folder that is gone.
        self._connection = self._reader() if self.read_only else self._writer()
        try:
            rows = self._ask("SELECT id, place FROM runs")
            self._places = {cast(int, number): _text(place) for number, place in rows}
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock, suppress(sqlite3.Error):
            if self._connection is not None:
                if not self.read_only:
                    # At rest it can be read from a disk that cannot be written, and moved to any file system.
                    with suppress(sqlite3.Error):
                        self._connection.execute("PRAGMA busy_timeout = 0")
                        self._connection.execute("PRAGMA journal_mode = delete")
                self._connection.close()
            self._connection = None

    def of(self, task: Task) -> Record | None:
        """What is known of the result of a task; None where nothing is."""
        if task.output is None:
            return None
        rows = self._ask(_OF, (_stored(self.place_of(task.output)),))
        return _record(rows[0]) if rows else None

    def named(self, task: Task) -> list[Record]:
        """What is known of the photograph of a task and its page, wherever its result lies."""
        path = os.path.abspath(task.input)
        names = {os.fspath(task.input), path}
        with suppress(ValueError):  # On another drive of Windows.
            names |= {os.path.relpath(path, self.folder / place) for place in set(self._places.values())}
        text = f"SELECT {_ROW} FROM photographs WHERE input IN ({', '.join('?' * len(names))}) AND page IS ?"
        records = map(_record, self._ask(text, (*map(_stored, names), task.page)))
        return [record for record in records if self.is_of(record, task)]

    def input_of(self, record: Record) -> str:
        """Where the photograph of a record is, or was: a whole path."""
        return os.path.abspath(os.path.join(self.folder, self._places.get(record.run, ""), record.input))

    def is_of(self, record: Record, task: Task) -> bool:
        """Whether a record is about the photograph of a task, by its path and page."""
        return record.page == task.page and self.input_of(record) == os.path.abspath(task.input)

    def place_of(self, output: str | os.PathLike[str]) -> str:
        """What a record calls a result: its path from the folder on, with /."""
        return os.path.relpath(output, self.folder).replace(os.sep, "/")

    def put(self, record: Record) -> None:
        """Write a row, in place of an earlier one of the same result. A record without a run is of this one.

        Raises UnwritableFile when the disk is full. When the file fails in another way, the user is told, and rows are
        no longer written.
        """
        record = record if record.run else replace(record, run=self.run)
        content = record.json()
        row = tuple(_stored(content[name]) for name in _COLUMNS)
        self._write(_PUT, row)

    def begin(self, model: str, settings: str) -> None:
        """Begin a run; rows that are put from now on are of it. What an earlier run could not find is forgotten."""
        for run in self.runs:
            if run.state == "working":
                self._write(
                    "UPDATE runs SET state = 'cut off', counts = ? WHERE id = ?", (json.dumps(dict(run.counts)), run.id)
                )
        self._write("DELETE FROM photographs WHERE output = ''")
        self._write(
            "INSERT INTO runs (begun, state, version, model, settings, counts, place) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (now(), "working", __version__, model, settings, "{}", _stored(self._here)),
        )
        rows = self._ask("SELECT max(id) FROM runs")
        self.run = cast(int, rows[0][0] or 0) if rows else 0
        self._places[self.run] = self._here

    def end(self, counts: Mapping[str, int], *, finished: bool) -> None:
        """End the run that was begun; where the disk is full, the next one notes that it was cut off."""
        with suppress(UnwritableFile):
            self._write(
                "UPDATE runs SET ended = ?, state = ?, counts = ? WHERE id = ?",
                (now(), "finished" if finished else "stopped", json.dumps(dict(counts)), self.run),
            )

    @property
    def runs(self) -> list[Run]:
        """The runs, the earliest first."""
        rows = self._ask("SELECT id, begun, ended, state, version, model, settings, counts FROM runs ORDER BY id")
        held = Lock(self.folder).is_held() if any(row[3] == "working" for row in rows) else False
        found = []
        for number, *texts, counts in rows:
            begun, ended, state, version, model, settings = texts
            if state == "working":
                counts = json.dumps(self._counted(cast(int, number)))
                state = "working" if held or number == self.run else "cut off"
            found.append(
                Run(
                    cast(int, number),
                    _text(begun),
                    None if ended is None else _text(ended),
                    _text(state),
                    _text(version),
                    _text(model),
                    _text(settings),
                    json.loads(_text(counts)),
                )
            )
        return found

    def __iter__(self) -> Iterator[Record]:
        """The records in the order of their inputs, read a thousand at a time."""
        last: tuple[object, ...] = ("", -1, "")
        while rows := self._ask(_NEXT, last):
            yield from map(_record, rows)
            values = dict(zip(_COLUMNS, rows[-1], strict=True))
            last = values["input"], values["page"] or 0, values["output"]

    def __len__(self) -> int:
        return cast(int, self._ask("SELECT count(*) FROM photographs")[0][0])

    def _counted(self, run: int) -> dict[str, int]:
        rows = self._ask("SELECT state, count(*) FROM photographs WHERE run = ? GROUP BY state", (run,))
        words = {"done": "coloured", "failed": "failed", "left": "skipped"}
        return {words.get(_text(state), _text(state)): cast(int, count) for state, count in rows}

    def _ask(self, text: str, values: tuple[object, ...] = ()) -> list[Row]:
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(text, values).fetchall()
            except sqlite3.Error as error:
                if self.read_only:
                    raise LedgerError(f"{self.path} cannot be read ({error}): repeat the run that filled it") from None
                self._give_up(error)
                return []

    def _write(self, text: str, values: tuple[object, ...] = ()) -> None:
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.execute(text, values)
            except sqlite3.Error as error:
                if _code(error) == sqlite3.SQLITE_FULL:
                    raise self._unwritable() from None
                self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
            self._notice(
                f"{self.path} can no longer be kept ({error}): the run goes on without it, and the next one looks into "
                "the results themselves for what is done"
            )

    def _writer(self) -> sqlite3.Connection:
        """The file, opened for writing in the way that its file system allows."""
        try:
            make_folder(self.path.parent)
        except OSError as error:
            if error.errno in FULL:
                raise self._unwritable() from None
            raise self._unkept(error.strerror or str(error)) from None
        reason = ""
        for journal, options in (("wal", ""), ("delete", ""), ("delete", "?nolock=1")):
            for _ in range(2):
                try:
                    return self._opened(journal, options)
                except _Useless as useless:
                    # Once it is out of the way, a new one is made.
                    self._set_aside(str(useless))
                except sqlite3.Error as error:
                    if _code(error) == sqlite3.SQLITE_FULL:
                        raise self._unwritable() from None
                    reason = str(error)
                    break
        raise self._unkept(reason)

    def _opened(self, journal: str, options: str) -> sqlite3.Connection:
        """Raises sqlite3.Error where the file system does not do it, and _Useless where the file is no ledger."""
        # Some file systems say "busy" when they mean that they know no locks.
        connection = _connected(self.path, options, 1)
        try:
            if journal != "wal":
                # A file that a killed run has left with a WAL can be opened so without shared memory.
                connection.execute("PRAGMA locking_mode = exclusive")
            version = _version(connection)
            inherit(self.path)
            if _first(connection, "PRAGMA quick_check(1)") != "ok":
                raise _Useless("is broken")
            found = _first(connection, f"PRAGMA journal_mode = {journal}")
            if found != journal:
                raise sqlite3.OperationalError(f"the journal is {found}")
            # In a WAL, the last rows may be lost when the power fails, but never the file; results tell of them.
            connection.execute(f"PRAGMA synchronous = {'NORMAL' if journal == 'wal' else 'FULL'}")
            connection.execute("BEGIN IMMEDIATE")
            if version is None:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    connection.execute(statement)
            # A transaction that writes shows what the file system can do.
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            connection.execute("PRAGMA locking_mode = normal")
            _first(connection, "SELECT count(*) FROM runs")  # The next access is what lets the file go.
            connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        except sqlite3.Error as error:
            connection.close()
            if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise _Useless("is broken") from None
            raise
        except BaseException:
            connection.close()
            raise
        return connection

    def _reader(self) -> sqlite3.Connection:
        if not os.path.isfile(self.path):
            raise LedgerError(
                f"{self.folder} has no ledger: tintype colorize keeps one in each folder that it is given with -o"
            )
        reason = ""
        # Where nothing can be written, the file can be read as long as nobody else writes it either.
        for options in ("?mode=ro", "?immutable=1"):
            try:
                connection = _connected(self.path, options)
                try:
                    if _version(connection) is None:
                        raise _Useless("is empty")
                    return connection
                except BaseException:
                    connection.close()
                    raise
            except _Useless as useless:
                raise LedgerError(f"{self.path} {useless}: repeat the run that filled it") from None
            except sqlite3.Error as error:
                reason = str(error)
        raise LedgerError(f"{self.path} cannot be read ({reason}): repeat the run that filled it")

    def _set_aside(self, why: str) -> None:
        number = 1
        while (place := self.path.with_name(f"run.aside-{number}.sqlite")).exists():
            number += 1
        try:
            os.replace(self.path, place)
            for suffix in ("-wal", "-shm", "-journal"):
                with suppress(FileNotFoundError):
                    os.replace(f"{self.path}{suffix}", f"{place}{suffix}")
        except OSError as error:
            raise self._unkept(error.strerror or str(error)) from None
        self._notice(f"{self.path} {why}: it is set aside as {place.name}, and a new one is made from the results")

    def _unwritable(self) -> UnwritableFile:
        reason = os.strerror(errno.ENOSPC)
        message = f"{self.path} cannot be written ({reason}): free some space on the disk"
        return UnwritableFile(message, reason=reason, number=errno.ENOSPC)

    def _unkept(self, reason: str) -> LedgerError:
        return LedgerError(
            f"{self.path} cannot be kept ({reason}): without a ledger, the results themselves tell what is done"
        )


class _Useless(Exception):
    """What a file is that cannot be used as a ledger."""


def now() -> str:
    """The time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _connected(path: Path, options: str, patience: float = PATIENCE) -> sqlite3.Connection:
    # What has a meaning in an address is escaped in the path of a file.
    address = f"{path.absolute().as_uri()}{options}"
    return sqlite3.connect(address, patience, isolation_level=None, check_same_thread=False, uri=True)


def _version(connection: sqlite3.Connection) -> int | None:
    """Of the tables in a file; None where it is empty. Raises _Useless where they are not those of this version."""
    if not _first(connection, "SELECT count(*) FROM sqlite_master"):
        return None
    if _first(connection, "PRAGMA application_id") != MINE:
        raise _Useless("is no ledger of tintype")
    version = cast(int, _first(connection, "PRAGMA user_version"))
    if version > VERSION:
        raise _Useless("is of a newer version of tintype")
    return version


def _first(connection: sqlite3.Connection, text: str) -> object:
    return connection.execute(text).fetchone()[0]


def _code(error: sqlite3.Error) -> int:
    """Which of SQLite's errors it is; 0 where it does not say."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _stored(value: object) -> object:
    """A value as a column keeps it."""
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else str(value)


def _record(row: Row) -> Record:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("input", "output", "message"):
        values[name] = _text(values[name])
    # Most have no notes, and many no measures.
    values["notes"] = () if values["notes"] == "[]" else tuple(json.loads(_text(values["notes"])))
    values["measures"] = {} if values["measures"] == "{}" else json.loads(_text(values["measures"]))
    values["transient"] = bool(values["transient"])
    values["colour"] = None if values["colour"] is None else bool(values["colour"])
    return Record(**values)  # type: ignore[arg-type]  # the columns have their types by what `put` writes
