"""Steady colour: on films whose motion is known, coloured by a network that changes its mind."""

from itertools import pairwise

import numpy as np
import pytest

from tintype.film.carry import Carried, carry
from tintype.film.keys import Given
from tintype.hints import Hint, draw_hints
from tintype.models import Prediction

HEIGHT, WIDTH = 64, 96
PACE = 2
"""Pixels that the picture moves in a frame."""


@pytest.fixture(scope="module")
def picture():
    """What the camera pans over: uneven L*, float32 [HEIGHT, n]."""
    random = np.random.default_rng(5)
    rough = random.normal(0, 1, (HEIGHT // 4, 150)).repeat(4, 0).repeat(4, 1)
    for axis in (0, 1):
        rough = sum(np.roll(rough, step, axis) for step in range(-3, 4)) / 7
    return np.clip(50 + 60 * rough, 2, 98).astype(np.float32)


def pan(picture, count, pace=PACE):
    return [np.ascontiguousarray(picture[:, pace * i : pace * i + WIDTH]) for i in range(count)]


class Fickle:
    """A network that gives each frame one colour around (20, 30), another each time, and says how sure it is."""

    def __init__(self, swing=10.0):
        self.swing = swing
        self.random = np.random.default_rng(3)
        self.asked = []

    def __call__(self, index, hints):
        self.asked.append((index, hints))
        ab = np.empty((2, HEIGHT // 4, WIDTH // 4), np.float32)
        ab[:] = (np.array([20, 30]) + self.random.uniform(-self.swing, self.swing, 2))[:, None, None]
        if hints:
            a, b, share = draw_hints(hints, (HEIGHT, WIDTH), (HEIGHT // 4, WIDTH // 4))
            ab = np.where(share > 0.5, np.stack([a, b]) / np.maximum(share, 0.5), ab).astype(np.float32)
        return Prediction(ab)


def jumps(planes, pace=PACE / 2):
    """How far colours are from those of the same things in the frame before, in a*b*, for a pan; [frames - 1]."""
    step = int(pace)
    return [np.hypot(*(new[:, :, : -step or None] - old[:, :, step:])).mean() for old, new in pairwise(planes)]


def test_colours_stand_still_where_the_network_changes_its_mind(picture):
    look = Fickle()
    planes, _ = carry(pan(picture, 40), look)
    assert len(planes) == 40
    assert planes[0].shape == (2, HEIGHT // 2, WIDTH // 2)
    assert planes[0].dtype == np.float32
    assert np.mean(jumps(planes)) < 0.5  # of 10 or so between the frames that the network saw
    assert len(look.asked) <= 10
    assert [index for index, _ in look.asked] == sorted(index for index, _ in look.asked)
    # The mean of many words, neither one of them nor a paler colour.
    chroma = np.mean([np.hypot(*plane).mean() for plane in planes])
    assert 32 < chroma < 40  # of (20, 30): 36


def test_passages_of_a_shot_go_on_from_each_other_and_do_not_drift(picture):
    frames = pan(picture, 240, 2)
    look = Fickle()
    state, planes = None, []
    for start in range(0, 240, 40):
        part, state = carry(frames[start : start + 40], look, state)
        planes += part
        state = Carried.from_bytes(state.to_bytes())
    assert max(jumps(planes)) < 2
    assert np.abs(planes[-1].mean(axis=(1, 2)) - (20, 30)).max() < 6


def test_the_same_frames_give_the_same_bytes(picture):
    frames = pan(picture, 12)
    results = []
    for _ in range(2):
        planes, state = carry(frames, Fickle())
        results.append(b"".join(plane.tobytes() for plane in planes) + state.to_bytes())
    assert results[0] == results[1]
    with pytest.raises(ValueError, match="no state"):
        Carried.from_bytes(state.to_bytes()[:-1])


def test_exposure_dust_scratches_and_weave_do_not_tear_the_colours(picture):
    """A still camera on half a blue and half a red scene, on film that is in a bad way."""
    random = np.random.default_rng(8)
    sound = np.pad(picture, 2, "reflect")
    red = np.arange(WIDTH) >= WIDTH // 2

    def look(index, hints):
        ab = np.where(red[None, None, ::4], np.array([40, 30])[:, None, None], np.array([-10, -30])[:, None, None])
        ab = ab.repeat(HEIGHT // 4, 1) + random.normal(0, 4, (2, 1, 1))
        return Prediction(ab.astype(np.float32))

    damaged = []
    for index in range(24):
        down, across = random.integers(0, 5, 2)
        frame = sound[down : down + HEIGHT, across : across + WIDTH] * (1 + 0.25 * np.sin(index))
        frame[:, 30 + index % 3] = 95
        for y, x in zip(random.integers(0, HEIGHT - 5, 4), random.integers(0, WIDTH - 5, 4), strict=True):
            frame[y : y + 4, x : x + 4] = random.choice([2, 98])
        damaged.append(np.clip(frame, 0, 100).astype(np.float32))
    planes, _ = carry(damaged, look)
    middle = WIDTH // 4
    for plane in planes:
        assert np.abs(plane[:, :, : middle - 7] - np.array([-10, -30])[:, None, None]).max() < 22
        assert np.abs(plane[:, :, middle + 7 :] - np.array([40, 30])[:, None, None]).max() < 22


def test_what_comes_into_sight_has_its_own_colour():
    """A light square moves to the right over a dark ground: no trail of its colour stays behind it."""
    random = np.random.default_rng(1)
    ground = np.clip(25 + 4 * random.normal(size=(HEIGHT, WIDTH)), 0, 100).astype(np.float32)
    thing = np.clip(75 + 4 * random.normal(size=(24, 24)), 0, 100).astype(np.float32)
    frames = []
    for index in range(20):
        frame = ground.copy()
        frame[20:44, 4 + 3 * index : 28 + 3 * index] = thing
        frames.append(frame)

    def look(index, hints):
        means = frames[index].reshape(HEIGHT // 4, 4, WIDTH // 4, 4).mean(axis=(1, 3))
        light = np.clip((means - 25) / 50, 0, 1)
        return Prediction(np.stack([60 * light - 10, 50 * light - 20]).astype(np.float32))

    planes, _ = carry(frames, look)
    for index, plane in enumerate(planes):
        left = (4 + 3 * index) // 2
        assert plane[0, 12:20, left + 3 : left + 9].mean() > 35
        assert plane[0, 12:20, : max(1, left - 3)].mean() < 5
        assert plane[0, :8].mean() < 0


def test_hints_on_one_frame_reach_all_others(picture):
    frames = pan(picture, 60, 1)
    hints = (Hint(50, 32, "#2040c0", 12),)
    look = Fickle(swing=0)
    planes, state = carry(frames, look, given={20: Given(hints=hints)})
    assert look.asked.count((20, hints)) == 1
    for index in (0, 12, 20, 33, 59):
        x = (50 + 20 - index) // 2
        assert planes[index][1, 14:18, x - 2 : x + 2].mean() < -30  # blue
        assert planes[index][1, :4].mean() > 25
    # And it is not forgotten in the next passage.
    after, _ = carry([frames[-1]] * 10, look, state)
    assert after[-1][1, 14:18, 3:7].mean() < -30


def test_a_still_outweighs_the_network(picture):
    frames = pan(picture, 40, 1)
    ab = np.empty((2, HEIGHT, WIDTH), np.float32)
    ab[:] = np.array([-30, 5])[:, None, None]
    planes, _ = carry(frames, Fickle(), given={10: Given(ab=ab)})
    assert np.abs(planes[10] - ab[:, ::2, ::2]).max() < 1
    for index in (0, 30, 39):
        seen = planes[index][:, :, 8:32]
        assert np.abs(seen.mean(axis=(1, 2)) - (-30, 5)).max() < 5


def test_keyframes_come_as_often_as_asked_for(picture):
    look = Fickle()
    carry(pan(picture, 25, 1), look, every=6)
    assert [index for index, _ in look.asked] == [0, 6, 12, 18, 24]


@pytest.mark.parametrize("wrong", [[13], [13, 14], [23]], ids=["one", "two", "the last"])
def test_blank_frames_do_not_break_the_shot(picture, wrong):
    frames = pan(picture, 24)
    for index in wrong:
        frames[index] = np.full_like(frames[index], 97)
    look = Fickle()
    planes, state = carry(frames, look)
    assert max(jumps(planes[:23])) < 1.5
    assert not {index for index, _ in look.asked} & set(wrong)
    after, _ = carry(pan(picture, 40)[24:], look, state)
    assert np.abs(after[0].mean(axis=(1, 2)) - planes[-1].mean(axis=(1, 2))).max() < 2


@pytest.mark.parametrize("size", [(8, 8), (8, 40)])
def test_tiny_and_even_frames_are_coloured(size):
    frames = [np.full(size, 50, np.float32)] * 3
    said = Prediction(np.full((2, size[0] // 4, size[1] // 4), 9, np.float32))
    planes, _ = carry(frames, lambda index, hints: said)
    assert len(planes) == 3
    assert all(np.abs(plane - 9).max() < 0.1 for plane in planes)
