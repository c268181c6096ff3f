"""A film from its file to a coloured one: looked at, carried, painted and encoded side by side, passage by passage.

decode -> small frames -> shots, passages -> look, carry        threads of their own, ahead
decode -> paint -> encode a segment                             the caller's thread, with painters beside it
join the segments, with the sound of the source
"""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.colorizer import Colorizer
from tintype.errors import FilmError, TintypeWarning
from tintype.film.carry import Carried
from tintype.film.form import CONTAINERS, Form, form_of
from tintype.film.guide import FrameHints, Guide, Place, checked_rate, range_of
from tintype.film.join import join
from tintype.film.looking import Coloured, Looker
from tintype.film.mark import film_mark
from tintype.film.paint import Painter
from tintype.film.passages import Small
from tintype.film.reader import Film, Frame, open_film
from tintype.film.segments import Segments
from tintype.film.writer import SegmentWriter
from tintype.models import DEFAULT, Model
from tintype.models.catalog import shipped
from tintype.models.device import Device
from tintype.models.runtime import VERSION
from tintype.photo import Mark, quick_origin_of
from tintype.photo.results import COLOR, refuse_same
from tintype.threads import ahead
from tintype.version import __version__

StrPath = str | os.PathLike[str]

BEFORE = 48
"""Frames before the first one that a continued run looks at, to know whether that one begins a shot."""


@dataclass(frozen=True)
class Step:
    """How far a run is. Frames count from 0 over the whole film."""

    done: int
    """Frames that are finished, those of earlier runs included."""
    count: int | None
    """Of so many; None where the file does not say."""
    kept: int
    """Of the finished ones, those that earlier runs had made."""
    seconds: float
    """Since this run began."""
    passage: tuple[int, int] | None = None
    """The first frame of a passage that is finished with this step, and the frame behind its last."""

    @property
    def rate(self) -> float:
        """Frames that this run finished in a second."""
        return (self.done - self.kept) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Made:
    """A film that was coloured, or is so already."""

    output: Path
    status: Literal["coloured", "skipped"]
    """skipped: it was made of the same film in the same way before."""
    first: int
    """Its first frame in the source."""
    stop: int
    """The frame behind its last."""
    kept: int
    """Of its frames, those that earlier runs had made."""
    shots: int
    """That begin in what this run made."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What the user should know, a sentence each."""


def colorize(
    source: StrPath,
    output: StrPath | None = None,
    *,
    codec: str | None = None,
    crf: float | None = None,
    rate: Fraction | float | None = None,
    start: Place | None = None,
    stop: Place | None = None,
    keyframes: int | None = None,
    hints: FrameHints | None = None,
    keys: Mapping[int, StrPath] | None = None,
    model: StrPath | Model = DEFAULT,
    size: int | None = None,
    temperature: float | None = None,
    vividness: float = 1.0,
    blend: float = 1.0,
    threads: int | None = None,
    device: Device = "cpu",
    overwrite: bool = False,
    progress: Callable[[Step], object] | None = None,
) -> Path:
    """Colour a film, steadily; sound, subtitles, chapters and times stay those of the source.

        tintype.film.colorize("harbour.mp4")                      # writes harbour.color.mp4, returns its path
        tintype.film.colorize("harbour.mp4", start="00:01:10", stop="00:02:00", keys={1700: "still.png"})

    A run that was killed is continued by the same call, and gives the same bytes as one that was not. Until the film is
    complete, what is done of it lies in a folder beside it, NAME.parts.

    Args:
        source: a film, or a folder or pattern of numbered images.
        output: default: beside the source, as NAME.color.EXT.
        codec, crf: see docs/video.md; default: what suits the output, visually without loss.
        rate: frames per second of numbered images; default: 24.
        start, stop: the first frame, and the one before which to end: a frame's number from 0 (int, or "120"), seconds
            (float or Fraction) or a time such as "00:01:10.5".
        keyframes: let the network look at each so many frames; None: where the motion asks for it.
        hints: hints by the number of their frame, or the path of a JSON file with them; places as for photographs.
        keys: coloured stills by the frame that they show. The shot follows them, forwards and backwards.
        model, size, temperature, vividness, blend, device: as for `tintype.colorize`.
        threads: processors to use; None: all that this process may use. The result does not depend on it.
        overwrite: make it again even if the result exists.
        progress: called in the caller's thread while frames are finished; what it raises ends the run.

    Raises TintypeError, one sentence; FilmError where the film is the reason. Warns with a TintypeWarning of what was
    damaged or could not be kept.
    """
    made = run(
        source,
        output,
        codec=codec,
        crf=crf,
        rate=rate,
        start=start,
        stop=stop,
        keyframes=keyframes,
        hints=hints,
        keys=keys,
        colorizer=colorizer_of(model, size, temperature, vividness, blend, threads, device),
        overwrite=overwrite,
        progress=progress,
    )
    for note in made.notes:
        warnings.warn(note, TintypeWarning, stacklevel=2)
    return made.output


