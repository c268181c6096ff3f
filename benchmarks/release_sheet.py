"""The sheet that a release is judged by: `python -m benchmarks.release_sheet --models A[,B] -o SHEET.jpg`.

The same 48 photographs every time, listed in `release_sheet.csv`: historic ones; the green exposure of three-filter
plates, with the colours of the three aligned as the truth; and colour photographs turned gray. The column `judged`
names what there is to judge in each: skin, sky, grass and foliage, wood, a cast over all, blotches. A photograph is
coloured at its own size, at most SIDE pixels long, and then reduced: gray, each model, and the truth where there is
one, side by side.

To look closely: `--only NAME,NAME` or `--pages 6`, with `--height 480` and an output that ends in .png.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from benchmarks.hints_local import SIDE, photograph
from benchmarks.sheet import MARGIN, sheet, strip
from tintype import Colorizer
from tintype.color import lab
from tintype.models import DEFAULT
from tintype.photo import read, read_colour
from tintype.prokudin import NAMES, align
from tintype.sheets import Tile

LIST = Path(__file__).with_suffix(".csv")

LARGEST = 2_500_000
"""Bytes of a JPEG, to which its quality gives way."""


def listed(path: Path = LIST) -> list[dict[str, str]]:
    """The photographs: name, kind (historic, plate or colour), path, licence, source, judged."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pair(row: dict[str, str], data: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Gray codes, uint8 [h, w], and the true colours, uint8 [h, w, 3], where they are known."""
    place, _, name = row["path"].rpartition(":")
    path = Path(skimage.data.__file__).with_name(name) if place == "skimage" else data / name
    if row["kind"] == "historic":
        return photograph(path), None
    if row["kind"] == "plate":
        truth = np.rint(align(read(path)).exposures * 255).astype(np.uint8).transpose(1, 2, 0)
        return np.ascontiguousarray(truth[..., NAMES.index("green")]), truth
    photo = Image.fromarray(read_colour(path))
    photo.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    truth = np.asarray(photo)
    return np.rint(lab.gray(lab.lightness(truth / np.float32(255))) * 255).astype(np.uint8), truth


def tile(row: dict[str, str], ways: dict[str, Colorizer], data: Path, height: int) -> Tile:
    """One photograph: gray, each way of colouring it, and the truth, with a caption."""
    gray, truth = pair(row, data)
    pictures = {"gray": gray} | {label: colorize(gray) for label, colorize in ways.items()}
    if truth is not None:
        pictures["true"] = truth
    return strip(list(pictures.values()), f"{row['name']}: {', '.join(pictures)}", height)


def save(page: Image.Image, path: Path, largest: int = LARGEST) -> None:
    """Write a sheet; as a JPEG in the best quality that has no more than `largest` bytes."""
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        page.save(path)
        return
    for quality in range(92, 30, -4):
        memory = io.BytesIO()
        page.save(memory, "jpeg", quality=quality, optimize=True)
        if memory.tell() <= largest:
            break
    path.write_bytes(memory.getvalue())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=DEFAULT, help="names or files, comma-separated")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--only", help="names of photographs, comma-separated")
    parser.add_argument("--pages", type=int, default=1, help="sheets to share them out to: NAME-1.EXT and so on")
    parser.add_argument("--height", type=int, default=220, help="of each photograph")
    parser.add_argument("--width", type=int, default=2200, help="of the sheet")
    options = parser.parse_args(arguments)
    rows = listed(options.list)
    if options.only:
        wanted = options.only.split(",")
        if unknown := set(wanted) - {row["name"] for row in rows}:
            parser.error(f"not in the list: {', '.join(sorted(unknown))}")
        rows = [row for row in rows if row["name"] in wanted]
    ways = {
        Path(model).stem if model.endswith(".onnx") else model: Colorizer(model) for model in options.models.split(",")
    }
    tiles = [tile(row, ways, options.data, options.height) for row in rows]
    width = max(options.width, *(one.width + 2 * MARGIN for one in tiles))  # the same for all pages
    pages = min(options.pages, len(tiles))
    for number, part in enumerate(np.array_split(np.arange(len(tiles)), pages), 1):
        path = options.output
        if pages > 1:
            path = path.with_stem(f"{path.stem}-{number}")
        save(sheet([tiles[i] for i in part], width), path)
        print(path)


if __name__ == "__main__":
    main()
