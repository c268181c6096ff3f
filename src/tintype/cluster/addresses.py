"""Addresses of files in stores, such as s3://scans/1931/page.tif."""

from __future__ import annotations

from pathlib import PosixPath
from urllib.parse import urlsplit

from tintype.errors import OptionError


class Address(PosixPath):
    """An address of a store, as a path that prints as it was given: s3://scans/1931/page.tif, with both slashes."""

    def __str__(self) -> str:
        scheme, _, rest = super().__str__().partition("/")
        return f"{scheme}//{rest}"

    def __fspath__(self) -> str:
        return str(self)


def checked_address(name: str) -> str:
    """An address of a store, without a slash at its end.

    Raises OptionError where it names no bucket, container or computer, and where it holds a password.
    """
    parts = urlsplit(name)
    if not parts.netloc.rpartition("@")[2]:
        raise OptionError(f"{name} names no bucket, container or computer: write it as in s3://scans/1931/")
    if parts.password is not None:
        # It would be seen in the list of processes, in messages and in rows.
        where = parts.netloc.rpartition("@")[2]
        raise OptionError(
            f"An address must hold no password, as that of {where} does: use a key, or the variables of its store"
        )
    return f"{parts.scheme.lower()}{name[len(parts.scheme) :].rstrip('/')}"
