"""What was measured and decided, put into the pages that tell of it.

All of it is first written to findings.json, which is committed, and the pages are made from that file alone: each part
stands between two comments, and nothing else of the pages changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.comparison import by_region, cars, claims, plots, samples, seeds, table
from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.table import Record
from tintype.errors import DataError
from tintype.files import whole_file

FINDINGS = Path("benchmarks/comparison/findings.json")
PAGES = (Path("docs/comparison.md"), Path("docs/comparison-figures.md"))

PARTS: Mapping[str, Callable[[Record], str]] = {
    "run": lambda found: table.run(found),
    "verdicts": lambda found: claims.overview(found["claims"]),
    "claims": lambda found: claims.table(found["claims"]),
    "figures": lambda found: table.quality(found) + "\n\n" + table.cost(found),
    "seeds": lambda found: table.apart(found),
    "best": lambda found: samples.table(found["best"]) if "best" in found else "Not measured yet.",
    "regions": lambda found: by_region.table(found["regions"]) if "regions" in found else "Not measured yet.",
    "cars": lambda found: cars.table(found["cars"]) if "cars" in found else "Not measured yet.",
    "car": lambda found: cars.example_table(found["car"]) if "car" in found else "Not measured yet.",
}
"""Name of a part -> what it is made of findings.json."""


def find(root: Path, short: Mapping[str, str] | None = None) -> Record:
    """Everything that was measured and decided in the folder of a comparison.

    Args:
        short: method -> why it counts as trained too little.
    Raises:
        DataError: nothing was measured.
    """
    comparison = seeds.read(root)
    marked = table.marks(comparison, short)
    folders = {seed.number: root / f"seed-{seed.number}" / seeds.FIGURES for seed in comparison.seeds}
    of_cars = Resampled(root / cars.FOLDER) if any((root / cars.FOLDER).glob("*.npz")) else None
    of_regions = {
        number: Resampled(folder / by_region.FOLDER)
        for number, folder in folders.items()
        if any((folder / by_region.FOLDER).glob("*.npz"))
    }
    of_samples = [found for folder in folders.values() if (found := samples.read(folder / samples.FOLDER))]
    measured = [
        claims.Measured(seed.figures, seed.logs, marked, of_regions.get(seed.number), of_cars)
        for seed in comparison.seeds
    ]
    found = table.records(comparison, root, marked) | {"claims": claims.records(measured)}
    if learning := plots.learnt(comparison):
        found["learning"] = learning
    if of_samples:
        found["best"] = samples.records(of_samples)
    if of_regions:
        found["regions"] = by_region.records(list(of_regions.values()))
    if (path := root / cars.FOLDER / cars.EXAMPLE).is_file():
        found["car"] = json.loads(path.read_text(encoding="utf-8"))
    if of_cars:
        found["cars"] = cars.records(of_cars)
    return found


def write(found: Record, path: Path = FINDINGS) -> None:
    with whole_file(path) as file:
        file.write((json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())


def parts(path: Path = FINDINGS) -> dict[str, str]:
    """The parts of the pages, as Markdown, made from findings.json."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: make(found) for name, make in PARTS.items()}


def update(page: Path, parts: Mapping[str, str]) -> set[str]:
    """Put each part that has a place on the page between `<!-- NAME -->` and `<!-- /NAME -->`; the names of these.

    Raises:
        DataError: a place is there more than once, or only begun.
    """
    text = page.read_text(encoding="utf-8")
    put = set()
    for name, part in parts.items():
        if f"<!-- {name} -->" not in text:
            continue
        place = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        text, count = place.subn(lambda found, part=part: f"{found[1]}\n{part.strip()}\n\n{found[2]}", text)
        if count != 1:
            raise DataError(f"{page}: put <!-- {name} --> and <!-- /{name} --> once where its part is to stand")
        put.add(name)
    page.write_text(text, encoding="utf-8")
    return put
