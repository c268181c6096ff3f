"""Batches: crops of photographs, turned into what film would have seen of them and the colour to predict.

Everything random about a photograph is drawn from a generator keyed by (seed, epoch, its index), so that a batch does
not depend on the threads that made it and a resumed run sees what the unbroken one would have seen.
"""

from __future__ import annotations

import io
import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from tintype.color.film import FILTERS, RESPONSES, fade
from tintype.color.lab import gray as code_of
from tintype.color.lab import luminance_to_lightness, rgb_to_lab, srgb_decode, srgb_encode
from tintype.data.shards import Held, Photographs
from tintype.threads import ahead
from tintype.training.hints import draw_hints

CELL = 4
"""Side in pixels of the cells in which borders are drawn."""

GRAYS = ("lightness", "rec601", "value")
"""What the gray of a photograph is that no film was drawn for: CIE L*, the luma of most software, max(R, G, B)."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is varied in training; the defaults change nothing."""

    smallest_crop: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Side of the smallest crop as a share of the photograph's short side."""
    patch: bool = False
    """Cut crops at the photograph's own scale instead of resizing them; a photograph that is too small is enlarged."""
    mirror: Share = 0.0
    """Share of photographs that are mirrored."""
    film: Share = 0.0
    """Share of photographs exposed with another response than CIE lightness."""
    fade: Share = 0.0
    """Share of photographs whose tones are compressed and bent."""
    grain: Share = 0.0
    """Share of photographs with noise."""
    grain_strength: Annotated[float, msgspec.Meta(ge=0.5, le=50)] = 6.0
    """Standard deviation of the strongest noise, in L*."""
    blur: Share = 0.0
    """Share of photographs that are softened a little: towards the mean of 3x3 pixels."""
    soft: Share = 0.0
    """Share of photographs that are out of focus or enlarged from little: a Gaussian blur of 0.5 to 4 pixels."""
    jpeg: Share = 0.0
    """Share of photographs that were compressed as JPEG, at a quality of 10 to 70."""
    border: Share = 0.0
    """Share of photographs with a colourless film or paper border."""
    plain: Share = 0.0
    """Share of photographs that lie on an empty colourless surface such as paper or an album page, or are nothing but
    one."""
    hints: Share = 0.0
    """Share of photographs for which hints are simulated (their number may still be zero)."""


