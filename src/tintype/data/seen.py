"""Which photographs a model learned from: their perceptual hashes, in a file beside the model's.

Photographs cannot be told from their hashes, so a list of hashes may be passed on where the photographs may not. It is
called as the model, with the suffix .seen, and is a numpy array: uint64 [n], sorted, each as `fingerprint` has it.

The models that ship share one list, `tables/shipped.seen`: the 27 000 photographs that all of them learned from.
tintype.v2 and tintype.mini learned from 36 866 more, whose hashes are not kept.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tintype.data.fingerprint import SAME, fingerprint
from tintype.data.shards import Photographs
from tintype.errors import DataError
from tintype.files import whole_file
from tintype.models.catalog import card_of, shipped

SUFFIX = ".seen"

SHIPPED = Path(__file__).with_name("tables") / f"shipped{SUFFIX}"


@dataclass(frozen=True, eq=False)
class Seen:
    """The photographs that a model learned from, as far as they are known."""

    hashes: NDArray[np.uint64]
    """Sorted."""
    count: int
    """How many it learned from in all; those beyond the hashes are not known."""

    def knows(self, rgb: NDArray[np.uint8]) -> bool:
        """Whether a photograph, uint8 [h, w, 3], looks like one of them, also mirrored.

        Hashes of one photograph at other sizes and compressions differ in at most SAME bits; so may those of two
        photographs, rarely.
        """
        hashes = (fingerprint(rgb), fingerprint(np.ascontiguousarray(rgb[:, ::-1])))
        return any(bool((np.bitwise_count(self.hashes ^ np.uint64(hash)) <= SAME).any()) for hash in hashes)


def seen_by(model: str | os.PathLike[str]) -> Seen | None:
    """What is known of the photographs of a model, a name or a file; None where there is no list.

    Raises:
        DataError: the list is broken. ModelError: there is no such model, or its file holds no card.
    """
    path = SHIPPED if os.fspath(model) in shipped() else Path(model).with_suffix(SUFFIX)
    if not path.is_file():
        return None
    hashes = read_seen(path)
    named = [row["photographs"] for row in card_of(model).training_data if "photographs" in row]
    return Seen(hashes, max(len(hashes), sum(named)))


def read_seen(path: str | os.PathLike[str]) -> NDArray[np.uint64]:
    """The hashes of a file.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    try:
        hashes = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: the list of hashes cannot be read ({error}); export the model again") from None
    if not isinstance(hashes, np.ndarray) or hashes.dtype != np.uint64 or hashes.ndim != 1 or not hashes.size:
        raise DataError(f"{path}: this is no list of hashes; export the model again, or remove the file")
    return hashes


def write_seen(path: str | os.PathLike[str], hashes: Iterable[int]) -> int:
    """Write hashes to a file; returns how many.

    Raises:
        UnwritableFile: it cannot be put there.
    """
    each = np.sort(np.fromiter(hashes, np.uint64))
    with whole_file(Path(path)) as file:
        np.save(file, each, allow_pickle=False)
    return len(each)


def hashes_of(photographs: Photographs, folder: str | os.PathLike[str]) -> list[int]:
    """The hashes of photographs in shards of a folder: out of its manifest, where that has them, else computed.

    Raises:
        DataError: a photograph is broken.
    """
    known: dict[str, int] = {}
    try:
        with open(Path(folder) / "manifest.csv", newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                known[f"{Path(row['shard']).stem}/{row['file']}"] = int(row["hash"], 16)
    except (OSError, KeyError, ValueError):
        known.clear()
    return [known.get(name) or fingerprint(photographs[index]) for index, name in enumerate(photographs.names)]
