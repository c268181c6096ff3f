"""Steady colour: what a network says of some frames of a shot, carried along the motion to all of them.

A network that sees frames one by one gives the same thing another colour in each. Here it sees some frames, the
keyframes, and each keyframe gets, at each place, the mean of what the network says of that thing in all keyframes of
the passage in which it is seen: the more of a frame, the surer the network is there. The frames between two keyframes
take their colours from both, along the motion, by their distance in time and by where the place is seen (after Bonneel
et al. 2015 and Lai et al. 2018, who make frames steady that were coloured one by one). Places are followed from frame
to frame, and colours are then taken once, from where the way leads: so they do not blur, however long it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.film.flow import Flow, Tones, match, met, places, taken, tones
from tintype.film.keys import Given
from tintype.hints import Hint
from tintype.models import Prediction

Plane = NDArray[np.float32]

Half = NDArray[np.float16]

Look = Callable[[int, tuple[Hint, ...] | None], Prediction]
"""look(index in the passage, its hints or None): what the network says of this frame."""

NOTHING: Mapping[int, Given] = MappingProxyType({})

CELL = 2
"""Pixels of the network's size along the side of a cell on which colours are carried."""

EVERY = 8
"""Frames from one keyframe to the next, at most."""

LEAST = 3
"""Frames from one keyframe to the next, at least."""

SEEN = 0.75
"""Share of a frame that must be seen in the last keyframe: below, the next one is due."""

TORN = 0.2
"""Share of a frame that must be found in the one before: below, a later frame is looked for that does follow."""

WRONG = 2
"""Frames that may be passed over so."""

REACH = 15
"""Keyframes before and after a keyframe whose colours count there."""

FADE = 0.97
"""What is left of the weight of a keyframe from one keyframe to the next."""

CONTRAST = 10.0
"""Difference of L*, apart from that of the exposures, at which a place is hardly taken for the same."""

DOUBT = 8.0
"""Number of equally likely colours at which the network's word counts half."""

GIVEN = 1000.0
"""Times the weight of the network's word that what a user gave has."""

ANSWER = 3.0
"""a*b* units by which a hint must have changed a place to count as given there."""

MEMORY = 12.0
"""Keyframes as which all that came before a passage counts, at most."""

TURN = 60
"""Frames in which the colours of a passage take over from those before it."""

STRONGER = 1.6
"""Times by which chroma may be raised that was lost in a mean."""

BLUR = 4
"""Cells around a place from which it is filled where none of its colours is sure."""


class Kept(Sequence[Plane]):
    """Planes of one size, kept as float16 and given as float32."""

    def __init__(self) -> None:
        self._planes: list[Half] = []

    def append(self, plane: Plane) -> None:
        self._planes.append(plane.astype(np.float16))

    def __len__(self) -> int:
        return len(self._planes)

    @overload
    def __getitem__(self, index: int) -> Plane: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Plane]: ...
    def __getitem__(self, index: int | slice) -> Plane | Sequence[Plane]:
        if isinstance(index, slice):
            part = Kept()
            part._planes = self._planes[index]
            return part
        return self._planes[index].astype(np.float32)


