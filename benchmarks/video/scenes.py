"""Films made of photographs, whose motion is known: pans, zooms and rotations, things in front, old damage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tintype.color import lab

SIZE = 360, 480
"""(height, width) of a film, in pixels."""

ROOM = 1.5
"""Times the sides of the film that a photograph has, before the camera moves over it."""


def photographs(folder: Path, room: float = ROOM) -> list[np.ndarray]:
    """Photographs, uint8 [h, w, 3], as small as a film needs them, in the order of their names."""
    return [fitted(Image.open(path).convert("RGB"), room) for path in sorted(folder.glob("*.jpg"))]


def fitted(photo: Image.Image, room: float = ROOM) -> np.ndarray:
    """A photograph as large as a film over it needs, uint8 [h, w, 3]."""
    scale = room * max(SIZE[0] / photo.height, SIZE[1] / photo.width)
    size = round(photo.width * scale), round(photo.height * scale)
    return np.asarray(photo.resize(size, Image.Resampling.LANCZOS))


GRAIN = 2.5
"""Deviation of the grain of damaged film, in gray codes."""


@dataclass
class Layer:
    """A photograph that moves: where each point of the film shows it, frame by frame."""

    picture: np.ndarray
    """uint8 [h, w, 3], or [h, w] for a gray film."""
    places: list[np.ndarray]
    """Per frame, [2, 3]: from pixels of the film to those of the picture."""
    cover: np.ndarray | None = None
    """float32 [h, w] in [0, 1]: what of the picture there is; None: all."""

    def at(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """What a frame shows of it, float32 as the picture, and how much of each pixel it covers, float32 [h, w]."""
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        size = SIZE[::-1]
        shown = cv2.warpAffine(
            self.picture, self.places[frame], size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
        ).astype(np.float32)
        if self.cover is None:
            return shown, np.ones(SIZE, np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return shown, cv2.warpAffine(self.cover, self.places[frame], size, flags=flags)


@dataclass
class Scene:
    """One shot: layers from back to front, and what happened to the film since."""

    layers: list[Layer]
    count: int
    damage: Damage | None = None
    name: str = ""

    def frame(self, index: int) -> np.ndarray:
        """The frame as it was shot, uint8 [h, w, 3], or [h, w] where the photographs are gray.

        It has no damage, but lies where the gate puts it.
        """
        shown, _ = self.layers[0].at(index)
        for layer in self.layers[1:]:
            part, cover = layer.at(index)
            shown += (cover if shown.ndim == 2 else cover[..., None]) * (part - shown)
        return np.clip(shown + 0.5, 0, 255).astype(np.uint8)

    def whose(self, index: int) -> np.ndarray:
        """The number of the layer that each pixel shows, int8 [h, w]; -1 where two meet."""
        result = np.zeros(SIZE, np.int8)
        for number, layer in enumerate(self.layers[1:], 1):
            _, cover = layer.at(index)
            result[cover > 0] = -1
            result[cover >= 1] = number
        return result

    def motion(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel of a frame is in the next one, float32 [h, w, 2] (x, y), and whether it is seen there."""
        here, there = self.whose(index), self.whose(index + 1)
        y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
        points = np.stack([x, y, np.ones_like(x)], axis=-1)
        place = np.zeros((*SIZE, 2), np.float32)
        for number, layer in enumerate(self.layers):
            onward = _joined(_inverse(layer.places[index + 1]), layer.places[index])
            place[here == number] = points[here == number] @ onward.T.astype(np.float32)
        inside = (place >= 1).all(-1) & (place[..., 0] <= SIZE[1] - 2) & (place[..., 1] <= SIZE[0] - 2)
        whose = cv2.remap(there, np.rint(place), None, cv2.INTER_NEAREST)
        return place, inside & (here >= 0) & (whose == here)


