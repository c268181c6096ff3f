"""The models that clients may choose."""

from __future__ import annotations

import threading
from dataclasses import replace

from tintype.errors import UnknownModel, printable
from tintype.models import Card, Model
from tintype.models.card import read_inputs
from tintype.models.catalog import catalog, shipped
from tintype.models.device import Device


class Models:
    """The models that are offered: those that ship, and the one of the server. Each is opened when it is first asked
    for.

    Args:
        default: its name, or the path of its file. What clients name is never taken for a path.
        threads: processors for one look; None: all.
        device: where the networks compute. Raises DeviceError.
    """

    def __init__(self, default: str, threads: int | None = None, device: Device = "cpu") -> None:
        model = Model(default, threads, device)
        self.default, self._threads, self._device = model.name, threads, device
        self._open = {model.name: model}
        self._lock = threading.Lock()

    @property
    def cards(self) -> list[Card]:
        """Of all that are offered, the default first, under the names by which they are asked for."""
        own = replace(self._open[self.default].card, name=self.default)
        return [own, *(card for card in catalog() if card.name != self.default)]

    def takes_hints(self, name: str) -> bool:
        """Whether a model takes hints, which its file tells without being opened. Raises UnknownModel."""
        self.check(name)
        if name in self._open:
            return self._open[name].takes_hints
        with shipped()[name].open("rb") as stream:
            return "hints" in read_inputs(stream)

    def check(self, name: str) -> None:
        """Raises UnknownModel where there is none of this name."""
        if name != self.default and name not in shipped():
            known = ", ".join(dict.fromkeys([self.default, *shipped()]))
            raise UnknownModel(f"There is no model named {printable(name)[:80]}: give one of {known}")

    def get(self, name: str) -> Model:
        """Raises UnknownModel."""
        self.check(name)
        with self._lock:
            if name not in self._open:
                self._open[name] = Model(name, self._threads, self._device)
            return self._open[name]
