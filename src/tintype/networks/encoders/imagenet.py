"""What all that was trained on ImageNet shares: RGB in [0, 1], normalised by its mean and deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from typing import Self

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
GRAY_MEAN = 0.456
GRAY_DEVIATION = 0.224


def of_gray(kernels: torch.Tensor) -> torch.Tensor:
    """First kernels [outside, 3, k, k] that read normalised RGB, as [outside, 1, k, k] that read normalised gray."""
    deviation = torch.tensor(DEVIATION).view(1, 3, 1, 1)
    return (kernels / deviation * GRAY_DEVIATION).sum(dim=1, keepdim=True)


class Frozen(nn.Module):
    """A network that sees photographs and does not learn: `freeze` ends its making, and it stays in evaluation mode
    whatever the network that it is a part of does. Gradients go through it to its input."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def freeze(self) -> None:
        """Let no weight learn."""
        self.eval().requires_grad_(False)

    def normalised(self, rgb: torch.Tensor) -> torch.Tensor:
        """RGB [n, 3, h, w] in [0, 1] as the network knows it."""
        return (rgb - self.mean) / self.deviation

    def train(self, mode: bool = True) -> Self:
        """Evaluation mode, whatever is asked for."""
        return super().train(False)
