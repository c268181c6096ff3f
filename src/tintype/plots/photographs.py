"""Photographs in colour, as the pictures show them and count their colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import rgb_to_lab
from tintype.data.prepare import GRAY, SINGLE_HUE
from tintype.data.shards import Photographs, shard_paths
from tintype.errors import DataError
from tintype.photo import SUFFIXES, read_colour

SAMPLE = 3000
"""Photographs of a set, at most, whose colours are counted."""


SEEN = 512
"""Pixels to which the photographs are reduced before they are coloured: more than what a network sees, so that the
colours are those of the whole photograph."""


def read(path: str | PathLike[str], side: int) -> NDArray[np.uint8]:
    """A photograph upright, in sRGB, its short side at most `side` pixels, its long one twice that; uint8 [h, w, 3].

    Raises:
        PhotoError: it cannot be read, in one sentence.
    """
    return read_colour(
        path, share=lambda width, height: min(1, side / min(width, height), 2 * side / max(width, height))
    )


def read_all(paths: Sequence[str | PathLike[str]], side: int = SEEN) -> dict[str, NDArray[np.uint8]]:
    """Photographs by their names without suffix, uint8 [h, w, 3] sRGB; two of one name get their folder's before it.

    Raises:
        PhotoError: one cannot be read.
    """
    stems = [Path(path).stem for path in paths]
    named = {}
    for path, stem in zip(map(Path, paths), stems, strict=True):
        name = stem if stems.count(stem) == 1 else f"{path.absolute().parent.name}/{path.name}"
        named[name if name not in named else str(path)] = read(path, side)
    return named


def in_colour(rgb: NDArray[np.uint8]) -> bool:
    """Whether a photograph is neither black-and-white nor toned, by the measures of `tintype prepare`."""
    ab = rgb_to_lab(rgb / np.float32(255))[..., 1:].reshape(-1, 2)
    chroma = float(np.hypot(*ab.T).mean())
    return chroma >= GRAY and float(np.hypot(*ab.mean(axis=0))) <= SINGLE_HUE * chroma


def colours(source: str | PathLike[str]) -> Iterator[NDArray[np.float64]]:
    """a*b* [n, 2] of each photograph of a folder of shards, of a folder of photographs, or of one file.

    Of many photographs, an evenly spaced sample of SAMPLE is used. Photographs outside a prepared set are first
    reduced to 256 pixels.

    Raises:
        DataError: there is none. PhotoError: one that is named cannot be read.
    """
    path = Path(source)
    if path.is_dir() and any(path.glob("*.tar")):
        yield from colours_of(Photographs(shard_paths(path)))
        return
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise DataError(f"{path}: contains neither shards nor photographs")
    for file in files[:: max(1, len(files) // SAMPLE)]:
        yield rgb_to_lab(read(file, 256).reshape(-1, 3) / 255)[:, 1:]


def colours_of(photographs: Photographs) -> Iterator[NDArray[np.float64]]:
    """a*b* [n, 2] of a thinned sample of a set: every eighth pixel in both directions, as training counts them."""
    for i in range(0, len(photographs), max(1, len(photographs) // SAMPLE)):
        yield rgb_to_lab(photographs[i][2::8, 2::8].reshape(-1, 3) / 255)[:, 1:]
