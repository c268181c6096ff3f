"""The pictures of docs/projects.md: two photographs by the methods of each project. `python -m benchmarks.projects`."""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import numpy as np

from docs.projects import METHODS
from tintype import Colorizer
from tintype.evaluation.photographs import square
from tintype.models import catalog
from tintype.plots import methods, output
from tintype.plots.photographs import read_all

HISTORIC = Path("examples/photographs/migrant-mother-1936.jpg")
"""Dorothea Lange, in the public domain; gray. The other is coffee of scikit-image's data (Rachel Michetti, CC0)."""

SIDE, CELL = 320, 150
"""Pixels of a photograph, and of its place on the sheet."""

LARGEST = 150_000
"""Bytes of a picture."""


def main(arguments: list[str] | None = None) -> None:
    import skimage.data

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/img"))
    folder = parser.parse_args(arguments).output
    photographs = {"coffee": np.asarray(skimage.data.coffee())} | read_all([HISTORIC])
    photographs = {name: square(photograph, SIDE) for name, photograph in photographs.items()}
    shipped = {card.name for card in catalog()}
    for project, names in METHODS.items():
        page = methods.draw([Colorizer(name) for name in names if name in shipped], photographs, CELL)
        memory = BytesIO()
        page.save(memory, "jpeg", quality=88, optimize=True)
        if memory.tell() > LARGEST:
            raise SystemExit(f"project-{project.lower()}.jpg has {memory.tell()} bytes, more than {LARGEST}")
        output.put(memory.getvalue(), folder / f"project-{project.lower()}.jpg")
        print(f"project-{project.lower()}.jpg  {page.width} x {page.height}, {memory.tell() // 1000} kB")


if __name__ == "__main__":
    main()
