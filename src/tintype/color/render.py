"""Lightness and colour together: the sRGB strips of the finished photograph."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb

STRIP = 64
"""Rows of a strip that one thread renders at a time."""


def render(lightness, ab, depth=8):
    """L* float32 [rows, W] and ab float32 [2, rows, W] -> sRGB [rows, W, 3].

    depth 8 gives uint8, 16 uint16, 32 float32 in 0..1. Chroma that sRGB cannot hold is fitted; L* stays.
    """
    lab = np.stack([lightness, *ab])
    rgb = np.moveaxis(np.clip(lab_to_rgb(fit_chroma(lab, axis=0), axis=0), 0, 1), 0, -1)
    if depth == 32:
        return np.ascontiguousarray(rgb, np.float32)
    top, kind = (255, np.uint8) if depth == 8 else (65535, np.uint16)
    return (rgb * top + 0.5).astype(kind)


def render_strips(
    lightness: Callable[[int, int], np.ndarray],
    enlarger,
    size: tuple[int, int],
    depth: int = 8,
    vividness: float = 1.0,
    blend: float = 1.0,
    threads: int = 1,
) -> Iterator[np.ndarray]:
    """Yields the finished photograph from top to bottom as sRGB strips [rows, W, 3].

    lightness(top, bottom) gives L* float32 [bottom - top, W] and is called in the caller's thread, in order.
    """
    height, _ = size
    colour = np.float32(vividness * blend)

    def strip(top, plane):
        return render(plane, enlarger.rows(plane, top) * colour, depth)

    with ThreadPoolExecutor(threads) as pool:
        ahead = deque()
        for top in range(0, height, STRIP):
            plane = lightness(top, min(top + STRIP, height))
            ahead.append(pool.submit(strip, top, plane))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
