"""One page that shows runs of `tintype evaluate`: figures with intervals, photographs side by side, charts.

Every picture is in the page once, however often it is shown. The same runs give the same page.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tintype.errors import OptionError
from tintype.evaluation import diagrams
from tintype.evaluation.cells import tables
from tintype.evaluation.gallery import Gallery
from tintype.evaluation.joined import Joined
from tintype.evaluation.results import Run, read_run
from tintype.evaluation.ways import Way, ways_of
from tintype.files import whole_file
from tintype.reports import charts
from tintype.reports import page as pages

PHOTOGRAPHS = 24
"""Default number of photographs in the sample."""

FILMS = {
    "cie": "CIE lightness",
    "rec601": "Rec. 601 luma",
    "panchromatic": "the response of panchromatic film",
    "orthochromatic": "the response of orthochromatic film",
    "blue": "the response of film that sees blue alone",
}
"""What makes a photograph gray, in words."""


def write(
    folders: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    photographs: int = PHOTOGRAPHS,
    seed: int = 0,
) -> None:
    """Write the page of some runs, which must share one protocol.

    Args:
        folders: of `tintype evaluate`; models of all of them stand together.
        path: the page.
        photographs: how many are shown of all; the best and worst of each model come on top.
        seed: by which they are drawn.
    Raises:
        OptionError: `photographs` is below 0. DataError: a folder is not a run, or the protocols differ.
        UnwritableFile: the page cannot be written there. TintypeError: jinja2 is not installed.
    """
    if photographs < 0:
        raise OptionError(f"The number of photographs on the page must be 0 or more, not {photographs}")
    pages.require("report")
    pages.demand_name(path)
    # Before the work: a page that cannot be put there need not be made.
    with whole_file(Path(path)) as file:
        file.write(page([read_run(folder) for folder in folders], photographs, seed).encode("utf-8", "replace"))


def page(runs: Sequence[Run], photographs: int = PHOTOGRAPHS, seed: int = 0) -> str:
    """The HTML of some runs; see `write`."""
    joined = Joined(runs, purpose="shown on one page")
    ways = ways_of(joined)
    gallery = Gallery()
    return pages.render(
        "tintype.evaluation",
        filters={"chart": pages.markup},
        script="report.js",
        protocol=joined.protocol,
        gray=_gray(joined.protocol.gray),
        runs=joined.names,
        models=[way for way in ways if way.knows],
        settings=_settings(ways),
        intervals=len(joined.photos) > 1,
        tables=tables(ways),
        sample=gallery.sample(ways, photographs, seed),
        seed=seed,
        cases=gallery.cases(ways),
        colourfulness=diagrams.colourfulness(ways),
        densities=diagrams.densities(ways),
        density_key=charts.density_key(),
        reliabilities=diagrams.reliabilities(ways),
        costs=diagrams.costs(ways),
        pictures=gallery.held,
    )


def _gray(recorded: str) -> str:
    """The protocol's gray, a film and perhaps a damage, in words."""
    film, comma, damage = recorded.partition(", ")
    return FILMS.get(film, film) + (f" with {damage}" if comma else "")


def _settings(ways: Sequence[Way]) -> list[tuple[Way, dict[str, str]]]:
    """Of each model what the protocol says of its file and its settings, in words."""
    return [
        (way, {key: str(value) for key, value in way.settings.items() if value is not None})
        for way in ways
        if way.knows
    ]
