"""Frames that guide a shot: hints on some of its frames, and stills that somebody coloured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import mean_resize
from tintype.color.lab import rgb_to_lab
from tintype.errors import HintError
from tintype.hints import FILE, Hint, read_hints
from tintype.photo import read_colour

Plane = NDArray[np.float32]

ALIKE = 0.8
"""Correlation of lightness that a still must have with its frame: below, it is another picture."""


@dataclass(frozen=True, eq=False)
class Given:
    """What a user gives for one frame: hints, or the colours of a still."""

    hints: tuple[Hint, ...] = ()
    """At places of the upright frame at full size, as those of a photograph."""
    ab: Plane | None = None
    """float32 [2, h', w'], CIE a*b* of the whole frame, at any size; `still` gives it."""


def read_frame_hints(source: str | os.PathLike[str]) -> dict[int, tuple[Hint, ...]]:
    """Hints by the number of their frame, from a JSON file: a list of {"frame", "x", "y", "color", "radius"}.

    Frames count from 0 over the whole film. At most as many hints in one frame as a photograph may have.

    Raises HintError, one sentence that names the file and the hint.
    """
    name = f"The hints file {os.fspath(source)}"
    example = '[{"frame": 48, "x": 10, "y": 20, "color": "#rrggbb", "radius": 5}]'
    try:
        with open(source, "rb") as file:
            content = file.read(FILE + 1)
        if len(content) > FILE:
            raise HintError(f"{name} has more than {FILE >> 20} MB: give fewer hints")
        items = json.loads(content.decode("utf-8"))
    except OSError as error:
        raise HintError(f"{name} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise HintError(f"{name} is not JSON: write {example}.") from None
    if not isinstance(items, list):
        raise HintError(f"{name} must be a list of hints: write {example}.")
    by_frame: dict[int, list[Mapping[str, object]]] = {}
    for number, item in enumerate(items, 1):
        if not isinstance(item, Mapping):
            raise HintError(f"{name}, hint {number} must be an object with frame, x, y, color and radius")
        frame = item.get("frame")
        if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
            raise HintError(f"{name}, hint {number} must have the number of a frame, from 0, not {frame!r}")
        by_frame.setdefault(frame, []).append({key: value for key, value in item.items() if key != "frame"})
    hints: dict[int, tuple[Hint, ...]] = {}
    for frame, found in sorted(by_frame.items()):
        try:
            hints[frame] = tuple(read_hints(found))
        except HintError as error:
            raise HintError(f"{name}, frame {frame}: {error}") from None
    return hints


def still(path: str | os.PathLike[str], seen: Plane) -> Plane:
    """The colours of a coloured still for the frame that it shows, float32 [2, h, w], CIE a*b*.

    seen: float32 [h, w], CIE L* of the frame as the network sees it. The still may have any size.

    Raises HintError where it is gray or shows another picture, else as `read_colour`.
    """
    name = os.fspath(path)
    rgb = read_colour(path, name, share=lambda w, h: min(1.0, max(2 * seen.shape[0] / h, 2 * seen.shape[1] / w)))
    lab = np.moveaxis(rgb_to_lab(rgb / np.float32(255)), -1, 0).astype(np.float32)
    size = seen.shape[0], seen.shape[1]
    lightness, *ab = (_resized(plane, size) for plane in lab)
    found = _correlation(lightness, seen)
    if found < ALIKE:
        raise HintError(
            f"The still {name} does not show this frame (correlation of their lightness {found:.2f}, of {ALIKE} "
            "needed): colour the frame itself, or give the number of the frame that it shows"
        )
    return np.stack(ab)


def _resized(plane: Plane, size: tuple[int, int]) -> Plane:
    """A plane at another size, averaged; one that is smaller is repeated first."""
    down, across = (-(-new // old) for new, old in zip(size, plane.shape, strict=True))
    return mean_resize(np.ascontiguousarray(plane.repeat(down, 0).repeat(across, 1)), size)


def _correlation(one: Plane, other: Plane) -> float:
    """Of two planes, in [-1, 1]; two that are even agree."""
    one, other = one - one.mean(), other - other.mean()
    power = float((one**2).sum() * (other**2).sum()) ** 0.5
    return float((one * other).sum()) / power if power > 1e-3 * one.size else 1.0
