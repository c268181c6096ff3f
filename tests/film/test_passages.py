"""A film in shots and passages."""

import numpy as np
import pytest

from tintype.film.passages import GUIDED, PASSAGE, Scouted, Small, passages, small

SEEN = np.full((8, 8), 50, np.float32)


def parts(stop, starts=(0,), guided=(), first=0):
    """(first, stop, whether a shot begins) of the passages of a film that is gray all over."""
    frames = [Scouted(index, SEEN, index in starts) for index in range(first, stop)]
    return [(passage.first, passage.stop, passage.begins) for passage in passages(frames, guided)]


def test_a_passage_ends_with_its_shot_or_when_it_is_full():
    assert parts(PASSAGE + 50, (0, 30)) == [(0, 30, True), (30, 150, True), (150, 170, False)]
    assert parts(0) == []
    assert parts(2 * PASSAGE) == [(0, PASSAGE, True), (PASSAGE, 2 * PASSAGE, False)]


def test_what_a_user_gives_guides_its_whole_shot_but_no_other():
    assert parts(1000, (0, 400), [300]) == [(0, 400, True)] + [
        (first, min(first + PASSAGE, 1000), first == 400) for first in range(400, 1000, PASSAGE)
    ]
    assert parts(GUIDED + 40, (0,), [5]) == [(0, GUIDED, True), (GUIDED, GUIDED + 40, False)]
    # The shot before the guided one is cut as if nothing followed.
    assert parts(300, (0, 200), [250])[:2] == [(0, PASSAGE, True), (PASSAGE, 200, False)]


@pytest.mark.parametrize("guided", [(), (700,), (30, 2600)])
def test_a_run_may_begin_with_any_passage(guided):
    starts = {0, 100, 650, 2000}
    whole = parts(3000, starts, guided)
    assert {first for first, _, begins in whole if begins} == starts
    for place, (first, _, _) in enumerate(whole):
        assert parts(3000, starts, guided, first) == whole[place:]


def test_frames_are_kept_to_a_hundredth_of_l():
    light = np.random.default_rng(0).uniform(0, 100, (8, 8)).astype(np.float32)
    (passage,) = passages([Scouted(0, light, True)])
    assert np.abs(passage.seen[0] - light).max() < 0.01
    assert passage.seen[0].dtype == np.float32


def test_a_small_frame_is_made_of_means_of_lightness():
    tones = np.linspace(0, 100, 256).astype(np.float32) ** 2 / 100
    gray = np.random.default_rng(0).integers(0, 256, (24, 32)).astype(np.uint8)
    expected = tones[gray].reshape(8, 3, 8, 4).mean(axis=(1, 3))
    assert np.allclose(Small(tones, (8, 8))(gray), expected, atol=1e-3)
    wide = Small(np.repeat(tones, 4), (8, 8))(gray.astype(np.uint16) * 4)
    assert np.allclose(wide, expected, atol=1e-3)
    assert small(expected, (16, 16)).shape == (16, 16)
