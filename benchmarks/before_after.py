"""README's picture: four example photographs, before and after. `python -m benchmarks.before_after`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from tintype import Colorizer
from tintype.sheets import Tile, lay_out

PHOTOGRAPHS = Path("examples/photographs")
ROWS = (("dust-bowl-house", "count-basie"), ("milwaukee-1936", "coleman-hawkins"))
"""Photographs that docs/experiments.md judges right, without a blotch."""

WIDTH, GAP = 1640, 8
LARGEST = 400_000
"""Bytes of the picture."""


def row(pairs: list[tuple[Image.Image, Image.Image]], width: int) -> list[Tile]:
    """Each photograph beside its colours, all of one height, together `width` pixels wide."""
    pictures = [picture for pair in pairs for picture in pair]
    inside = width - GAP * (len(pictures) - 1)
    height = round(inside / sum(picture.width / picture.height for picture in pictures))
    widths = [round(picture.width * height / picture.height) for picture in pictures]
    widths[-1] = inside - sum(widths[:-1])
    return [
        Tile(wide, picture.convert("RGB").resize((wide, height), Image.Resampling.LANCZOS))
        for picture, wide in zip(pictures, widths, strict=True)
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/img/before-after.jpg"))
    options = parser.parse_args(arguments)
    colorize = Colorizer()
    rows = []
    for names in ROWS:
        # Coloured at full size, as the command does, and made small afterwards.
        photographs = [Image.open(PHOTOGRAPHS / f"{name}.jpg") for name in names]
        rows.append(row([(photograph, colorize(photograph)) for photograph in photographs], WIDTH))
    page, _ = lay_out(rows, margin=0, gap=GAP)
    page.save(options.output, quality=88, optimize=True)
    size = options.output.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{options.output} has {size} bytes, more than {LARGEST}")
    print(f"{options.output}: {page.width} x {page.height}, {size // 1000} KB")


if __name__ == "__main__":
    main()
