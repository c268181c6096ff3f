"""Perceptual hashes: whether two files show the same photograph, whatever their size and compression."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.errors import DataError

SAME = 8
"""Photographs whose hashes differ in at most so many bits are taken for the same one."""

_SIDE = 32
_n = np.arange(_SIDE)
_DCT = np.cos(np.pi * (2 * _n[None] + 1) * _n[:, None] / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
_DCT[0] /= np.sqrt(2)


def fingerprint(rgb: np.ndarray) -> int:
    """The hash of a photograph, uint8 [h, w, 3]: 63 bits in a 64-bit number, written as 16 hexadecimal digits.

    Centre square, Rec. 601 gray, 32x32 by box average, orthonormal DCT-II, the 8x8 lowest coefficients without the
    first; a bit is set where its coefficient is above their median, the first coefficient being the highest bit.
    """
    image = Image.fromarray(rgb).convert("L")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    gray = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box), np.float64)
    low = (_DCT @ gray @ _DCT.T)[:8, :8].reshape(-1)[1:]
    return int("".join("1" if bit else "0" for bit in low > np.median(low)), 2)


class Fingerprints:
    """Hashes that have been met, each with what it belongs to.

    Two hashes that differ in at most 8 bits share at least one of nine bands of bits, so that only those in the same
    drawer of some band are measured: a fourteenth of all.
    """

    def __init__(self) -> None:
        self._hashes = np.empty(1024, np.uint64)
        self._owners: list[str] = []
        self._drawers: list[dict[int, array[int]]] = [{} for _ in range(SAME + 1)]

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, hash: int, owner: str) -> None:
        if len(self) == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)])
        self._hashes[len(self)] = hash
        for drawers, bits in zip(self._drawers, _bands(hash), strict=True):
            drawers.setdefault(bits, array("L")).append(len(self))
        self._owners.append(owner)

    def find(self, hash: int) -> str | None:
        """The owner of the nearest hash, the first of equals, if it is that of the same photograph."""
        near = [
            np.frombuffer(drawers[bits], dtype=f"u{drawers[bits].itemsize}")
            for drawers, bits in zip(self._drawers, _bands(hash), strict=True)
            if bits in drawers
        ]
        if not near:
            return None
        places = np.concatenate(near)
        distance = np.bitwise_count(self._hashes[places] ^ np.uint64(hash))
        least = distance.min()
        return self._owners[int(places[distance == least].min())] if least <= SAME else None


def _bands(hash: int) -> list[int]:
    """The hash in nine bands of seven bits; the last has the highest bit too."""
    return [(hash >> 7 * i) & 127 for i in range(SAME)] + [hash >> 7 * SAME]


def read_fingerprints(path: str | Path) -> Fingerprints:
    """The hashes of a file with one of 16 hexadecimal digits on each line.

    Raises:
        DataError: the file cannot be read, or a line is something else.
    """
    known = Fingerprints()
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the list of hashes cannot be read ({error}); give a text file") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            hash = int(line.strip(), 16)
            if not 0 <= hash < 2**64:
                raise ValueError
        except ValueError:
            raise DataError(f"{path}: line {number} is {line.strip()[:40]!r} and not a hash of 16 hex digits") from None
        known.add(hash, f"{Path(path).name} line {number}")
    return known
