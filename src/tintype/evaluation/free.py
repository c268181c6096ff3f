"""tintype-40: photographs in the public domain or under CC0, fetched from where they were published.

What ships is a table: of each photograph the address of its file at a fixed revision, the SHA-256 of that file, title,
author, licence, the page of the photograph, and the page that states the licence. Anybody may show them and pass them
on, which a study with people does.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from tintype.data import downloads
from tintype.errors import DataError
from tintype.files import whole_file

NAME = "tintype-40"

TABLE = Path(__file__).with_name("tables") / f"{NAME}.csv"


@dataclass(frozen=True)
class Free:
    """A line of the table."""

    file: str
    """Its name in the set."""
    kind: str
    """What it shows, in a word: people, animals, streets, nature, food, interiors, vehicles."""
    title: str
    author: str
    """As the source has it; empty where it names nobody."""
    licence: str
    """CC0 1.0 or public domain."""
    page: str
    """Where the photograph was first published, as the source has it; empty where it does not say."""
    statement: str
    """The file that states the licence, at the same revision as the photograph."""
    address: str
    """Of the file."""
    sha256: str
    """Of the file."""
    width: int
    height: int
    """Pixels, upright."""
    fingerprint: str
    """Of its centre square at 256 pixels, see `tintype.data.fingerprint`; 16 hexadecimal digits."""


def read_table(table: str | PathLike[str] | None = None) -> list[Free]:
    """The photographs of a table; None: TABLE."""
    with open(table or TABLE, encoding="utf-8", newline="") as file:
        return [Free(width=int(row.pop("width")), height=int(row.pop("height")), **row) for row in csv.DictReader(file)]


def fetched(
    folder: str | PathLike[str] | None = None,
    watch: downloads.Watch = lambda done, all: None,
    *,
    table: str | PathLike[str] | None = None,
    name: str = NAME,
) -> Path:
    """The folder of the photographs, each the very file that was published; those that are not there yet are fetched.

    A repeated call continues an interrupted one.

    Args:
        folder: where they are kept; by default in the user's cache.
        watch: called with the number of photographs there and of all photographs.
        table: what the photographs are; None: TABLE. name: what errors call the set, and its folder in the cache.
    Raises:
        DataError: some cannot be downloaded, or are not the published ones; or the extra `data` is missing.
        UnwritableFile: the folder does not take them.
    """
    rows = read_table(table)
    instead = "give a folder of photographs of your own"
    folder = downloads.cache(name, instead) / name if folder is None else Path(folder)
    missing = [row for row in rows if not _is_there(folder, row)]
    if not missing:
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: {name} cannot be stored there ({error.strerror}); free some space, and repeat"
        ) from error
    there = len(rows) - len(missing)
    watch(there, len(rows))

    def fetch(connection: downloads.Connection, row: Free) -> str | None:
        content = downloads.content(connection, row.address, row.file, name, instead)
        if isinstance(content, str):
            return content
        if hashlib.sha256(content).hexdigest() != row.sha256:
            return f"{row.address}: the downloaded file is not the {row.file} of {name} (its sha256 differs)"
        with whole_file(folder / row.file) as file:
            file.write(content)
        return None

    downloads.fetch_all(missing, fetch, name, instead, lambda done, _: watch(there + done, len(rows)))
    return folder


def _is_there(folder: Path, row: Free) -> bool:
    try:
        return hashlib.sha256((folder / row.file).read_bytes()).hexdigest() == row.sha256
    except OSError:
        return False
