"""Where a picture goes: its format by its name, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tintype.errors import OptionError
from tintype.files import whole_file


def check(path: str | os.PathLike[str], formats: Sequence[str]) -> str:
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


def put(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file whole, in place of what was there before.

    Raises:
        UnwritableFile: the folder is missing, or does not take it.
    """
    with whole_file(path) as file:
        file.write(content)