def colorizer_of(
    model: StrPath | Model,
    size: int | None,
    temperature: float | None,
    vividness: float,
    blend: float,
    threads: int | None,
    device: Device,
) -> Colorizer:
    """A Colorizer for films: its network keeps to one thread, as looking, carrying, painting and encoding go side by
    side. Raises as Colorizer does.
    """
    opened = model if isinstance(model, Model) else Model(model, 1, device)
    return Colorizer(opened, size, temperature, vividness, blend, threads)


def run(
    source: StrPath,
    output: StrPath | None,
    *,
    colorizer: Colorizer,
    codec: str | None = None,
    crf: float | None = None,
    rate: Fraction | float | None = None,
    start: Place | None = None,
    stop: Place | None = None,
    keyframes: int | None = None,
    hints: FrameHints | None = None,
    keys: Mapping[int, StrPath] | None = None,
    overwrite: bool = False,
    progress: Callable[[Step], object] | None = None,
) -> Made:
    """The same with a Colorizer; what was made, and what the user should know of it."""
    begin = time.monotonic()
    with open_film(source, rate=checked_rate(rate)) as film:
        target = default_output(film.path) if output is None else Path(output)
        refuse_same(source, target)
        form = form_of(film, target, codec, crf)
        first, end = range_of(film, start, stop)
        guide = Guide.of(film, colorizer, hints, keys)
        mark = replace(_mark(colorizer, form, (first, end), keyframes, guide), origin=_origin(film.path))
        if os.path.lexists(target) and not overwrite and _fate(target, mark) == "done":
            stop = film.count or 0 if end is None else end
            return Made(target, "skipped", first, stop, stop - first, 0, time.monotonic() - begin)
        making = {
            "source": mark.origin,
            "model": f"{mark.model} {_weights(colorizer.model)}",
            "settings": mark.settings,
            "versions": _versions(),
        }
        with Segments(target, making, first) as segments:
            count = None if film.count is None else min(film.count, film.count if end is None else end) - first
            kept, shots = segments.stop - first, 0

            def told(done: int, passage: tuple[int, int] | None = None) -> None:
                if progress is not None:
                    progress(Step(done - first, count, kept, time.monotonic() - begin, passage))

            again: tuple[str, ...] = ()
            if segments.others:
                differ = "differs" if len(segments.others) == 1 else "differ"
                again = (
                    f"What an earlier run had done of {target} was made anew, as its "
                    f"{' and '.join(segments.others)} {differ}",
                )
            told(segments.stop)
            work = _Work(film, colorizer, form, Looker(colorizer, (film.height, film.width), guide, keyframes), end)
            with closing(work.coloured(segments)) as passages:
                for coloured in passages:
                    shots += coloured.begins
                    work.paint(coloured, segments, told)
            stop = segments.stop
            if stop == first:
                raise FilmError(f"{source} has no frames to colour: give another film, or another range")
            lost = join(segments.paths, film, form, target, first=first, stop=stop, mark=mark)
            segments.clear()
        return Made(target, "coloured", first, stop, kept, shots, time.monotonic() - begin, (*again, *lost))


