"""Losses: free functions of a prediction and its target, weighted and summed as the configuration says."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from tintype.color.bins import published_bins, soft_encode


class SoftCodes:
    """Soft codes of any a*b*, looked up on a grid of step 1.

    Looking up costs a hundredth of measuring 313 distances at every pixel; rounding moves a colour by at most 0.71,
    a seventh of the code's sigma.

    Args:
        bins: [Q, 2]; neighbours, sigma: as `color.bins.soft_encode`.
    """

    REACH = 128

    def __init__(self, bins: np.ndarray | None = None, neighbours: int = 5, sigma: float = 5.0):
        line = np.arange(-self.REACH, self.REACH + 1, dtype=np.float64)
        grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
        index, weight = soft_encode(grid, published_bins() if bins is None else bins, neighbours, sigma)
        self.index = torch.from_numpy(index).reshape(-1, neighbours)
        self.weight = torch.from_numpy(weight.astype(np.float32)).reshape(-1, neighbours)

    def __call__(self, ab: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """ab [n, 2, h, w] to indices and weights, both [n * h * w, K], nearest first."""
        if self.index.device != ab.device:
            self.index, self.weight = self.index.to(ab.device), self.weight.to(ab.device)
        cell = ab.round().clamp(-self.REACH, self.REACH).long() + self.REACH
        place = (cell[:, 0] * (2 * self.REACH + 1) + cell[:, 1]).reshape(-1)
        return self.index[place], self.weight[place]


def cross_entropy(
    logits: torch.Tensor, index: torch.Tensor, weight: torch.Tensor, class_weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Cross-entropy against soft codes, mean over pixels (equation 2 of Colorful Image Colorization).

    Args:
        logits: [n, Q, h, w].
        index, weight: soft codes [n * h * w, K], nearest first.
        class_weights: [Q]; each pixel counts as much as its nearest bin's entry (equation 3). With weights of
            expectation 1 under the prior the mean stays on the scale of the unweighted loss.
    """
    flat = logits.movedim(1, -1).reshape(-1, logits.shape[1]).float()
    loss = torch.logsumexp(flat, dim=-1) - (flat.gather(1, index) * weight).sum(dim=-1)
    if class_weights is not None:
        loss = loss * class_weights[index[:, 0]]
    return loss.mean()


def mean_squared_error(ab: torch.Tensor, truth: torch.Tensor, scale: float = 110.0) -> torch.Tensor:
    """Mean of ((ab - truth) / scale)^2; both [n, 2, h, w], CIE a*b*."""
    return functional.mse_loss(ab / scale, truth / scale)


def huber(ab: torch.Tensor, truth: torch.Tensor, delta: float = 1.0, scale: float = 110.0) -> torch.Tensor:
    """Huber loss of ab / scale, summed over a* and b*, mean over pixels; both [n, 2, h, w], CIE a*b*."""
    return 2 * functional.huber_loss(ab / scale, truth / scale, delta=delta)
