"""Shot boundaries: cuts are told, and what only looks like one is not."""

import numpy as np
import pytest

from tintype.film.cuts import AHEAD, Cuts

HEIGHT, WIDTH = 64, 96


def shot(seed, count=16, pace=2):
    """A pan over uneven L*: float32 [HEIGHT, WIDTH] each."""
    random = np.random.default_rng(seed)
    rough = random.normal(0, 1, (HEIGHT // 4, 60)).repeat(4, 0).repeat(4, 1)
    for axis in (0, 1):
        rough = sum(np.roll(rough, step, axis) for step in range(-3, 4)) / 7
    picture = np.clip(50 + 60 * rough, 2, 98).astype(np.float32)
    return [picture[:, pace * index : pace * index + WIDTH] for index in range(count)]


def told(frames):
    cuts, starts = Cuts(), []
    for number, frame in enumerate(frames):
        found = cuts.push(np.ascontiguousarray(frame))
        assert all(start < cuts.settled for start in found)
        assert cuts.settled == max(0, number + 1 - AHEAD)
        starts += found
    return starts + cuts.finish()


def test_hard_cuts_are_told_at_their_frame():
    assert told(shot(1) + shot(2, 12, 0) + shot(3, 9, 3)) == [0, 16, 28]


def test_the_last_frames_and_short_films():
    assert told(shot(1, 8) + shot(2, 1)) == [0, 8]
    assert told(shot(1, 1)) == [0]
    assert told([]) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: np.clip(1.8 * frame + 30, 0, 100),
        lambda frame: np.full_like(frame, 97),
        lambda frame: np.full_like(frame, 1),
        lambda frame: np.where(np.arange(WIDTH) % 60 < 45, np.float32(4), frame),
    ],
    ids=["flash", "white", "black", "dirt"],
)
def test_a_frame_or_two_that_went_wrong_are_no_cut(spoil):
    frames = shot(4, 20, 1)
    frames[8], frames[9] = (spoil(frame).astype(np.float32) for frame in frames[8:10])
    assert told(frames) == [0]


def test_exposure_that_pumps_is_no_cut():
    frames = [np.clip(frame * (1 + 0.4 * np.sin(2 * i)), 0, 100) for i, frame in enumerate(shot(5, 20))]
    assert told([frame.astype(np.float32) for frame in frames]) == [0]


def test_a_dissolve_is_no_cut_and_a_fade_through_black_is_one():
    old, new = shot(6, 24, 1), shot(7, 24, 1)
    share = np.clip((np.arange(24) - 5) / 14, 0, 1)
    assert told([(1 - s) * a + s * b for s, a, b in zip(share, old, new, strict=True)]) == [0]
    fade = [max(0, 1 - 2 * s) * a + max(0, 2 * s - 1) * b for s, a, b in zip(share, old, new, strict=True)]
    starts = told(fade)
    assert len(starts) == 2
    assert 8 <= starts[1] <= 16
