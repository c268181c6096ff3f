"""A contact sheet of photographs beside their colours: `python -m benchmarks.sheet FOLDER -o SHEET.jpg`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tintype import Colorizer

MARGIN, CAPTION = 6, 16


def cell(path: Path, ways: list[Colorizer], height: int) -> Image.Image:
    """One photograph: gray and each way of colouring it, side by side, with its name below."""
    photo = Image.open(path).convert("L")
    photo.thumbnail((10 * height, height), Image.Resampling.LANCZOS)
    gray = np.asarray(photo)
    pictures = [np.repeat(gray[..., None], 3, axis=2), *(colorize(gray) for colorize in ways)]
    row = Image.fromarray(np.concatenate(pictures, axis=1))
    framed = Image.new("RGB", (row.width, row.height + CAPTION), "white")
    framed.paste(row)
    ImageDraw.Draw(framed).text((0, row.height + 1), path.stem, fill="black", font=ImageFont.load_default(12))
    return framed


def sheet(cells: list[Image.Image], width: int) -> Image.Image:
    """Cells laid into rows of at most `width` pixels."""
    rows, row = [], []
    for one in cells:
        if row and sum(c.width + MARGIN for c in [*row, one]) > width:
            rows.append(row)
            row = []
        row.append(one)
    rows.append(row)
    heights = [max(c.height for c in row) + MARGIN for row in rows]
    page = Image.new("RGB", (width, sum(heights) + MARGIN), "white")
    top = MARGIN
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        for one in row:
            page.paste(one, (left, top))
            left += one.width + MARGIN
        top += height
    return page


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="tintype.v2")
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
    page = sheet([cell(path, ways, options.height) for path in paths], options.width)
    page.save(options.output, quality=options.quality, subsampling=0)


if __name__ == "__main__":
    main()
