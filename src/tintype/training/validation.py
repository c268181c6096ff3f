"""What a network shows on photographs that it does not learn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb
from tintype.evaluation.metrics import Areas
from tintype.networks.family import Output
from tintype.targets import at_resolution
from tintype.training.batches import Batch, Batches
from tintype.training.objective import Objective, main_head

BATCH = 50
"""Photographs that are looked at together."""
SHOWN = 8
"""Photographs on the sheet of samples."""
QUARTER = 4
"""Figures are of the colours at 1/4 of the input's size, or coarser where the network answers coarser."""
COLLAPSED = 0.25
"""A mean chroma below this share of the truth's is a collapse to gray."""
ONE_COLOUR = 0.05
"""Colours whose deviation over the set is below this share of the true ones' are one, mostly a brown."""
EARLY = 100
"""Photographs that are looked at early in a run, between its validations."""


@dataclass(frozen=True)
class Validation:
    """What was found."""

    figures: dict[str, float]
    """Means over the photographs; "loss" is the one that checkpoints are chosen by. "spread" is the deviation of a
    photograph's a*b* about their own mean, "set_spread" that of all about the mean of the set: 0 where all is one
    colour, be it gray or brown."""
    sheet: torch.Tensor
    """sRGB [3, h, w] in [0, 1]: the gray, the colours and the truth of the first photographs, one below the other."""
    warning: str
    """What looks wrong with the colours; empty: nothing."""


@torch.no_grad()
def validate(
    predict: Callable[[Batch], Output],
    photographs: Batches,
    objective: Objective,
    scale: int,
    device: torch.device,
    limit: int | None = None,
) -> Validation:
    """Look at each photograph once.

    Args:
        predict: gives the output of a network in evaluation mode for a batch on `device`.
        scale: the output stands at 1/scale of the input.
        limit: look at the first so many photographs, at least.
    """
    sums = dict.fromkeys(("loss", "chroma", "true_chroma", "psnr_quarter"), 0.0)
    areas, count, spreads = Areas(), 0, {"": _Spread(), "true_": _Spread()}
    sheet, mean = torch.empty(3, 0, 0), (0.0, 0.0)
    # Methods that answer at different resolutions are compared at a quarter of the size.
    cell = max(QUARTER // scale, 1)
    for batch in photographs.once():
        batch = batch.to(device)
        output = predict(batch)
        loss = objective(output, batch)
        ab, truth = objective.ab(main_head(output).float(), batch), batch.ab
        if cell > 1:
            ab, truth = functional.avg_pool2d(ab, cell), functional.avg_pool2d(truth, cell)
        small = at_resolution(batch.lightness, ab)
        gray, ours, theirs = (
            lab_to_rgb(fit_chroma(torch.cat([small, plane], 1), 1), 1).clamp(0, 1) for plane in (ab * 0, ab, truth)
        )
        error = ((ours - theirs) ** 2).mean(dim=(1, 2, 3)).clamp(1e-8)
        sums["loss"] += float(loss) * len(ab)
        sums["chroma"] += float(ab.norm(dim=1).mean()) * len(ab)
        sums["true_chroma"] += float(truth.norm(dim=1).mean()) * len(ab)
        sums["psnr_quarter"] += float((-10 * torch.log10(error)).sum())
        spreads[""].add(ab)
        spreads["true_"].add(truth)
        areas.add(ab.movedim(1, -1).cpu().numpy(), truth.movedim(1, -1).cpu().numpy())
        if not sheet.numel():
            sheet = torch.cat([torch.cat(list(rows[:SHOWN]), dim=2) for rows in (gray, ours, theirs)], dim=1)
        a, b = ab.mean(dim=(0, 2, 3)).tolist()
        mean = a, b
        count += len(ab)
        if limit is not None and count >= limit:
            break
    figures = {name: value / count for name, value in sums.items()}
    for whose, spread in spreads.items():
        figures |= {f"{whose}spread": spread.of_photographs(), f"{whose}set_spread": spread.of_set()}
    figures |= {"auc": areas.auc(), "auc_balanced": areas.auc_balanced()}
    one_colour = figures["set_spread"] < ONE_COLOUR * figures["true_set_spread"]
    return Validation(figures, sheet, _warning(figures, one_colour, mean))


def _warning(figures: dict[str, float], one_colour: bool, mean: tuple[float, float]) -> str:
    if figures["chroma"] < COLLAPSED * figures["true_chroma"]:
        return (
            "warning: the mean chroma has collapsed to less than a quarter of the truth's; lower the rate, "
            "lengthen the warm-up or start from a pretrained encoder"
        )
    if one_colour:
        return (
            f"warning: all photographs get about the same colour, a* {mean[0]:.0f} and b* {mean[1]:.0f}; this is "
            "normal at the beginning; if it stays, lower the rate or start from a pretrained encoder"
        )
    return ""


class _Spread:
    """Standard deviations of colours about their mean: the root of the mean squared distance."""

    def __init__(self) -> None:
        self.photographs, self.deviations = 0, 0.0
        self.means, self.squares = torch.zeros(2, dtype=torch.float64), 0.0

    def add(self, ab: torch.Tensor) -> None:
        """Photographs [n, 2, h, w], all of one size."""
        colours = ab.double().flatten(2)
        means, squares = colours.mean(dim=2), (colours**2).sum(dim=1).mean(dim=1)
        self.photographs += len(ab)
        self.deviations += float((squares - (means**2).sum(dim=1)).clamp(min=0).sqrt().sum())
        self.means += means.sum(dim=0).cpu()
        self.squares += float(squares.sum())

    def of_photographs(self) -> float:
        """About the mean of each photograph; the mean over photographs."""
        return self.deviations / self.photographs

    def of_set(self) -> float:
        """About the mean of all."""
        mean = self.means / self.photographs
        return math.sqrt(max(self.squares / self.photographs - float((mean**2).sum()), 0.0))
