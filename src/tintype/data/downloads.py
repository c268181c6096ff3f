"""Large files from the network: checked by hash, and continued after an interruption."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tintype.errors import DataError, not_installed


def fetch(
    address: str,
    checksum: str,
    size: int,
    folder: Path | None = None,
    watch: Callable[[int, int], None] = lambda done, all: None,
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
        DataError: it cannot be downloaded, is not the published file, or does not fit; or pooch is not installed.
    """
    name = address.rpartition("/")[2]
    by_hand = f"download {name} by other means and give it as COLLECTION=FILE"
    try:
        import pooch
        from requests import RequestException
    except ImportError:
        raise DataError(f"{not_installed(f'Fetching {name}', 'pooch', 'data')}, or {by_hand}") from None
    folder = Path(pooch.os_cache("tintype")) if folder is None else Path(folder)
    path, part = folder / name, folder / f"{name}.part"
    algorithm, _, digest = checksum.partition(":")

    def is_published(file: Path) -> bool:
        return pooch.file_hash(str(file), algorithm) == digest

    try:
        if path.exists():
            if not is_published(path):
                raise DataError(f"{path} is not the published file (its {algorithm} differs); remove it, and repeat")
            return path
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            there = part.stat().st_size if part.exists() else 0
            free = shutil.disk_usage(folder).free
            if free < size - there:
                raise DataError(
                    f"{folder}: {name} needs {size - there} bytes more, but only {free} are free; "
                    "free some space, or choose another folder with --downloads"
                )
            if there < size:
                headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
                with part.open("ab") as file, suppress(_TooLong):
                    get = pooch.HTTPDownloader(chunk_size=2**20, headers=headers)
                    get(address, _Watched(file, there, size, watch), None)
            if is_published(part):
                part.replace(path)
                return path
            part.unlink()
            if not there:
                raise DataError(
                    f"{address}: the downloaded file is not the published one (its {algorithm} differs), so it was "
                    "deleted; "
                    f"repeat, or {by_hand}"
                )
            # What an earlier attempt left was of something else, or the server began anew: once more, from nothing.
    except RequestException as error:
        why = type(error).__name__ if error.response is None else f"status {error.response.status_code}"
        raise DataError(
            f"{address}: the download stopped ({why}); repeat the command to continue it, or {by_hand}"
        ) from error
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{folder}: {name} cannot be stored there ({why}); free some space, and repeat") from error


class _TooLong(Exception):
    """More came than was published."""


class _Watched:
    """A file that tells how far it has come."""

    def __init__(self, file, done: int, all: int, watch: Callable[[int, int], None]):
        self._file, self._done, self._all, self._watch = file, done, all, watch

    def write(self, chunk: bytes) -> None:
        self._done += len(chunk)
        if self._done > self._all:
            raise _TooLong
        self._file.write(chunk)
        self._watch(self._done, self._all)

    def flush(self) -> None:
        self._file.flush()
