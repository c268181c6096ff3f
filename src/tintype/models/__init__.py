"""Released models: the contract their files keep, their cards, and the weights that ship with the package."""

from tintype.models.card import Card
from tintype.models.catalog import DEFAULT, catalog

__all__ = ["DEFAULT", "Card", "Model", "catalog", "load"]


def __getattr__(name: str):
    # Listing the models needs no runtime; opening one does.
    if name in ("Model", "load"):
        from tintype.models import model

        return getattr(model, name)
    raise AttributeError(f"module 'tintype.models' has no attribute {name!r}")
