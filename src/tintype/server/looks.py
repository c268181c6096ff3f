"""What is computed of photographs: the colours of each, previews and results. Called in the threads of the queue."""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from tintype import inspection
from tintype.colorizer import Colorizer
from tintype.colours import Colours
from tintype.colours import check_hints as check_takes
from tintype.distribution import MEASURES, Likely, Region, disc
from tintype.errors import OptionError
from tintype.hints import Hint, check_places
from tintype.models import Model
from tintype.photo import Photo, at_most, count_pages, read
from tintype.reference import Way, hints_from
from tintype.server import pictures
from tintype.server.cache import Cache
from tintype.server.folder import File
from tintype.server.models import Models
from tintype.server.options import Reading, Settings
from tintype.server.photographs import Facts, Photograph
from tintype.server.problems import Refused
from tintype.server.queue import Watch
from tintype.server.upload import Upload

LARGEST = 4096
"""Pixels of the longest side of a preview, and of a side of the square that no part of one is larger than."""

WAYS = 100_000
"""Hints of alternatives that are kept."""

APART = 20.0
"""Difference in a*b* below which colours of a place are one choice."""

Box = tuple[int, int, int, int]


class Looks:
    """Colours of photographs, kept as long as there is room for them; whatever went is made again from the file.

    Args:
        most_pixels: of a photograph that is read.
        room: bytes for colours and small copies; pixels: bytes for photographs at full size.
    """

    def __init__(
        self, models: Models, most_pixels: int, *, room: int = 256 << 20, pixels: int = 256 << 20, threads: int
    ) -> None:
        self.models, self.most_pixels, self.threads = models, most_pixels, threads
        self._colours: Cache[tuple[str, Settings, tuple[Hint, ...]], Colours] = Cache(room // 2, _bytes_of_colours)
        self._copies: Cache[tuple[str, Reading, int], Photo] = Cache(room // 2, _bytes_of_photo)
        self._photos: Cache[tuple[str, Reading], Photo] = Cache(pixels, _bytes_of_photo)
        self._ways: Cache[tuple[str, Settings, tuple[Hint, ...], int], list[tuple[Hint, ...]]] = Cache(
            WAYS, lambda ways: 1 + sum(map(len, ways))
        )

    def forget(self, photograph: Photograph) -> None:
        """Drop all that is kept of one."""
        for cache in (self._colours, self._copies, self._photos, self._ways):
            cache.drop(lambda key: key[0] == photograph.id)

    def colorizer(self, settings: Settings) -> Colorizer:
        """Raises OptionError for settings that cannot be used."""
        return Colorizer(
            self.models.get(settings.model),
            settings.size,
            settings.temperature,
            settings.vividness,
            settings.blend,
            self.threads,
        )

    def open(self, path: Path, name: str, reading: Reading) -> tuple[Photo, int]:
        """Read a file: the photograph, and how many its file holds. Raises PhotoError."""
        with at_most(self.most_pixels):
            photo = read(
                path,
                name,
                page=reading.page,
                salvage=reading.salvage,
                negative=reading.negative,
                faded=reading.faded,
                threads=self.threads,
            )
        return photo, count_pages(path)

    def facts(self, photograph: Photograph, reading: Reading) -> Facts:
        """What there is to say of a photograph when it is read so."""
        photo, pages = self.open(photograph.file.path, photograph.name, reading)
        self._photos.put((photograph.id, reading), photo)
        return Facts.of(photo, pages)

    def keep(self, photograph: Photograph, photo: Photo) -> None:
        """Keep the pixels of a photograph that was just read."""
        self._photos.put((photograph.id, photograph.settings.reading), photo)

    def photo(self, photograph: Photograph, reading: Reading) -> Photo:
        """A photograph at full size. Raises PhotoError."""
        key = photograph.id, reading
        photo = self._photos.get(key)
        if photo is None:
            photo, _ = self.open(photograph.file.path, photograph.name, reading)
            self._photos.put(key, photo)
        return photo

    def colours(
        self,
        photograph: Photograph,
        settings: Settings,
        hints: tuple[Hint, ...],
        watch: Watch,
        *,
        logits: bool = False,
    ) -> Colours:
        """What a model sees in a photograph, without its full size."""
        looked = _looked(settings)
        key = photograph.id, looked, hints
        colours = self._colours.get(key)
        if colours is None:
            colours = self._free(photograph, looked, watch)
            if hints:
                colours = colours.with_hints(hints, watch=watch)
        if logits:
            colours = colours.with_logits(watch=watch)
        self._colours.put(key, colours)
        return colours

    def _free(self, photograph: Photograph, looked: Settings, watch: Watch) -> Colours:
        """The colours without hints, and without logits unless they are there already."""
        key = photograph.id, looked, ()
        colours = self._colours.get(key)
        if colours is None:
            photo = self.photo(photograph, looked.reading)
            colours = self.colorizer(looked).look(photo, watch=watch).reduced()
            self._colours.put(key, colours)
        # With them the network would work for other hints with all its outputs.
        return replace(colours, logits=None)

    def preview(
        self,
        photograph: Photograph,
        settings: Settings,
        hints: tuple[Hint, ...],
        watch: Watch,
        *,
        size: int,
        box: Box | None = None,
        gray: bool = False,
    ) -> bytes:
        """A JPEG file of a photograph, or of a part of it.

        Args:
            size: long side of the whole photograph at the scale of the preview, in pixels.
            box: (x, y, width, height) of a part, in pixels of the photograph.
        """
        colours = self.colours(photograph, settings, hints, watch)
        check_preview(size, box, colours.size)
        height, width = (max(1, round(side * size / max(colours.size))) for side in colours.size)
        fine = colours.guide.shape
        if height > fine[0] or width > fine[1] or colours.photo.height < fine[0] or colours.photo.width < fine[1]:
            if box is None:
                colours = replace(colours, photo=self._copy(photograph, settings.reading, colours, size))
            else:
                colours = replace(colours, photo=self.photo(photograph, settings.reading))
        watch()
        blend = 0.0 if gray else settings.blend
        return pictures.jpeg(colours.paint(vividness=settings.vividness, blend=blend, depth=8, size=size, box=box))

    def _copy(self, photograph: Photograph, reading: Reading, colours: Colours, size: int) -> Photo:
        """A photograph whose long side is `size`, or the photograph where that is not smaller."""
        key = photograph.id, reading, size
        copy = self._copies.get(key)
        if copy is None:
            whole = self.photo(photograph, reading)
            copy = replace(colours, photo=whole).reduced(size).photo
            if copy is not whole:
                self._copies.put(key, copy)
        return copy

    def likely(
        self,
        photograph: Photograph,
        settings: Settings,
        hints: tuple[Hint, ...],
        watch: Watch,
        place: tuple[float, float, float | None],
        count: int,
    ) -> tuple[float, str, list[Likely]]:
        """Of a disc (x, y, radius): its lightness, the colour that it has, and the likely ones."""
        colours = self.colours(photograph, settings, hints, watch, logits=True)
        x, y, radius = place
        found = colours.likely(x, y, radius, count, APART)
        height, width = colours.size
        shares = disc(x, y, radius or 0.0, colours.size, colours.guide.shape)
        reach = radius or 0.0
        left, top = max(0, int(x - reach)), max(0, int(y - reach))
        box = left, top, min(width, int(x + reach) + 1) - left, min(height, int(y + reach) + 1) - top
        strips = colours.paint(
            vividness=settings.vividness,
            blend=settings.blend,
            depth=8,
            # As far as no pixels of the photograph itself are needed.
            size=colours.guide.shape if colours.guide.shape[0] < height else colours.size,
            box=box,
        )
        mean = np.concatenate(list(strips)).mean(axis=(0, 1))
        current = "#" + bytes(np.rint(mean).astype(np.uint8)).hex()
        return float((colours.guide * shares).sum()), current, found

    def alternatives(
        self, photograph: Photograph, settings: Settings, hints: tuple[Hint, ...], watch: Watch, count: int
    ) -> list[tuple[Hint, ...]]:
        """The hints of other colourings; their colours are kept, for previews."""
        looked = _looked(settings)
        key = photograph.id, replace(looked, vividness=settings.vividness), hints, count
        ways = self._ways.get(key)
        if ways is None:
            found = self.colours(photograph, settings, hints, watch, logits=True)
            others = replace(found, vividness=settings.vividness).alternatives(count)
            for other in others:
                self._colours.put((photograph.id, looked, other.hints), replace(other, vividness=1.0))
            ways = [other.hints for other in others]
            self._ways.put(key, ways)
        return ways

    def alternative(
        self,
        photograph: Photograph,
        settings: Settings,
        hints: tuple[Hint, ...],
        watch: Watch,
        number: int,
        count: int,
        size: int,
    ) -> bytes:
        """A preview of one of the alternatives, by its number from 1 on. Raises Refused where there is none."""
        ways = self.alternatives(photograph, settings, hints, watch, count)
        if not 1 <= number <= len(ways):
            raise Refused(404, f"There is no alternative {number}: there are {len(ways)}")
        return self.preview(photograph, settings, ways[number - 1], watch, size=size)

    def reference_hints(
        self, photograph: Photograph, settings: Settings, watch: Watch, reference: Upload, way: Way
    ) -> list[Hint]:
        """What a colour photograph tells of the colours of another one."""
        colours = self.colours(photograph, settings, (), watch, logits=True)
        with at_most(self.most_pixels), _named(reference) as stream:
            seen = self.colorizer(settings).reference(stream)
        watch()
        return hints_from(colours, seen, way)

    def doubt_map(
        self, photograph: Photograph, settings: Settings, hints: tuple[Hint, ...], watch: Watch, size: int
    ) -> bytes:
        """A PNG file of the doubts, to lay over a photograph: the more opaque, the more doubtful."""
        colours = self.colours(photograph, settings, hints, watch, logits=True)
        check_preview(size, None, colours.size)
        height, width = (max(1, round(side * size / max(colours.size))) for side in colours.size)
        shares = colours.distribution().map("deviation", (height, width)) / MEASURES["deviation"][1]
        return pictures.overlay(shares)

    def inspect(
        self, path: Path, name: str, settings: Settings, region: Region | None, watch: Watch
    ) -> inspection.Summary:
        """What `tintype inspect --json` prints."""
        photo, _ = self.open(path, name, settings.reading)
        part = inspection.checked(photo, region)
        colorizer = self.colorizer(settings)
        colours = colorizer.look(photo, logits=True, watch=watch)
        watch()
        return inspection.summary(colorizer, photo, name, colours, part)

    def result(
        self,
        photograph: Photograph,
        target: File,
        settings: Settings,
        hints: tuple[Hint, ...],
        watch: Watch,
        *,
        format: str,
        quality: int | None,
    ) -> tuple[str, ...]:
        """Write the full-size file of a photograph, as the command does, of what was seen of it already.

        Returns what the user should know of it.
        """
        photo = self.photo(photograph, settings.reading)
        colours = replace(self.colours(photograph, settings, hints, watch), photo=photo)
        colorizer = self.colorizer(settings)
        said = colorizer.settings(hints, quality, negative=settings.negative, faded=settings.faded, page=settings.page)
        lost = colorizer.finish(colours, target, said, format=format, quality=quality, progress=lambda _: watch())  # type: ignore[arg-type]  # has what is used of a binary stream
        return (*photo.notes, *lost)

    def once(
        self,
        source: Path,
        name: str,
        target: File,
        settings: Settings,
        hints: tuple[Hint, ...] | list[Hint],
        watch: Watch,
        *,
        format: str,
        quality: int | None,
        reference: Upload | None = None,
        way: Way = "regions",
    ) -> tuple[str, ...]:
        """Write the full-size file of one that is not kept, as the command does; returns what to know of it."""
        with at_most(self.most_pixels), ExitStack() as stack:
            return self.colorizer(settings).file(
                source,
                target,  # type: ignore[arg-type]  # has what is used of a binary stream
                name=name,
                hints=hints or None,
                reference=None if reference is None else stack.enter_context(_named(reference)),
                reference_way=way,
                format=format,
                quality=quality,
                salvage=settings.salvage,
                negative=settings.negative,
                faded=settings.faded,
                page=settings.page,
                progress=lambda _: watch(),
            )


def check_preview(size: int, box: Box | None, whole: tuple[int, int]) -> None:
    """Raises OptionError for a preview of a photograph of (height, width) that is too large to be made at once."""
    most = LARGEST if box is None else max(LARGEST, 2 * max(whole))
    if not 1 <= size <= most:
        raise OptionError(f"The size must be from 1 to {most} pixels, not {size}")
    if box is not None:
        x, y, width, height = box
        scale = size / max(whole)
        if width * height * scale**2 > LARGEST**2:
            raise OptionError(
                f"The box holds more than {LARGEST} x {LARGEST} pixels at this size: ask for a smaller one"
            )
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > whole[1] or y + height > whole[0]:
            raise OptionError(
                f"The box must be x,y,width,height within the {whole[1]} x {whole[0]} pixels of the photograph, "
                f"not {x},{y},{width},{height}"
            )


def check_hints(hints: tuple[Hint, ...], facts: Facts, model: Model) -> None:
    """Raises HintError for hints outside a photograph, and where the model takes none."""
    check_takes(model, hints)
    check_places(hints, (facts.height, facts.width))


def check_place(x: float, y: float, radius: float | None, photograph: Photograph) -> None:
    """Raises OptionError for a place outside the photograph, as `Colours.likely` does."""
    width, height = photograph.facts.width, photograph.facts.height
    if not (0 <= x < width and 0 <= y < height):
        raise OptionError(f"({x:g}, {y:g}) lies outside the photograph of {width} x {height} pixels")
    if radius is not None and not 0 < radius <= 10 * max(width, height):
        raise OptionError(f"The radius must be above 0 and at most {10 * max(width, height)} pixels, not {radius:g}")


def _named(upload: Upload) -> io.BufferedReader:
    """The bytes of an upload, in whose name errors speak of it."""
    raw = io.FileIO(upload.file.path)
    raw.name = upload.name
    return io.BufferedReader(raw)


def _looked(settings: Settings) -> Settings:
    """The settings without what counts only when the colours are painted."""
    return replace(settings, vividness=1.0, blend=1.0)


def _bytes_of_photo(photo: Photo) -> int:
    return photo.plane.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)


def _bytes_of_colours(colours: Colours) -> int:
    planes = [plane for plane in (colours.ab, colours.logits, colours.unguided) if plane is not None]
    # What was enlarged last takes two planes of the size of the guide, and its edges one.
    return sum(plane.nbytes for plane in planes) + 4 * colours.guide.nbytes + _small(colours)


def _small(colours: Colours) -> int:
    return 0 if colours.photo.plane is colours.guide else _bytes_of_photo(colours.photo)
