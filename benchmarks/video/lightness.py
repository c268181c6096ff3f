"""How well the lightness of a film is kept: `python -m benchmarks.video lightness [--clips FILE ...]`.

Frames are coloured one by one, as the model says, encoded, and decoded by FFmpeg's scaler to sRGB of 8 bits. Printed is
the mean |dL*| against the source's frames, for the film in colour and for the gray film that is encoded alike, and the
bits that both take. The first clip is made here (benchmarks/video/speed.py); others are given by name, read in gray,
from their tenth second on or from their beginning.

Lossless codecs do not come out at 0: to sRGB of 8 bits, and to whole codes of luma, is rounded.
"""

from __future__ import annotations

import argparse
import tempfile
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation

from benchmarks.video.speed import RATE, SIZES, grays
from tintype import Colorizer, from_array
from tintype.color.lab import lightness
from tintype.film.form import CODECS, form_of
from tintype.film.paint import Painter
from tintype.film.reader import Film, Frame, open_film
from tintype.film.writer import SegmentWriter

SUFFIXES = {"h264": ".mp4", "h265": ".mp4", "vp9": ".webm", "prores": ".mov", "ffv1": ".mkv"}
HOW = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


def synthetic(path: Path, count: int) -> Path:
    """A film of moving photographs with grain, without loss."""
    size = SIZES["480p"]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for gray in grays(count, size):
            planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            planes[: size[1]] = np.rint(16 + gray * (219 / 255))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode(None))
    return path


def difference(path: Path, film: Film, frames: list[Frame]) -> float:
    """Mean |dL*| of a segment."""
    found = []
    with av.open(str(path)) as container:
        for picture, frame in zip(container.decode(video=0), frames, strict=True):
            rgb = picture.reformat(format="rgb24", interpolation=HOW).to_ndarray()
            seen = lightness(rgb[: film.height, : film.width].astype(np.float32) / 255)
            found.append(np.abs(seen - film.tones[frame.gray]).mean())
    return float(np.mean(found))


def measured(path: Path, colorizer: Colorizer, count: int, codecs: list[str], folder: Path) -> None:
    """Print a row for each codec."""
    with open_film(path) as film:
        first = film.index_at(Fraction(10)) if film.duration and film.duration > 15 else 0
        frames = list(islice(film.frames(first), count))
        photos = [
            from_array(np.clip((f.gray - film.signal.black) * (255 / film.signal.span), 0, 255).astype(np.uint8))
            for f in frames
        ]
        colours = [colorizer.look(photo).ab for photo in photos]
        for codec in codecs:
            form = form_of(film, f"x{SUFFIXES[codec]}", codec)
            figures, sizes = [], []
            for blend in (0.0, 1.0):
                painter, part = Painter(film, form, blend=blend), folder / "part"
                with SegmentWriter(part, film, form) as segment:
                    for frame, ab in zip(frames, colours, strict=True):
                        segment.write(frame, painter(frame, ab))
                figures.append(difference(part, film, frames))
                sizes.append(part.stat().st_size * 8 * float(film.rate) / len(frames) / 1e6)
            gray, colour = figures
            crf = "" if CODECS[codec].crf is None else f" (crf {CODECS[codec].crf})"
            print(
                f"| {path.name} | {codec}{crf} | {gray:.3f} | {colour:.3f} | {colour / gray:.3f} "
                f"| {sizes[0]:.1f} | {sizes[1]:.1f} |",
                flush=True,
            )


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video lightness", description=__doc__.split("\n")[0])
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--codecs", nargs="*", choices=SUFFIXES, default=list(SUFFIXES))
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--model", default="tintype.v2")
    options = parser.parse_args(words)
    print("| clip | codec | gray film, mean dL* | film in colour | ratio | gray, Mbit/s | colour |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [synthetic(folder / "synthetic.mkv", options.frames), *options.clips]
        for path in clips:
            measured(path, Colorizer(options.model), options.frames, options.codecs, folder)
