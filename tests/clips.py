"""Small films for tests, made by PyAV: of any codec and container, with sound, subtitles and chapters."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 64, 48


def grays(count: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Gray frames uint8 [height, width], full range, of which each is lighter than the one before; its mean tells."""
    ramp = np.linspace(0, 40, width)[None] + np.linspace(0, 20, height)[:, None]
    return [np.clip(30 + 8 * index % 160 + ramp, 0, 255).astype(np.uint8) for index in range(count)]


def picture(gray: np.ndarray, pixels: str) -> av.VideoFrame:
    """A gray frame in a pixel format: of limited range where that is Y, Cb and Cr, or gray of H.264."""
    format = av.VideoFormat(pixels)
    if not pixels.startswith(("yuv4", "gray")):
        return av.VideoFrame.from_ndarray(gray, "gray").reformat(format=pixels, src_color_range=2)
    depth = format.components[0].bits
    limited = pixels.startswith("yuv4")
    codes = gray / 255 * (219 << (depth - 8)) + (16 << (depth - 8)) if limited else gray / 255 * ((1 << depth) - 1)
    frame = av.VideoFrame(gray.shape[1], gray.shape[0], pixels)
    for index, plane in enumerate(frame.planes):
        kind = np.uint8 if depth == 8 else np.uint16
        rows = np.full((plane.height, plane.line_size // np.dtype(kind).itemsize), 1 << (depth - 1), kind)
        if index == 0:
            rows[:, : gray.shape[1]] = np.rint(codes)
        plane.update(rows.tobytes())
    return frame


def write_clip(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    frames: Iterable[np.ndarray] | None = None,
    *,
    rate: Fraction | int = 24,
    stamps: list[int] | None = None,
    unit: Fraction | None = None,
    options: dict[str, str] | None = None,
    context: dict[str, object] | None = None,
    container: dict[str, str] | None = None,
    rotation: int = 0,
    sound: str | None = None,
    subtitles: str | None = None,
    chapters: bool = False,
    metadata: dict[str, str] | None = None,
    attachment: bytes | None = None,
) -> Path:
    """A film of ten gray frames, or of those given.

    stamps: when frames are shown, in units; by default one after another. sound, subtitles: encoders; the text is said
    from second 0.1 to 0.3.
    """
    with av.open(str(path), "w", container_options=container or {}) as file:
        pictures = [
            frame if isinstance(frame, av.VideoFrame) else picture(frame, pixels) for frame in frames or grays(10)
        ]
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, pixels
        unit = unit or 1 / Fraction(rate)
        stream.codec_context.time_base = unit
        for name, value in (context or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        heard = None
        if sound:
            heard = file.add_stream(sound, rate=48000)
            heard.metadata["language"] = "ces"
        text = None
        if subtitles:
            text = file.add_stream(subtitles)
            text.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = "deu"
        if attachment is not None:
            file.add_attachment("letters.ttf", "font/ttf", attachment)
        file.metadata.update(metadata or {})
        if chapters:
            ms = Fraction(1, 1000)
            file.set_chapters(
                [
                    {"id": 1, "start": 0, "end": 200, "time_base": ms, "metadata": {"title": "Harbour"}},
                    {"id": 2, "start": 200, "end": 416, "time_base": ms, "metadata": {"title": "Market"}},
                ]
            )
        for index, frame in enumerate(pictures):
            frame.pts, frame.time_base = (index if stamps is None else stamps[index]), unit
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if heard is not None:
            layout, size = heard.codec_context.layout.name, heard.codec_context.frame_size or 1024
            for first in range(0, 20000, size):
                wave = np.sin(np.arange(first, first + size) / 20).astype(np.float32) * 0.5
                kind = heard.codec_context.format.name
                planar = np.stack([wave] * heard.codec_context.layout.nb_channels)
                sample = av.AudioFrame.from_ndarray(planar, "fltp", layout)
                sample.sample_rate, sample.pts, sample.time_base = 48000, first, Fraction(1, 48000)
                resampled = av.AudioResampler(kind, layout, 48000).resample(sample)
                for part in resampled:
                    file.mux(heard.encode(part))
            file.mux(heard.encode(None))
        if text is not None:
            said = {"mov_text": b"\0\4Ahoj", "ass": b"0,0,Default,,0,0,0,,{\\i1}Ahoj"}.get(subtitles, b"Ahoj")
            packet = av.Packet(said)
            packet.pts = packet.dts = 100
            packet.duration, packet.time_base, packet.stream = 200, Fraction(1, 1000), text
            file.mux(packet)
    return path
