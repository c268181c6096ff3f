"""Does one hint change the object it lies on, and nothing else? `python -m benchmarks.hints_local [--model M]`.

`hints_local.json` names 30 public-domain photographs of `historic/bw`. In each there is one object, its outline drawn
by hand in shares of width and height, and one hint on it, in a colour that it could have had. The photograph, at most
SIDE pixels long, is coloured with and without the hint, and the two 8-bit results are compared at that size: CIE76
difference, its median over the object and over the rest. A band along the outline, BAND of the short side wide, is
neither. The hint is a disc of the area of a 6x6 patch at 256x256, as in `benchmarks.hints`; `--radii 1,2,4` makes it
larger too. `--clicks 2` gives the object a second hint of the same colour, at the place on it that is farthest from the
first, as someone would click where the first did not reach; with more, each is as far from all before as it can be.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

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


def clicks(case: dict, size: tuple[int, int], count: int = 1, scale: float = 1.0) -> list[Hint]:
    """Hints on the object of a case, in a photograph of (height, width) `size`.

    The first lies where the list says. Each other is the place farthest from those before among all whose disc, as far
    as a square around it tells, lies on the object without its outline.
    """
    x, y, color = case["hint"]
    hints = [Hint(x * size[1], y * size[0], color, scale * RADIUS / 256 * min(size))]
    if count == 1:
        return hints
    inside, _ = areas(case["outline"], size)
    # White is left where a whole square of the disc's width is white.
    mask = Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))
    down, across = np.nonzero(np.asarray(mask.filter(ImageFilter.BoxBlur(round(hints[0].radius)))) == 255)
    if not len(down):  # The object is narrower than the disc.
        down, across = np.nonzero(inside)
    nearest = np.full(len(down), np.inf)
    while len(hints) < count:
        nearest = np.minimum(nearest, np.hypot(down + 0.5 - hints[-1].y, across + 0.5 - hints[-1].x))
        place = nearest.argmax()
        hints.append(Hint(across[place] + 0.5, down[place] + 0.5, color, hints[0].radius))
    return hints


def differences(
    colorize: Colorizer, gray: np.ndarray, without: np.ndarray, case: dict, scale: float = 1.0, count: int = 1
) -> tuple[np.ndarray, dict[str, float]]:
    """What the hints of a case change.

    Args:
        gray: uint8 [h, w]; without: how it is coloured without the hints, uint8 [h, w, 3].
        scale: of the hints' radius; count: of hints.
    Returns:
        how it is coloured with the hints, and median differences: `object`, `rest`, `hint` (under the first disc alone)
        and `target` (from the colours without hints to the hint's own, over the object: the most that can be gained).
    """
    size = gray.shape
    hints = clicks(case, size, count, scale)
    coloured = colorize(gray, hints=hints)
    before, after = (lab.rgb_to_lab(rgb / np.float32(255)) for rgb in (without, coloured))
    change = np.linalg.norm(after - before, axis=-1)
    inside, outside = areas(case["outline"], size)
    *own, disc = draw_hints(hints[:1], size, size)
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


def tile(name: str, gray: np.ndarray, pictures: list[np.ndarray], case: dict, hints: list[Hint], height: int) -> Tile:
    """Gray, the pictures, and the outline with the hints, side by side; the caption says what they are."""
    outlined = Image.fromarray(gray).convert("RGB")
    draw = ImageDraw.Draw(outlined)
    corners = [(x * outlined.width, y * outlined.height) for x, y in case["outline"]]
    width = max(2, outlined.height // 150)
    draw.line([*corners, *corners[:2]], fill="magenta", width=width)
    for hint in hints:
        draw.circle((hint.x, hint.y), 3 * width, fill=hint.color, outline="white")
    return strip([gray, *pictures, np.asarray(outlined)], f"{name}: {case['object']}", height)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cases", type=Path, default=CASES, help="list of photographs, outlines and hints")
    parser.add_argument(
        "--radii", default="1", help="factors on the hint's radius, comma-separated; rows are of the first"
    )
    parser.add_argument("--clicks", type=int, default=1, help="hints on each object")
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
            coloured, row = differences(colorize, gray, without, case, scale, options.clicks)
            measured[scale].append(row)
            if scale != scales[0]:
                continue
            good = row["object"] >= LEAST and row["rest"] <= MOST
            figures = " | ".join(f"{value:.1f}" for value in row.values())
            print(f"| {name} | {case['object']} | {figures} | {'both' if good else ''} |", flush=True)
            if options.sheet:
                hints = clicks(case, gray.shape, options.clicks, scale)
                strips.append(tile(name, gray, [without, coloured], case, hints, options.height))
    counts = f"object >= {LEAST} | rest <= {MOST} | both"
    print(f"\n| radius | target | at the hint | object | rest | {counts} |\n|---|---|---|---|---|---|---|---|")
    for scale, rows in measured.items():
        print(f"| x {scale:g} | {summary(rows)}")
    if options.sheet:
        sheet(strips, 2000).save(options.sheet, quality=85)


if __name__ == "__main__":
    main()
