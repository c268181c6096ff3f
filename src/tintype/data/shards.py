"""Tar shards of photographs: read as they are, photograph by photograph, or held decoded in memory.

A data set is a folder with `*.tar` shards of encoded photographs and, where `tintype prepare` made it, a `set.json`
with the split, the prior, the mean lightness and the colour histogram. The shards are plain tar, not compressed: each
photograph is a run of bytes at a known offset, so that any of them is reached at once and in any order.
"""

from __future__ import annotations

import csv
import io
import json
import mmap
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype.errors import DataError

SUFFIXES = (".webp", ".jpg", ".jpeg", ".png")
"""Members of a shard with another suffix are not photographs."""

DESCRIPTION = "set.json"
"""The file of a prepared set that says what is in it."""


def shard_paths(data: str | Path) -> list[Path]:
    """The shards of a folder in the order of their names.

    Raises:
        DataError: the folder is missing or holds no shard.
    """
    folder = Path(data)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such data folder; make one with `tintype prepare PHOTOS -o {folder}`")
    paths = sorted(folder.glob("*.tar"))
    if not paths:
        raise DataError(f"{folder}: contains no .tar shard; make one with `tintype prepare PHOTOS -o {folder}`")
    return paths


def describe(data: str | Path) -> dict[str, Any] | None:
    """What `tintype prepare` wrote about a set (see `data.prepare`); None for shards that came ready.

    Raises:
        DataError: the description is broken.
    """
    path = Path(data) / DESCRIPTION
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return description
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the description of the set cannot be read ({error}); prepare it again") from error


def sources(data: str | Path) -> dict[str, str]:
    """Where each photograph of a set came from, SHARD/MEMBER to what its manifest calls the source.

    Raises:
        DataError: the set has no manifest, or one that cannot be read.
    """
    path = Path(data) / "manifest.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {f"{Path(row['shard']).stem}/{row['file']}": row["source"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: the sources of the photographs cannot be read ({error}); leave out data.sources"
        ) from error


def _index(shard: Path) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of each photograph of a shard, in its order."""
    try:
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                if member.isfile() and member.name.lower().endswith(SUFFIXES):
                    yield member.name, member.offset_data, member.size
            # For tarfile a header that is cut short is the end; a whole archive ends with a block of zeros.
            if shard.stat().st_size < archive.offset + tarfile.BLOCKSIZE:
                raise tarfile.ReadError("it is cut short")
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"{shard}: the shard cannot be read ({error}); make or download it again") from error


def members(shard: str | Path) -> Iterator[tuple[str, bytes]]:
    """Name and encoded bytes of each photograph of a shard, in its order.

    Raises:
        DataError: the shard cannot be read.
    """
    photographs = Photographs([shard])
    for i, name in enumerate(photographs.names):
        yield name.partition("/")[2], photographs.encoded(i)


def decode(name: str, encoded: bytes) -> np.ndarray:
    """A photograph of a shard as uint8 [h, w, 3] sRGB.

    Its codes are taken as they are: what `tintype prepare` puts into a shard has come through `photo.read_colour`, and
    has neither a profile nor an orientation.

    Raises:
        DataError: the photograph is broken.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    except Exception as error:  # Pillow raises many kinds
        raise DataError(
            f"{name}: the photograph in the shard is broken ({error}); make or download the shard again"
        ) from error


class Photographs:
    """The photographs of some shards, decoded when they are asked for.

    `len(photographs)` and `photographs[i]` (uint8 [h, w, 3], sRGB). `names[i]` is SHARD/MEMBER.

    Args:
        limit: take only this many, from the first on.
        keep: take only those whose name it says yes to.
    Raises:
        DataError: a shard cannot be read, or there is no photograph.
    """

    def __init__(
        self, shards: Sequence[str | Path], limit: int | None = None, keep: Callable[[str], bool] | None = None
    ):
        self.names: list[str] = []
        self._places: list[tuple[mmap.mmap, int, int]] = []
        for shard in map(Path, shards):
            if limit is not None and len(self.names) >= limit:
                break
            entries = [entry for entry in _index(shard) if keep is None or keep(f"{shard.stem}/{entry[0]}")]
            entries = entries[: None if limit is None else limit - len(self.names)]
            if not entries:
                continue
            with shard.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.names += [f"{shard.stem}/{name}" for name, _, _ in entries]
            self._places += [(data, offset, size) for _, offset, size in entries]
        if not self.names:
            raise DataError(f"{', '.join(map(str, shards))}: these shards contain no photographs")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return decode(self.names[index], self.encoded(index))

    def encoded(self, index: int) -> bytes:
        """The file of one photograph as the shard holds it."""
        data, offset, size = self._places[index]
        return data[offset : offset + size]

    def shape(self, index: int) -> tuple[int, int]:
        """(height, width) of one photograph, from its header."""
        try:
            with Image.open(io.BytesIO(self.encoded(index))) as image:
                return image.height, image.width
        except Exception as error:
            raise DataError(
                f"{self.names[index]}: the photograph in the shard is broken ({error}); make or download the shard "
                "again"
            ) from error

    def decoded_bytes(self, sample: int = 500) -> int:
        """About what all of them take when decoded, from the headers of at most `sample` spread over the set."""
        some = range(0, len(self), -(-len(self) // sample))
        pixels = sum(height * width for height, width in map(self.shape, some))
        return 3 * pixels * len(self) // len(some)

    @classmethod
    def read(cls, shards: Sequence[str | Path], threads: int = 2, limit: int | None = None) -> Held:
        """All photographs of the shards (the first `limit` of them), decoded into memory."""
        return Held(cls(shards, limit), threads)


class Held:
    """Photographs held decoded in one block of memory; `held[i]` is a view into it.

    Args:
        threads: that decode.
    Raises:
        DataError: a photograph is broken.
    """

    def __init__(self, photographs: Photographs, threads: int = 2):
        self.names = photographs.names
        with ThreadPoolExecutor(threads) as pool:
            self.shapes = list(pool.map(photographs.shape, range(len(photographs))))
            sizes = [3 * height * width for height, width in self.shapes]
            self.starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
            self.pixels: NDArray[np.uint8] = np.empty(self.starts[-1], np.uint8)

            def fill(index: int) -> None:
                self[index][...] = photographs[index]

            list(pool.map(fill, range(len(photographs))))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self.pixels[self.starts[index] : self.starts[index + 1]].reshape(*self.shapes[index], 3)
