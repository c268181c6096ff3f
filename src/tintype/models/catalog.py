"""The models that ship inside the package, and where those of the user's own are."""

from __future__ import annotations

import hashlib
import os
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tintype.errors import ModelError, UnknownModel
from tintype.models.card import Card, read_card

DEFAULT = "tintype.v2"
"""The model that is used when none is named."""


PURPOSES = {
    DEFAULT: "the default: the best colours, and follows hints",
    "tintype.mini": "a quarter of the network's time, an eighth of the size",
}
"""The models to use, in the order of a list, and what each is for. All others that ship are for research."""


def shipped() -> dict[str, Traversable]:
    """The weights inside the package by the name of their model, which is the name of the file; sorted."""
    folder = files("tintype.models") / "weights"
    if not folder.is_dir():
        return {}
    weights = [file for file in folder.iterdir() if file.name.endswith(".onnx")]
    return {file.name.removesuffix(".onnx"): file for file in sorted(weights, key=lambda file: file.name)}


def catalog() -> list[Card]:
    """The cards of the models that ship with tintype, those to use first, beginning with the default. No model is run.

    Raises ModelError when a file of the package is damaged.
    """
    cards = []
    for name, file in shipped().items():
        try:
            with file.open("rb") as stream:
                card = read_card(stream)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The model {name} inside the package is damaged ({error}): install tintype again"
            ) from None
        if card is None or card.name != name:
            raise ModelError(f"The model {name} of the package lacks its own card: install tintype again")
        cards.append(card)
    order = list(PURPOSES)
    return sorted(cards, key=lambda card: (order.index(card.name) if card.name in order else len(order), card.name))


def bytes_of(name_or_path: str | os.PathLike[str]) -> int:
    """The size of a model's file.

    Raises ModelError when there is no such model, or its file cannot be read.
    """
    file = shipped().get(os.fspath(name_or_path)) or own_file(name_or_path)
    try:
        with file.open("rb") as stream:
            return stream.seek(0, os.SEEK_END)
    except OSError as error:
        raise unusable(file, f"it cannot be read ({error.strerror})") from None


def card_of(name_or_path: str | os.PathLike[str]) -> Card:
    """The card of a model that ships, by its name, or of any model file, by its path. No model is run.

    Raises ModelError when there is no such model, or its file holds no card.
    """
    file = shipped().get(os.fspath(name_or_path))
    return card_in(own_file(name_or_path)) if file is None else card_in(file)


def card_in(file: Path | Traversable) -> Card:
    """The card of a file.

    Raises ModelError when it cannot be read or holds none.
    """
    try:
        with file.open("rb") as stream:
            card = read_card(stream)
    except FileNotFoundError:
        raise unusable(file, "there is no such file") from None
    except OSError as error:
        raise unusable(file, f"it cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise unusable(file, str(error)) from None
    if card is None:
        raise unusable(file, "it holds no card, the JSON text under the metadata key 'tintype'")
    return card


def name_of(card: Card, file: Path) -> str:
    """The name of a model that the user gives as a file: its card's, unless it is that of a model that ships.

    A file that calls itself `tintype.v2` and is not the one that ships is called `own.` and the beginning of its
    SHA-256.

    Raises ModelError when the file cannot be read.
    """
    name, ships = next(
        ((n, f) for n, f in shipped().items() if n.casefold() == card.name.casefold()), (card.name, None)
    )
    if ships is None:
        return name
    try:
        content = file.read_bytes()
    except OSError as error:
        raise unusable(file, f"it cannot be read ({error.strerror})") from None
    return name if content == ships.read_bytes() else f"own.{hashlib.sha256(content).hexdigest()[:8]}"


def unusable(file: Path | Traversable, fault: str) -> ModelError:
    """The error of a file that is no model, for a reason."""
    return ModelError(f"{file} cannot be used as a model: {fault}")


def own_file(name_or_path: str | os.PathLike[str]) -> Path:
    """The path of a model that does not ship.

    Raises UnknownModel when it can only be a name, and when there is no such file.
    """
    path = Path(name_or_path)
    known = ", ".join(shipped()) or "none"
    if (
        isinstance(name_or_path, str)
        and path.name == name_or_path
        and path.suffix != ".onnx"
        and not os.path.isfile(path)
    ):
        raise UnknownModel(
            f"There is no model named {name_or_path}: give one that ships with tintype ({known}) or an .onnx file"
        )
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise UnknownModel(str(unusable(path, "there is no such file"))) from None
    except OSError as error:
        raise unusable(path, f"it cannot be read ({error.strerror})") from None
    return path
