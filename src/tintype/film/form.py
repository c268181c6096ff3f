"""What a coloured film is written as: codec, pixels and container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tintype.errors import FilmError, printable
from tintype.film.reader import Film
from tintype.film.sequences import CONTAINER, is_pattern
from tintype.film.signal import Signal

THREADS = 4
"""Of an encoder. The bytes of some depend on their number, so it is the same on every machine."""


@dataclass(frozen=True)
class Codec:
    """A codec as it is written here."""

    encoder: str
    """Its name in FFmpeg."""
    pixels: tuple[tuple[int, str], ...]
    """Pixel formats by their bits, from few to many."""
    subsampling: tuple[int, int] | None = (2, 2)
    """Pixels across and down that share their chroma; None for RGB."""
    crf: float | None = None
    """Of the constant quality, where the codec has one: such that L* differs by half a unit on average, and by about
    one under heavy grain (docs/video.md)."""
    least: int = 51
    """The worst quality that there is."""
    options: tuple[tuple[str, str], ...] = ()
    """Others of the encoder."""
    segment: str = "nut"
    """FFmpeg's name of the container of its segments: one that holds it, whatever the times of frames are."""


CODECS = {
    "h264": Codec(
        "libx264",
        ((8, "yuv420p"), (10, "yuv420p10le")),
        crf=16,
        # With grain, slower presets give no better a film of the same size: docs/video.md. With AVX-512, x264 reads
        # memory that nobody wrote where frames are narrow, so that its bytes change from run to run.
        options=(("preset", "veryfast"), ("x264-params", "open-gop=0:cpu-independent=1")),
    ),
    "h265": Codec(
        "libx265",
        ((8, "yuv420p"), (10, "yuv420p10le"), (12, "yuv420p12le")),
        crf=17,
        options=(
            ("preset", "veryfast"),
            ("x265-params", f"open-gop=0:info=0:log-level=none:frame-threads=2:pools={THREADS}"),
        ),
    ),
    "vp9": Codec(
        "libvpx-vp9",
        ((8, "yuv420p"), (10, "yuv420p10le"), (12, "yuv420p12le")),
        crf=20,
        least=63,
        options=(("b", "0"), ("deadline", "good"), ("cpu-used", "4"), ("row-mt", "1")),
    ),
    "prores": Codec(
        "prores_ks", ((10, "yuv422p10le"),), (2, 1), options=(("profile", "hq"), ("vendor", "apl0")), segment="mov"
    ),
    "ffv1": Codec(
        "ffv1",
        ((8, "yuv444p"), (10, "yuv444p10le"), (12, "yuv444p12le"), (16, "yuv444p16le")),
        (1, 1),
        options=(("level", "3"), ("g", "1"), ("slices", "4"), ("slicecrc", "1")),
    ),
    "gif": Codec("gif", ((8, "rgb24"),), None, options=(("global_palette", "0"),), segment="mov"),
    "png": Codec("png", ((8, "rgb24"), (16, "rgb48be")), None),
}
"""By the names that `--codec` takes."""

CONTAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    ".mp4": ("mp4", ("h264", "h265", "vp9")),
    ".m4v": ("mp4", ("h264", "h265")),
    ".mov": ("mov", ("h264", "h265", "prores")),
    ".mkv": ("matroska", ("h264", "h265", "ffv1", "prores", "vp9")),
    ".webm": ("webm", ("vp9",)),
    ".gif": ("gif", ("gif",)),
}
"""FFmpeg's name of the container, and the codecs that are written into it, by the suffix of a file."""

PICTURES: tuple[str, tuple[str, ...]] = (CONTAINER, ("png",))
"""The same of numbered pictures."""

ASPECT = frozenset({"h264", "h265"})
"""Codecs whose own data say how wide a pixel is. What PyAV writes beside the others does not."""


@dataclass(frozen=True)
class Form:
    """How a film is encoded, and in which container it lies."""

    codec: str
    """One of CODECS."""
    pixels: str
    """The pixel format's name in FFmpeg."""
    container: str
    """The container's name in FFmpeg; 'image2' for numbered pictures."""
    size: tuple[int, int]
    """(width, height) as encoded: where pixels share their chroma, a row or a column may be added."""
    signal: Signal
    """What its code values mean."""
    transfer: int
    """The number that H.273 gives the curve."""
    options: tuple[tuple[str, str], ...]
    """Of the encoder."""

    @property
    def encoder(self) -> str:
        """Its name in FFmpeg."""
        return CODECS[self.codec].encoder

    @property
    def subsampling(self) -> tuple[int, int] | None:
        """Pixels across and down that share their chroma; None for RGB."""
        return CODECS[self.codec].subsampling


def form_of(film: Film, output: str | os.PathLike[str], codec: str | None = None, crf: float | None = None) -> Form:
    """The form of a film's result.

    output: a file, whose suffix is one of CONTAINERS; or a pattern of names of pictures, such as `frames/%05d.png`.
    codec: one of CODECS; by default H.264, H.265 for films of more than 8 bits, or what the container asks for.
    crf: the quality, from 0 (best), of codecs that have one; by default such that no loss is seen.

    Raises FilmError for what is not written.
    """
    name = printable(output)
    suffix = Path(output).suffix.lower()
    if is_pattern(output):
        if suffix != ".png":
            raise FilmError(f"{name} cannot be written: numbered pictures are written as PNG, such as %05d.png")
        container, codecs = PICTURES
    elif suffix in CONTAINERS:
        container, codecs = CONTAINERS[suffix]
    else:
        raise FilmError(
            f"{name} cannot be written: let its name end in {', '.join(CONTAINERS)}, or give a pattern such as %05d.png"
        )
    if codec is None:
        codec = "h265" if film.depth > 8 and codecs[0] == "h264" else codecs[0]
    if codec not in CODECS:
        raise FilmError(f"There is no codec {printable(codec)!r}: choose one of {', '.join(CODECS)}")
    if codec not in codecs:
        homes = [end for end, (_, held) in CONTAINERS.items() if codec in held] or ["a pattern such as %05d.png"]
        raise FilmError(
            f"{name} does not hold {codec}: choose {_either(codecs)}, or let the name end in {_either(homes)}"
        )
    kind = CODECS[codec]
    depth, pixels = next((pair for pair in kind.pixels if pair[0] >= film.depth), kind.pixels[-1])
    options = (*kind.options, ("threads", str(THREADS)))
    if kind.crf is not None:
        quality = kind.crf if crf is None else crf
        if not 0 <= quality <= kind.least:
            raise FilmError(f"The crf of {codec} must be from 0 to {kind.least}, not {quality:g}")
        options += (("crf", f"{quality:g}"),)
    elif crf is not None:
        raise FilmError(f"{codec} has no crf: leave it out, or choose another codec")
    across, down = kind.subsampling or (1, 1)
    size = -(-film.width // across) * across, -(-film.height // down) * down
    given = film.signal
    if kind.subsampling is None:
        signal = Signal(depth, True, "bt601", "srgb")
    else:
        matrix = given.matrix if given.matrix in ("bt709", "bt601") and not film.rgb else film.matrix
        # Pictures of RGB become what all players show. Luma of a film keeps its codes.
        signal = Signal(depth, given.full and not film.rgb, matrix, given.curve)
    return Form(codec, pixels, container, size, signal, film.transfer, options)


def _either(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
