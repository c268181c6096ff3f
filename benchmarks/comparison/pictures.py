"""Sheets of all methods on photographs that may be shown, and on some of the training set that may not."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.comparison import cars
from benchmarks.comparison.measure import TEMPERED, card_of
from tintype import Colorizer
from tintype.data.shards import Photographs
from tintype.evaluation.metrics import psnr, ssim
from tintype.evaluation.photographs import square
from tintype.models import Model
from tintype.plots import methods, output, temperatures
from tintype.plots.photographs import in_colour, read_all
from tintype.plots.sheet import Row, lay_out

SIDE = 256
CELL = 104
"""Pixels of a photograph on the sheet: with twenty methods below each other, it stays below LARGEST."""

SCIKIT = ("astronaut", "coffee", "chelsea", "rocket")
"""Of `skimage.data`: NASA, public domain; Rachel Michetti, Stefan van der Walt, SpaceX, all three CC0."""
WALLPAPERS = ("pop-kait-herzog-8242", "pop-ahmadreza-sajadi-10140-edit")
"""Of pop-os/wallpapers: Unsplash of the CC0 years, public domain by its README."""
EXAMPLES = ("lange-1936", "migrant-mother-1936", "priest-pass-1922")
"""Of examples/photographs, black-and-white: works of the United States, in the public domain."""
HISTORIC = ("ddcolor-saratoga", "fsa-8b26531", "rz-adams-tetons")
"""Black-and-white, works of the United States or before 1931; who made them stands in docs/img/SOURCES.md."""
TEMPERED_ON = ("coffee", "pop-kait-herzog-8242")
SEEN = 6

BROWN = (1.7, 7.3)
"""The mean colour of the training photographs, a*b*."""

LARGEST = 300_000
"""Bytes of a sheet."""


def draw(models: Sequence[Path], folder: Path, seen: Path, data: Path) -> None:
    """Write the sheets: those to show to `folder`, that of training photographs to `seen`, which is to stay local."""
    colorizers = {card_of(path).name: Colorizer(Model(path)) for path in models}
    colour = in_public(data)
    paths = [Path("examples/photographs") / f"{name}.jpg" for name in EXAMPLES]
    paths += [data / "historic" / "bw" / f"{name}.jpg" for name in HISTORIC]
    historic = squares(read_all(paths))
    folder.mkdir(parents=True, exist_ok=True)
    seen.mkdir(parents=True, exist_ok=True)
    save(sheet(colorizers, colour), folder / "methods-colour.jpg")
    save(sheet(colorizers, historic), folder / "methods-historic.jpg")
    some = {name: colour[name] for name in TEMPERED_ON}
    tempered = {name: colorizer.model for name, colorizer in colorizers.items() if name in TEMPERED}
    if tempered:
        save(strips(tempered, some), folder / "temperatures.jpg")
    save(sheet(colorizers, trained_on(data)), seen / "methods-seen.jpg")
    print(f"{seen / 'methods-seen.jpg'} is of training photographs, which may not be passed on: keep it local")


def in_public(data: Path) -> dict[str, np.ndarray]:
    """Photographs in colour that no model has seen and everyone may show."""
    import skimage.data

    photographs = {name: np.asarray(getattr(skimage.data, name)()) for name in SCIKIT}
    return squares(photographs | read_all([data / "large" / f"{name}.jpg" for name in WALLPAPERS]))


def trained_on(data: Path) -> dict[str, np.ndarray]:
    """The first few photographs in colour that the methods were trained on."""
    photographs = Photographs([data / "train" / "train-00.tar"], 4 * SEEN)
    found = {name: photographs[number] for number, name in enumerate(photographs.names)}
    return squares(dict([item for item in found.items() if in_colour(item[1])][:SEEN]))


def squares(photographs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: square(photo, SIDE) for name, photo in photographs.items()}


def sheet(colorizers: dict[str, Colorizer], photographs: dict[str, np.ndarray]):
    """A row for each method, a column for each photograph."""
    heads, rows = methods.compare(list(colorizers.values()), photographs)
    return lay_out(
        list(photographs), [Row(head, [row.pictures[i] for row in rows]) for i, head in enumerate(heads)], CELL
    )


def strips(models: dict[str, Model], photographs: dict[str, np.ndarray]):
    """A row for each model and photograph, a column for each temperature."""
    rows = []
    for name, model in models.items():
        heads, found = temperatures.strip(model, photographs)
        rows += [Row(f"{name}, {row.name}", row.pictures) for row in found]
    return lay_out(heads, rows, CELL)


def draw_cars(photograph: Path, folder: Path, brown: tuple[float, float] = BROWN) -> None:
    """Write cars.jpg: a photograph with cars in other colours, with what PSNR and SSIM say of each."""
    rgb = cars.read(photograph)
    versions = cars.coloured_cars(rgb, brown)
    heads = [
        name if name == "truth" else f"{name}\n{psnr(version, rgb):.1f} dB, SSIM {ssim(version, rgb):.3f}"
        for name, version in versions.items()
    ]
    half, rows = len(heads) // 2, list(versions.values())
    pages = [lay_out(heads[i : i + half], [Row("", rows[i : i + half])], 300) for i in (0, half)]
    sheet = Image.new("RGB", (pages[0].width, sum(page.height for page in pages)), "white")
    for number, page in enumerate(pages):
        sheet.paste(page, (0, number * pages[0].height))
    save(sheet, folder / "cars.jpg")


def save(page, path: Path) -> None:
    """Write a sheet as JPEG, of the best quality that stays below LARGEST bytes."""
    for quality in range(92, 40, -4):
        memory = BytesIO()
        page.save(memory, "jpeg", quality=quality, optimize=True)
        if memory.tell() <= LARGEST:
            break
    output.put(memory.getvalue(), path)
    print(f"{path}  {memory.tell() / 1000:.0f} kB, quality {quality}")
