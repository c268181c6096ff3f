"""tintype plot"""

from __future__ import annotations

from cyclopts import App

from tintype.cli.plot import colours, photographs, runs

plot = App(
    name="plot",
    help=(
        "Draw figures of data, networks, training and results.\n\n"
        "The suffix of the file decides its format: .png, .svg or .pdf for figures, .jpg, .png or .webp for sheets of "
        'photographs. Needs matplotlib: pip install ".[plot]"'
    ),
)

for draw in (
    runs.curves,
    runs.bars,
    colours.priors,
    colours.gamut,
    colours.density,
    colours.code,
    runs.architecture,
    runs.training,
    photographs.channels,
    photographs.temperatures,
    photographs.methods,
    photographs.animation,
):
    plot.command(draw)