@dataclass(frozen=True)
class Batch:
    """n photographs as the network meets them."""

    lightness: torch.Tensor
    """float32 [n, 1, h, w], CIE L* 0..100, of the film."""
    hints: torch.Tensor
    """float32 [n, 3, h, w]: a*, b*, mask; zeros where none is given."""
    ab: torch.Tensor
    """float32 [n, 2, h/s, w/s], CIE a*b* at the resolution of the network's output."""

    def split(self, parts: int) -> list[Batch]:
        """The batch in so many parts, as equal as can be."""
        return [Batch(*planes) for planes in zip(*(v.chunk(parts) for v in vars(self).values()), strict=True)]

    @staticmethod
    def join(batches: Sequence[Batch]) -> Batch:
        """The photographs of several batches in one."""
        return Batch(
            torch.cat([batch.lightness for batch in batches]),
            torch.cat([batch.hints for batch in batches]),
            torch.cat([batch.ab for batch in batches]),
        )

    def inputs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Lightness and hints, laid out as convolutions are fastest."""
        return (
            self.lightness.contiguous(memory_format=torch.channels_last),
            self.hints.contiguous(memory_format=torch.channels_last),
        )

    def to(self, device: torch.device | str) -> Batch:
        return replace(self, **{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


_LINEAR = torch.from_numpy(srgb_decode(np.arange(256) / 255).astype(np.float32))
_L_OF_CODE = torch.from_numpy(luminance_to_lightness(srgb_decode(np.arange(256) / 255)).astype(np.float32))
_SENSITIVITIES = np.array(list(RESPONSES.values()))
_FILTERS = np.array(list(FILTERS.values()))
_CIE = np.array(RESPONSES["cie"])


def crop(
    photo: np.ndarray | torch.Tensor, side: int, augmentation: Augmentation, generator: np.random.Generator
) -> np.ndarray | torch.Tensor:
    """A square of uint8 [side, side, 3]: random within the limits of `augmentation`, else the centre.

    A tensor is resized where it lies, an array by Pillow; the two differ by rounding.
    """
    height, width = photo.shape[:2]
    short = min(height, width)
    share = augmentation.smallest_crop
    if augmentation.patch:
        size = min(side, short)
    else:
        size = round(short * (generator.uniform(share, 1) if share < 1 else 1))
        size = max(size, min(short, 16))
    top, left = (height - size) / 2, (width - size) / 2
    if augmentation.patch or share < 1:
        top, left = generator.uniform(0, height - size), generator.uniform(0, width - size)
    square = photo[int(top) : int(top) + size, int(left) : int(left) + size]
    if size != side:
        square = _resize(square, side)
    if generator.uniform() < augmentation.mirror:
        square = square.flip(1) if isinstance(square, torch.Tensor) else square[:, ::-1]
    return square


def _resize(square: np.ndarray | torch.Tensor, side: int) -> np.ndarray | torch.Tensor:
    if isinstance(square, np.ndarray):
        return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BICUBIC))
    planes = square.permute(2, 0, 1)[None].float()
    planes = functional.interpolate(planes, (side, side), mode="bicubic", antialias=True, align_corners=False)
    return planes[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class _Surface:
    """An empty surface, which may leave a part of the photograph to be seen."""

    seen: tuple[int, int, int, int] | None
    """Top, bottom, left and right in cells of what is left of the photograph; None: nothing."""
    tone: float
    """Mean L*."""
    slope: tuple[float, float]
    """How much brighter, in L*, it is at the bottom than at the top, and at the right than at the left."""
    mottle: float
    """Standard deviation of its stains, in L*."""


STAINS = 8
"""Stains along a side of a surface."""


@dataclass(frozen=True)
class _Film:
    """What one photograph's film does, drawn before the pixels are touched."""

    weights: np.ndarray
    """Of linear red, green, blue; their sum is 1."""
    tones: tuple[float, float, float] | None
    """Black, white and gamma of `film.fade`."""
    grain: tuple[float, float] | None
    """Strength in L*, and above 0.5 the noise is clumped."""
    blur: float
    """0..1, towards the mean of 3x3 pixels."""
    border: tuple[int, int, int, int, float] | None
    """Width in cells at the top, right, bottom and left, and its L*."""
    sigma: float = 0.0
    """Of a Gaussian blur, in pixels."""
    quality: int = 0
    """Of a JPEG file; 0: none."""
    surface: _Surface | None = None


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
    tones = None
    if chance[1] < augmentation.fade:
        tones = (generator.uniform(0, 22), generator.uniform(78, 100), float(np.exp(generator.uniform(-0.4, 0.4))))
    grain = None
    if chance[2] < augmentation.grain:
        grain = (generator.uniform(0.5, augmentation.grain_strength), generator.uniform(0, 1))
    blur = generator.uniform(0.3, 1.0) if chance[3] < augmentation.blur else 0.0
    border = None
    if chance[4] < augmentation.border:
        widths = (generator.integers(0, max(cells // 8, 2), size=4) * (generator.uniform(size=4) < 0.6)).tolist()
        tone = generator.uniform(0, 12) if generator.uniform() < 0.6 else generator.uniform(80, 100)
        border = (*widths, float(tone))
    # Drawn only where asked for: what older configurations draw stays what it was.
    sigma, quality = 0.0, 0
    if augmentation.soft and generator.uniform() < augmentation.soft:
        sigma = float(np.exp(generator.uniform(np.log(0.5), np.log(4))))
    if augmentation.jpeg and generator.uniform() < augmentation.jpeg:
        quality = int(generator.integers(10, 71))
    surface = None
    if augmentation.plain and generator.uniform() < augmentation.plain:
        surface = _draw_surface(cells, generator)
    return _Film(weights, tones, grain, blur, border, sigma, quality, surface)


def _draw_surface(cells: int, generator: np.random.Generator) -> _Surface:
    seen = None
    if generator.uniform() < 0.5:
        height, width = (int(side) for side in generator.integers(cells // 4, cells, size=2))
        top, left = int(generator.integers(0, cells - height)), int(generator.integers(0, cells - width))
        seen = (top, top + height, left, left + width)
    # Paper more often than the rest.
    tone = generator.uniform(70, 97) if generator.uniform() < 0.5 else generator.uniform(3, 97)
    down, across = (float(change) for change in generator.normal(0, 4, size=2))
    return _Surface(seen, float(tone), (down, across), float(generator.exponential(1.5)))


def make_batch(
    crops: np.ndarray | torch.Tensor,
    augmentation: Augmentation,
    generators: list[np.random.Generator],
    scale: int = 4,
    sampling: str = "area",
    gray: str = "lightness",
) -> Batch:
    """A batch of crops, uint8 [n, h, w, 3], each with the film, the border and the hints that its generator draws.

    The batch is made where the crops lie.

    Args:
        scale: the true colours stand at 1/scale of the size.
        sampling: "area" takes the mean light of each cell, "point" its upper left pixel (as ECCV16's code does).
        gray: one of `GRAYS`.
    """
    if not isinstance(crops, torch.Tensor):
        crops = torch.from_numpy(np.array(crops, order="C"))
    n, height, width, _ = crops.shape
    films = [_draw_film(augmentation, min(height, width) // CELL, generator) for generator in generators]
    linear = _LINEAR.to(crops.device)[crops.int()]
    planes = linear.permute(0, 3, 1, 2)
    pooled = functional.avg_pool2d(planes, scale) if sampling == "area" else planes[:, :, ::scale, ::scale]
    ab = rgb_to_lab(srgb_encode(pooled), axis=1)[:, 1:].contiguous()

    weights = linear.new_tensor(np.stack([film.weights for film in films]))
    lightness = luminance_to_lightness(torch.einsum("nhwc,nc->nhw", linear, weights))
    if gray != "lightness":
        plain = [i for i, film in enumerate(films) if film.weights is _CIE]
        lightness[plain] = _coded_gray(crops[plain].float(), gray)
    for i, film in enumerate(films):
        if film.surface:
            _lay(lightness[i], ab[i], film.surface, generators[i])
    _age(lightness, films, generators)
    for i, film in enumerate(films):
        if film.border:
            top, right, bottom, left, tone = film.border
            frame = torch.ones((height, width), dtype=torch.bool, device=crops.device)
            frame[top * CELL : height - bottom * CELL, left * CELL : width - right * CELL] = False
            lightness[i, frame] = tone
            ab[i, :, frame[::scale, ::scale]] = 0

    hints = linear.new_zeros(n, 3, height, width)
    for i, generator in enumerate(generators):
        if generator.uniform() < augmentation.hints:
            draw_hints(hints[i], ab[i], generator)
    return Batch(lightness[:, None], hints, ab)


def _lay(lightness: torch.Tensor, ab: torch.Tensor, surface: _Surface, generator: np.random.Generator) -> None:
    """Lay a photograph, [h, w] and [2, h/s, w/s], on an empty surface, in place."""
    height, width = lightness.shape
    stains = lightness.new_tensor(generator.standard_normal((STAINS, STAINS), np.float32))[None, None]
    stains = functional.interpolate(stains, (height, width), mode="bicubic", align_corners=False)[0, 0]
    down, across = (torch.linspace(-0.5, 0.5, side, device=lightness.device) for side in (height, width))
    plane = surface.tone + surface.slope[0] * down[:, None] + surface.slope[1] * across + surface.mottle * stains
    bare = torch.ones((height, width), dtype=torch.bool, device=lightness.device)
    if surface.seen:
        top, bottom, left, right = (edge * CELL for edge in surface.seen)
        bare[top:bottom, left:right] = False
    lightness[bare] = plane.clamp(0, 100)[bare]
    scale = height // ab.shape[1]
    ab[:, bare[::scale, ::scale]] = 0


def _coded_gray(crops: torch.Tensor, gray: str) -> torch.Tensor:
    """The L* of a gray that is made of code values; [n, h, w, 3] of 0..255 to [n, h, w]."""
    code = crops.amax(dim=-1) if gray == "value" else crops @ crops.new_tensor([0.299, 0.587, 0.114])
    lightness: torch.Tensor = luminance_to_lightness(srgb_decode(code / 255))
    return lightness


def _age(lightness: torch.Tensor, films: list[_Film], generators: list[np.random.Generator]) -> None:
    """Blur, fading, grain and JPEG of those [n, h, w] whose film has them, in place."""
    column = lightness.new_tensor

    soft = [i for i, film in enumerate(films) if film.sigma]
    if soft:
        lightness[soft] = _gaussian(lightness[soft], column([films[i].sigma for i in soft]))

    blurred = [i for i, film in enumerate(films) if film.blur]
    if blurred:
        planes = lightness[blurred]
        mean = functional.avg_pool2d(planes[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
        lightness[blurred] = planes + column([films[i].blur for i in blurred])[:, None, None] * (mean - planes)

    faded = [i for i, film in enumerate(films) if film.tones]
    if faded:
        black, white, gamma = column([films[i].tones for i in faded]).T[:, :, None, None]
        lightness[faded] = fade(lightness[faded], black, white, gamma)

    grainy = [i for i, film in enumerate(films) if film.grain]
    if grainy:
        drawn = [generators[i].standard_normal(lightness.shape[1:], np.float32) for i in grainy]
        noise = torch.as_tensor(np.stack(drawn), device=lightness.device)
        clumped = functional.avg_pool2d(noise[:, None], 3, 1, 1)[:, 0] * 2
        strength, clump = column([films[i].grain for i in grainy]).T[:, :, None, None]
        noise = torch.where(clump > 0.5, clumped, noise)
        lightness[grainy] = (lightness[grainy] + strength * noise).clamp(0, 100)

    for i, film in enumerate(films):
        if film.quality:
            lightness[i] = _compressed(lightness[i], film.quality)


def _gaussian(planes: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Each of [n, h, w] blurred by its own standard deviation in pixels, [n]; the edges are repeated."""
    radius = min(math.ceil(3 * float(sigmas.max())), min(planes.shape[1:]) - 1)
    distance = torch.arange(-radius, radius + 1, device=planes.device)
    kernels = torch.exp(-0.5 * (distance / sigmas[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True))[:, None]
    padded = functional.pad(planes[None], (radius,) * 4, mode="replicate")
    rows = functional.conv2d(padded, kernels[:, :, None], groups=len(planes))
    return functional.conv2d(rows, kernels[..., None], groups=len(planes))[0]


def _compressed(lightness: torch.Tensor, quality: int) -> torch.Tensor:
    """A plane [h, w] as it comes back from a gray JPEG file."""
    codes = np.rint(255 * code_of(lightness.clamp(0, 100).cpu().numpy())).astype(np.uint8)
    memory = io.BytesIO()
    Image.fromarray(codes).save(memory, "jpeg", quality=quality)
    return _L_OF_CODE.to(lightness.device)[torch.from_numpy(np.array(Image.open(memory))).int().to(lightness.device)]


Places = list[tuple[int, int]]
"""(epoch, photograph) of each place of a batch."""


class OnDevice:
    """Photographs held decoded in the memory of a torch device; `photographs[i]` is uint8 [h, w, 3] there, a view."""

    def __init__(self, held: Held, device: torch.device | str):
        self.names, self.shapes, self.starts = held.names, held.shapes, held.starts
        self.pixels = torch.as_tensor(held.pixels, device=device)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.pixels[self.starts[index] : self.starts[index + 1]].reshape(*self.shapes[index], 3)


AnyPhotographs = Photographs | Held | OnDevice
"""Decoded when they are asked for, held in memory, or on a device."""


class Batches:
    """Batches of a set in an order that (seed, step) fixes; made ahead by threads.

    Args:
        size: photographs in a batch; at most as many as there are.
        side: of the square crops, in pixels, a multiple of what the network asks for.
        threads: that make batches while the machine trains. The batches do not depend on their number.
        scale, sampling, gray: as in `make_batch`.
        part: (k, n) makes of each batch only the photographs k, k + n, ...: what the k-th of n processes trains on.
    """

    def __init__(
        self,
        photographs: AnyPhotographs,
        size: int,
        side: int,
        augmentation: Augmentation,
        seed: int = 0,
        threads: int = 1,
        *,
        scale: int = 4,
        sampling: str = "area",
        gray: str = "lightness",
        part: tuple[int, int] = (0, 1),
    ):
        self.photographs = photographs
        self.size = min(size, len(photographs))
        self.side = side
        self.augmentation = augmentation
        self.seed = seed
        self.threads = threads
        self.scale, self.sampling, self.gray, self.part = scale, sampling, gray, part
        self._shuffled: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    def indices(self, step: int) -> Places:
        """The places of the batch of `step`; an epoch meets each photograph once."""
        count = len(self.photographs)
        return [
            (place // count, int(self._order(place // count)[place % count]))
            for place in range(step * self.size, (step + 1) * self.size)
        ]

    def _order(self, epoch: int) -> np.ndarray:
        if self._shuffled[0] != epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.photographs))
            self._shuffled = (epoch, order)
        return self._shuffled[1]

    def batch(self, step: int, places: Places | None = None) -> Batch:
        """The batch of a step, or of the given places."""
        crops: list[np.ndarray | torch.Tensor] = []
        generators: list[np.random.Generator] = []
        first, processes = self.part
        for epoch, index in (self.indices(step) if places is None else places)[first::processes]:
            generator = np.random.default_rng([self.seed, 1 + epoch, index])
            crops.append(crop(self.photographs[index], self.side, self.augmentation, generator))
            generators.append(generator)
        tensors = [square for square in crops if isinstance(square, torch.Tensor)]
        stacked = torch.stack(tensors) if tensors else np.stack([np.asarray(square) for square in crops])
        return make_batch(stacked, self.augmentation, generators, self.scale, self.sampling, self.gray)

    def stream(self, start: int, stop: int) -> Generator[Batch, None, None]:
        """The batches of steps start..stop-1, in order, a few made ahead."""
        yield from self._ahead((step, self.indices(step)) for step in range(start, stop))

    def once(self) -> Iterator[Batch]:
        """Each photograph once, in the order of the shards; the last batch may be smaller."""
        count = len(self.photographs)
        return self._ahead(
            (step, [(0, i) for i in range(first, min(first + self.size, count))])
            for step, first in enumerate(range(0, count, self.size))
        )

    def _ahead(self, jobs: Iterable[tuple[int, Places]]) -> Iterator[Batch]:
        # The caller trains meanwhile.
        return ahead(lambda job: self.batch(*job), jobs, self.threads, waiting=2, beside=True)
