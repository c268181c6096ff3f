"""Where a picture goes: its format by its name, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from tintype.errors import OptionError, UnwritablePhoto


def check(path: str | os.PathLike, formats: Sequence[str]) -> str:
    """The format that the name of a picture asks for, in lower case and without the dot.

    Raises:
        OptionError: it is not one of `formats`.
    """
    suffix = Path(path).suffix.lower().removeprefix(".").replace("jpeg", "jpg")
    if suffix not in formats:
        allowed = ", ".join(f".{name}" for name in formats)
        raise OptionError(
            f"{os.fspath(path)} does not name a format for this picture: use a name that ends in {allowed}"
        )
    return suffix


def put(content: bytes, path: str | os.PathLike) -> None:
    """Write a file under a temporary name and rename it, in place of what was there before.

    Raises:
        UnwritablePhoto: the folder is missing, or does not take it.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritablePhoto(f"{path}: the picture cannot be written there ({error.strerror})") from None
