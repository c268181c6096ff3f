"""Batches: crops of photographs, turned into what film would have seen of them and the colour to predict.

Everything random about a photograph is drawn from a generator keyed by (seed, epoch, its index), so that a batch does
not depend on the threads that made it and a resumed run sees what the unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from tintype.color.film import FILTERS, RESPONSES
from tintype.color.lab import rgb_to_lab, srgb_decode, srgb_encode
from tintype.data.hints import draw_hints
from tintype.data.shards import Photographs

STRIDE = 4
"""The target stands at a quarter of the network's input size."""


@dataclass(frozen=True)
class Augmentation:
    """What is varied in training; the defaults change nothing."""

    smallest_crop: float = 1.0
    """Side of the smallest crop as a share of the photograph's short side."""
    mirror: float = 0.0
    """Share of photographs that are mirrored."""
    film: float = 0.0
    """Share of photographs exposed with another response than CIE lightness."""
    fade: float = 0.0
    """Share of photographs whose tones are compressed and bent."""
    grain: float = 0.0
    """Share of photographs with noise."""
    blur: float = 0.0
    """Share of photographs that are softened."""
    border: float = 0.0
    """Share of photographs with a colourless film or paper border."""
    hints: float = 0.0
    """Share of photographs for which hints are simulated (their number may still be zero)."""


@dataclass(frozen=True)
class Batch:
    """n photographs as the network meets them."""

    lightness: torch.Tensor
    """float32 [n, 1, h, w], CIE L* 0..100, of the film."""
    hints: torch.Tensor
    """float32 [n, 3, h, w]: a*, b*, mask; zeros where none is given."""
    ab: torch.Tensor
    """float32 [n, 2, h/4, w/4], CIE a*b* of the light averaged over each cell."""

    def to(self, device: torch.device | str) -> Batch:
        return replace(self, **{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


_LINEAR = torch.from_numpy(srgb_decode(np.arange(256) / 255).astype(np.float32))
_SENSITIVITIES = np.array(list(RESPONSES.values()))
_FILTERS = np.array(list(FILTERS.values()))
_CIE = np.array(RESPONSES["cie"])


def crop(photo: np.ndarray, side: int, augmentation: Augmentation, generator: np.random.Generator) -> np.ndarray:
    """A square of uint8 [side, side, 3]: random within the limits of `augmentation`, else the centre."""
    height, width = photo.shape[:2]
    short = min(height, width)
    share = augmentation.smallest_crop
    size = round(short * (generator.uniform(share, 1) if share < 1 else 1))
    size = max(size, min(short, 16))
    top, left = (height - size) / 2, (width - size) / 2
    if share < 1:
        top, left = generator.uniform(0, height - size), generator.uniform(0, width - size)
    box = (int(left), int(top), int(left) + size, int(top) + size)
    square = photo[box[1] : box[3], box[0] : box[2]]
    if size != side:
        square = np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BICUBIC))
    if generator.uniform() < augmentation.mirror:
        square = square[:, ::-1]
    return square


@dataclass(frozen=True)
class _Film:
    """What one photograph's film does, drawn before the pixels are touched."""

    weights: np.ndarray
    tones: tuple[float, float, float]
    grain: tuple[float, float]
    blur: float
    border: tuple[int, int, int, int, float] | None


