"""A frame in colour, at the lightness that it has: planes Y, Cb, Cr of a film."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import Enlarger
from tintype.color.render import render
from tintype.film.form import Form
from tintype.film.reader import Film, Frame
from tintype.film.signal import Signal

Plane = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, eq=False)
class Planes:
    """The pixels of a coloured frame, as they are encoded."""

    planes: tuple[Plane, ...] = field(repr=False)
    """Y [h, w], Cb and Cr, smaller where the form subsamples them."""
    signal: Signal

    def rgb(self) -> NDArray[np.uint8]:
        """sRGB [h, w, 3] of 8 bits, for previews."""
        luma, *chroma = self.planes
        size = luma.shape[1], luma.shape[0]
        cb, cr = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR).astype(plane.dtype) for plane in chroma)
        return _rgb(luma, np.asarray(cb), np.asarray(cr), self.signal)


class Painter:
    """Lays colours over frames. Several threads may paint at once.

    vividness: factor on the chroma, from 0. blend: 0 gives the original gray, 1 the full colour. threads: processors
    for one frame.
    """

    def __init__(self, film: Film, form: Form, *, vividness: float = 1.0, blend: float = 1.0, threads: int = 1) -> None:
        self._tones, self._signal = film.tones, form.signal
        self._factor, self._threads = np.float32(vividness * blend), threads

    def __call__(self, frame: Frame, ab: NDArray[np.float32]) -> Planes:
        """The frame in colour. ab: float32 [2, h', w'], CIE a*b*, enlarged along the edges of the frame."""
        lightness = self._tones[frame.gray]
        height, width = lightness.shape
        guide = cv2.resize(lightness, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
        enlarger = Enlarger(ab * self._factor, guide, (height, width), self._threads)
        rgb = render(lightness, enlarger.rows(0, height))
        signal = self._signal
        red, green, blue = (rgb[..., channel].astype(np.float32) / 255 for channel in range(3))
        kr, kb = (0.2126, 0.0722) if signal.matrix == "bt709" else (0.299, 0.114)
        luma = kr * red + (1 - kr - kb) * green + kb * blue
        planes = [signal.black + signal.span * luma]
        for channel, weight in ((blue, kb), (red, kr)):
            plane = signal.middle + signal.chroma_span * (channel - luma) / (2 - 2 * weight)
            planes.append(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(luma.dtype))
        return Planes(tuple(np.clip(plane + 0.5, 0, 255).astype(np.uint8) for plane in planes), signal)


def _rgb(luma: Plane, cb: Plane, cr: Plane, signal: Signal) -> NDArray[np.uint8]:
    kr, kb = (0.2126, 0.0722) if signal.matrix == "bt709" else (0.299, 0.114)
    y = (luma.astype(np.float32) - signal.black) / signal.span
    blue, red = ((plane.astype(np.float32) - signal.middle) / signal.chroma_span for plane in (cb, cr))
    r, b = y + (2 - 2 * kr) * red, y + (2 - 2 * kb) * blue
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return (np.clip(np.stack([r, g, b], axis=-1), 0, 1) * 255 + 0.5).astype(np.uint8)
