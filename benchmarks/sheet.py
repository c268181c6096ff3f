"""A sheet of photographs beside their colours: `python -m benchmarks.sheet FOLDER -o SHEET.jpg`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFont

from tintype import Colorizer
from tintype.models import DEFAULT
from tintype.sheets import Line, Tile, Words, flowed, lay_out

MARGIN, CAPTION = 6, 16


def strip(pictures: Sequence[np.ndarray], caption: str, height: int) -> Tile:
    """Pictures of one size, uint8 [h, w] or [h, w, 3], side by side at `height`, with a caption below."""
    width = round(height * pictures[0].shape[1] / pictures[0].shape[0])
    joined = Image.new("RGB", (len(pictures) * width, height))
    for place, picture in enumerate(pictures):
        joined.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS), (place * width, 0))
    words = Words(caption, ImageFont.load_default(12))
    return Tile(joined.width, joined, below=[Line(CAPTION, [words])])


def sheet(tiles: Sequence[Tile], width: int) -> Image.Image:
    """Tiles in rows on a page of this width, or wider where a tile is."""
    return lay_out(flowed(tiles, width - 2 * MARGIN, MARGIN), margin=MARGIN, gap=MARGIN, least=width)[0]


def coloured(path: Path, ways: Sequence[Colorizer], height: int) -> Tile:
    """One photograph: gray and each way of colouring it, side by side, with its name below."""
    photo = Image.open(path).convert("L")
    photo.thumbnail((10 * height, height), Image.Resampling.LANCZOS)
    gray = np.asarray(photo)
    return strip([gray, *(colorize(gray) for colorize in ways)], path.stem, photo.height)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--temperatures", default="", help="comma-separated; default: the card's")
    parser.add_argument("--size", type=int)
    parser.add_argument("--vividness", type=float, default=1.0)
    parser.add_argument("--height", type=int, default=240, help="of each photograph")
    parser.add_argument("--width", type=int, default=1800, help="of the sheet")
    parser.add_argument("--quality", type=int, default=88)
    options = parser.parse_args(arguments)
    model = Colorizer(options.model).model
    ways = [
        Colorizer(model, temperature=float(t) if t else None, size=options.size, vividness=options.vividness)
        for t in options.temperatures.split(",")
    ]
    paths = sorted(p for p in options.folder.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    page = sheet([coloured(path, ways, options.height) for path in paths], options.width)
    page.save(options.output, quality=options.quality, subsampling=0)


if __name__ == "__main__":
    main()
