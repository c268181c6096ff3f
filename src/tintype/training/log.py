"""What a run writes down on its way: `log.jsonl`, and the same for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tintype.files import whole_file

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

NAME = "log.jsonl"


class Log:
    """The log of a run in its folder; of several processes only the first one's writes.

    Args:
        step: at which the run goes on; TensorBoard drops what it had after it.
    """

    def __init__(self, folder: Path, step: int, first: bool = True):
        self.path = folder / NAME
        self.first = first
        self._board: SummaryWriter | None = None
        if first:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def note(self, part: str, step: int, **facts: object) -> None:
        """Add a line to `log.jsonl`."""
        if self.first:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"part": part, "step": step, **facts}) + "\n")

    def figures(self, part: str, step: int, **figures: float) -> None:
        """The same, and a point of each figure's curve."""
        if self._board:
            for name, value in figures.items():
                self._board.add_scalar(f"{part}/{name}", value, step)
        self.note(part, step, **figures)

    def picture(self, title: str, step: int, rgb: torch.Tensor) -> None:
        """Show a picture [3, h, w], sRGB in [0, 1], in TensorBoard."""
        if self._board:
            self._board.add_image(title, rgb.float().cpu(), step)

    def close(self) -> None:
        if self._board:
            self._board.close()


def forget_after(folder: Path, step: int, batches: int) -> None:
    """Drop from `log.jsonl` what a killed run wrote after its last checkpoint; it will be written again.

    Args:
        batches: of the run at that checkpoint, which lines of a run with a critic hold too.
    """
    path = folder / NAME
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found = json.loads(line)
            if found["step"] <= step and found.get("batches", batches) <= batches:
                kept.append(line + "\n")
        except ValueError:
            continue  # cut short by the kill
    with whole_file(path) as file:
        file.write("".join(kept).encode())
