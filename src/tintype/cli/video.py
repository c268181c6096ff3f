"""tintype video"""

from __future__ import annotations

import json as json_
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token

from tintype.cli import complain, say
from tintype.cli.options import Flag, MaybeOutput, OnDevice, between
from tintype.cli.progress import Progress
from tintype.errors import OptionError
from tintype.models import DEFAULT

if TYPE_CHECKING:
    from tintype.film import Made, Step

RANGE = "A-B, frames or times such as 00:01:10-00:02:00; without A from the beginning, without B to the end"

KEY = "FRAME=FILE, such as 120=still.png"

Stills = tuple[tuple[int, Path], ...]
"""Pictures by the number of their frame."""


def _range() -> Parameter:
    """Two places in a film, of which one may be missing."""

    def read(hint: object, tokens: Sequence[Token]) -> tuple[str | None, str | None]:
        start, dash, stop = tokens[0].value.partition("-")
        if not dash or not (start or stop):
            raise ValueError(RANGE)
        return start or None, stop or None

    return Parameter(
        name="--range",
        converter=read,
        n_tokens=1,
        metavar="A-B",
        allow_leading_hyphen=True,
        negative="",
        show_default=False,
    )


def _stills(name: str) -> Parameter:
    """Pictures by their frame; the option may be repeated."""

    def read(hint: object, tokens: Sequence[Token]) -> Stills:
        keys = []
        for token in tokens:
            frame, _, path = token.value.partition("=")
            if not (frame.isascii() and frame.isdecimal() and path):
                raise ValueError(KEY)
            keys.append((int(frame), Path(path)))
        return tuple(keys)

    return Parameter(name=name, converter=read, n_tokens=1, metavar="FRAME=FILE", negative="", show_default=False)


