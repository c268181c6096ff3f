"""Small films: photographs that move under a window, with grain, a cut where one ends and a tone of 440 Hz."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

PHOTOGRAPHS = sorted((Path(__file__).parents[1] / "examples" / "photographs").glob("*.jpg"))


def frames(count: int, size=(96, 64), shot=36, grain=2.0, seed=0):
    """Gray frames uint8 [h, w]; every `shot` frames begins another shot."""
    rng = np.random.default_rng(seed)
    width, height = size
    for number in range(count):
        place = number % shot
        if place == 0:
            path = PHOTOGRAPHS[number // shot % len(PHOTOGRAPHS)]
            with Image.open(path) as photograph:
                scale = 1.5 * max(width / photograph.width, height / photograph.height)
                whole = (round(photograph.width * scale), round(photograph.height * scale))
                still = np.asarray(photograph.convert("L").resize(whole), np.float32)
        top, left = (
            round(place / shot * (side - part)) for side, part in zip(still.shape, (height, width), strict=True)
        )
        frame = still[top : top + height, left : left + width] + rng.normal(0, grain, (height, width))
        yield np.clip(frame, 0, 255).astype(np.uint8)


def write_film(path: Path, count=48, size=(96, 64), rate=24, sound=False, **options) -> Path:
    """A film of such frames, in H.264 as gray as they are, with sound in AAC if asked."""
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "10", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        tone = container.add_stream("aac", rate=48000) if sound else None
        for number, frame in enumerate(frames(count, size, **options)):
            gray = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            gray[: size[1]] = (16 + frame * (219 / 255)).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(gray, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if tone is not None:
            wave = 0.3 * np.sin(2 * np.pi * 440 / 48000 * np.arange(48000 * count // rate)).astype(np.float32)
            for begin in range(0, len(wave), 1024):
                part = av.AudioFrame.from_ndarray(wave[None, begin : begin + 1024], format="fltp", layout="mono")
                part.sample_rate, part.pts = 48000, begin
                container.mux(tone.encode(part))
            container.mux(tone.encode(None))
    return path


def pictures(path: Path) -> list[np.ndarray]:
    """The frames of a film, uint8 [h, w, 3]."""
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    """When its frames are shown, in seconds."""
    with av.open(path) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound(path: Path) -> list[bytes]:
    """The packets of its first stream of sound."""
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
