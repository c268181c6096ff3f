"""Losses: free functions of a prediction and its target, weighted and summed as the configuration says.

Colours are CIE a*b* [n, 2, h, w] and lightness is L* [n, 1, h, w], all of one loss at one resolution. A loss is a
scalar, the mean over pixels and photographs. `scale` is the length that counts as 1: 110 for a*b*, 1 for the vector of
hue and saturation (S cos H, S sin H), which the functions of two [n, 2, h, w] take as well.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tintype.color.bins import published_bins, soft_encode
from tintype.color.lab import lab_to_rgb
from tintype.errors import ConfigError
from tintype.networks.encoders import vgg16
from tintype.networks.encoders.imagenet import Frozen
from tintype.networks.encoders.weights import read_weights


class SoftCodes:
    """Soft codes of any a*b*, looked up on a grid of step 1.

    Looking up costs a hundredth of measuring 313 distances at every pixel; rounding moves a colour by at most 0.71,
    a seventh of the code's sigma.

    Args:
        bins: [Q, 2]; neighbours, sigma: as `color.bins.soft_encode`.
    """

    REACH = 128

    def __init__(self, bins: NDArray[np.float64] | None = None, neighbours: int = 5, sigma: float = 5.0):
        table = np.ascontiguousarray(published_bins() if bins is None else bins, np.float64)
        self.index, self.weight = _codes_on_grid(table.tobytes(), neighbours, sigma)

    def __call__(self, ab: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """ab [n, 2, h, w] to indices and weights, both [n * h * w, K], nearest first."""
        if self.index.device != ab.device:
            self.index, self.weight = self.index.to(ab.device), self.weight.to(ab.device)
        cell = ab.round().clamp(-self.REACH, self.REACH).long() + self.REACH
        place = (cell[:, 0] * (2 * self.REACH + 1) + cell[:, 1]).reshape(-1)
        return self.index[place], self.weight[place]


@lru_cache(maxsize=4)
def _codes_on_grid(bins: bytes, neighbours: int, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices and weights of all points of the grid, [points, K]; runs of one command share them."""
    line = np.arange(-SoftCodes.REACH, SoftCodes.REACH + 1, dtype=np.float64)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    index, weight = soft_encode(grid, np.frombuffer(bins).reshape(-1, 2), neighbours, sigma)
    return torch.from_numpy(index), torch.from_numpy(weight.astype(np.float32))


def colourful(ab: torch.Tensor, threshold: float = 5.0) -> torch.Tensor:
    """Which photographs have any colour: 1.0 where some pixel has |a*| or |b*| above `threshold`, else 0.0.

    The rule by which Colorful Image Colorization leaves gray photographs out of its loss.

    Args:
        ab: [n, 2, h, w], the true colours.
    Returns:
        [n], for the `photo_weights` of `cross_entropy`.
    """
    return (ab.abs().flatten(1).amax(dim=1) > threshold).float()


