"""The models that ship inside the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from tintype.errors import ModelError
from tintype.models.card import Card, read_card

DEFAULT = "tintype.v1"
"""The model that is used when none is named."""


def shipped() -> dict[str, Traversable]:
    """The weights inside the package by the name of their model, which is the name of the file; sorted."""
    folder = files("tintype.models") / "weights"
    if not folder.is_dir():
        return {}
    found = [file for file in folder.iterdir() if file.name.endswith(".onnx")]
    return {file.name.removesuffix(".onnx"): file for file in sorted(found, key=lambda file: file.name)}


def catalog() -> list[Card]:
    """The cards of the models that ship with tintype, the default first. No model is run.

    Raises ModelError when a file of the package is damaged.
    """
    cards = []
    for name, file in shipped().items():
        try:
            with file.open("rb") as stream:
                card = read_card(stream)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The model {name} inside the package is damaged ({error}): install tintype anew"
            ) from None
        if card is None or card.name != name:
            raise ModelError(f"The model {name} of the package lacks its own card: install tintype anew")
        cards.append(card)
    return sorted(cards, key=lambda card: card.name != DEFAULT)