class _Work:
    """What is done for one passage after another."""

    def __init__(self, film: Film, colorizer: Colorizer, form: Form, looker: Looker, stop: int | None) -> None:
        self.film, self.colorizer, self.form, self.looker, self.stop = film, colorizer, form, looker, stop
        self.painter = Painter(film, form, vividness=colorizer.vividness, blend=colorizer.blend, threads=1)
        self.frames: Iterator[Frame] = iter(())

    def coloured(self, segments: Segments) -> Generator[Coloured, None, None]:
        """The colours of all passages that are not done."""
        first = segments.stop
        before = Carried.from_bytes(segments.state) if segments.state else None
        self.frames = self.film.frames(first, self.stop)
        return self.looker.coloured(lambda: self._small(segments.first, first), first, before)

    def _small(self, begin: int, first: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The frames as the network sees them, decoded on their own."""
        small = Small(self.film.tones, self.colorizer.network_size((self.film.height, self.film.width)))
        for frame in self.film.frames(max(begin, first - BEFORE), self.stop):
            yield frame.index, small(frame.gray)

    def _pairs(self, coloured: Coloured) -> Iterator[tuple[Frame, NDArray[np.float32]]]:
        """The frames of a passage, decoded once more, with their colours."""
        for index, ab in enumerate(coloured.ab, coloured.first):
            frame = next(self.frames, None)
            if frame is None or frame.index != index:
                raise FilmError(f"{self.film.path} does not give its frames a second time: check the file")
            yield frame, ab

    def paint(self, coloured: Coloured, segments: Segments, told: Callable[..., None]) -> None:
        """Paint and encode one passage."""
        with SegmentWriter(segments.path(coloured.stop), self.film, self.form) as writer:
            painted = ahead(lambda pair: (pair[0], self.painter(*pair)), self._pairs(coloured), self.colorizer.threads)
            for done, (frame, planes) in enumerate(painted, coloured.first + 1):
                writer.write(frame, planes)
                told(done)
        segments.finish(coloured.stop, coloured.after.to_bytes())
        told(coloured.stop, (coloured.first, coloured.stop))


def _fate(target: Path, mark: Mark) -> str:
    """Whether a result that exists is 'done' already or is to be made 'again', as its mark tells.

    Raises FilmError where it is none of ours, which is not replaced unasked.
    """
    made = film_mark(target)
    if made is None or made.software != mark.software:
        raise FilmError(
            f"{target} exists, but does not say that tintype made it: name another output, or have it overwritten"
        )
    same = (made.model, made.settings, made.origin) == (mark.model, mark.settings, mark.origin)
    return "done" if same else "again"


def default_output(source: Path) -> Path:
    """Where a coloured film lies when nothing else is said: beside its source, as NAME.color.EXT.

    That of numbered images is a film beside their folder.
    """
    if source.is_dir() or "%" in source.name:
        folder = source if source.is_dir() else source.absolute().parent
        return folder.with_name(f"{folder.resolve().name}{COLOR}.mp4")
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else ".mp4"
    return source.with_name(f"{source.stem}{COLOR}{suffix}")


def _mark(colorizer: Colorizer, form: Form, part: tuple[int, int | None], every: int | None, guide: Guide) -> Mark:
    """What the result says of its making, but for its origin."""
    settings = colorizer.settings()
    if part != (0, None):
        settings += f"; range={part[0]}-{'' if part[1] is None else part[1]}"
    if every is not None:
        settings += f"; keyframes={every}"
    if guide.given:
        settings += f"; guide={guide.digest}"
    coding = blake2b(repr(form).encode(), digest_size=4).hexdigest()
    return replace(colorizer.mark, settings=f"{settings}; coding={form.codec}-{coding}")


def _versions() -> str:
    """Of all that the bytes of a segment may depend on."""
    libraries = {**av.library_versions, "av": av.__version__, "opencv": cv2.__version__, "onnxruntime": VERSION}
    parts = [f"{name} {version}" for name, version in sorted(libraries.items())]
    return f"tintype {__version__}, numpy {np.__version__}, {', '.join(parts)}, {platform.machine()}"


def _weights(model: Model) -> str:
    """A digest of a model's file."""
    file = shipped().get(os.fspath(model.source)) or Path(model.source)
    with file.open("rb") as stream:
        return blake2b(stream.read(), digest_size=8).hexdigest()


def _origin(source: Path) -> str:
    """Which film it is: by the length and both ends of its file and its date, or by those of all images of a folder."""
    if source.is_file():
        with open(source, "rb") as stream:
            return f"{quick_origin_of(stream)}-{source.stat().st_mtime_ns}"
    folder = source if source.is_dir() else source.parent
    digest = blake2b(digest_size=8)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        status = entry.stat()
        digest.update(f"{entry.name}/{status.st_size}/{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