def _joined(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Affine maps [2, 3], one after the other."""
    return np.hstack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]])


def _inverse(place: np.ndarray) -> np.ndarray:
    turn = np.linalg.inv(place[:, :2])
    return np.hstack([turn, -turn @ place[:, 2:]])


def _place(middle: Sequence[float], angle: float, scale: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Shows the point `middle` (x, y) of a picture in the middle of a film of this size, turned and scaled."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    centre = np.array([size[1] - 1, size[0] - 1]) / 2
    return np.hstack([turn, (np.asarray(middle) - turn @ centre)[:, None]])


def camera(picture: np.ndarray, count: int, random: np.random.Generator, pace: float = 1.0) -> list[np.ndarray]:
    """A smooth path over a picture: a pan, with a zoom and a rotation in it. pace: times an ordinary one."""
    height, width = picture.shape[:2]
    time = np.linspace(0, 1, count)
    # What is shown stays within the picture, as far as it can: the rest is mirrored.
    zoom = random.uniform(0.95, 1.25) * np.exp(random.uniform(-0.3, 0.3) * pace * time * count / 48)
    angle = random.uniform(-0.06, 0.06) + random.uniform(-0.15, 0.15) * pace * time * count / 48
    reach = np.maximum(0, np.array([width - SIZE[1] / zoom.min(), height - SIZE[0] / zoom.min()]) / 2 - 12)
    heading = random.uniform(0, 2 * np.pi)
    way = np.array([np.cos(heading), np.sin(heading)]) * min(reach.max(), 1.5 * pace * count)
    bow = random.uniform(-0.2, 0.2, 2) * reach
    middles = np.array([width, height]) / 2 + np.clip(
        (time - 0.5)[:, None] * way + np.sin(np.pi * time)[:, None] * bow, -reach, reach
    )
    return [_place(*values) for values in zip(middles, angle, zoom, strict=True)]


def cut_out(picture: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A thing to move in front: a piece of a photograph, uint8 [h, w, 3], and its round, uneven cover."""
    side = random.integers(110, 190)
    top, left = (random.integers(0, length - side) for length in picture.shape[:2])
    piece = picture[top : top + side, left : left + side]
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    angle = np.arctan2(y, x)
    rim = 0.38 + sum(random.uniform(-0.035, 0.035) * np.cos(n * angle + random.uniform(0, 6)) for n in (2, 3, 4, 5))
    return piece, np.clip((rim - np.hypot(x, y)) * side / 1.5, 0, 1).astype(np.float32)


def traveller(picture: np.ndarray, count: int, random: np.random.Generator) -> Layer:
    """A cut-out on its own way through the film."""
    piece, cover = cut_out(picture, random)
    side = len(piece)
    time = np.linspace(0, 1, count)
    begin, end = (random.uniform(0.15, 0.85, 2) * SIZE[::-1] for _ in range(2))
    bow = random.uniform(-60, 60, 2)
    angle = random.uniform(-0.5, 0.5) * time
    places = []
    for moment, turn in zip(time, angle, strict=True):
        middle = begin + (end - begin) * moment * min(1, count / 48) + bow * np.sin(np.pi * moment)
        place = _place((side / 2, side / 2), turn, 1.0)
        # The middle of the cut-out is not in the middle of the film, but here.
        off = middle - np.array(SIZE[::-1]) / 2
        places.append(np.hstack([place[:, :2], place[:, 2:] - place[:, :2] @ off[:, None]]))
    return Layer(piece, places, cover)


@dataclass
class Damage:
    """What old film suffers: exposure that pumps, dust, scratches, and a gate in which it does not lie still."""

    seed: int
    pumping: float = 0.12
    """Deviation of the exposure's logarithm."""
    dust: float = 4.0
    """Specks per frame, on average."""
    scratches: int = 2
    weave: float = 1.0
    """Deviation of the place of a frame, in pixels."""

    def shifts(self, count: int) -> np.ndarray:
        """Of each frame, [count, 2] (x, y), in pixels."""
        return np.random.default_rng(self.seed).normal(0, self.weave, (count, 2))

    def apply(self, gray: np.ndarray, index: int) -> np.ndarray:
        """A gray frame, uint8 [h, w], as it is today."""
        slow, random = np.random.default_rng(self.seed + 1), np.random.default_rng([self.seed, index])
        phases = slow.uniform(0, 2 * np.pi, 3)
        swing = sum(
            np.sin(2 * np.pi * index / period + phase) for period, phase in zip((7, 13, 31), phases, strict=True)
        )
        exposure = np.exp(self.pumping * (swing / 1.5 + random.normal(0, 0.5)))
        codes = 255 * np.clip((np.arange(256) / 255.0) ** 2.2 * exposure, 0, 1) ** (1 / 2.2)
        light = cv2.LUT(gray, codes.astype(np.float32))
        light += GRAIN * random.standard_normal(light.shape, np.float32)
        height, width = light.shape
        for _ in range(random.poisson(self.dust)):
            middle = int(random.integers(width)), int(random.integers(height))
            axes = int(random.integers(1, 7)), int(random.integers(1, 4))
            tone = float(random.choice([15, 245]))
            cv2.ellipse(light, middle, axes, float(random.uniform(0, 180)), 0, 360, tone, -1, cv2.LINE_AA)
        for _ in range(self.scratches):
            x = slow.uniform(0.05, 0.95) * width + random.normal(0, 1.0)
            cv2.line(light, (round(x), 0), (round(x), height), 225.0, 1, cv2.LINE_AA)
        return np.clip(light + 0.5, 0, 255).astype(np.uint8)


def scene(
    pictures: Sequence[np.ndarray],
    number: int,
    count: int,
    seed: int,
    *,
    things: int = 2,
    damaged: bool = False,
    pace: float = 1.0,
    name: str = "",
) -> Scene:
    """A shot over photograph `number`, with things cut out of the next ones."""
    random = np.random.default_rng(seed)
    layers = [Layer(pictures[number], camera(pictures[number], count, random, pace))]
    for thing in range(1, things + 1):
        layers.append(traveller(pictures[(number + thing) % len(pictures)], count, random))
    damage = Damage(seed) if damaged else None
    if damage is not None:
        for layer in layers:
            for index, shift in enumerate(damage.shifts(count)):
                place = layer.places[index]
                layer.places[index] = np.hstack([place[:, :2], place[:, 2:] + place[:, :2] @ shift[:, None]])
    return Scene(layers, count, damage, name)


def loop(pictures: Sequence[np.ndarray], number: int, count: int, seed: int) -> Scene:
    """A shot over one photograph whose camera comes back to where it began, again and again."""
    random = np.random.default_rng(seed)
    picture = pictures[number]
    middle = np.array(picture.shape[1::-1]) / 2
    reach = (middle * 2 - np.array(SIZE[::-1])) / 2 - 15
    phase = random.uniform(0, 2 * np.pi)
    places = []
    for index in range(count):
        turn = 2 * np.pi * index / 100
        off = reach * 0.6 * np.array([np.sin(turn), np.sin(2 * turn + phase) - np.sin(phase)]) / 1.5
        places.append(_place(middle + off, 0.06 * np.sin(turn), 1.08 + 0.08 * np.sin(turn)))
    return Scene([Layer(picture, places)], count)


def gray_of(rgb: np.ndarray) -> np.ndarray:
    """The gray code of the same L*, uint8 [h, w], of sRGB uint8 [h, w, 3]."""
    plane = lab.rgb_to_lab(rgb / np.float32(255))
    plane[..., 1:] = 0
    return np.round(255 * np.clip(lab.lab_to_rgb(plane)[..., 0], 0, 1)).astype(np.uint8)


def grays(shot: Scene) -> Iterator[np.ndarray]:
    """The frames of a shot as a film shows them, uint8 [h, w]."""
    for index in range(shot.count):
        frame = shot.frame(index)
        gray = gray_of(frame) if frame.ndim == 3 else frame
        yield gray if shot.damage is None else shot.damage.apply(gray, index)
