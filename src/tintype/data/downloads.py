"""Files from the network: from servers that may be busy, checked by hash, and continued after an interruption."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tintype.errors import DataError, not_installed

ATTEMPTS, WAIT = 4, 0.5
"""How often a server that is busy is asked, and seconds until the third time; they double with each further one."""

BUSY = (429, 500, 502, 503, 504)
"""What such a server answers."""

TIMEOUT = (20, 60)
"""Seconds that connecting and each answer may take."""

PIECE = 1 << 20
"""Bytes that are read at a time."""


AT_ONCE = 4
"""Files that are fetched side by side."""

Row = TypeVar("Row")


Watch = Callable[[int, int], None]
"""Is told how much of how much has arrived."""


class Stopped(Exception):
    """A download that did not come to its end.

    Attributes:
        answered: a server answered, so that other files may be there.
    """

    def __init__(self, why: str, answered: bool):
        super().__init__(why)
        self.answered = answered


class Connection:
    """The way to servers. A context manager.

    Args:
        what: is fetched, as errors call it. instead: what to do where it cannot be fetched.
        at_once: files that are fetched side by side, by as many threads.
    Raises:
        DataError: requests is not installed.
    """

    def __init__(self, what: str, instead: str, at_once: int = 1):
        try:
            import requests
            from requests.adapters import HTTPAdapter
            from urllib3 import Retry
        except ImportError:
            raise _missing(what, "requests", instead) from None
        again = Retry(
            ATTEMPTS,
            connect=0,
            backoff_factor=WAIT,
            status_forcelist=BUSY,
            raise_on_status=False,
        )
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=at_once, max_retries=again))

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, address: str, start: int = 0) -> Iterator[bytes]:
        """The bytes of a file in pieces; from `start` on where the server can do that, else from the beginning.

        Raises:
            Stopped: it cannot be had, or breaks off.
        """
        from requests import RequestException

        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            with self._session.get(address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
                answer.raise_for_status()
                yield from answer.iter_content(PIECE)
        except RequestException as error:
            if error.response is not None:
                raise Stopped(f"status {error.response.status_code}", answered=True) from error
            raise Stopped(type(error).__name__, answered=False) from error


def fetch_all(
    rows: Sequence[Row], fetch: Callable[[Connection, Row], str | None], what: str, instead: str, watch: Watch
) -> None:
    """Fetch many small files side by side; those that arrived stay where a later one fails.

    Args:
        fetch: fetches the file of a row and puts it in its place; says what is wrong with it, where the others can
            still be had, and raises DataError where not.
        what, instead: as for Connection.
        watch: called with the number of files that arrived and of all.
    Raises:
        DataError: some could not be fetched.
    """
    there, failures = 0, []
    with (
        Connection(what, instead, AT_ONCE) as connection,
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool,
    ):
        waiting = [pool.submit(fetch, connection, row) for row in rows]
        try:
            for future in as_completed(waiting):
                if failure := future.result():
                    failures.append(failure)
                else:
                    there += 1
                    watch(there, len(rows))
        finally:
            # After Ctrl-C, or without a network, the others are not asked for.
            for future in waiting:
                future.cancel()
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise DataError(f"{failures[0]}{more}; downloaded photographs are kept: repeat later, or {instead}")


def content(connection: Connection, address: str, name: str, what: str, instead: str) -> bytes | str:
    """The bytes of a small file of a set, or what is wrong with it, where others can still be had.

    Raises:
        DataError: there is no way to the server.
    """
    try:
        return b"".join(connection.get(address))
    except Stopped as stopped:
        failure = f"{address}: {name} of {what} cannot be downloaded ({stopped})"
        if stopped.answered:
            return failure
        raise DataError(
            f"{failure}; downloaded photographs are kept: check the network and repeat, or {instead}"
        ) from stopped


def cache(what: str, instead: str) -> Path:
    """The folder of the user's system in which files that were fetched are kept; what, instead: as for Connection.

    Raises:
        DataError: platformdirs is not installed.
    """
    try:
        from platformdirs import user_cache_path
    except ImportError:
        raise _missing(what, "platformdirs", instead) from None
    return user_cache_path("tintype")


def fetch(
    address: str,
    checksum: str,
    size: int,
    folder: Path | None = None,
    watch: Watch = lambda done, all: None,
) -> Path:
    """A published file, fetched where it is not there yet.

    While it comes it is called NAME.part; a repeated call goes on from there. Under its own name it is whole, and what
    was published.

    Args:
        checksum: ALGORITHM:HEXADECIMAL, with the name of the algorithm as in hashlib.
        size: in bytes.
        folder: where it is kept; by default in the user's cache.
        watch: called with the number of bytes downloaded and the size of the file.
    Raises:
        DataError: it cannot be downloaded, is not the published file, or does not fit; or the extra `data` is missing.
    """
    name = address.rpartition("/")[2]
    by_hand = f"download {name} by other means and give it as COLLECTION=FILE"
    folder = cache(name, by_hand) if folder is None else Path(folder)
    path, part = folder / name, folder / f"{name}.part"
    algorithm, _, digest = checksum.partition(":")

    def is_published(path: Path) -> bool:
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest() == digest

    try:
        if path.exists():
            if not is_published(path):
                raise DataError(f"{path} is not the published file (its {algorithm} differs); remove it, and repeat")
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with Connection(name, by_hand) as connection:
            while True:
                there = part.stat().st_size if part.exists() else 0
                free = shutil.disk_usage(folder).free
                if free < size - there:
                    raise DataError(
                        f"{folder}: {name} needs {size - there} bytes more, but only {free} are free; "
                        "free some space, or choose another folder with --downloads"
                    )
                if there < size:
                    _append(part, connection.get(address, there), there, size, watch)
                if is_published(part):
                    part.replace(path)
                    return path
                part.unlink()
                if not there:
                    raise DataError(
                        f"{address}: the downloaded file is not the published one (its {algorithm} differs), so it was "
                        f"deleted; repeat, or {by_hand}"
                    )
                # What an earlier attempt left was of something else, or the server began anew: once more, from nothing.
    except Stopped as stopped:
        raise DataError(
            f"{address}: the download stopped ({stopped}); repeat the command to continue it, or {by_hand}"
        ) from stopped
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{folder}: {name} cannot be stored there ({why}); free some space, and repeat") from error


def _append(part: Path, pieces: Iterator[bytes], there: int, size: int, watch: Watch) -> None:
    """Write the pieces behind the `there` bytes of a file, as far as they fit into its whole size."""
    with part.open("ab") as file:
        for piece in pieces:
            there += len(piece)
            if there > size:
                return
            file.write(piece)
            file.flush()
            watch(there, size)


def _missing(what: str, package: str, instead: str) -> DataError:
    return DataError(f"{not_installed(f'Fetching {what}', package, 'data')}, or {instead}")
