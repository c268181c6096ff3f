"""What is computed of photographs: the colours of each, previews and results. Called in the threads of the queue."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from tintype.colorizer import Colorizer
from tintype.colours import Colours
from tintype.errors import OptionError, UnknownModel, printable
from tintype.hints import Hint, check_places
from tintype.models import Card, Model
from tintype.models.catalog import catalog, shipped
from tintype.photo import Photo, at_most, count_pages, read
from tintype.server import pictures
from tintype.server.cache import Cache
from tintype.server.folder import File
from tintype.server.options import Reading, Settings
from tintype.server.photographs import Facts, Photograph
from tintype.server.queue import Watch

LARGEST = 4096
"""Pixels of the longest side of a preview, and of a side of the square that no part of one is larger than."""

Box = tuple[int, int, int, int]


class Models:
    """The models that are offered: those that ship, and the one of the server. Each is opened once, when it is asked
    for first.

    Args:
        default: its name, or the path of its file. What clients name is never taken for a path.
    """

    def __init__(self, default: str, threads: int | None = None) -> None:
        model = Model(default, threads)
        self.default, self._threads = model.name, threads
        self._open = {model.name: model}
        self._lock = threading.Lock()

    @property
    def cards(self) -> list[Card]:
        """Of all that are offered, the default first, under the names by which they are asked for."""
        own = self._open[self.default].card
        others = [card for card in catalog() if card.name != self.default]
        return [replace(own, name=self.default), *others]

    def takes_hints(self, card: Card) -> bool:
        """Whether the model of a card takes hints; cards do not say, so the model is opened."""
        return self.get(card.name).takes_hints

    def check(self, name: str) -> None:
        """Raises UnknownModel where there is none of this name."""
        if name != self.default and name not in shipped():
            known = ", ".join(dict.fromkeys([self.default, *shipped()]))
            raise UnknownModel(f"There is no model named {printable(name)[:80]}: give one of {known}")

    def get(self, name: str) -> Model:
        self.check(name)
        with self._lock:
            if name not in self._open:
                self._open[name] = Model(name, self._threads)
            return self._open[name]


class Looks:
    """Colours of photographs, kept as long as there is room for them; whatever went is made again from the file.

    Args:
        most_pixels: of a photograph that is read.
        room: bytes for colours and small copies; pixels: bytes for photographs at full size.
    """

    def __init__(
        self, models: Models, most_pixels: int, *, room: int = 384 << 20, pixels: int = 384 << 20, threads: int
    ) -> None:
        self.models, self.most_pixels, self.threads = models, most_pixels, threads
        self._colours: Cache[tuple[str, Settings, tuple[Hint, ...]], Colours] = Cache(room // 2, _bytes_of_colours)
        self._copies: Cache[tuple[str, Reading, int], Photo] = Cache(room // 2, _bytes_of_photo)
        self._photos: Cache[tuple[str, Reading], Photo] = Cache(pixels, _bytes_of_photo)

    def forget(self, photograph: Photograph) -> None:
        """Drop all that is kept of one."""
        for cache in (self._colours, self._copies, self._photos):
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
        if colours is not None and (colours.logits is not None or not logits):
            return colours
        free = self._colours.get((photograph.id, looked, ()))
        if hints and free is not None and (free.logits is not None or not logits):
            colours = free.with_hints(hints, watch=watch)
        else:
            photo = self.photo(photograph, settings.reading)
            colours = self.colorizer(settings).look(photo, logits=logits, watch=watch).reduced()
            # Of a small photograph nothing is reduced; its pixels are kept once, with the photographs.
            self._colours.put((photograph.id, looked, ()), colours)
            if hints:
                colours = colours.with_hints(hints, watch=watch)
        self._colours.put(key, colours)
        return colours

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

    def result(
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
    ) -> tuple[str, ...]:
        """Write the full-size file, as the command does; returns what the user should know of it."""
        with at_most(self.most_pixels):
            return self.colorizer(settings).file(
                source,
                target,  # type: ignore[arg-type]  # has what is used of a binary stream
                name=name,
                hints=hints or None,
                format=format,
                quality=quality,
                salvage=settings.salvage,
                negative=settings.negative,
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


def check_hints(hints: list[Hint], photograph: Photograph) -> None:
    """Raises HintError for hints outside the photograph."""
    check_places(hints, (photograph.facts.height, photograph.facts.width))


def _looked(settings: Settings) -> Settings:
    """The settings without what counts only when the colours are painted."""
    return replace(settings, vividness=1.0, blend=1.0)


def _bytes_of_photo(photo: Photo) -> int:
    return photo.plane.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)


def _bytes_of_colours(colours: Colours) -> int:
    planes = [plane for plane in (colours.ab, colours.logits, colours.unguided) if plane is not None]
    # What was enlarged last takes two planes of the size of the guide.
    return sum(plane.nbytes for plane in planes) + 3 * colours.guide.nbytes + _small(colours)


def _small(colours: Colours) -> int:
    return 0 if colours.photo.plane is colours.guide else _bytes_of_photo(colours.photo)
