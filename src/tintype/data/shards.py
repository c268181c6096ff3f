"""Tar shards of photographs: read as they are, decoded into memory once.

A data set is a folder with `*.tar` shards of encoded photographs and, where `tintype prepare` made it, a `set.json`
with the split, the prior, the mean lightness and the colour histogram.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.errors import DataError

SUFFIXES = (".webp", ".jpg", ".jpeg", ".png")


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
        raise DataError(f"{folder}: holds no .tar shard; make one with `tintype prepare PHOTOS -o {folder}`")
    return paths


def members(shard: str | Path) -> Iterator[tuple[str, bytes]]:
    """Name and encoded bytes of each photograph of a shard, in its order.

    Raises:
        DataError: the shard cannot be read.
    """
    try:
        with tarfile.open(shard) as archive:
            for member in archive:
                if member.isfile() and member.name.lower().endswith(SUFFIXES):
                    yield member.name, archive.extractfile(member).read()
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"{shard}: the shard cannot be read ({error}); make or fetch it again") from error


def decode(name: str, encoded: bytes) -> np.ndarray:
    """A photograph of a shard as uint8 [h, w, 3] sRGB.

    Raises:
        DataError: the photograph is broken.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    except Exception as error:  # Pillow raises many kinds
        raise DataError(
            f"{name}: the photograph in the shard is broken ({error}); run `tintype prepare` again"
        ) from error


class Photographs:
    """Photographs held decoded in one block of memory.

    `len(photographs)` and `photographs[i]` (uint8 [h, w, 3], sRGB, a view). `names[i]` is SHARD/MEMBER.
    """

    def __init__(self, names: Sequence[str], arrays: Sequence[np.ndarray]):
        self.names = list(names)
        self.shapes = np.array([a.shape[:2] for a in arrays], np.int64).reshape(-1, 2)
        self.starts = np.concatenate([[0], np.cumsum(self.shapes.prod(axis=1) * 3)])
        self.pixels = np.empty(int(self.starts[-1]), np.uint8)
        for i, array in enumerate(arrays):
            self.pixels[self.starts[i] : self.starts[i + 1]] = array.reshape(-1)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        block = self.pixels[self.starts[index] : self.starts[index + 1]]
        return block.reshape(*self.shapes[index], 3)

    @classmethod
    def read(cls, shards: Sequence[str | Path], threads: int = 2, limit: int | None = None) -> Photographs:
        """Decode all photographs of the shards (the first `limit` of them).

        Raises:
            DataError: a shard or a photograph cannot be read, or there is none.
        """
        names, encoded = [], []
        for shard in shards:
            for name, data in members(shard):
                if limit is not None and len(names) >= limit:
                    break
                names.append(f"{Path(shard).stem}/{name}")
                encoded.append(data)
        if not names:
            raise DataError(f"{', '.join(map(str, shards))}: no photograph in these shards")
        with ThreadPoolExecutor(threads) as pool:
            return cls(names, list(pool.map(decode, names, encoded)))
