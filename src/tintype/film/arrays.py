"""Frames in and out as arrays, for those who read and write films themselves."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import rgb_to_lab
from tintype.colours import FINER, Colours, check_hints
from tintype.errors import FilmError, OptionError
from tintype.film.engine import colorizer_of
from tintype.film.guide import Guide
from tintype.film.keys import Given
from tintype.film.looking import Coloured, Looker
from tintype.film.passages import small
from tintype.hints import Hints, check_places, read_hints
from tintype.models import DEFAULT, Model
from tintype.models.device import Device
from tintype.photo import Photo, from_array
from tintype.threads import ahead as in_order

Array = NDArray[np.generic]
Plane = NDArray[np.float32]


class Steady:
    """Colours the frames of a film steadily; shots are found, and colours are carried along the motion.

        steady = tintype.film.Steady(vividness=1.2)
        for rgb in steady(frames): ...

    It may be used for one film after another, and is as quick as its caller: frames are looked at in threads of their
    own while the caller works on what came out.

    Args:
        ahead: frames of one shot that are coloured together, at least 2: more gives steadier colours and takes more
            memory. At most some five times as many frames are held.
        keyframes: let the network look at each so many frames; None: where the motion asks for it.
        hints: hints by the number of their frame, from 0; places in pixels of the frames.
        keys: coloured frames by their number, [h, w, 3], sRGB, uint8, uint16, or float in 0..1, of any size. The shot
            follows them, forwards and backwards, so far as its frames are coloured together.
        model, size, temperature, vividness, blend, threads, device: as for `tintype.Colorizer`.

    Raises OptionError, HintError and ModelError for what cannot be used.
    """

    def __init__(
        self,
        *,
        ahead: int = 48,
        keyframes: int | None = None,
        hints: Mapping[int, Hints] | None = None,
        keys: Mapping[int, Array] | None = None,
        model: str | os.PathLike[str] | Model = DEFAULT,
        size: int | None = None,
        temperature: float | None = None,
        vividness: float = 1.0,
        blend: float = 1.0,
        threads: int | None = None,
        device: Device = "cpu",
    ) -> None:
        if not isinstance(ahead, int) or ahead < 2:
            raise OptionError(f"The frames that are coloured together must be at least 2, not {ahead!r}")
        self.ahead = ahead
        self.keyframes = keyframes
        self.colorizer = colorizer_of(model, size, temperature, vividness, blend, threads, device)
        self.hints = {number: tuple(read_hints(of_frame)) for number, of_frame in (hints or {}).items()}
        self.keys = dict(keys or {})
        for found in self.hints.values():
            check_hints(self.colorizer.model, found)

    def __call__(self, frames: Iterable[Array]) -> Generator[Array, None, None]:
        """The frames in colour, in their order and number.

        frames: arrays of one size, [h, w], [h, w, 1] or [h, w, 3]; uint8, uint16, or float in 0..1. Of colour only the
            lightness counts. They are taken in another thread, ahead of what comes out, and must not be changed.

        Gives arrays [h, w, 3] of the same dtype, sRGB, at the lightness of the frames. When the iterator is closed,
        everything ends. Raises FilmError for frames that do not fit together, PhotoError and OptionError for arrays
        that are no pictures, and what `frames` raises.
        """
        source = iter(frames)
        for head in source:
            photo = _photo(head, 0)
            break
        else:
            return
        size = photo.height, photo.width
        held: deque[tuple[Photo, np.dtype[np.generic]]] = deque()
        network = self.colorizer.network_size(size)
        looker = Looker(self.colorizer, size, self._guide(size, network), self.keyframes, self.ahead)

        def seen() -> Iterator[tuple[int, Plane]]:
            frame, now, number = head, photo, 0
            while True:
                held.append((now, frame.dtype))
                yield number, now.thumbnail(network[1], network[0])
                number += 1
                try:
                    frame = next(source)
                except StopIteration:
                    return
                now = _photo(frame, number)
                if (now.height, now.width) != size:
                    raise FilmError(
                        f"Frame {number} is {now.width} x {now.height}, those before it {size[1]} x {size[0]}: give "
                        "frames of one size"
                    )

        def paint(task: tuple[Photo, np.dtype[np.generic], Plane]) -> Array:
            photo, dtype, ab = task
            guide = photo.thumbnail(network[1] * FINER, network[0] * FINER)
            colorizer = self.colorizer
            colours = Colours(
                photo, size, ab, guide, colorizer.model, vividness=colorizer.vividness, blend=colorizer.blend
            )
            rgb = np.concatenate(list(colours.paint()))
            return rgb.astype(dtype, copy=False) if dtype.kind == "f" else rgb

        def tasks(passage: Coloured) -> Iterator[tuple[Photo, np.dtype[np.generic], Plane]]:
            for ab in passage.ab:
                yield *held.popleft(), ab

        with closing(looker.coloured(seen, 0, None)) as passages:
            for passage in passages:
                yield from in_order(paint, tasks(passage), self.colorizer.threads)

    def _guide(self, size: tuple[int, int], network: tuple[int, int]) -> Guide:
        given = {}
        for number, hints in self.hints.items():
            check_places(hints, size)
            given[number] = Given(hints=hints)
        for number, key in self.keys.items():
            if key.ndim != 3 or key.shape[2] != 3 or key.dtype.kind not in "uf":
                raise OptionError(f"The key of frame {number} must be an array [h, w, 3] in colour, not {key.shape}")
            unit = 256**key.dtype.itemsize - 1 if key.dtype.kind == "u" else 1
            lab = rgb_to_lab(key.astype(np.float32) / np.float32(unit))
            given[number] = Given(
                ab=np.stack([small(np.ascontiguousarray(lab[..., place]), network) for place in (1, 2)])
            )
        return Guide(dict(sorted(given.items())))


def _photo(frame: Array, number: int) -> Photo:
    if (
        not isinstance(frame, np.ndarray)
        or frame.ndim not in (2, 3)
        or (frame.ndim == 3 and frame.shape[2] not in (1, 3))
    ):
        what = f"an array {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise FilmError(f"Frame {number} must be an array [h, w] or [h, w, 3], not {what}")
    return from_array(frame)