def video(
    film: Annotated[str, Parameter(name="FILM")],
    *,
    output: MaybeOutput = None,
    codec: str | None = None,
    crf: Annotated[float | None, between(0, 63)] = None,
    rate: Annotated[float | None, between(0, 1000, above=True)] = None,
    part: Annotated[tuple[str | None, str | None], _range()] = (None, None),
    preview: Path | None = None,
    every: Annotated[int | None, between(1)] = None,
    keyframes: Annotated[int | None, between(1)] = None,
    hints: Path | None = None,
    stills: Annotated[Stills, _stills("--still")] = (),
    keys: Annotated[Stills, _stills("--key")] = (),
    model: str = DEFAULT,
    size: Annotated[int | None, between(1, 2048)] = None,
    temperature: Annotated[float | None, between(0, 100, above=True)] = None,
    vividness: Annotated[float, between(0, 10)] = 1.0,
    blend: Annotated[float, between(0, 1)] = 1.0,
    threads: Annotated[int | None, between(1)] = None,
    device: OnDevice = "cpu",
    overwrite: Flag = False,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Colour a film without flicker; its sound, subtitles, chapters and times are kept.

    `tintype video harbour.mp4` writes harbour.color.mp4. After an interruption, repeat the command. Needs the extra
    `video`.

    Parameters
    ----------
    film
        A film (MP4, MKV, MOV, AVI, MPEG, GIF and others), or a folder of numbered images.
    output
        The coloured film. Its ending says how it is written: see docs/video.md. Default: beside the film, as
        NAME.color.EXT.
    codec
        How its pictures are encoded: see docs/video.md. Default: what suits the output.
    crf
        Quality of codecs that lose, from 0, the best. Default: visually without loss.
    rate
        Frames per second of numbered images. Default: 24.
    part
        Only this part: A-B, each a frame's number or a time, as in 00:01:10-00:02:00. Without A it is from the
        beginning, without B to the end.
    preview
        Instead of the film, write a sheet of single frames in colour, such as sheet.png, with their numbers and times.
    every
        With --preview, show each so many frames. Default: so that there are 40.
    stills
        Instead of the film, write a frame of it as a picture in gray, such as 120=frame.png, to be coloured on the page
        and given back with --key. The option may be repeated.
    keyframes
        Let the network look at each so many frames. Default: where the motion asks for it.
    hints
        JSON file with your own colours for places of frames: [{"frame": 48, "x": 10, "y": 20, "color": "#8b5a2b",
        "radius": 5}], in pixels of the upright frame.
    keys
        A frame that you have coloured, such as 120=still.png. Its shot follows it, forwards and backwards. The option
        may be repeated.
    model
        A model that ships with tintype (see `tintype models`), or an .onnx file.
    size
        Short side of the reduced frame that the network sees, in pixels, 1 to 2048. Default: what suits the model best.
    temperature
        Low: the likeliest colours, plainer; high: the mean of all possible colours, more colourful. Above 0, up to 100.
        Default: the model's.
    vividness
        Multiplies the strength of the colours, 0 to 10.
    blend
        From 0, the original gray, to 1, the full colour.
    threads
        How many processors are used. The result does not depend on it. Default: all.
    device
        Where the network computes: cpu, or cuda, directml, coreml or openvino where onnxruntime has them; auto takes
        cuda, directml or openvino where one works, else the CPU. See docs/archives.md.
    overwrite
        Replace a result that exists; with --preview and --still, any file.
    json
        Print one JSON object per finished passage on standard output, then one with the summary.
    quiet
        Print nothing but errors.
    """
    if every is not None and preview is None:
        raise OptionError("--every is for a sheet: add --preview SHEET.png, or use --keyframes")
    if preview is not None and (json or output is not None or codec is not None or crf is not None):
        raise OptionError("--preview writes a sheet and no film: leave out --output, --codec, --crf and --json")
    if stills and (preview is not None or json or output is not None or codec is not None or crf is not None):
        raise OptionError("--still writes pictures and no film: leave out --preview, --output, --codec, --crf, --json")
    if len({frame for frame, _ in keys}) < len(keys):
        raise OptionError("A frame can have only one still: give each frame one --key")

    from tintype import film as room

    if stills:
        for number, path in stills:
            room.save_frame(film, number, path, rate=rate, overwrite=overwrite)
            if not quiet:
                say(path)
        return 0
    given = dict(keys)
    if preview is not None:
        with Progress(hidden=quiet) as shown:
            sheet = room.preview(
                film,
                preview,
                every=every,
                rate=rate,
                start=part[0],
                stop=part[1],
                hints=hints,
                keys=given,
                model=model,
                size=size,
                temperature=temperature,
                vividness=vividness,
                blend=blend,
                threads=threads,
                device=device,
                overwrite=overwrite,
                progress=lambda done, count: shown("colouring", done, count),
            )
        if not quiet:
            say(sheet)
        return 0
    colorizer = room.colorizer_of(model, size, temperature, vividness, blend, threads, device)
    with Progress(hidden=quiet) as shown:

        def told(step: Step) -> None:
            count = step.count or step.done
            shown(os.path.basename(film), step.done, count, "frames", f"{step.rate:.1f} frames/s")
            if json and step.passage is not None:
                print(json_.dumps(_line(step)), flush=True)

        made = room.run(
            film,
            output,
            colorizer=colorizer,
            codec=codec,
            crf=crf,
            rate=rate,
            start=part[0],
            stop=part[1],
            keyframes=keyframes,
            hints=hints,
            keys=given,
            overwrite=overwrite,
            progress=told,
        )
    if json:
        print(json_.dumps({"summary": _summary(film, made)}), flush=True)
    if not quiet:
        for note in made.notes:
            complain(f"warning: {note}")
        complain(_end(made))
    return 0


def _line(step: Step) -> dict[str, object]:
    """What is printed of a finished passage."""
    assert step.passage is not None
    left = None if step.count is None or not step.rate else round((step.count - step.done) / step.rate, 1)
    return {
        "first": step.passage[0],
        "stop": step.passage[1],
        "done": step.done,
        "count": step.count,
        "seconds": round(step.seconds, 3),
        "rate": round(step.rate, 2),
        "left": left,
    }


def _summary(film: str, made: Made) -> dict[str, object]:
    return {
        "input": film,
        "output": os.fspath(made.output),
        "status": made.status,
        "first": made.first,
        "stop": made.stop,
        "kept": made.kept,
        "shots": made.shots,
        "seconds": round(made.seconds, 3),
        "notes": list(made.notes),
    }


def _end(made: Made) -> str:
    """The last line."""
    if made.status == "skipped":
        return f"{made.output} is done already (--overwrite makes it again)"
    count = made.stop - made.first
    own = count - made.kept
    rate = f", {own / made.seconds:.1f} frames/s" if made.seconds > 0 and own else ""
    kept = f", {made.kept} of them by earlier runs" if made.kept else ""
    return f"{count} {'frame' if count == 1 else 'frames'} coloured{kept}: {made.output} ({made.seconds:.1f} s{rate})"
