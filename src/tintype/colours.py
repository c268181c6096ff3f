"""The middle of the way of a photograph: what one look at it found, to be painted any number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tintype.alternatives import colourings
from tintype.color.enlarge import DETAIL, Edges, Enlarger
from tintype.color.render import render, render_strips
from tintype.distribution import COUNT, Distribution, Likely, disc, ranked
from tintype.doubts import Doubt, doubtful
from tintype.errors import HintError, OptionError
from tintype.hints import Discs, Hint, Hints, draw_hints, read_hints
from tintype.models import Model, Prediction
from tintype.photo import Photo
from tintype.settings import checked_blend, checked_temperature, checked_vividness
from tintype.spreading import meet, spread

LONGEST = 4
"""Times the network size that the long side of a panorama may have; beyond, its short side gives way."""

FINER = DETAIL // 4
"""Times the network's sides that the guide of the enlargement has: DETAIL times those of the colours, a quarter."""


@dataclass(frozen=True, eq=False)
class Colours:
    """The colours that a model gives a photograph; made by `Colorizer.look`, and painted as often as one likes.

        colours = colorizer.look(tintype.read("street.jpg"))
        preview = np.vstack(list(colours.paint(size=800)))
        redder = colours.with_hints([{"x": 410, "y": 520, "color": "#8b2a2b", "radius": 25}])
        tintype.write(redder.photo, redder.paint(vividness=1.2), "street.color.jpg")

    It is frozen, and several threads may use it at once. It holds its photograph; what `reduced` gives does without,
    and takes 2 MB or so, so that thousands can be kept.
    """

    photo: Photo = field(repr=False)
    """What it was made of, or a smaller copy after `reduced`."""
    size: tuple[int, int]
    """(height, width) of the whole photograph, in pixels. The places of hints are in these."""
    ab: NDArray[np.float32] = field(repr=False)
    """float32 [2, h', w'], CIE a*b* as the model gives them, before vividness and blend."""
    guide: NDArray[np.float32] = field(repr=False)
    """float32 [h, w], CIE L* of the photograph, FINER times the size at which the network sees it. The colours are
    enlarged along its edges."""
    model: Model = field(repr=False)
    temperature: float | None = None
    """Of the annealed mean; None: the card's."""
    logits: NDArray[np.float32] | None = field(default=None, repr=False)
    """float32 [Q, h', w'], over the bins of the model's card; None where nobody asked for them."""
    hints: tuple[Hint, ...] = ()
    unguided: NDArray[np.float32] | None = field(default=None, repr=False)
    """What `ab` is without the hints; None where there are none."""
    vividness: float = 1.0
    """What `paint` takes where it is told nothing else; so is the blend."""
    blend: float = 1.0
    threads: int = 1
    """Processors that `paint` uses."""
    _enlarged: dict[float, Enlarger] = field(default_factory=dict, init=False, repr=False)
    """The last colours that were enlarged along the whole guide, by their vividness: some 3 MB."""
    _seen: list[NDArray[np.float32]] = field(default_factory=list, repr=False)
    """What the network sees, once it was needed again, for all hints."""
    _edges: list[Edges] = field(default_factory=list, repr=False)
    """Of the guide, once they were needed: some 1.5 MB, which all that is made of these colours by hints shares."""

    def __post_init__(self) -> None:
        for array in (self.ab, self.guide, self.logits, self.unguided):
            if array is not None:
                array.setflags(write=False)

    def paint(
        self,
        *,
        vividness: float | None = None,
        blend: float | None = None,
        depth: int | None = None,
        size: int | tuple[int, int] | None = None,
        box: tuple[int, int, int, int] | None = None,
    ) -> Iterator[NDArray[np.uint8 | np.uint16 | np.float32]]:
        """The coloured photograph from top to bottom: sRGB [rows, W, 3]; uint8, uint16, or float32 in [0, 1].

        vividness: factor on the chroma, from 0. blend: 0 gives the original gray, 1 the full colour. None: those of the
            colorizer.
        depth: 8, 16 or 32 bits per sample. None: the photograph's own, or 16 where 8 bits would be rounded twice.
        size: (height, width) of the result, or its long side, in pixels; None: the photograph's. A preview takes the
            time of its own pixels. Up to the size of the guide it does not touch those of the photograph; beyond, their
            lightness is averaged.
        box: (x, y, width, height) in pixels of the photograph: only that part, at the scale of `size`. Its pixels are
            those of the whole result, and it takes the time of its own pixels alone.

        Raises OptionError for what cannot be painted.
        """
        vividness = self.vividness if vividness is None else checked_vividness(vividness)
        blend = self.blend if blend is None else checked_blend(blend)
        if depth is None:
            # Through a profile of the photograph's own the pixels are rounded once more: 8 bits would show that.
            depth = 16 if self.photo.profile and self.photo.depth == 8 else self.photo.depth
        elif depth not in (8, 16, 32):
            raise OptionError(f"The depth must be 8, 16 or 32 bits, not {depth!r}")
        result = self.size if size is None else self._size(size)
        part = slice(0, result[0]), slice(0, result[1])
        if box is not None:
            part = _part_of(box, self.size, result)
        enlarger = self._enlarger(result, vividness)
        overlay = None
        if self.unguided is not None:
            vividness, overlay = 1.0, Discs(_scaled(self.hints, self.size, result), result).lay
        scale = None
        lightness: Callable[[int, int], NDArray[np.float32] | NDArray[np.uint8]] = self._lightness(result, part)
        if result == (self.photo.height, self.photo.width) and self.photo.plane.dtype == np.uint8:
            lightness, scale = self._codes(part[1]), self.photo.scale
        strips = render_strips(lightness, enlarger, part, depth, vividness, blend, self.threads, overlay, scale)
        return strips if self.photo.missing is None else _without_colour(strips, self.photo, result, part)

    def _repr_html_(self) -> str:
        """What a notebook shows: the photograph in gray and in colour, with a slider between them."""
        from tintype.notebook import LONGEST, slider

        # Not beyond the guide, so that a large photograph is not gone through.
        scale = min(
            1.0,
            LONGEST / max(self.size),
            *(fine / side for fine, side in zip(self.guide.shape, self.size, strict=True)),
        )
        height, width = (max(1, int(side * scale)) for side in self.size)

        def painted(blend: float, size: tuple[int, int]) -> NDArray[np.uint8]:
            strips = self.paint(blend=blend * self.blend, size=size, depth=8)
            return np.concatenate([strip.astype(np.uint8, copy=False) for strip in strips])

        return slider(painted, (height, width), Path(self.photo.name).name)

    def with_temperature(self, temperature: float | None, *, watch: Callable[[], object] | None = None) -> Colours:
        """Look again at another temperature, with the same hints; None: the card's. watch: as for `Model.predict`.

        Raises OptionError for a temperature that cannot be used, and ModelError when the model fails.
        """
        temperature = None if temperature is None else checked_temperature(temperature)
        seen = self._what_is_seen()
        guess = self.model.predict(seen, None, temperature, logits=self.logits is not None, watch=watch)
        free = replace(self, ab=guess.ab, logits=guess.logits, temperature=temperature, hints=(), unguided=None)
        return free.with_hints(self.hints, watch=watch) if self.hints else free

    def with_hints(self, hints: Hints, *, watch: Callable[[], object] | None = None) -> Colours:
        """Look again with these hints in place of others. The photograph is neither read nor averaged again.

        hints: as for `Colorizer.look`; an empty list takes all away. watch: as for `Model.predict`.

        Raises HintError, and ModelError when the model fails.
        """
        asked = tuple(read_hints(hints))
        free = self.ab if self.unguided is None else self.unguided
        if not asked and self.logits is None:
            return replace(self, ab=free, hints=(), unguided=None)
        check_hints(self.model, asked)
        guess = self._predict(asked, self.logits is not None, watch)
        if not asked:
            return replace(self, ab=free, logits=guess.logits, hints=(), unguided=None)
        ab = spread(guess.ab, free, self.guide, asked, self.size)
        return replace(self, ab=ab, logits=guess.logits, hints=asked, unguided=free)

    def with_logits(self, *, watch: Callable[[], object] | None = None) -> Colours:
        """The same colours with the logits behind them; the network works once more where they were not kept.

        watch: as for `Model.predict`. Raises ModelError when the model fails, or has no distribution.
        """
        if self.logits is not None:
            return self
        return replace(self, logits=self._predict(self.hints, True, watch).logits)

    def distribution(self) -> Distribution:
        """How probable each colour is at each place; without logits it looks again. Raises as `with_logits`."""
        logits, bins = self.with_logits().logits, self.model.card.bins
        assert logits is not None
        assert bins is not None
        return Distribution.of(logits, np.array(bins, np.float64), self.size, self.guide)

    def likely(
        self, x: float, y: float, radius: float | None = None, count: int = COUNT, apart: float = 0.0
    ) -> list[Likely]:
        """The likely colours at a place, most probable first.

        x, y, radius: a disc, in pixels of the whole photograph as those of hints; without a radius it is the pixel.
        count: at most that many, from 1. They are shown at the lightness of the place.
        apart: a*b* units within which colours count as the same. The bins of a model are 10 apart, so that its ten most
            probable colours can be ten shades of one; 20 gives a choice.

        Raises OptionError for a place outside the photograph, and as `with_logits`, which finds the logits that colours
        were looked at without: those who ask often keep what it gives.
        """
        height, width = self.size
        if not (0 <= x < width and 0 <= y < height):
            raise OptionError(f"({x:g}, {y:g}) lies outside the photograph of {width} x {height} pixels")
        if radius is not None and not 0 < radius < np.inf:
            raise OptionError(f"The radius must be above 0 pixels, not {radius!r}")
        if count < 1:
            raise OptionError(f"The number of colours must be at least 1, not {count}")
        found = self.distribution()
        place = (x, y, radius or 0.0)
        cells, fine = (disc(*place, self.size, plane.shape[-2:]) for plane in (found.probabilities, self.guide))
        probabilities = np.einsum("qhw,hw->q", found.probabilities, cells)
        return ranked(probabilities, found.bins, float((self.guide * fine).sum()), count, apart)

    def doubts(self, count: int = 12) -> list[Doubt]:
        """The places whose colours the model doubts, most doubtful first.

        A place is a part of the photograph that the model sees alike, such as one coat; slivers are left out, and so
        is what a hint lies on. count: at most that many, from 1.

        Raises OptionError for a count below 1, and as `with_logits`, which finds the logits that colours were looked
        at without.
        """
        if count < 1:
            raise OptionError(f"The number of places must be at least 1, not {count}")
        return doubtful(self.distribution(), self.hints)[:count]

    def alternatives(self, count: int = 4) -> list[Colours]:
        """Other colourings of the whole photograph, which differ where the model doubts; the most probable first.

        Each gives another of the likely colours to the two or three kinds of things that the model doubts most, all
        parts of a kind the same. It is set as hints, beside those that there are, and so is what should stay as it is;
        `.hints` has them. The network works once for each; no logits are kept. The same colours always have the same
        alternatives.

        count: at most that many, from 1. There are fewer where the model doubts too little, and none for a photograph
        of which it is sure, is all one thing or is settled by hints.

        Raises OptionError for a count below 1, HintError for a model that takes no hints, and as `with_logits`.
        """
        if count < 1:
            raise OptionError(f"The number of alternatives must be at least 1, not {count}")
        if not self.model.takes_hints:
            raise HintError(f"The model {self.model.name} takes no hints, so it has no alternatives: choose another")
        plain = replace(self, logits=None)
        ways = colourings(self.distribution(), self.vividness * self.ab, self.hints, count)
        return [plain.with_hints([*self.hints, *way]) for way in ways]

    def reduced(self, longest: int = 0) -> Colours:
        """The same colours without the full size of the photograph, to be kept and to paint previews of.

        longest: long side of the copy that stays in place of it, in pixels. Without one the guide is the copy.

        `dataclasses.replace(colours, photo=photo)` gives back the whole photograph.
        """
        height, width = self.guide.shape
        if longest > max(height, width):
            height, width = self._size(longest)
        whole = self.photo
        if height >= whole.height or width >= whole.width:
            return self
        small = Photo(
            name=whole.name,
            width=width,
            height=height,
            format=whole.format,
            depth=whole.depth,
            plane=self.guide if (height, width) == self.guide.shape else whole.thumbnail(width, height, self.threads),
            profile=whole.profile,
            missing=None if whole.missing is None else _scaled_part(whole.missing, whole, (height, width)),
        )
        return replace(self, photo=small)

    def _what_is_seen(self) -> NDArray[np.float32]:
        if not self._seen:
            self._seen.append(seen_of(self.photo, self.guide, self.threads))
        return self._seen[0]

    def _enlarger(self, result: tuple[int, int], vividness: float) -> Enlarger:
        """The colours at the size of a result, with hints at this vividness, without them before it."""
        ab, guide = self.ab, self.guide
        if self.unguided is None:
            vividness = 1.0
        # Parts finer than the pixels of a preview would be skipped over, not averaged.
        coarse = result[0] < min(guide.shape[0], self.size[0])
        if not coarse and (kept := self._enlarged.get(vividness)) is not None:
            return kept.at(result)
        if coarse:
            guide = self._lightness(result, (slice(0, result[0]), slice(0, result[1])))(0, result[0])
        if self.unguided is not None:
            # What is asked for is asked for as it is: vividness counts for the colours that are guessed.
            ab = meet(vividness * ab, vividness * self.unguided, self.hints, self.size)
        if coarse:
            return Enlarger(ab, guide, result, self.threads)
        cells = ab.shape[1], ab.shape[2]
        if not self._edges:
            self._edges.append(Edges(guide, cells))
        enlarger = Enlarger(ab, self._edges[0], result, self.threads)
        # For the next tile of a viewer.
        self._enlarged.clear()
        self._enlarged[vividness] = enlarger
        return enlarger

    def _predict(self, hints: tuple[Hint, ...], logits: bool, watch: Callable[[], object] | None) -> Prediction:
        """What the network says with these hints."""
        drawn = None
        if hints:
            drawn = draw_hints(hints, self.size, (self.guide.shape[0] // FINER, self.guide.shape[1] // FINER))
        seen = self._what_is_seen()
        return self.model.predict(seen, drawn, self.temperature, logits=logits, watch=watch)

    def _size(self, size: int | tuple[int, int]) -> tuple[int, int]:
        """(height, width) of a result that is asked for."""
        if isinstance(size, int) and size >= 1:
            factor = size / max(self.size)
            height, width = (max(1, round(side * factor)) for side in self.size)
            return height, width
        match size:
            case (int(height), int(width)) if height >= 1 and width >= 1:
                return height, width
        raise OptionError(f"The size must be (height, width) or the long side in pixels, not {size!r}")

    def _codes(self, columns: slice) -> Callable[[int, int], NDArray[np.uint8]]:
        """What gives the gray codes of rows of the photograph, where it has such of 8 bits."""
        plane = cast("NDArray[np.uint8]", self.photo.plane)
        return lambda top, bottom: plane[top:bottom, columns]

    def _lightness(self, size: tuple[int, int], part: tuple[slice, slice]) -> Callable[[int, int], NDArray[np.float32]]:
        """What gives CIE L* float32 [rows, columns] of rows of the photograph at another size, where a part has them.

        Raises OptionError where the copy of a photograph is too small for it.
        """
        photo, (height, width) = self.photo, size
        own = photo.height, photo.width
        down, across = part
        if size == own:
            return lambda top, bottom: photo.lightness(top, bottom, across)
        fine = self.guide.shape
        if height <= fine[0] <= own[0] and width <= fine[1] <= own[1]:
            photo = Photo(photo.name, fine[1], fine[0], "array", 32, self.guide)
        elif own != self.size and (height > own[0] or width > own[1]):
            raise OptionError(
                f"{photo.name} is kept at {own[1]} x {own[0]} pixels only, so {width} x {height} cannot be painted: "
                "read the photograph again"
            )
        plane = photo.thumbnail(width, height, self.threads, part)
        return lambda top, bottom: plane[top - down.start : bottom - down.start]


def network_size(size: tuple[int, int], short: int, stride: int) -> tuple[int, int]:
    """(height, width) that a network sees of a photograph of (height, width) `size`.

    The aspect is kept up to the rounding to multiples of `stride`; the short side is `short`, unless the long one would
    be more than LONGEST times that, as in a strip of a panorama.
    """
    scale = min(short / min(size), short * LONGEST / max(size))
    height, width = (max(1, round(side * scale / stride)) * stride for side in size)
    return height, width


def seen_of(photo: Photo, guide: NDArray[np.float32], threads: int | None = None) -> NDArray[np.float32]:
    """The lightness that the network sees, CIE L* float32 [h / FINER, w / FINER]; guide: [h, w], as in `Colours`."""
    height, width = (side // FINER for side in guide.shape)
    if photo.height < guide.shape[0] or photo.width < guide.shape[1]:
        # The guide of a small photograph is interpolated, and would reach the network blurred.
        return photo.thumbnail(width, height, threads)
    # The mean of means is the mean: no need to go through a large photograph twice.
    seen: NDArray[np.float32] = guide.reshape(height, FINER, width, FINER).mean(axis=(1, 3))
    return seen


def check_hints(model: Model, hints: tuple[Hint, ...]) -> None:
    """Raises HintError where a model does not take the hints."""
    if hints and not model.takes_hints:
        raise HintError(f"The model {model.name} takes no hints: leave them out, or choose a model that does")


def _scaled(hints: tuple[Hint, ...], size: tuple[int, int], result: tuple[int, int]) -> tuple[Hint, ...]:
    """Hints at places of a photograph of (height, width) `size`, at those of another size."""
    if size == result:
        return hints
    down, across = result[0] / size[0], result[1] / size[1]
    return tuple(Hint(h.x * across, h.y * down, h.color, h.radius * (down * across) ** 0.5) for h in hints)


def _part_of(box: tuple[int, int, int, int], size: tuple[int, int], result: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a result of (height, width) that a box (x, y, width, height) of one of `size` covers.

    Boxes that meet give parts that meet. Raises OptionError for one that is not in the photograph.
    """
    match box:
        case (int(x), int(y), int(width), int(height)) if width >= 1 and height >= 1 and x >= 0 and y >= 0:
            if x + width <= size[1] and y + height <= size[0]:
                rows, columns = (
                    slice(start := min(round(first * new / old), new - 1), max(start + 1, round(last * new / old)))
                    for first, last, new, old in zip((y, x), (y + height, x + width), result, size, strict=True)
                )
                return rows, columns
    raise OptionError(
        f"The box must be (x, y, width, height) within the {size[1]} x {size[0]} pixels of the photograph, not {box!r}"
    )


def _scaled_part(part: tuple[slice, slice], photo: Photo, result: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a photograph, at (height, width) `result`; what is touched belongs to them."""
    rows, columns = (
        slice(axis.start * new // old, -(-axis.stop * new // old))
        for axis, old, new in zip(part, (photo.height, photo.width), result, strict=True)
    )
    return rows, columns


def _without_colour(
    strips: Iterator[NDArray[np.uint8 | np.uint16 | np.float32]],
    photo: Photo,
    result: tuple[int, int],
    part: tuple[slice, slice],
) -> Iterator[NDArray[np.uint8 | np.uint16 | np.float32]]:
    """The strips [rows, columns, 3] of a part of a result of (height, width), neutral gray where the file has lost the
    photograph."""
    assert photo.missing is not None
    rows, columns = photo.missing
    middle = (rows.start + rows.stop) // 2
    gray = photo.lightness(middle, middle + 1)[:, columns.start, None]
    rows, columns = _scaled_part(photo.missing, photo, result)
    top, left = part[0].start, part[1].start
    columns = slice(max(0, columns.start - left), max(0, columns.stop - left))
    for strip in strips:
        inside = strip[max(0, rows.start - top) : max(0, rows.stop - top), columns]
        inside[...] = render(gray, np.zeros((2, 1, 1), np.float32), 8 * strip.dtype.itemsize)
        yield strip
        top += len(strip)
