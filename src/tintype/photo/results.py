"""Where the result of a photograph lies, and in which format it is written."""

from __future__ import annotations

import os
from pathlib import Path

from tintype.errors import OptionError, UnwritablePhoto
from tintype.photo.kinds import SUFFIXES
from tintype.photo.plan import WRITABLE
from tintype.settings import checked_quality

COLOR = ".color"
"""What the name of a result has beside its photograph, before its ending."""

SUFFIX_OF = {"jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "avif": ".avif"}
"""Format -> suffix of the results whose photograph has none that fits."""


def beside(
    path: str | os.PathLike[str], format: str | None = None, suffix: str = COLOR, page: int | None = None
) -> Path:
    """Where the result of a photograph lies when nothing else is said: beside it, as NAME.color.EXT."""
    path = Path(path)
    return path.with_name(f"{path.stem}{page_suffix(page)}{suffix}{result_suffix(path, format)}")


def page_suffix(page: int | None) -> str:
    """What the name of a result has for its page: nothing for the first one, .p2 for the second."""
    return f".p{page}" if page is not None and page > 1 else ""


def result_suffix(path: str | os.PathLike[str], format: str | None = None) -> str:
    """The suffix of a photograph's result: its own where it fits, else that of the format."""
    own = Path(path).suffix
    kind, format = SUFFIXES.get(own.lower()), named_format(format)
    # What is read but not written, and what has no suffix, becomes PNG, which loses nothing.
    format = format or (kind if kind in WRITABLE else "png")
    return own if kind == format else SUFFIX_OF[format]


def named_format(name: str | None) -> str | None:
    """The format that a name means, which may be written as a suffix is: jpeg for jpg or JPG, tiff for tif."""
    return None if name is None else SUFFIXES.get(f".{name.lower()}", name.lower())


def check_output(
    format: str | None = None, quality: int | None = None, path: str | os.PathLike[str] | None = None
) -> None:
    """Raises OptionError when no file can be written like this; `path`: its name, where the user has given one."""
    asked, format = format, named_format(format)
    if format is not None and format not in WRITABLE:
        raise OptionError(f"The format must be one of {', '.join(WRITABLE)}, not {asked}")
    if quality is not None:
        checked_quality(quality)
    if path is not None:
        kind = SUFFIXES.get(Path(path).suffix.lower())
        if format is None and kind not in WRITABLE:
            raise OptionError(
                f"{os.fspath(path)} names no format that is written: end it in {', '.join(SUFFIX_OF.values())}, or end "
                f"the name of a folder in {os.sep}"
            )
        if format is not None and kind not in (None, format):
            raise OptionError(f"{os.fspath(path)} is not the name of a {format} file: change the name or the format")


def refuse_same(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Raises UnwritablePhoto when both are the same file: the original is never touched."""
    try:
        same = os.path.samefile(source, target)
    except (OSError, ValueError):
        same = False  # One of them is not there; whoever opens it says so.
    if same:
        raise UnwritablePhoto(f"{os.fspath(source)} would be written over itself: give another output")
