"""The terms of what is minimised, summed over steps until the log asks for their means."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch


class Sums:
    """A sum of each term by its name, and the number of steps that had it.

    They lie where the terms are: to read a number from a GPU would make it wait at each step.
    """

    def __init__(self) -> None:
        self.values: dict[str, torch.Tensor] = {}
        self.steps: dict[str, int] = {}

    def add(self, terms: Mapping[str, torch.Tensor]) -> None:
        for name, value in terms.items():
            self.values[name] = self.values[name] + value if name in self.values else value
            self.steps[name] = self.steps.get(name, 0) + 1

    @property
    def finite(self) -> bool:
        """Whether all are numbers."""
        return all(math.isfinite(value) for value in self.values.values())

    def take_means(self) -> dict[str, float]:
        """The mean of each term since this was last asked for."""
        means = {name: float(value) / self.steps[name] for name, value in self.values.items()}
        self.values, self.steps = {}, {}
        return means

    def to_dict(self) -> dict[str, dict[str, float]]:
        """As checkpoints hold them."""
        return {"sums": {name: float(value) for name, value in self.values.items()}, "met": dict(self.steps)}

    def restore(self, state: Mapping[str, dict[str, float]], device: torch.device) -> None:
        """Go on from a checkpoint."""
        self.values = {name: torch.tensor(value, device=device) for name, value in (state.get("sums") or {}).items()}
        self.steps = {name: int(value) for name, value in (state.get("met") or {}).items()}
