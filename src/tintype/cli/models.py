"""tintype models"""

from __future__ import annotations

import json as json_
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import say, shown
from tintype.cli.options import Flag


def models(
    *models: Annotated[str, Parameter(name="MODEL")],
    devices: Flag = False,
    json: Flag = False,
) -> int:
    """List the models that ship with tintype, or say of those that are named how they were made and how well they do.

    Example: tintype models tintype.v2 mine.onnx

    Parameters
    ----------
    models
        Names of models that ship with tintype, or .onnx files. Default: a line for each that ships, those to use first.
    devices
        Try instead on which devices networks can run here, and say what each of the others needs.
    json
        A JSON list of objects for programs, with all that the cards say.
    """
    if devices:
        return _devices(json)

    from tintype.models.catalog import PURPOSES, bytes_of, card_of, catalog, name_of, shipped

    cards = {model: card_of(model) for model in models} or {card.name: card for card in catalog()}
    names = {model: model if model in shipped() else name_of(card, Path(model)) for model, card in cards.items()}
    megabytes = {model: f"{bytes_of(model) / 1e6:.1f} MB" for model in cards}
    if json:
        # The table of bins is as long as all else together, and is the graph's business.
        listed = [
            {key: value for key, value in asdict(card).items() if key != "bins"}
            | {"name": names[model], "bytes": bytes_of(model), "purpose": PURPOSES.get(model, "research")}
            for model, card in cards.items()
        ]
        print(json_.dumps(listed, indent=2))
        return 0

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, markup=False)
    if not models:
        wide = max(map(len, cards))
        for head, chosen in (
            ("To use:", {model: PURPOSES[model] for model in cards if model in PURPOSES}),
            ("For research, other methods trained on the same photographs:",
             {model: card.description for model, card in cards.items() if model not in PURPOSES}),
        ):  # fmt: skip
            table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True, min_width=wide)
            table.add_column(no_wrap=True, justify="right", min_width=7)
            table.add_column(overflow="fold")
            for model, text in chosen.items():
                table.add_row(Text(shown(model), "bold"), megabytes[model], Text(shown(text)))
            console.print(Text(head))
            console.print(table)
            console.print()
        console.print(Text(shown(f"More on one of them: tintype models {next(iter(cards))}"), "dim"))
        return 0
    for model, card in cards.items():
        table = Table(
            title=Text(shown(names[model]), "bold"),
            title_justify="left",
            show_header=False,
            box=None,
            padding=(0, 2, 0, 0),
        )
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        data = ", ".join(
            f"{row['name']} ({row['photographs']})" if "photographs" in row else row["name"]
            for row in card.training_data
        )
        temperature = "" if card.temperature is None else str(card.temperature)
        figures = "\n".join(f"{row['metric']} {row['value']} ({row['protocol']})" for row in card.figures)
        for label, text in (
            ("", card.description),
            ("for", PURPOSES.get(model, "research" if model in shipped() else "")),
            ("size", megabytes[model]),
            ("version", card.version),
            ("family", card.family),
            ("network size", f"{card.size} pixels, sides multiples of {card.stride}"),
            ("temperature", temperature),
            ("licence", card.licence),
            ("trained on", data and f"{data} (numbers of photographs)"),
            ("measured", figures),
        ):
            if text:
                table.add_row(label, Text("\n".join(map(shown, text.split("\n")))))
        console.print(table)
        console.print()
    return 0


def _devices(json: bool) -> int:
    from tintype.models import devices

    faults = devices()
    if json:
        print(json_.dumps([{"device": device, "fault": fault} for device, fault in faults.items()], indent=2))
        return 0
    for device, fault in faults.items():
        say(f"{device:10}{fault or 'works'}")
    return 0
