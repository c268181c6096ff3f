"""What a network minimises: the losses that a configuration weighs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from tintype import losses
from tintype.color.bins import published_prior, rebalancing_weights, smooth
from tintype.networks.family import Output
from tintype.targets import Target, at_resolution
from tintype.training.batches import Batch
from tintype.training.config import Config, Loss
from tintype.training.device import autocast, to_channels_last
from tintype.training.teacher import Teacher


def main_head(output: Output) -> torch.Tensor:
    """The raw output without a side head."""
    return output[0] if isinstance(output, tuple) else output


def class_weights(
    loss: Loss, prior: NDArray[np.float64] | None, bins: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The rebalancing weights of a configuration.

    Args:
        prior: of the training photographs over `bins`, [Q], sums to 1; for the published prior not needed.
    Returns:
        float64 [Q].
    """
    if loss.prior == "published":
        prior = published_prior()
    elif prior is None:
        raise ValueError("the weights balance the own prior, and there is none")
    else:
        if loss.smoothing:
            prior = smooth(prior, loss.smoothing, bins)
        if loss.published_share:
            prior = (1 - loss.published_share) * prior + loss.published_share * published_prior()
    return rebalancing_weights(prior, loss.uniform)


class Objective:
    """The weighted losses of a run.

    Args:
        target: gives the network's output its meaning.
        prior: [Q], the training set's own over the target's bins; None where there is no distribution.
    """

    def __init__(self, config: Config, target: Target, prior: NDArray[np.float64] | None = None):
        self.loss, self.target = config.loss, target
        self.weights = self.loss.weights()
        self.precision = config.precision
        self.class_weights: torch.Tensor | None = None
        if target.bins is not None and (self.loss.cross_entropy or self.loss.distillation):
            table = target.bins.cpu().double().numpy()
            self.codes = losses.SoftCodes(table, self.loss.neighbours, self.loss.sigma)
            if self.loss.uniform < 1:
                balance = class_weights(self.loss, prior, table)
                self.class_weights = torch.tensor(balance, dtype=torch.float32, device=target.bins.device)
        if self.loss.side:
            self.side_codes = losses.SoftCodes(config.describe_network().side_bins, 1)
        if self.loss.distillation:
            self.teacher = Teacher(config, target)
        if self.loss.perceptual:
            self.features = losses.Perceptual(self.loss.vgg)
        if self.loss.lpips:
            self.lpips = losses.Lpips(self.loss.lpips_network, self.loss.lpips_weights)

    def __call__(self, output: Output, batch: Batch) -> torch.Tensor:
        """Their sum, a scalar."""
        return torch.stack(list(self.terms(output, batch).values())).sum()

    def terms(self, output: Output, batch: Batch) -> dict[str, torch.Tensor]:
        """Each of them by its name, times its weight."""
        raw = main_head(output).float()
        return {name: weight * _TERMS[name](self, raw, output, batch) for name, weight in self.weights.items()}

    def ab(self, raw: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The colours of an output, [n, 2, h', w'], CIE a*b*."""
        return self.target.ab(raw, batch.lightness, self.loss.temperature)

    def _cross_entropy(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        photos = losses.colourful(batch.ab, self.loss.skip_gray) if self.loss.skip_gray else None
        return losses.cross_entropy(raw, *self.codes(batch.ab), self.class_weights, photos)

    def _distillation(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        with self._autocast(raw):
            believed = main_head(self.teacher(batch))
        return losses.distillation(raw, believed, self.class_weights)

    def _huber(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        values, truth = self.target.values(raw, self.loss.temperature), self.target.truth(batch.lightness, batch.ab)
        return losses.huber(values, truth, self.loss.delta, scale=1.0)

    def _side(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        logits = output[1]
        cell = batch.ab.shape[-1] // logits.shape[-1]
        return losses.cross_entropy(logits, *self.side_codes(batch.ab[..., ::cell, ::cell]))

    def _perceptual(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        ab = self.ab(raw, batch)
        features = to_channels_last(self.features.to(ab.device))
        with self._autocast(ab):
            loss: torch.Tensor = features(at_resolution(batch.lightness, ab), ab, batch.ab)
        return loss

    def _lpips(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        ab = self.ab(raw, batch)
        lightness = at_resolution(batch.lightness, ab)
        self.lpips.to(ab.device)
        with self._autocast(ab):
            loss: torch.Tensor = self.lpips(losses.to_rgb(lightness, ab), losses.to_rgb(lightness, batch.ab))
        return loss

    def _autocast(self, ab: torch.Tensor) -> torch.autocast:
        """For the large frozen networks, which would cost more than the one that learns."""
        return autocast(ab.device, self.precision)

    def _colorfulness(self, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        ab = self.ab(raw, batch)
        return losses.colorfulness(losses.to_rgb(at_resolution(batch.lightness, ab), ab))


Term = Callable[[Objective, torch.Tensor, Output, Batch], torch.Tensor]
"""A loss of an objective, a raw output, the whole output and the batch that it is of."""


def _measured(measure: Callable[..., torch.Tensor]) -> Term:
    """A loss between what the target regresses and its truth, which is at unit scale already."""

    def term(self: Objective, raw: torch.Tensor, output: Output, batch: Batch) -> torch.Tensor:
        values = self.target.values(raw, self.loss.temperature)
        return measure(values, self.target.truth(batch.lightness, batch.ab), scale=1.0)

    return term


_TERMS: dict[str, Term] = {
    "cross_entropy": Objective._cross_entropy,
    "squared": _measured(losses.mean_squared_error),
    "absolute": _measured(losses.mean_absolute_error),
    "huber": Objective._huber,
    "chroma_weighted": _measured(losses.chroma_weighted_squared_error),
    "hue": _measured(losses.hue_error),
    "perceptual": Objective._perceptual,
    "lpips": Objective._lpips,
    "colorfulness": Objective._colorfulness,
    "side": Objective._side,
    "distillation": Objective._distillation,
}
