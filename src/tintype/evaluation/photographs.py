"""Colour photographs to measure on, as a viewer shows them: upright, in sRGB, on white."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.data import archives, originals
from tintype.errors import DataError, UnsupportedPhoto
from tintype.photo import LISTED, SUFFIXES, read_colour

PUBLISHED, FREE = "tintype-679", "tintype-40"
"""Sets that are fetched from where their photographs were published; see `manifest` and `free`."""

SMALLEST = 16
"""Pixels that a photograph must have on each side: below, windows of metrics do not fit."""


class Photographs:
    """The photographs of a folder with all below it, of a .tar or .zip, or of a published set; decoded when asked
    for.

    `len(photographs)` and `photographs[i]` (uint8 [h, w, 3], sRGB). `names[i]` is the path below the folder or in the
    archive, without suffix. Folders are taken in the order of names, archives in their own.

    Args:
        data: which ones.
        side: centre square of this side, resized (Lanczos); None: the photographs at their own size.
        limit: take only this many, from the first on.
        leave_out: folders inside that are passed over, such as the one that results go to.
        watch: is told how many of how many photographs of a published set are fetched.
    Raises:
        DataError: there is no such folder or archive, it holds no photograph, or two of one name; a published set
            cannot be fetched.
    """

    def __init__(
        self,
        data: str | os.PathLike[str],
        side: int | None = None,
        limit: int | None = None,
        leave_out: Collection[str | os.PathLike[str]] = (),
        watch: Callable[[int, int], None] = lambda done, count: None,
    ):
        path = Path(data)
        self.source = str(data) if str(data) in (PUBLISHED, FREE) else path.resolve().name
        self.side = side
        if str(data) == PUBLISHED:
            from tintype.evaluation import manifest

            path = manifest.fetched(watch=watch)
        if str(data) == FREE:
            from tintype.evaluation import free

            path = free.fetched(watch=watch)
        # Of each its file, as errors name it, and what reads that.
        self._entries = list(_in_folder(path, leave_out) if path.is_dir() else _in_archive(path))
        if not self._entries:
            raise DataError(f"{path}: no photographs found ({LISTED})")
        # Names that a file system may take for one would share their results.
        first: dict[str, str] = {}
        twice = [name for name in self.names if first.setdefault(name.casefold(), name) is not name]
        if twice:
            raise DataError(
                f"{path}: two photographs are called {twice[0]} ({len(twice)} photographs have a name that is taken); "
                "rename them, because results are named after photographs"
            )
        self._entries = self._entries[:limit]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def names(self) -> list[str]:
        return [os.path.splitext(file)[0] for file, _ in self._entries]

    def __getitem__(self, index: int) -> np.ndarray:
        """A photograph.

        Raises:
            UnreadablePhoto: it is broken. UnsupportedPhoto: it is of a kind that is refused, or too small.
        """
        file, encoded = self._entries[index]
        photo = read_colour(encoded(), file)
        if self.side is not None:
            return square(photo, self.side)
        if min(photo.shape[:2]) < SMALLEST:
            raise UnsupportedPhoto(f"{file} has {photo.shape[1]} x {photo.shape[0]} pixels, too few to measure")
        return photo


def square(photo: np.ndarray, side: int) -> np.ndarray:
    """The centre square of a photograph, resized (Lanczos); uint8 [h, w, 3] to [side, side, 3].

    A photograph that is such a square already stays as it is.
    """
    if photo.shape[:2] == (side, side):
        return photo
    short = min(photo.shape[:2])
    top, left = (photo.shape[0] - short) // 2, (photo.shape[1] - short) // 2
    centre = Image.fromarray(photo[top : top + short, left : left + short])
    return np.asarray(centre.resize((side, side), Image.Resampling.LANCZOS))


def _in_folder(path: Path, leave_out: Collection[str | os.PathLike[str]]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    source = originals.folder(path, {os.path.realpath(folder) for folder in leave_out})
    for original in source.find(originals.Classes()):
        yield original.source.partition("/")[2], original.read


def _in_archive(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    if not path.exists():
        raise DataError(
            f"{path} does not exist: give a folder of colour photographs, a .tar file of them, {PUBLISHED} or {FREE}"
        )
    for member in archives.members(path):
        if Path(member.name).suffix.lower() in SUFFIXES:
            yield member.name, member.read