def _draw_film(augmentation: Augmentation, cells: int, generator: np.random.Generator) -> _Film:
    chance = generator.uniform(size=5)
    weights = _CIE
    if chance[0] < augmentation.film:
        if generator.uniform() < 0.5:
            weights = (
                _SENSITIVITIES[generator.integers(len(_SENSITIVITIES))] * _FILTERS[generator.integers(len(_FILTERS))]
            )
        else:
            weights = generator.dirichlet([1.0, 1.0, 1.0])
        weights = weights / weights.sum()
    tones = (0.0, 100.0, 1.0)
    if chance[1] < augmentation.fade:
        tones = (generator.uniform(0, 22), generator.uniform(78, 100), float(np.exp(generator.uniform(-0.4, 0.4))))
    grain = (generator.uniform(0.5, 6.0), generator.uniform(0, 1)) if chance[2] < augmentation.grain else (0.0, 0.0)
    blur = generator.uniform(0.3, 1.0) if chance[3] < augmentation.blur else 0.0
    border = None
    if chance[4] < augmentation.border:
        widths = (generator.integers(0, max(cells // 8, 2), size=4) * (generator.uniform(size=4) < 0.6)).tolist()
        tone = generator.uniform(0, 12) if generator.uniform() < 0.6 else generator.uniform(80, 100)
        border = (*widths, float(tone))
    return _Film(weights, tones, grain, blur, border)


def make_batch(crops: np.ndarray, augmentation: Augmentation, generators: list[np.random.Generator]) -> Batch:
    """A batch of crops, uint8 [n, h, w, 3], each with the film, the border and the hints that its generator draws."""
    n, height, width, _ = crops.shape
    cells = (height // STRIDE, width // STRIDE)
    films = [_draw_film(augmentation, min(cells), generator) for generator in generators]
    linear = _LINEAR[torch.from_numpy(np.ascontiguousarray(crops)).long()]
    pooled = torch.nn.functional.avg_pool2d(linear.permute(0, 3, 1, 2), STRIDE)
    ab = rgb_to_lab(srgb_encode(pooled), axis=1)[:, 1:].contiguous()

    weights = torch.from_numpy(np.stack([film.weights for film in films]).astype(np.float32))
    light = torch.einsum("nhwc,nc->nhw", linear, weights)
    lightness = torch.where(light <= 216 / 24389, light * (24389 / 27), 116 * light.clamp(216 / 24389) ** (1 / 3) - 16)
    for i, (film, generator) in enumerate(zip(films, generators, strict=True)):
        plane = lightness[i]
        if film.blur:
            soft = torch.nn.functional.avg_pool2d(plane[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
            plane = plane + film.blur * (soft - plane)
        black, white, gamma = film.tones
        if film.tones != (0.0, 100.0, 1.0):
            plane = black + (white - black) * (plane / 100).clamp(0, 1) ** gamma
        strength, clump = film.grain
        if strength:
            noise = torch.from_numpy(generator.standard_normal((height, width), np.float32))
            if clump > 0.5:
                noise = torch.nn.functional.avg_pool2d(noise[None, None], 3, 1, 1)[0, 0] * 2
            plane = (plane + strength * noise).clamp(0, 100)
        if film.border:
            top, right, bottom, left, tone = film.border
            inside = torch.zeros(cells)
            inside[top : cells[0] - bottom, left : cells[1] - right] = 1
            ab[i] *= inside
            full = inside.repeat_interleave(STRIDE, 0).repeat_interleave(STRIDE, 1)
            plane = plane * full + tone * (1 - full)
        lightness[i] = plane

    hints = torch.zeros(n, 3, height, width)
    for i, generator in enumerate(generators):
        if generator.uniform() < augmentation.hints:
            draw_hints(hints[i], ab[i], generator)
    return Batch(lightness[:, None], hints, ab)


class Batches:
    """Endless batches of a set in an order that (seed, step) fixes; made ahead by threads.

    Args:
        side: of the square crops, in pixels, a multiple of 32.
        threads: that make batches while the machine trains.
    """

    def __init__(
        self,
        photographs: Photographs,
        size: int,
        side: int,
        augmentation: Augmentation,
        seed: int = 0,
        threads: int = 1,
    ):
        self.photographs = photographs
        self.size = min(size, len(photographs))
        self.side = side
        self.augmentation = augmentation
        self.seed = seed
        self.threads = threads

    def indices(self, step: int) -> list[tuple[int, int]]:
        """(epoch, photograph) of each place of the batch of `step`; an epoch meets each photograph once."""
        places = range(step * self.size, (step + 1) * self.size)
        return [
            (p // len(self.photographs), int(self._order(p // len(self.photographs))[p % len(self.photographs)]))
            for p in places
        ]

    def _order(self, epoch: int) -> np.ndarray:
        if getattr(self, "_cached", (None, None))[0] != epoch:
            self._cached = (epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self.photographs)))
        return self._cached[1]

    def batch(self, step: int, pairs: list[tuple[int, int]] | None = None) -> Batch:
        """The batch of a step."""
        crops, generators = [], []
        for epoch, index in pairs or self.indices(step):
            generator = np.random.default_rng([self.seed, 1 + epoch, index])
            crops.append(crop(self.photographs[index], self.side, self.augmentation, generator))
            generators.append(generator)
        return make_batch(np.stack(crops), self.augmentation, generators)

    def stream(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of steps start..stop-1, in order, a few made ahead."""
        with ThreadPoolExecutor(self.threads, thread_name_prefix="batches") as pool:
            ahead = self.threads + 1
            pending = [pool.submit(self.batch, s, self.indices(s)) for s in range(start, min(start + ahead, stop))]
            try:
                for step in range(start, stop):
                    made = pending.pop(0).result()
                    if step + ahead < stop:
                        pending.append(pool.submit(self.batch, step + ahead, self.indices(step + ahead)))
                    yield made
            finally:
                for job in pending:
                    job.cancel()