def cross_entropy(
    logits: torch.Tensor,
    index: torch.Tensor,
    weight: torch.Tensor,
    class_weights: torch.Tensor | None = None,
    photo_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross-entropy against soft codes, mean over pixels (equation 2 of Colorful Image Colorization).

    Args:
        logits: [n, Q, h, w].
        index, weight: soft codes [n * h * w, K], nearest first.
        class_weights: [Q]; each pixel counts as much as its nearest bin's entry (equation 3). With weights of
            expectation 1 under the prior the mean stays on the scale of the unweighted loss.
        photo_weights: [n]; a photograph of weight 0 adds nothing and still counts in the mean, so that what another
            one adds does not depend on its companions in the batch.
    """
    flat = logits.movedim(1, -1).reshape(-1, logits.shape[1]).float()
    loss = torch.logsumexp(flat, dim=-1) - (flat.gather(1, index) * weight).sum(dim=-1)
    if class_weights is not None:
        loss = loss * class_weights[index[:, 0]]
    if photo_weights is not None:
        loss = loss.reshape(len(photo_weights), -1) * photo_weights[:, None]
    return loss.mean()


def distillation(
    logits: torch.Tensor, teacher: torch.Tensor, class_weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Divergence from a teacher's distribution (Hinton et al. 2015), mean over pixels; 0 where both are the same.

    Up to the teacher's own entropy it is what `cross_entropy` comes to in the mean over the colours that the teacher
    believes in, but without the chance of the one colour that the photograph has.

    Args:
        logits, teacher: [n, Q, h, w].
        class_weights: [Q], w, under which the teacher was trained: q = w p / sum(w p). A pixel then counts as much as
            its colour is expected to, sum(w p) = 1 / sum(q / w).
    """
    log_q = torch.log_softmax(teacher.float(), dim=1)
    q = log_q.exp()
    loss = (q * (log_q - torch.log_softmax(logits.float(), dim=1))).sum(dim=1)
    if class_weights is not None:
        # Bins that no photograph of the training had have no weight.
        rarity = torch.where(class_weights > 0, 1 / class_weights, 0)
        loss = loss / torch.einsum("nqhw,q->nhw", q, rarity).clamp(min=1e-6)
    return loss.mean()


def mean_squared_error(ab: torch.Tensor, truth: torch.Tensor, scale: float = 110.0) -> torch.Tensor:
    """Mean of ((ab - truth) / scale)^2 over pixels and both axes; both [n, 2, h, w]."""
    return functional.mse_loss(ab / scale, truth / scale)


def mean_absolute_error(ab: torch.Tensor, truth: torch.Tensor, scale: float = 110.0) -> torch.Tensor:
    """Mean of |ab - truth| / scale over pixels and both axes; both [n, 2, h, w]."""
    return functional.l1_loss(ab / scale, truth / scale)


def huber(ab: torch.Tensor, truth: torch.Tensor, delta: float = 1.0, scale: float = 110.0) -> torch.Tensor:
    """Huber loss of ab / scale, summed over a* and b*, mean over pixels; both [n, 2, h, w], CIE a*b*."""
    return 2 * functional.huber_loss(ab / scale, truth / scale, delta=delta)


def chroma_weighted_squared_error(
    ab: torch.Tensor, truth: torch.Tensor, strength: float = 5.0, scale: float = 110.0
) -> torch.Tensor:
    """Mean of w ((ab - truth) / scale)^2 with w = 1 + strength * C / scale, C the chroma of the truth.

    Most pixels are nearly gray, and a plain mean is won by painting all of them so. `strength` 0 is
    `mean_squared_error`; both [n, 2, h, w].
    """
    chroma: torch.Tensor = truth.norm(dim=1, keepdim=True)
    w = 1 + strength / scale * chroma
    return (w * ((ab - truth) / scale) ** 2).mean()


def hue_error(ab: torch.Tensor, truth: torch.Tensor, scale: float = 110.0) -> torch.Tensor:
    """Mean of (C / scale) (1 - cos(h - h_true)): the circular error of the hue angle, C the chroma of the truth.

    A pixel without colour has no hue and weighs nothing. The predicted chroma does not matter, but where it is far
    below scale / 100: there the cosine fades to 0, for the gradient of an angle has no bound at the origin.

    Args:
        ab, truth: [n, 2, h, w], a*b*, or (S cos H, S sin H) with `scale` 1.
    """
    length = (ab.square().sum(dim=1) + (scale / 100) ** 2).sqrt()
    chroma: torch.Tensor = truth.norm(dim=1)
    return (chroma - (ab * truth).sum(dim=1) / length).mean() / scale


LEAK = 0.05
"""Slope of the gentle clipping outside sRGB."""


def to_rgb(lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
    """sRGB [n, 3, h, w] of lightness and a*b*, for losses on RGB: differentiable, clipped gently.

    Code values in [0, 1]; beyond it they go on at 1/20 of their slope, so that a colour which sRGB cannot hold is still
    told which way is back.
    """
    rgb: torch.Tensor = lab_to_rgb(torch.cat([lightness, ab], dim=1).float(), axis=1)
    inside = rgb.clamp(0, 1)
    return inside + LEAK * (rgb - inside)


def colorfulness(rgb: torch.Tensor) -> torch.Tensor:
    """1 - M / 100, mean over photographs, M the colourfulness of Hasler and Süsstrunk (2003): less for more colour.

    DDColor's loss, of which it takes a half beside much larger ones: alone it only saturates. M is that of
    `evaluation.metrics.colorfulness`.

    Args:
        rgb: [n, 3, h, w], sRGB in [0, 1].
    """
    red, green, blue = (255 * rgb.float()).flatten(2).unbind(dim=1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue])
    # The roots stay clear of 0, where a gray photograph would have no gradient but NaN.
    spread = (opponents.var(dim=-1, correction=0).sum(dim=0) + 1e-6).sqrt()
    shift = (opponents.mean(dim=-1).square().sum(dim=0) + 1e-6).sqrt()
    return 1 - (spread + 0.3 * shift).mean() / 100


class Perceptual(nn.Module):
    """Squared error between the features that VGG16 sees in the prediction and in the truth (Johnson et al. 2016).

    Each of relu1_2, relu2_2 and relu3_3 is measured against the mean square of the truth's own features, photograph by
    photograph, and so counts alike whatever its size; the loss is the mean of the three.

    Args:
        path: the encoder's weights, as `VGG16` takes them.
    Raises:
        ConfigError: the file cannot be read or holds another network.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.encoder = vgg16.VGG16(str(path))

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """lightness [n, 1, h, w], ab and truth [n, 2, h, w]."""
        with torch.no_grad():
            wanted = self.encoder(to_rgb(lightness, truth))
        return torch.stack(
            [
                (((ours.float() - theirs.float()) ** 2).mean(dim=(1, 2, 3)) / _mean_square(theirs)).mean()
                for ours, theirs in zip(self.encoder(to_rgb(lightness, ab)), wanted, strict=True)
            ]
        ).mean()


def _mean_square(features: torch.Tensor) -> torch.Tensor:
    return features.float().square().mean(dim=(1, 2, 3)).clamp(min=1e-8)


class Lpips(Frozen):
    """LPIPS (Zhang et al. 2018, equation 1) on VGG16, mean over photographs, from weights that the user has.

    Args:
        network: VGG16 in torchvision's names, `features.0.weight` to `features.28.bias`; .pth or .safetensors.
        linear: the weights of its channels in the authors' names, `lin0.model.1.weight` to `lin4.model.1.weight`.
    Raises:
        ConfigError: a file cannot be read or holds something else.
    """

    def __init__(self, network: str | Path, linear: str | Path):
        super().__init__()
        self.features, self.ends = vgg16.layers(len(vgg16.STAGES))
        vgg16.load_layers(self.features, str(network), "network's")
        weights = read_weights(str(linear), "linear")
        for level, (width, _) in enumerate(vgg16.STAGES):
            name, shape = f"lin{level}.model.1.weight", (1, width, 1, 1)
            if name not in weights or weights[name].shape != shape:
                raise ConfigError(
                    f"{linear}: not the linear weights of LPIPS on VGG16: {name} of shape {shape} is missing"
                )
            self.register_buffer(f"lin{level}", weights[name])
        self.freeze()

    def forward(self, rgb: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Both [n, 3, h, w], sRGB in [0, 1]; h and w at least 16."""
        x, y = self.normalised(rgb), self.normalised(truth)
        total = torch.zeros((), device=rgb.device)
        for place, layer in enumerate(self.features):
            x, y = layer(x), layer(y)
            if place in self.ends:
                weight = self.get_buffer(f"lin{self.ends.index(place)}")
                total = total + ((_unit(x) - _unit(y)) ** 2 * weight).sum(dim=1).mean()
        return total


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Features of length 1 at each place; where there are none 0, with a gradient that is a number."""
    features = features.float()
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-20).sqrt()


Adversary = Literal["bce", "lsgan", "hinge"]
"""How a critic's scores are judged: binary cross-entropy (Goodfellow et al. 2014), least squares (Mao et al. 2017,
equation 2 with labels 0 and 1), hinge (Lim and Ye 2017)."""


def adversarial(scores: torch.Tensor, real: bool, kind: Adversary = "bce", smoothing: float = 0.0) -> torch.Tensor:
    """The critic's loss on one batch, mean over scores; its whole loss is the sum over a real and a made batch.

    Args:
        scores: raw, any shape; high means real.
        real: whether the batch holds true colours.
        smoothing: the label of true colours is 1 - smoothing; made ones keep 0 (one-sided, Salimans et al. 2016).
    Raises:
        ValueError: `kind` is unknown, or is hinge with smoothing, for hinge has no labels.
    """
    scores = scores.float()
    label = torch.full_like(scores, 1 - smoothing if real else 0.0)
    if kind == "bce":
        return functional.binary_cross_entropy_with_logits(scores, label)
    if kind == "lsgan":
        return functional.mse_loss(scores, label) / 2
    if kind == "hinge" and not smoothing:
        return functional.relu(1 - scores if real else 1 + scores).mean()
    raise ValueError(
        f"the adversarial loss must be bce, lsgan or hinge (without smoothing), not {kind!r} with smoothing {smoothing}"
    )


def adversarial_generator(scores: torch.Tensor, kind: Adversary = "bce") -> torch.Tensor:
    """The generator's loss on the critic's raw scores of what it made, mean over scores; labels are not smoothed.

    Raises:
        ValueError: `kind` is unknown.
    """
    if kind == "hinge":
        return -scores.float().mean()
    return adversarial(scores, True, kind)
