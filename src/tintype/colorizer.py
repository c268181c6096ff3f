"""The one way from a black-and-white photograph to a coloured one; every door uses it.

    read -> lightness at network size -> model -> colour at full size -> write

A colour photograph goes the same way, by its lightness.
"""

from __future__ import annotations

import io
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tintype.color.enlarge import DETAIL, Enlarger
from tintype.color.render import render, render_strips
from tintype.errors import HintError, OptionError, TintypeWarning, UnwritablePhoto
from tintype.hints import Discs, Hint, draw_hints, keep_local, meet, read_hints
from tintype.models import DEFAULT, Model
from tintype.models.card import HOTTEST, LARGEST
from tintype.models.catalog import shipped
from tintype.photo import SUFFIXES, WRITABLE, Mark, Photo, from_array, read, write
from tintype.threads import available_threads
from tintype.version import __version__

LONGEST = 4
"""Times the network size that the long side of a panorama may have; beyond, its short side gives way."""

FINER = DETAIL // 4
"""Times the network's sides that the guide of the enlargement has: DETAIL times those of the colours, a quarter."""

COLOR = ".color"
"""What the name of a result has beside its photograph, before its ending."""

SUFFIX_OF = {"jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "avif": ".avif"}
"""Format -> suffix of the results whose photograph has none that fits."""

FOLLOWED, FOLLOWS = "hint_object_de", 5.0
"""The figure of a card that tells how far one hint changes the object that it lies on, and its least value for a model
that is said to follow hints; docs/experiments.md has both."""

Hints = str | os.PathLike | Iterable[Hint | Mapping[str, Any]]
Photograph = Any  # str | PathLike | bytes | BinaryIO | numpy.ndarray | PIL.Image.Image


def colorize(
    photo: Photograph,
    output: str | os.PathLike | None = None,
    *,
    hints: Hints | None = None,
    format: str | None = None,
    quality: int | None = None,
    salvage: bool = False,
    negative: bool = False,
    page: int | None = None,
    **settings,
) -> Photograph:
    """Colour one photograph: `Colorizer(**settings)(photo, output, ...)`.

        colorize("grandmother.jpg")                      # writes grandmother.color.jpg, returns its path
        colorize(array, vividness=1.2)                   # array in, array out
        colorize(io.BytesIO(data))                       # an open file in, bytes of a file out

    For more than one photograph keep a `Colorizer`, which opens its model once.
    """
    return Colorizer(**settings)(
        photo,
        output,
        hints=hints,
        format=format,
        quality=quality,
        salvage=salvage,
        negative=negative,
        page=page,
    )


class Colorizer:
    """Colours photographs with one model and one set of settings. It may be used from several threads at once.

    model: the name of a model that ships, the path of an .onnx file, or an open Model.
    size: short side of what the network sees, in pixels; None: what the model's card calls best.
    temperature: of the annealed mean, above 0: low gives the likeliest colour of each place, often a plain one; high
        the mean of all that the model holds possible, which is more colourful. None: the card's.
    vividness: factor on the chroma, from 0.
    blend: 0 gives the original gray, 1 the full colour.
    threads: processors to use; None: all that this process may use. The results do not depend on it.

    Raises OptionError for a setting that cannot be used and ModelError for a model that cannot.
    """

    def __init__(
        self,
        model: str | os.PathLike | Model = DEFAULT,
        size: int | None = None,
        temperature: float | None = None,
        vividness: float = 1.0,
        blend: float = 1.0,
        threads: int | None = None,
    ):
        if size is not None:
            _demand(_whole(size) and 1 <= size <= LARGEST, "size", f"a whole number from 1 to {LARGEST}", size)
        if temperature is not None:
            _demand(
                _number(temperature) and 0 < temperature <= HOTTEST,
                "temperature",
                "above 0 and at most 100",
                temperature,
            )
        _demand(_number(vividness) and 0 <= vividness <= 10, "vividness", "a number from 0 to 10", vividness)
        _demand(_number(blend) and 0 <= blend <= 1, "blend", "a number from 0 to 1", blend)
        if threads is not None:
            _demand(_whole(threads) and threads >= 1, "number of threads", "a whole number of at least 1", threads)
        self.model = model if isinstance(model, Model) else Model(model, threads)
        if temperature is not None and not self.model.takes_temperature:
            raise OptionError(f"The model {self.model.name} has no temperature to set: leave the temperature out")
        self.size = size or self.model.card.size
        self.temperature = temperature
        self.vividness = vividness
        self.blend = blend
        self.threads = threads or available_threads()

    def __call__(
        self,
        photo: Photograph,
        output: str | os.PathLike | None = None,
        *,
        hints: Hints | None = None,
        format: str | None = None,
        quality: int | None = None,
        salvage: bool = False,
        negative: bool = False,
        page: int | None = None,
    ) -> Photograph:
        """Colour one photograph; what comes out is of the kind that went in.

        photo:
            path: the result is written to `output`, or beside the photograph as NAME.color.EXT, in place of what was
                there before; its path is returned.
            bytes of an image file, or a binary file or stream (as open(path, "rb") and io.BytesIO give), which is read
                from its beginning where it can be: bytes of an image file; or written to `output` where one is named.
            array [h, w], [h, w, 1], with alpha [h, w, 2], or colour [h, w, 3 or 4]; uint8, uint16, or float in 0..1:
                array [h, w, 3] of the same dtype, sRGB.
            Pillow image: Pillow image, RGB or RGBA, 8 bit.
        hints: list of Hint or of {"x", "y", "color", "radius"}, or the path of a JSON file with such a list.
        format: jpeg (or jpg), png, tiff (or tif), webp or avif; default: by the suffix of `output`, else that of the
            photograph.
        quality: 1 to 100, for formats that lose; default: not below the photograph's own.
        salvage: colour what is left of a damaged or cut file; rows that are not there stay gray, and a warning says so.
        negative: it is a negative: dark becomes light before it is coloured.
        page: which photograph of a file that holds several (TIFF, MPO, HEIC, AVIF), from 1 on; without it such a file
            is refused. The result of another page than the first is called NAME.p2.color.EXT.

        Raises TintypeError (see tintype.errors), one sentence. Warns with a TintypeWarning of what was damaged in the
        file or could not be kept.
        """
        if isinstance(photo, (str, os.PathLike)) or _is_file(photo):
            check_output(format, quality, output)
            _check_page(page)
            options = {"hints": hints, "format": format, "quality": quality, "salvage": salvage, "negative": negative}
            options["page"] = page
            if output is None and isinstance(photo, (str, os.PathLike)):
                output = beside(photo, format, page=page)
            if output is None:
                buffer = io.BytesIO()
                _warn(self.file(photo, buffer, **options))
                return buffer.getvalue()
            output = Path(output)
            _warn(self.file(photo, output, **options))
            return output
        if output is not None:
            raise OptionError("An output can be named only for an image file: save the array or image that is returned")
        if format is not None or quality is not None:
            raise OptionError("A format or quality can be chosen only where an image file comes out")
        if page is not None:
            raise OptionError("A page can be chosen only of an image file: give the array or image of that page")
        hints = None if hints is None else read_hints(hints)
        pillow = sys.modules.get("PIL.Image")
        if pillow is not None and isinstance(photo, pillow.Image):
            _warn(self._doubts(hints))
            return self._pillow(photo, hints, negative)
        if isinstance(photo, np.ndarray):
            _warn(self._doubts(hints))
            return self._array(photo, hints, negative)
        raise OptionError(
            f"A photograph must be a path, bytes, an open file, an array or a Pillow image, not {type(photo).__name__}"
        )

    def file(
        self,
        source: str | os.PathLike | bytes | BinaryIO,
        target: str | os.PathLike | BinaryIO,
        *,
        name: str | None = None,
        hints: Hints | None = None,
        format: str | None = None,
        quality: int | None = None,
        examine: Callable[[Photo], None] | None = None,
        salvage: bool = False,
        negative: bool = False,
        page: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[str, ...]:
        """Colour an image file, or its bytes, into another file or binary stream.

        Returns what the user should know of it, a sentence each: what was damaged, and what could not be kept.

        name: what errors call the source. examine: called with the photograph before it is coloured. progress: called
        with the finished share, 0 to 1. What these two raise stops the work, and no part of a file stays behind. Other
        arguments and errors: as for a call.
        """
        if isinstance(source, (str, os.PathLike)) and isinstance(target, (str, os.PathLike)):
            refuse_same(source, target)
        _check_page(page)
        hints = None if hints is None else read_hints(hints)
        picture = read(source, name, page=page, salvage=salvage, negative=negative)
        if examine is not None:
            examine(picture)
        # While the network works nothing is finished, but what `progress` raises must end that too.
        strips = self.strips(picture, hints, watch=None if progress is None else lambda: progress(0.0))
        if progress is not None:
            strips = _watched(strips, picture.height, progress)
        settings = self.settings(hints, quality, negative=negative, page=page)
        mark = replace(self.mark, settings=settings, origin=picture.origin or "")
        lost = write(picture, strips, target, format=format, quality=quality, mark=mark)
        return (*picture.notes, *self._doubts(hints), *lost)

    def strips(
        self,
        photo: Photo,
        hints: Hints | None = None,
        depth: int | None = None,
        watch: Callable[[], object] | None = None,
    ) -> Iterator[np.ndarray]:
        """The coloured photograph from top to bottom: sRGB [rows, W, 3] of `depth` bits. Default: the
        photograph's own, or 16 where 8 bits would be rounded twice. watch: as for `Model.predict`.

        Raises HintError, and ModelError when the model fails on this photograph.
        """
        size = photo.height, photo.width
        network = self.network_size(size)
        drawn = None
        if hints is not None and (hints := read_hints(hints)):
            if not self.model.takes_hints:
                raise HintError(
                    f"The model {self.model.name} takes no hints: leave them out, or choose a model that does"
                )
            drawn = draw_hints(hints, size, network)
        seen, guide = _seen(photo, network)
        ab = self.model.predict(seen, None, self.temperature, watch=watch)
        vividness, overlay = self.vividness, None
        if drawn is not None:
            # What is asked for is asked for as it is: vividness counts for the colours that are guessed.
            guided = keep_local(self.model.predict(seen, drawn, self.temperature, watch=watch), ab, len(hints))
            ab = meet(vividness * guided, vividness * ab, hints, size)
            vividness, overlay = 1.0, Discs(hints, size).lay
        enlarger = Enlarger(ab, guide, size)
        if depth is None:
            # Through a profile of the photograph's own the pixels are rounded once more: 8 bits would show that.
            depth = 16 if photo.profile and photo.depth == 8 else photo.depth
        strips = render_strips(photo.lightness, enlarger, size, depth, vividness, self.blend, self.threads, overlay)
        return strips if photo.missing is None else _without_colour(strips, photo)

    def network_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of what the network sees of a photograph of (height, width) `size`."""
        return network_size(size, self.size, self.model.card.stride)

    @property
    def mark(self) -> Mark:
        """What the files that come out say of who made them."""
        return Mark(software="tintype", version=__version__, model=self.model.name)

    def settings(
        self,
        hints: Hints | None = None,
        quality: int | None = None,
        *,
        negative: bool = False,
        page: int | None = None,
    ) -> str:
        """All that the colours of a photograph depend on beside the name of the model, as the mark has it."""
        parts = {"size": f"{self.size}"}
        if self.model.takes_temperature:
            temperature = self.model.card.temperature if self.temperature is None else self.temperature
            parts["temperature"] = f"{temperature:.10g}"
        parts |= {"vividness": f"{self.vividness:.10g}", "blend": f"{self.blend:.10g}"}
        if hints is not None and (given := read_hints(hints)):
            parts["hints"] = blake2b(repr(given).encode(), digest_size=8).hexdigest()
        if quality is not None:
            parts["quality"] = f"{quality}"
        if negative:
            parts["negative"] = "yes"
        if page is not None and page > 1:
            parts["page"] = f"{page}"
        if self._weights is not None:
            parts["weights"] = self._weights
        return "; ".join(f"{name}={value}" for name, value in parts.items())

    @cached_property
    def _weights(self) -> str | None:
        """A digest of a model's own file, as its name may be given to another one; None for a model that ships."""
        if os.fspath(self.model.source) in shipped():
            return None
        try:
            with open(self.model.source, "rb") as stream:
                return file_digest(stream, lambda: blake2b(digest_size=8)).hexdigest()
        except OSError:
            return None  # It was open already, and may be gone.

    def _doubts(self, hints: Sequence[Hint] | None) -> tuple[str, ...]:
        """What a user should know who gives hints to this model."""
        if not hints:
            return ()
        measured = [row["value"] for row in self.model.card.figures if row["metric"] == FOLLOWED]
        if not measured or measured[0] >= FOLLOWS:
            return ()
        return (f"{self.model.name} hardly follows hints: outside their discs little changes; {DEFAULT} follows them",)

    def _array(self, array: np.ndarray, hints: Hints | None, negative: bool) -> np.ndarray:
        photo = from_array(array)
        photo = photo.inverted() if negative else photo
        result = np.concatenate(list(self.strips(photo, hints)))
        return result.astype(array.dtype, copy=False) if array.dtype.kind == "f" else result

    def _pillow(self, image, hints: Hints | None, negative: bool):
        from PIL import Image

        photo = from_array(image)
        photo = photo.inverted() if negative else photo
        # Pillow has no colour of more than 8 bits.
        result = Image.fromarray(np.concatenate(list(self.strips(photo, hints, depth=8))))
        if photo.alpha is not None:
            alpha = photo.alpha
            if alpha.dtype != np.uint8:
                alpha = (alpha * (255 / (65535 if alpha.dtype == np.uint16 else 1)) + 0.5).astype(np.uint8)
            result.putalpha(Image.fromarray(alpha))
        return result


def network_size(size: tuple[int, int], short: int, stride: int) -> tuple[int, int]:
    """(height, width) that a network sees of a photograph of (height, width) `size`.

    The aspect is kept up to the rounding to multiples of `stride`; the short side is `short`, unless the long one would
    be more than LONGEST times that, as in a strip of a panorama.
    """
    scale = min(short / min(size), short * LONGEST / max(size))
    height, width = (max(1, round(side * scale / stride)) * stride for side in size)
    return height, width


def beside(path: str | os.PathLike, format: str | None = None, suffix: str = COLOR, page: int | None = None) -> Path:
    """Where the result of a photograph lies when nothing else is said: beside it, as NAME.color.EXT."""
    path = Path(path)
    return path.with_name(f"{path.stem}{page_suffix(page)}{suffix}{result_suffix(path, format)}")


def page_suffix(page: int | None) -> str:
    """What the name of a result has for its page: nothing for the first one, .p2 for the second."""
    return f".p{page}" if page is not None and page > 1 else ""


def result_suffix(path: str | os.PathLike, format: str | None = None) -> str:
    """The suffix of a photograph's result: its own where it fits, else that of the format."""
    own = Path(path).suffix
    kind, format = SUFFIXES.get(own.lower()), named_format(format)
    # What is read but not written, and what has no suffix, becomes PNG, which loses nothing.
    format = format or (kind if kind in WRITABLE else "png")
    return own if kind == format else SUFFIX_OF[format]


def named_format(name: str | None) -> str | None:
    """The format that a name means, which may be written as a suffix is: jpeg for jpg or JPG, tiff for tif."""
    return None if name is None else SUFFIXES.get(f".{name.lower()}", name.lower())


def check_output(format: str | None = None, quality: int | None = None, path: str | os.PathLike | None = None) -> None:
    """Raises OptionError when no file can be written like this; `path`: its name, where the user has given one."""
    asked, format = format, named_format(format)
    if format is not None and format not in WRITABLE:
        raise OptionError(f"The format must be one of {', '.join(WRITABLE)}, not {asked}")
    if quality is not None:
        _demand(_whole(quality) and 1 <= quality <= 100, "quality", "a whole number from 1 to 100", quality)
    if path is not None:
        kind = SUFFIXES.get(Path(path).suffix.lower())
        if format is None and kind not in WRITABLE:
            raise OptionError(
                f"{os.fspath(path)} names no format that is written: end it in {', '.join(SUFFIX_OF.values())}, or end "
                f"the name of a folder in {os.sep}"
            )
        if format is not None and kind not in (None, format):
            raise OptionError(f"{os.fspath(path)} is not the name of a {format} file: change the name or the format")


def refuse_same(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Raises UnwritablePhoto when both are the same file: the original is never touched."""
    try:
        same = os.path.samefile(source, target)
    except (OSError, ValueError):
        same = False  # One of them is not there; whoever opens it says so.
    if same:
        raise UnwritablePhoto(f"{os.fspath(source)} would be written over itself: give another output")


def _seen(photo: Photo, network: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The lightness that the network sees, float32 [h, w], and a finer one that guides the enlargement of colours."""
    height, width = network
    tall, wide = height * FINER, width * FINER
    guide = photo.thumbnail(wide, tall)
    if photo.height < tall or photo.width < wide:
        # The guide of a small photograph is interpolated, and would reach the network blurred.
        return photo.thumbnail(width, height), guide
    # The mean of means is the mean: no need to go through a large photograph twice.
    return guide.reshape(height, FINER, width, FINER).mean(axis=(1, 3)), guide


def _is_file(photo: Photograph) -> bool:
    """Whether it is the bytes of an image file, or a stream that gives them. Pillow images and arrays do not read."""
    return isinstance(photo, (bytes, bytearray, memoryview)) or callable(getattr(photo, "read", None))


def _without_colour(strips: Iterable[np.ndarray], photo: Photo) -> Iterator[np.ndarray]:
    """The strips with neutral gray where the file has lost the photograph."""
    rows, columns = photo.missing
    gray = photo.lightness(rows.start, rows.start + 1)[:, columns.start, None]
    top = 0
    for strip in strips:
        inside = strip[max(0, rows.start - top) : max(0, rows.stop - top), columns]
        inside[...] = render(gray, np.zeros((2, 1, 1), np.float32), 8 * strip.dtype.itemsize)
        yield strip
        top += len(strip)


def _watched(strips: Iterable[np.ndarray], height: int, progress: Callable[[float], None]) -> Iterator[np.ndarray]:
    done = 0
    progress(0.0)
    for strip in strips:
        yield strip
        done += len(strip)
        progress(done / height)


def _warn(notes: Iterable[str]) -> None:
    for note in notes:
        warnings.warn(note, TintypeWarning, stacklevel=3)


def _check_page(page: int | None) -> None:
    if page is not None:
        _demand(_whole(page) and page >= 1, "page", "a whole number of at least 1", page)


def _demand(holds: bool, what: str, how: str, value: object) -> None:
    if not holds:
        raise OptionError(f"The {what} must be {how}, not {value!r}")


def _number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
