"""Released models: the contract their files keep, their cards, and the weights that ship with the package."""

from typing import TYPE_CHECKING

from tintype.models.card import Card
from tintype.models.catalog import DEFAULT, catalog

if TYPE_CHECKING:
    from tintype.models.model import Model, Prediction, devices, load

__all__ = ["DEFAULT", "Card", "Model", "Prediction", "catalog", "devices", "load"]


def __getattr__(name: str) -> object:
    # Listing the models needs no runtime; opening one does.
    if name in ("Model", "Prediction", "devices", "load"):
        from tintype.models import model

        return getattr(model, name)
    raise AttributeError(f"module 'tintype.models' has no attribute {name!r}")
