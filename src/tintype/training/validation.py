"""What a network shows on photographs that it does not learn from."""

from __future__ import annotations

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
"""Colours that stray from their mean by less than this share of what the true ones do are one, mostly a brown."""


@dataclass(frozen=True)
class Validation:
    """What was found."""

    figures: dict[str, float]
    """Means over the photographs; "loss" is the one that checkpoints are chosen by."""
    sheet: torch.Tensor
    """sRGB [3, h, w] in [0, 1]: the gray, the colours and the truth of the first photographs, one below the other."""
    warning: str
    """What looks wrong with the colours; empty: nothing."""


@torch.no_grad()
def validate(
    predict: Callable[[Batch], Output], photographs: Batches, objective: Objective, scale: int, device: torch.device
) -> Validation:
    """Look at each photograph once.

    Args:
        predict: gives the output of a network in evaluation mode for a batch on `device`.
        scale: the output stands at 1/scale of the input.
    """
    sums = dict.fromkeys(("loss", "chroma", "true_chroma", "psnr_quarter"), 0.0)
    areas, strayed, true_strayed = Areas(), 0.0, 0.0
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
        strayed += _spread(ab) * len(ab)
        true_strayed += _spread(truth) * len(ab)
        areas.add(ab.movedim(1, -1).cpu().numpy(), truth.movedim(1, -1).cpu().numpy())
        if not sheet.numel():
            sheet = torch.cat([torch.cat(list(rows[:SHOWN]), dim=2) for rows in (gray, ours, theirs)], dim=1)
        a, b = ab.mean(dim=(0, 2, 3)).tolist()
        mean = a, b
    figures = {name: value / len(photographs.photographs) for name, value in sums.items()}
    figures |= {"auc": areas.auc(), "auc_balanced": areas.auc_balanced()}
    return Validation(figures, sheet, _warning(figures, strayed < ONE_COLOUR * true_strayed, mean))


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


def _spread(ab: torch.Tensor) -> float:
    """The mean distance of colours [n, 2, h, w] from their mean."""
    return float((ab - ab.mean(dim=(0, 2, 3), keepdim=True)).norm(dim=1).mean())