@dataclass(frozen=True, eq=False)
class Carried:
    """What the next passage of the same shot needs to know: the last good frame of this one, and its colours."""

    tones: Tones
    """uint8 [h, w], as `flow.tones` gives them."""
    light: Half
    """float16 [gh, gw], CIE L*."""
    ab: Half
    """float16 [2, gh, gw], CIE a*b*."""
    weight: Half
    """float16 [gh, gw], in keyframes of which the network was sure."""
    ago: int
    """Frames from it to the first one of the next passage."""

    def to_bytes(self) -> bytes:
        """All of it; the same state gives the same bytes."""
        head = struct.pack("<5i", *self.tones.shape, *self.light.shape, self.ago)
        return head + b"".join(one.tobytes() for one in (self.tones, self.light, self.ab, self.weight))

    @classmethod
    def from_bytes(cls, content: bytes) -> Carried:
        """What `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            height, width, rows, columns, ago = struct.unpack_from("<5i", content)
        except struct.error:
            raise ValueError("these bytes hold no state of a passage") from None
        sizes = height * width, 2 * rows * columns, 4 * rows * columns, 2 * rows * columns
        if min(height, width, rows, columns) < 1 or len(content) != 20 + sum(sizes):
            raise ValueError("these bytes hold no state of a passage")
        ends = np.cumsum([20, *sizes])
        first, *halves = (content[begin:end] for begin, end in pairwise(ends))
        light, ab, weight = (np.frombuffer(half, np.float16) for half in halves)
        return cls(
            np.frombuffer(first, np.uint8).reshape(height, width),
            light.reshape(rows, columns),
            ab.reshape(2, rows, columns),
            weight.reshape(rows, columns),
            ago,
        )


@dataclass(eq=False)
class _Key:
    """A keyframe."""

    index: int
    """In the passage; below 0 for what was carried from before it."""
    light: Plane
    """[gh, gw], CIE L*."""
    ab: Plane
    """[gh, gw, 2]: what is said of it alone."""
    weight: Plane
    """[gh, gw]: how much that counts."""
    mean: Plane
    """[gh, gw, 2]: what all keyframes say together."""
    total: Plane
    """[gh, gw]: the weight of them all."""


@dataclass(eq=False)
class _Step:
    """From a frame to the next sound one, and back."""

    place: int
    index: int
    there: Half
    """[gh, gw, 2], from the cells of frame `place`."""
    met: Plane
    """[gh, gw], of them."""
    here: Plane
    """[gh, gw, 2], from the cells of frame `index`."""
    seen: Plane
    """[gh, gw], of them."""
    found: float
    """Share of frame `index` that is found in frame `place`, and looks the same."""


@dataclass(eq=False)
class _Way:
    """From the cells of one frame to another one, kept for each second cell: ways are smooth."""

    flow: Half
    """[gh / 2, gw / 2, 2], in cells."""
    sure: NDArray[np.uint8]
    """[gh / 2, gw / 2], of 255."""
    size: tuple[int, int]
    """(gw, gh)."""

    @classmethod
    def of(cls, flow: Plane, sure: Plane) -> _Way:
        size = flow.shape[1], flow.shape[0]
        half = -(-size[0] // 2), -(-size[1] // 2)
        ways, trust = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (flow, sure))
        return cls(ways.astype(np.float16), np.rint(255 * trust).astype(np.uint8), size)

    def read(self) -> tuple[Plane, Plane]:
        flow, sure = (
            cv2.resize(plane.astype(np.float32), self.size, interpolation=cv2.INTER_LINEAR)
            for plane in (self.flow, self.sure)
        )
        return np.asarray(flow, np.float32), np.asarray(sure / 255, np.float32)


def carry(
    seen: Sequence[Plane],
    look: Look,
    before: Carried | None = None,
    given: Mapping[int, Given] = NOTHING,
    every: int | None = None,
) -> tuple[Sequence[Plane], Carried]:
    """The colours of the frames of one passage.

    The same frames and the same `before` always give the same colours.

    Args:
        seen: at least one, float32 [h, w], CIE L* of each frame at the network's size; h and w are even. Each is
            indexed a few times, one at a time, so that a sequence may read them from where they take less memory.
        look: called for the keyframes, in order of their numbers; with None, and once more with the hints where a user
            gave such.
        before: the state after the previous passage of the same shot.
        given: what a user gives, by index in the passage: it outweighs what the network says, in all frames in which
            the place is seen.
        every: a keyframe each so many frames; None: at most EVERY, earlier where much comes into sight.
    Returns:
        float32 [2, h / 2, w / 2], CIE a*b* of each frame (a sequence that keeps them as float16), and the state after
        the passage.
    """
    return _Passage(seen, look, before, given, every).colours()


class _Passage:
    def __init__(
        self,
        seen: Sequence[Plane],
        look: Look,
        before: Carried | None,
        given: Mapping[int, Given],
        every: int | None,
    ) -> None:
        self.seen, self.look, self.given, self.every = seen, look, given, every
        self.flow = Flow(CELL)
        self.keys: list[_Key] = []
        self.back: dict[int, _Way] = {}
        """From each frame to the keyframe before it; of a keyframe, to the one before that."""
        self.ahead: dict[int, _Way] = {}
        """From each frame to the keyframe after it; of a keyframe, to the one after that."""
        self.torn = set[int]()
        """Frames that show nothing that could be followed."""
        self._before = before

    def colours(self) -> tuple[Sequence[Plane], Carried]:
        self._follow()
        for place in range(len(self.keys)):
            self._unite(place)
        result = Kept()
        for plane in self._frames():
            result.append(np.moveaxis(plane, -1, 0))
        last = self.keys[-1]
        weight = np.where(last.total > 4 * MEMORY, np.minimum(last.total, GIVEN), np.minimum(last.total, MEMORY))
        carried = Carried(
            tones(self.seen[last.index]),
            last.light.astype(np.float16),
            np.moveaxis(last.mean, -1, 0).astype(np.float16),
            weight.astype(np.float16),
            len(self.seen) - last.index,
        )
        return result, carried

    def _light(self, index: int) -> Plane:
        plane = self.seen[index]
        size = plane.shape[1] // CELL, plane.shape[0] // CELL
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)

    # The motion

    def _follow(self) -> None:
        """Find the motion from frame to frame, the keyframes on the way, and the ways from each frame to them."""
        last = self._before
        if last is not None:
            light = last.light.astype(np.float32)
            ab = np.moveaxis(last.ab.astype(np.float32), 0, -1)
            weight = last.weight.astype(np.float32)
            self.keys.append(_Key(-last.ago, light, ab, weight, ab, weight))
            earlier, place = last.tones, -last.ago
        else:
            self._add(0)
            earlier, place = tones(self.seen[0]), 0
        between: list[_Step] = []
        flow = sure = None
        index = max(0, place + 1)
        while index < len(self.seen):
            now = tones(self.seen[index])
            step = self._step(earlier, place, now, index)
            if place >= 0 and index not in self.given and step.found < TORN:
                index, now, step = self._past(earlier, place, now, step)
                if index == len(self.seen):
                    break
            for wrong in range(max(0, place + 1), index):
                # What cannot be seen goes on evenly.
                part = np.float32((wrong - place) / (index - place))
                self.torn.add(wrong)
                self.back[wrong] = _Way.of(*_led(part * step.here, step.seen, flow, sure))
            flow, sure = _led(step.here, step.seen, flow, sure)
            self.back[index] = _Way.of(flow, sure)
            between.append(step)
            earlier, place = now, index
            if self._due(index, index - self.keys[-1].index, sure):
                self._lead_ahead(between)
                self._add(index)
                between, flow, sure = [], None, None
            index += 1
        if place > self.keys[-1].index:
            # The film went wrong at the end of the passage: its colours are those of the last sound frame.
            self._lead_ahead(between)
            self._add(place)
        still = np.zeros((*self.keys[-1].light.shape, 2), np.float32)
        for wrong in range(max(0, place + 1), len(self.seen)):
            self.torn.add(wrong)
            self.back[wrong] = _Way.of(still, np.ones_like(still[..., 0]))

    def _step(self, earlier: Tones, place: int, now: Tones, index: int) -> _Step:
        there, here = self.flow(earlier, now), self.flow(now, earlier)
        seen = met(here, there)
        found = float((seen * match(now, earlier, places(here))).mean())
        return _Step(place, index, there.astype(np.float16), met(there, here), here, seen, found)

    def _past(self, earlier: Tones, place: int, now: Tones, step: _Step) -> tuple[int, Tones, _Step]:
        """Where the film goes on after a frame that does not follow on the last one, and how it gets there.

        That is a later frame if that does follow: then something went wrong between them. It is the frame itself if
        none does, and behind the passage if there are no others.
        """
        index = step.index
        for later in range(index + 1, min(index + 1 + WRONG, len(self.seen))):
            then = tones(self.seen[later])
            leap = self._step(earlier, place, then, later)
            if leap.found >= 2 * TORN:
                return later, then, leap
            if later in self.given:
                break
        return (len(self.seen) if index == len(self.seen) - 1 else index), now, step

    def _due(self, index: int, distance: int, sure: Plane) -> bool:
        if index == len(self.seen) - 1 or index in self.given:
            return True
        if self.every is not None:
            return distance >= self.every
        return distance >= EVERY or (distance >= LEAST and float(sure.mean()) < SEEN)

    def _lead_ahead(self, between: Sequence[_Step]) -> None:
        """The ways to the keyframe that has just been found, from each frame since the last one."""
        flow = sure = None
        for step in reversed(between):
            there = step.there.astype(np.float32)
            for wrong in range(max(0, step.place + 1), step.index):
                part = np.float32((step.index - wrong) / (step.index - step.place))
                self.ahead[wrong] = _Way.of(*_led(part * there, step.met, flow, sure))
            flow, sure = _led(there, step.met, flow, sure)
            self.ahead[step.place] = _Way.of(flow, sure)

    # The keyframes

    def _add(self, index: int) -> None:
        """Ask the network, and the user, about a keyframe."""
        light = self._light(index)
        said = self.look(index, None)
        ab = _fine(said.ab, light)
        weight = np.ones_like(light) if said.logits is None else _fine(_trust(said.logits)[None], light)[..., 0]
        own = self.given.get(index)
        if own is not None and own.hints:
            guided = _fine(self.look(index, own.hints).ab, light)
            moved = np.hypot(*np.moveaxis(guided - ab, -1, 0))
            weight += np.float32(GIVEN) * np.clip(moved / ANSWER - 1, 0, 1)
            ab = guided
        if own is not None and own.ab is not None:
            ab = _fine(own.ab, light)
            weight = np.full_like(light, GIVEN)
        self.keys.append(_Key(index, light, ab, weight, ab, weight))

    def _unite(self, place: int) -> None:
        """What all keyframes say together of one of them."""
        key = self.keys[place]
        if key.index < 0:
            return
        total = key.weight.copy()
        summed = key.weight[..., None] * key.ab
        chroma = key.weight * np.hypot(*np.moveaxis(key.ab, -1, 0))
        earlier = None
        for step in (1, -1):
            flow = sure = None
            other = place + step
            ways = self.ahead if step > 0 else self.back
            while 0 <= other < len(self.keys) and abs(other - place) <= REACH:
                there, met_ = ways[self.keys[other - step].index].read()
                flow, sure = (there, met_) if flow is None or sure is None else _led(flow, sure, there, met_)
                at = places(flow)
                sure = sure * np.float32(FADE)
                said = self.keys[other]
                weight = taken(said.weight, at) * sure * _alike(key.light, taken(said.light, at))
                if said.index < 0:
                    earlier = weight, at
                else:
                    ab = taken(said.ab, at, cubic=True)
                    total += weight
                    summed += weight[..., None] * ab
                    chroma += weight * np.hypot(ab[..., 0], ab[..., 1])
                other += step
        if earlier is not None:
            weight, at = earlier
            said = self.keys[0]
            new = np.float32(min(1.0, (key.index - said.index) / TURN))
            weight = weight + np.minimum(weight, 1) * total * (1 - new) / new
            ab = taken(said.ab, at, cubic=True)
            total = total + weight
            summed += weight[..., None] * ab
            chroma += weight * np.hypot(ab[..., 0], ab[..., 1])
        key.total = total
        mean = summed / total[..., None]
        lost = (chroma / total) / np.maximum(np.hypot(mean[..., 0], mean[..., 1]), 1e-3)
        key.mean = mean * np.clip(lost, 1, STRONGER)[..., None]

    # The frames

    def _frames(self) -> Iterator[Plane]:
        """The colours of each frame, [gh, gw, 2]."""
        place = 0
        for index in range(len(self.seen)):
            while place + 1 < len(self.keys) and self.keys[place + 1].index <= index:
                place += 1
            first = self.keys[place]
            if first.index == index:
                yield first.mean
                continue
            if place + 1 == len(self.keys):
                yield first.mean
                continue
            second = self.keys[place + 1]
            light = self._light(index)
            part = np.float32((index - first.index) / (second.index - first.index))
            summed, total = np.zeros_like(first.mean), np.zeros_like(light)
            for key, way, share in ((first, self.back[index], 1 - part), (second, self.ahead[index], part)):
                flow, sure = way.read()
                at = places(flow)
                if index not in self.torn:
                    sure = sure * _alike(light, taken(key.light, at))
                weight = share * (sure + np.float32(1e-3))
                summed += weight[..., None] * taken(key.mean, at, cubic=True)
                total += weight
            ab = summed / total[..., None]
            yield ab if index in self.torn else _filled(ab, np.minimum(1, 4 * total), light)


def _led(flow: Plane, sure: Plane, onward: Plane | None, met_: Plane | None) -> tuple[Plane, Plane]:
    """A way and its trust, led on by another one; None: by none."""
    if onward is None or met_ is None:
        return flow, sure
    at = places(flow)
    return flow + taken(onward, at), sure * taken(met_, at)


def _trust(logits: Plane) -> Plane:
    """How much the network's word counts, [h, w] in (0, 1]: the less, the more colours are likely.

    logits: [Q, h, w].
    """
    shares = np.exp(logits - logits.max(axis=0))
    sums = shares.sum(axis=0)
    entropy = np.log(sums) - np.einsum("qhw,qhw->hw", shares, logits - logits.max(axis=0)) / sums
    return np.asarray(1 / (1 + np.exp(entropy) / DOUBT), np.float32)


def _fine(planes: Plane, light: Plane) -> Plane:
    """Planes [n, h', w'] on the cells of a frame, [gh, gw, n]."""
    size = light.shape[1], light.shape[0]
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes], axis=-1)


def _alike(one: Plane, other: Plane) -> Plane:
    """How likely places show the same, by their L*, [h, w] in (0, 1]; what all differ by is the exposure's."""
    apart = one - other
    apart = (apart - np.median(apart[::2, ::2])) / np.float32(CONTRAST)
    return np.asarray(np.exp2(-apart * apart), np.float32)


def _filled(ab: Plane, sure: Plane, light: Plane) -> Plane:
    """Colours that are not sure, [h, w, 2], replaced by those around them of their lightness.

    A straight line from lightness to colour is laid through what is sure around each place (the guided filter, He et
    al. 2013, weighted).
    """
    side = 2 * BLUR + 1
    values = [sure, sure * light, sure * light * light]
    for plane in (ab[..., 0], ab[..., 1]):
        values += [sure * plane, sure * plane * light]
    means = cv2.blur(np.stack(values, axis=-1), (side, side))
    weight = np.maximum(means[..., 0], 1e-4)
    mean = means[..., 1] / weight
    spread = np.maximum(means[..., 2] / weight - mean * mean, 0) + np.float32(9)
    lines = []
    for number in (3, 5):
        level = means[..., number] / weight
        slope = (means[..., number + 1] / weight - mean * level) / spread
        lines += [slope, level - slope * mean]
    smooth = cv2.blur(np.stack(lines, axis=-1), (side, side))
    guess = smooth[..., ::2] * light[..., None] + smooth[..., 1::2]
    return np.asarray(guess + sure[..., None] * (ab - guess), np.float32)
