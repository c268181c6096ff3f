"""Does one hint change the object it lies on, and nothing else? `python -m benchmarks.hints_local [--model M]`.

`hints_local.json` names 30 public-domain photographs of `historic/bw`. In each there is one object, its outline drawn
by hand in shares of width and height, and one hint on it, in a colour that it could have had. The photograph, at most
SIDE pixels long, is coloured with and without the hint, and the two 8-bit results are compared at that size: CIE76
difference, its median over the object and over the rest. A band along the outline, BAND of the short side wide, is
neither. The hint is a disc of the area of a 6x6 patch at 256x256, as in `benchmarks.hints`; `--radii 1,2,4` makes it
larger too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.hints import RADIUS
from benchmarks.sheet import sheet, strip
from tintype import Colorizer
from tintype.color import lab
from tintype.hints import Hint, draw_hints
from tintype.models import DEFAULT
from tintype.sheets import Tile

CASES = Path(__file__).with_suffix(".json")

SIDE = 1024
"""Longest side of a photograph, in pixels."""

BAND = 0.02
"""Width of what is neither object nor rest, in short sides."""

LEAST, MOST = 10, 2
"""The aim: median difference at least so large on the object, at most so large on the rest."""


def photograph(path: Path) -> np.ndarray:
    """Gray codes, uint8 [h, w], at most SIDE pixels long."""
    photo = Image.open(path).convert("L")
    photo.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(photo)


def areas(outline: list[list[float]], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The object and the rest, bool [h, w]; outline: (x, y) in shares of a photograph of (height, width) `size`."""
    height, width = size
    corners = [(x * width, y * height) for x, y in outline]
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon(corners, fill=2)
    draw.line([*corners, *corners[:2]], fill=1, width=max(1, round(BAND * min(size))), joint="curve")
    codes = np.asarray(mask)
    return codes == 2, codes == 0


def differences(
    colorize: Colorizer, gray: np.ndarray, without: np.ndarray, case: dict, scale: float = 1.0
) -> tuple[np.ndarray, dict[str, float]]:
    """What the hint of a case changes.

    Args:
        gray: uint8 [h, w]; without: how it is coloured without the hint, uint8 [h, w, 3].
        scale: of the hint's radius.
    Returns:
        how it is coloured with the hint, and median differences: `object`, `rest`, `hint` (under the disc alone) and
        `target` (from the colours without the hint to the hint's own, over the object: the most that can be gained).
    """
    size = gray.shape
    x, y, color = case["hint"]
    hint = Hint(x * size[1], y * size[0], color, scale * RADIUS / 256 * min(size))
    coloured = colorize(gray, hints=[hint])
    before, after = (lab.rgb_to_lab(rgb / np.float32(255)) for rgb in (without, coloured))
    change = np.linalg.norm(after - before, axis=-1)
    inside, outside = areas(case["outline"], size)
    *own, disc = draw_hints([hint], size, size)
    own = [channel.flat[disc.argmax()] for channel in own]
    target = np.linalg.norm(before[..., 1:] - own, axis=-1)
    return coloured, {
        "target": float(np.median(target[inside])),
        "hint": float(np.median(change[disc > 0.5])),
        "object": float(np.median(change[inside])),
        "rest": float(np.median(change[outside])),
    }


def summary(rows: list[dict[str, float]]) -> str:
    """Medians over photographs, and how many of them meet the aims: a row of a table."""
    on = [row["object"] >= LEAST for row in rows]
    off = [row["rest"] <= MOST for row in rows]
    medians = " | ".join(f"{np.median([row[key] for row in rows]):.1f}" for key in ("target", "hint", "object", "rest"))
    return f"{medians} | {sum(on)} | {sum(off)} | {sum(map(all, zip(on, off, strict=True)))} |"


def tile(name: str, gray: np.ndarray, pictures: list[np.ndarray], case: dict, height: int) -> Tile:
    """Gray, the pictures, and the outline with the hint, side by side; the caption says what they are."""
    outlined = Image.fromarray(gray).convert("RGB")
    draw = ImageDraw.Draw(outlined)
    corners = [(x * outlined.width, y * outlined.height) for x, y in case["outline"]]
    width = max(2, outlined.height // 150)
    draw.line([*corners, *corners[:2]], fill="magenta", width=width)
    x, y, color = case["hint"]
    draw.circle((x * outlined.width, y * outlined.height), 3 * width, fill=color, outline="white")
    return strip([gray, *pictures, np.asarray(outlined)], f"{name}: {case['object']}", height)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cases", type=Path, default=CASES, help="list of photographs, outlines and hints")
    parser.add_argument(
        "--radii", default="1", help="factors on the hint's radius, comma-separated; rows are of the first"
    )
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--size", type=int)
    parser.add_argument("--sheet", type=Path, help="JPEG of gray, without, with, outline")
    parser.add_argument("--height", type=int, default=200, help="of each photograph on the sheet")
    options = parser.parse_args(arguments)
    colorize = Colorizer(options.model, temperature=options.temperature, size=options.size)
    scales = [float(scale) for scale in options.radii.split(",")]
    measured: dict[float, list[dict]] = {scale: [] for scale in scales}
    strips = []
    print("| photograph | object | target | at the hint | object | rest | |\n|---|---|---|---|---|---|---|")
    for case in json.loads(options.cases.read_text(encoding="utf-8")):
        name = case["photograph"]
        gray = photograph(options.data / "historic" / "bw" / f"{name}.jpg")
        without = colorize(gray)
        for scale in scales:
            coloured, row = differences(colorize, gray, without, case, scale)
            measured[scale].append(row)
            if scale != scales[0]:
                continue
            good = row["object"] >= LEAST and row["rest"] <= MOST
            figures = " | ".join(f"{value:.1f}" for value in row.values())
            print(f"| {name} | {case['object']} | {figures} | {'both' if good else ''} |", flush=True)
            if options.sheet:
                strips.append(tile(name, gray, [without, coloured], case, options.height))
    counts = f"object >= {LEAST} | rest <= {MOST} | both"
    print(f"\n| radius | target | at the hint | object | rest | {counts} |\n|---|---|---|---|---|---|---|---|")
    for scale, rows in measured.items():
        print(f"| x {scale:g} | {summary(rows)}")
    if options.sheet:
        sheet(strips, 2000).save(options.sheet, quality=85)


if __name__ == "__main__":
    main()
