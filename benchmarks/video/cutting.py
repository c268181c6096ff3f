"""Shot boundaries: precision and recall on films joined from shots that are known.

A film is joined from shots over photographs: still ones, pans, zooms and rotations at up to two and a half times an
ordinary pace, with things that move in front; three of five shots on damaged film. A fifth of the neighbours are two
parts of one photograph. One in ten joints is a dissolve of 8 to 20 frames, in which no cut is to be told; one in twenty
is a fade through black, in which one is. In one of four shots a frame or two are much too bright, are blank, or hide
behind dirt: no cut, either. A cut counts as found where it is told within a frame of its place, or in the fade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from PIL import Image

from benchmarks.video.scenes import SIZE, fitted, grays, scene
from tintype.color import lab
from tintype.film.cuts import Cuts

NEAR = 1
"""Frames by which a cut may be told too early or too late."""


def pieces(photos: Sequence[np.ndarray], random: np.random.Generator, count: int) -> list[np.ndarray]:
    """A picture for each shot: a part of a photograph, of which every fifth is another part of the last one's."""
    result = []
    number, side = 0, 0
    for _ in range(count):
        if result and random.random() < 0.2:
            side = 1 - side
        else:
            step = int(random.integers(1, len(photos)))
            number, side = (number + step) % len(photos), int(random.integers(2))
        photo = photos[number]
        wide = photo.shape[1] >= photo.shape[0]
        half = photo.shape[1 if wide else 0] // 2
        part = slice(side * half, (side + 1) * half)
        result.append(fitted(Image.fromarray(photo[:, part] if wide else photo[part])))
    return result


def spoiled(gray: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A frame of a moment in which something went wrong, uint8 [h, w]."""
    kind = random.integers(4)
    if kind == 0:  # A flash
        return np.clip(gray * 2.5 + 60, 0, 255).astype(np.uint8)
    if kind == 1:  # A blank frame
        return np.full_like(gray, random.choice([4, 128, 250]))
    dirty = gray.copy()
    for _ in range(int(random.integers(1, 4))):  # Dirt, or a hair
        middle = int(random.integers(SIZE[1])), int(random.integers(SIZE[0]))
        axes = int(random.integers(30, 90)), int(random.integers(4, 60))
        cv2.ellipse(dirty, middle, axes, float(random.uniform(0, 180)), 0, 360, int(random.choice([10, 245])), -1)
    return dirty


def film(photos: Sequence[np.ndarray], shots: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """The frames, uint8 [h, w], and by how many frames a cut may be told from each; 0: there is none.

    photos: uint8 [h, w].
    """
    random = np.random.default_rng(seed)
    pictures = pieces(photos, random, shots)
    waiting: list[tuple[np.ndarray, int]] = []
    for number, picture in enumerate(pictures):
        count = int(random.integers(12, 36))
        shot = scene(
            [picture, *photos],
            0,
            count,
            1000 * seed + number,
            things=int(random.integers(3)),
            damaged=bool(random.random() < 0.6),
            pace=float(random.choice([0, 0.5, 1, 1.5, 2.5])),
        )
        frames = [(frame, 0) for frame in grays(shot)]
        if random.random() < 0.25:
            first = int(random.integers(4, count - 5))
            for index in range(first, first + 1 + int(random.random() < 0.4)):
                frames[index] = spoiled(frames[index][0], random), 0
        kind = random.random()
        if not waiting or kind >= 1 / 7:
            yield from waiting
            frames[0] = frames[0][0], NEAR * (number > 0)
            waiting = frames
            continue
        # The first frames of this shot over the last ones of that before, or both through black.
        length = min(int(random.integers(8, 21)), len(waiting) - 4, count - 4)
        yield from waiting[: len(waiting) - length]
        for step in range(length):
            share = (step + 1) / (length + 1)
            old, new = waiting[len(waiting) - length + step][0], frames[step][0]
            dark = kind < 1 / 21
            if dark:
                mixed = old * max(0.0, 1 - 2 * share) + new * max(0.0, 2 * share - 1)
            else:
                mixed = old * (1 - share) + new * share
            yield mixed.astype(np.uint8), length // 2 * (dark and step == length // 2)
        waiting = frames[length:]
    yield from waiting


def seen_of(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """CIE L* float32 of gray codes uint8 [h, w], averaged to (height, width) `size`."""
    return np.asarray(cv2.resize(cv2.LUT(gray, _TONES), size[::-1], interpolation=cv2.INTER_AREA))


_TONES = lab.rgb_to_lab(np.repeat(np.arange(256, dtype=np.float32)[:, None] / 255, 3, axis=1))[:, 0].astype(np.float32)


def compared(told: Sequence[int], true: Mapping[int, int]) -> tuple[int, int, int]:
    """Cuts that are told rightly, told wrongly, and missed.

    true: by how many frames each may be told too early or too late.
    """
    free = dict(true)
    right = 0
    for cut in told:
        near = [place for place, allowed in free.items() if abs(place - cut) <= allowed]
        if near:
            right += 1
            del free[min(near, key=lambda place: abs(place - cut))]
    return right, len(told) - right, len(free)


def measure(photos: Sequence[np.ndarray], shots: int, seed: int) -> dict[str, float]:
    """The figures of one film; photos: uint8 [h, w]."""
    cuts, told, true, count = Cuts(), [], dict[int, int](), 0
    for gray, allowed in film(photos, shots, seed):
        told += cuts.push(seen_of(gray, (256, 352)))
        if allowed:
            true[count] = allowed
        count += 1
    told += cuts.finish()
    right, wrong, missed = compared(told[1:], true)
    return {
        "frames": count,
        "joints": len(true),
        "told": right + wrong,
        "precision": right / max(1, right + wrong),
        "recall": right / max(1, right + missed),
    }
