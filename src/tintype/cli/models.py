"""tintype models"""

from __future__ import annotations

import json as json_
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import shown


def models(
    *models: Annotated[str, Parameter(name="MODEL")],
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """List the models that ship with tintype, or say of those that are named how they were made and how well they do.

    Example: tintype models tintype.v2 mine.onnx

    Parameters
    ----------
    models
        Names of models that ship with tintype, or .onnx files. Default: a line for each that ships.
    json
        A JSON list of objects for programs, with all that the cards say.
    """
    from tintype.models.catalog import card_of, catalog

    cards = [card_of(model) for model in models] or catalog()
    if json:
        # The table of bins is as long as all else together, and is the graph's business.
        print(json_.dumps([{k: v for k, v in asdict(card).items() if k != "bins"} for card in cards], indent=2))
        return 0

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, markup=False)
    if not models:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for card in cards:
            table.add_row(Text(shown(card.name), "bold"), Text(shown(card.description)))
        console.print(table)
        console.print()
        console.print(Text(shown(f"More on one of them: tintype models {cards[0].name}"), "dim"))
        return 0
    for card in cards:
        table = Table(
            title=Text(shown(card.name), "bold"),
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
