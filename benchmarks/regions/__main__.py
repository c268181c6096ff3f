"""Photographs and their regions, side by side on a sheet, to look whether the labels are right.

python -m benchmarks.regions                                  # those that we drew; fetches the photographs
python -m benchmarks.regions --camvid runs/camvid/CamVid      # every 50th frame of CamVid
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.regions import KINDS, NONE, camvid, drawn

COLOURS = {"sky": "4090ff", "grass": "30d030", "water": "20d8d8", "skin": "ff40c0", "car": "ff3020", "wall": "f0d020"}

COLUMNS, EVERY = 4, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", type=Path)
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/regions"), help="of the photographs that we drew into"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/regions.png"))
    given = parser.parse_args()
    regions = drawn(given.folder) if given.camvid is None else camvid(given.camvid)
    print(regions)
    chosen = range(0, len(regions), 1 if given.camvid is None else EVERY)
    table = np.array([[int(COLOURS[kind][i : i + 2], 16) for i in (0, 2, 4)] for kind in KINDS])
    table = np.concatenate([table[:1], table])  # the first, of NONE, is not looked at
    tiles, pixels = [], Counter[str]()
    for index in chosen:
        _, rgb, labels = regions[index]
        pixels.update({kind: int((labels == label).sum()) for kind, label in KINDS.items()})
        tinted = np.where((labels == NONE)[..., None], rgb, rgb // 2 + table[labels] // 2)
        tiles.append(np.concatenate([rgb, tinted.astype(np.uint8)], axis=1))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(given.output)
    print(", ".join(f"{kind} {count:,}" for kind, count in pixels.items()), "pixels")
    print(given.output)


if __name__ == "__main__":
    main()
