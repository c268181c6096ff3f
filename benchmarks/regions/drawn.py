"""Regions that we drew by hand into photographs that are in the public domain or under CC0.

`masks.json` has polygons in shares of width and height, each well inside one region, so that no border matters. Clouds
count as sky, windows and wheels as parts of a car. Every polygon was drawn on a grid over the picture and looked at
again. 25 of the photographs are those of tintype-40; `photographs.csv` has the others, in the same form
(`tintype.evaluation.free`). Those called documerica were made for the US Environmental Protection Agency; the National
Archives call their use unrestricted.

None is among the 27 000 photographs that all models of this project learned from, nor alike to one, by its perceptual
hash. Of the 36 866 others of tintype.v2 and tintype.mini nobody can tell; none comes from their repositories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.regions.labelled import KINDS, Entry, Regions
from tintype.evaluation.free import Free, fetched, read_table
from tintype.photo import read_colour

MASKS = Path(__file__).with_name("masks.json")

PHOTOGRAPHS = Path(__file__).with_name("photographs.csv")

NAME = "the regions"
"""What errors call the photographs of PHOTOGRAPHS."""

Outline = Sequence[Sequence[float]]
"""(x, y) of the corners, in shares of width and height."""


def masks() -> dict[str, list[tuple[str, Outline]]]:
    """File of a photograph -> kind and outline of each of its regions."""
    described = json.loads(MASKS.read_text(encoding="utf-8"))
    return {file: [(one["kind"], one["outline"]) for one in regions] for file, regions in described.items()}


def drawn(folder: str | os.PathLike[str] = "runs/regions", side: int | None = 256) -> Regions:
    """The photographs, fetched into a folder where they are not there yet.

    Raises:
        DataError: some cannot be fetched.
    """
    known = masks()
    rows = {row.file: row for row in (*read_table(), *read_table(PHOTOGRAPHS)) if row.file in known}
    folder = fetched(fetched(folder), table=PHOTOGRAPHS, name=NAME)
    return Regions([_entry(folder, rows[file], regions) for file, regions in known.items()], side)


def labels_of(regions: Sequence[tuple[str, Outline]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The labels of a photograph of (height, width) `size`; uint8 [h, w]."""
    height, width = size
    labels = Image.new("L", (width, height), 0)
    for kind, outline in regions:
        ImageDraw.Draw(labels).polygon([(x * width, y * height) for x, y in outline], fill=KINDS[kind])
    return np.asarray(labels)


def _entry(folder: Path, row: Free, regions: Sequence[tuple[str, Outline]]) -> Entry:
    def read() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        rgb = read_colour(folder / row.file)
        return rgb, labels_of(regions, rgb.shape[:2])

    return Entry(f"drawn/{Path(row.file).stem}", "unseen", read)
