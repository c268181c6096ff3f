"""Photographs before and after, small and side by side, made once and kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.errors import PhotoError, UnwritableFile
from tintype.files import whole_file
from tintype.photo import read_colour
from tintype.threads import ahead, available_threads

SIDE = 256
"""Long side of each of the two, in pixels."""

QUALITY = 70
"""Of the WebP file that holds both: some 6 KB."""

LARGE = 50_000_000
"""Pixels of a photograph from which on only one is read at a time."""

NOTHING = 128
"""The gray that stands for a photograph that cannot be read."""


@dataclass(frozen=True)
class Pair:
    """A photograph and its result.

    before, after: the files; after is None where there is no result. page: that of the file before. pixels: how many
    it has, as far as is known. state: what the thumbnail depends on beside these, such as sizes and times of the files.
    """

    before: Path
    after: Path | None
    page: int | None = None
    pixels: int = 0
    state: tuple[object, ...] = ()

    @property
    def key(self) -> str:
        """The name of its thumbnail: another one where a file was changed, has gone or has come back."""
        there = [path is not None and os.path.exists(path) for path in (self.before, self.after)]
        parts = (
            SIDE,
            QUALITY,
            os.fspath(self.before),
            self.after and os.fspath(self.after),
            self.page,
            self.state,
            there,
        )
        return blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def thumbnail(pair: Pair) -> bytes | None:
    """A WebP file with the photograph at the left and its result at the right, or with the photograph alone.

    A gray area stands for one of two that cannot be read. None: there is nothing to show.
    """
    before = _small(pair.before, pair.page)
    if pair.after is None:
        return None if before is None else _webp(before)
    after = _small(pair.after, None)
    shape = after if after is not None else before
    if shape is None:
        return None
    return _webp(np.hstack([_like(before, shape), _like(after, shape)]))


class Kept:
    """Thumbnails in a folder, to be used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._large = threading.Lock()
        self.there = set(self._found())
        """The keys of those that are there."""

    def make(self, pairs: Iterable[tuple[str, Pair]], progress: Callable[[int], None] | None = None) -> None:
        """Make those that are missing, several at once; in the order of (key, pair), so that one may look meanwhile.

        What cannot be shown is left out. progress: called with how many are done.

        Raises UnwritableFile where the disk does not take them.
        """
        missing = (entry for entry in pairs if entry[0] not in self.there)
        threads = available_threads()
        for done, key in enumerate(ahead(self._make, missing, threads, waiting=2 * threads), 1):
            if key is not None:
                self.there.add(key)
            if progress is not None:
                progress(done)

    def forget(self, keys: set[str]) -> None:
        """Remove all others."""
        for key in self.there - keys:
            self.path(key).unlink(missing_ok=True)
        self.there &= keys

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.webp"

    def _make(self, entry: tuple[str, Pair]) -> str | None:
        key, pair = entry
        # Those of hundreds of megapixels need a gigabyte each while they are read.
        with self._large if pair.pixels >= LARGE else nullcontext():
            made = thumbnail(pair)
        if made is None:
            return None
        path = self.path(key)
        make_folder(path.parent)
        with whole_file(path, lasting=False) as file:
            file.write(made)
        return key

    def _found(self) -> Iterable[str]:
        try:
            with os.scandir(self.folder) as folders:
                inner = [entry for entry in folders if len(entry.name) == 2 and entry.is_dir()]
        except OSError:
            return
        for folder in inner:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    # One that a power cut took is empty.
                    if entry.name.endswith(".webp") and not entry.name.startswith(".") and entry.stat().st_size:
                        yield folder.name + entry.name.removesuffix(".webp")


def make_folder(folder: Path) -> None:
    """A folder beside a page. Raises UnwritableFile where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableFile(f"{folder} cannot be made ({error.strerror}): give another page with -o") from None


def _small(path: Path, page: int | None) -> NDArray[np.uint8] | None:
    try:
        return read_colour(path, page=page, share=lambda width, height: min(1.0, SIDE / max(width, height)))
    except (PhotoError, MemoryError):
        return None


def _like(picture: NDArray[np.uint8] | None, shape: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture at the size of another one."""
    if picture is None:
        return np.full_like(shape, NOTHING)
    if picture.shape == shape.shape:
        return picture
    image = pyvips.Image.new_from_array(picture)
    across, down = shape.shape[1] / picture.shape[1], shape.shape[0] / picture.shape[0]
    resized: NDArray[np.uint8] = image.resize(across, vscale=down).numpy()
    return resized


def _webp(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(picture).data, width, height, 3, "uchar")
    return bytes(image.webpsave_buffer(Q=QUALITY, effort=2, keep="none"))
