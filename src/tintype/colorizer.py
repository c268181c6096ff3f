"""From a black-and-white photograph to a coloured one: look, and the thin compositions of it; every door uses them.

    read -> look: lightness at network size -> model -> Colours -> paint: colour at full size -> write

A colour photograph goes the same way, by its lightness.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypedDict, TypeGuard, TypeVar, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from tintype.colours import FINER, Colours, check_hints, network_size, seen_of
from tintype.errors import OptionError, TintypeWarning
from tintype.hints import Hint, Hints, check_places, read_hints
from tintype.models import DEFAULT, Model
from tintype.models.catalog import shipped
from tintype.models.device import Device
from tintype.photo import Mark, Photo, from_array, read, write
from tintype.photo.results import beside, check_output, refuse_same
from tintype.reference import Given as ColourPhoto
from tintype.reference import Reference, Way, checked_way, hints_from
from tintype.settings import (
    checked_blend,
    checked_page,
    checked_size,
    checked_temperature,
    checked_threads,
    checked_vividness,
)
from tintype.threads import available_threads
from tintype.version import __version__

if TYPE_CHECKING:
    from PIL.Image import Image

StrPath = str | os.PathLike[str]
"""A path."""

File = bytes | bytearray | memoryview | BinaryIO
"""An image file that is not named: its bytes, or a binary file or stream."""

Pixels = TypeVar("Pixels", bound=np.generic)


class OfPixels(TypedDict, total=False):
    """Options for a photograph in memory."""

    hints: Hints | None
    reference: ColourPhoto | Reference | None
    reference_way: Way
    negative: bool
    faded: bool


class OfFile(OfPixels, total=False):
    """Options for an image file."""

    format: str | None
    quality: int | None
    salvage: bool
    page: int | None


class Settings(TypedDict, total=False):
    """The settings of a Colorizer."""

    model: StrPath | Model
    size: int | None
    temperature: float | None
    vividness: float
    blend: float
    threads: int | None
    device: Device


class OfPixelsAndSettings(OfPixels, Settings, total=False):
    """What `colorize` takes beside a photograph in memory."""


class OfFileAndSettings(OfFile, Settings, total=False):
    """What `colorize` takes beside an image file."""


@overload
def colorize(photo: StrPath, output: StrPath | None = None, **options: Unpack[OfFileAndSettings]) -> Path: ...
@overload
def colorize(photo: File, output: None = None, **options: Unpack[OfFileAndSettings]) -> bytes: ...
@overload
def colorize(photo: File, output: StrPath, **options: Unpack[OfFileAndSettings]) -> Path: ...
@overload
def colorize(photo: NDArray[Pixels], **options: Unpack[OfPixelsAndSettings]) -> NDArray[Pixels]: ...
@overload
def colorize(photo: Image, **options: Unpack[OfPixelsAndSettings]) -> Image: ...
def colorize(
    photo: StrPath | File | NDArray[np.generic] | Image,
    output: StrPath | None = None,
    *,
    hints: Hints | None = None,
    reference: ColourPhoto | Reference | None = None,
    reference_way: Way = "regions",
    format: str | None = None,
    quality: int | None = None,
    salvage: bool = False,
    negative: bool = False,
    faded: bool = False,
    page: int | None = None,
    model: StrPath | Model = DEFAULT,
    size: int | None = None,
    temperature: float | None = None,
    vividness: float = 1.0,
    blend: float = 1.0,
    threads: int | None = None,
    device: Device = "cpu",
) -> Path | bytes | NDArray[np.generic] | Image:
    """Colour one photograph: `Colorizer(model, size, ...)(photo, output, ...)`.

        colorize("grandmother.jpg")                      # writes grandmother.color.jpg, returns its path
        colorize(array, vividness=1.2)                   # array in, array out
        colorize(io.BytesIO(data))                       # an open file in, bytes of a file out

    For more than one photograph keep a `Colorizer`, which opens its model once.
    """
    return Colorizer(model, size, temperature, vividness, blend, threads, device)._colorize(
        photo, output, hints, reference, reference_way, format, quality, salvage, negative, faded, page
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
    device: where the network computes, as for `tintype.models.load`; an open Model has its own.

    Raises OptionError for a setting that cannot be used, among them DeviceError for a device, and ModelError for a
    model that cannot.
    """

    def __init__(
        self,
        model: StrPath | Model = DEFAULT,
        size: int | None = None,
        temperature: float | None = None,
        vividness: float = 1.0,
        blend: float = 1.0,
        threads: int | None = None,
        device: Device = "cpu",
    ):
        asked_size = None if size is None else checked_size(size)
        self.temperature = None if temperature is None else checked_temperature(temperature)
        self.vividness = checked_vividness(vividness)
        self.blend = checked_blend(blend)
        self.threads = available_threads() if threads is None else checked_threads(threads)
        self.model = model if isinstance(model, Model) else Model(model, threads, device)
        if temperature is not None and not self.model.takes_temperature:
            raise OptionError(f"The model {self.model.name} has no temperature to set: leave the temperature out")
        self.size = asked_size or self.model.card.size

    @overload
    def __call__(self, photo: StrPath, output: StrPath | None = None, **options: Unpack[OfFile]) -> Path: ...
    @overload
    def __call__(self, photo: File, output: None = None, **options: Unpack[OfFile]) -> bytes: ...
    @overload
    def __call__(self, photo: File, output: StrPath, **options: Unpack[OfFile]) -> Path: ...
    @overload
    def __call__(self, photo: NDArray[Pixels], **options: Unpack[OfPixels]) -> NDArray[Pixels]: ...
    @overload
    def __call__(self, photo: Image, **options: Unpack[OfPixels]) -> Image: ...
    def __call__(
        self,
        photo: StrPath | File | NDArray[np.generic] | Image,
        output: StrPath | None = None,
        *,
        hints: Hints | None = None,
        reference: ColourPhoto | Reference | None = None,
        reference_way: Way = "regions",
        format: str | None = None,
        quality: int | None = None,
        salvage: bool = False,
        negative: bool = False,
        faded: bool = False,
        page: int | None = None,
    ) -> Path | bytes | NDArray[np.generic] | Image:
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
        reference: a colour photograph of something alike, in whose colours this one is coloured: a path, the bytes of a
            file, a binary stream, an array [h, w, 3], or what `reference` has opened. Hints of yours lie on top.
        reference_way: 'regions' takes the colours of corresponding regions, where there are any; 'palette' shares out
            all colours of the reference to where they are likely.
        format: jpeg (or jpg), png, tiff (or tif), webp or avif; default: by the suffix of `output`, else that of the
            photograph.
        quality: 1 to 100, for formats that lose; default: not below the photograph's own.
        salvage: colour what is left of a damaged or cut file; rows that are not there stay gray, and a warning says so.
        negative: it is a negative: dark becomes light before it is coloured.
        faded: it has faded: its contrast is raised before it is coloured. These two change the lightness of the result;
            nothing else does.
        page: which photograph of a file that holds several (TIFF, MPO, HEIC, AVIF), from 1 on; without it such a file
            is refused. The result of another page than the first is called NAME.p2.color.EXT.

        Raises TintypeError (see tintype.errors), one sentence. Warns with a TintypeWarning of what was damaged in the
        file or could not be kept.
        """
        return self._colorize(
            photo, output, hints, reference, reference_way, format, quality, salvage, negative, faded, page
        )

    def look(
        self,
        photo: Photo,
        hints: Hints | None = None,
        *,
        logits: bool = False,
        watch: Callable[[], object] | None = None,
    ) -> Colours:
        """See a photograph once, to paint it as often as one likes. With hints the network works twice.

        photo: as `tintype.read` and `tintype.from_array` give it. hints: as for a call.
        logits: keep those of the distribution, which tell how sure the model is; some 7 MB.
        watch: called a few times a second while the network works; what it raises ends the work.

        Raises HintError, and ModelError when the model fails on this photograph, or has no distribution to give logits.
        """
        size = photo.height, photo.width
        asked = () if hints is None else tuple(read_hints(hints))
        check_hints(self.model, asked)
        check_places(asked, size)
        height, width = self.network_size(size)
        guide = photo.thumbnail(width * FINER, height * FINER, self.threads)
        # What is seen with hints is measured against what is seen without.
        first = self.model.predict(
            seen_of(photo, guide, self.threads), None, self.temperature, logits=logits, watch=watch
        )
        colours = Colours(
            photo,
            size,
            first.ab,
            guide,
            self.model,
            self.temperature,
            logits=first.logits,
            vividness=self.vividness,
            blend=self.blend,
            threads=self.threads,
        )
        return colours.with_hints(asked, watch=watch) if asked else colours

    def file(
        self,
        source: StrPath | File,
        target: StrPath | BinaryIO,
        *,
        name: str | None = None,
        hints: Hints | None = None,
        reference: ColourPhoto | Reference | None = None,
        reference_way: Way = "regions",
        format: str | None = None,
        quality: int | None = None,
        examine: Callable[[Photo], None] | None = None,
        looked: Callable[[Colours], None] | None = None,
        salvage: bool = False,
        negative: bool = False,
        faded: bool = False,
        page: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[str, ...]:
        """Colour an image file, or its bytes, into another file or binary stream.

        Returns what the user should know of it, a sentence each: what was damaged, and what could not be kept.

        name: what errors call the source. examine: called with the photograph before it is coloured. looked: called
        with its colours before they are painted, with their logits where the model has a distribution. progress: called
        with the finished share, 0 to 1. What these three raise stops the work, and no part of a file stays behind.
        Other arguments and errors: as for a call.
        """
        if isinstance(source, (str, os.PathLike)) and isinstance(target, (str, os.PathLike)):
            refuse_same(source, target)
        if page is not None:
            page = checked_page(page)
        asked = None if hints is None else read_hints(hints)
        reference_way = checked_way(reference_way)
        opened = None if reference is None else self.reference(reference)
        photo = read(source, name, page=page, salvage=salvage, negative=negative, faded=faded, threads=self.threads)
        if examine is not None:
            examine(photo)
        # While the network works nothing is finished, but what `progress` raises must end that too.
        colours, doubts = self._look(
            photo,
            asked,
            opened,
            reference_way,
            logits=looked is not None and self.model.card.bins is not None,
            watch=None if progress is None else lambda: progress(0.0),
        )
        if looked is not None:
            looked(colours)
            colours = replace(colours, logits=None)
        settings = self.settings(
            asked, quality, reference=opened, reference_way=reference_way, negative=negative, faded=faded, page=page
        )
        lost = self.finish(colours, target, settings, format=format, quality=quality, progress=progress)
        return (*photo.notes, *doubts, *lost)

    def finish(
        self,
        colours: Colours,
        target: StrPath | BinaryIO,
        settings: str,
        *,
        format: str | None = None,
        quality: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[str, ...]:
        """Write the whole photograph in colours that were looked at before, marked with what `settings` gives.

        Returns what could not be kept, a sentence each. Arguments and errors: as for `file`.
        """
        photo = colours.photo
        strips = colours.paint(vividness=self.vividness, blend=self.blend)
        if progress is not None:
            strips = _watched(strips, photo.height, progress)
        mark = replace(self.mark, settings=settings, origin=photo.origin or "")
        return write(photo, strips, target, format=format, quality=quality, mark=mark, threads=self.threads)

    def reference(self, photo: ColourPhoto | Reference) -> Reference:
        """Look at a colour photograph, to take colours for any number of others from it; see a call. Raises as
        `Reference.of`.
        """
        return photo if isinstance(photo, Reference) else Reference.of(photo, self.model, self.size, self.threads)

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
        reference: Reference | None = None,
        reference_way: Way = "regions",
        negative: bool = False,
        faded: bool = False,
        page: int | None = None,
    ) -> str:
        """All that the colours of a photograph depend on beside the name of the model, as the mark has it."""
        parts = {"size": f"{self.size}"}
        if self.model.takes_temperature:
            temperature = self.model.card.temperature if self.temperature is None else self.temperature
            parts["temperature"] = f"{temperature:.10g}"
        parts |= {"vividness": f"{self.vividness:.10g}", "blend": f"{self.blend:.10g}"}
        if hints is not None and (asked := read_hints(hints)):
            parts["hints"] = blake2b(repr(asked).encode(), digest_size=8).hexdigest()
        if reference is not None:
            parts["reference"] = f"{reference.digest}-{reference_way}"
        if quality is not None:
            parts["quality"] = f"{quality}"
        if negative:
            parts["negative"] = "yes"
        if faded:
            parts["faded"] = "yes"
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

    def _colorize(
        self,
        photo: StrPath | File | NDArray[np.generic] | Image,
        output: StrPath | None,
        hints: Hints | None,
        reference: ColourPhoto | Reference | None,
        reference_way: Way,
        format: str | None,
        quality: int | None,
        salvage: bool,
        negative: bool,
        faded: bool,
        page: int | None,
    ) -> Path | bytes | NDArray[np.generic] | Image:
        reference_way = checked_way(reference_way)
        if isinstance(photo, (str, os.PathLike)) or _is_file(photo):
            check_output(format, quality, output)
            if page is not None:
                checked_page(page)
            if output is None and isinstance(photo, (str, os.PathLike)):
                output = beside(photo, format, page=page)
            target = io.BytesIO() if output is None else Path(output)
            ways: OfFile = {
                "hints": hints,
                "reference": reference,
                "reference_way": reference_way,
                "format": format,
                "quality": quality,
                "salvage": salvage,
            }
            ways |= {"negative": negative, "faded": faded, "page": page}
            _warn(self.file(photo, target, **ways))
            return target.getvalue() if isinstance(target, io.BytesIO) else target
        if output is not None:
            raise OptionError("An output can be named only for an image file: save the array or image that is returned")
        if format is not None or quality is not None:
            raise OptionError("A format or quality can be chosen only where an image file comes out")
        if page is not None:
            raise OptionError("A page can be chosen only of an image file: give the array or image of that page")
        asked = None if hints is None else read_hints(hints)
        opened = None if reference is None else self.reference(reference)
        if not (isinstance(photo, np.ndarray) or _is_pillow(photo)):
            kind = type(photo).__name__
            raise OptionError(
                f"A photograph must be a path, bytes, an open file, an array or a Pillow image, not {kind}"
            )
        seen = from_array(photo)
        colours, doubts = self._look(_corrected(seen, negative, faded), asked, opened, reference_way)
        _warn(doubts)
        return _as_array(colours, photo.dtype) if isinstance(photo, np.ndarray) else _as_pillow(colours)

    def _look(
        self,
        photo: Photo,
        hints: Sequence[Hint] | None,
        reference: Reference | None,
        way: Way,
        logits: bool = False,
        watch: Callable[[], object] | None = None,
    ) -> tuple[Colours, tuple[str, ...]]:
        """The colours of a photograph with hints and those that a reference gives, and what the user should know."""
        if reference is None:
            return self.look(photo, hints, logits=logits, watch=watch), ()
        check_places(hints or (), (photo.height, photo.width))
        colours = self.look(photo, logits=True, watch=watch)
        found = hints_from(colours, reference, way)
        doubts: tuple[str, ...] = ()
        if not found:
            doubts = (f"{reference.name} tells nothing of the colours of {photo.name}, which was coloured without it",)
        # What the user says himself lies on top.
        colours = colours if logits else replace(colours, logits=None)
        return colours.with_hints([*found, *(hints or ())], watch=watch), doubts


def _as_array(colours: Colours, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    result = np.concatenate(list(colours.paint()))
    return result.astype(dtype, copy=False) if dtype.kind == "f" else result


def _as_pillow(colours: Colours) -> Image:
    from PIL.Image import fromarray

    # Pillow has no colour of more than 8 bits.
    result = fromarray(np.concatenate(list(colours.paint(depth=8))))
    alpha = colours.photo.alpha
    if alpha is not None:
        if alpha.dtype != np.uint8:
            alpha = (alpha * (255 / (65535 if alpha.dtype == np.uint16 else 1)) + 0.5).astype(np.uint8)
        result.putalpha(fromarray(alpha))
    return result


def _corrected(photo: Photo, negative: bool, faded: bool) -> Photo:
    photo = photo.inverted() if negative else photo
    return photo.stretched() if faded else photo


def _is_file(photo: object) -> TypeGuard[File]:
    """Whether it is the bytes of an image file, or a stream that gives them. Pillow images and arrays do not read."""
    return isinstance(photo, (bytes, bytearray, memoryview)) or callable(getattr(photo, "read", None))


def _is_pillow(photo: object) -> TypeGuard[Image]:
    """Whether it is an image of Pillow, which nobody can have who has not imported it."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(photo, pillow.Image)


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
