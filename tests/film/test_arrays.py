"""Frames in and out as arrays."""

import threading
from itertools import count, islice

import numpy as np
import pytest

from small_films import frames
from tintype.color.lab import lightness
from tintype.errors import FilmError, HintError, OptionError
from tintype.film import Steady


def test_arrays_come_out_in_their_own_type_at_their_own_lightness(tiny):
    gray = list(frames(20))
    steady = Steady(model=tiny, ahead=8)
    coloured = list(steady(gray))
    assert len(coloured) == 20
    for before, after in zip(gray, coloured, strict=True):
        assert (after.shape, after.dtype) == ((*before.shape, 3), np.uint8)
        assert np.abs(lightness(after / 255.0) - lightness(np.dstack(3 * [before]) / 255.0)).mean() < 0.3
        assert after.std(axis=2).mean() > 2
    deep = list(steady(frame.astype(np.uint16) * 257 for frame in gray))
    assert deep[5].dtype == np.uint16
    assert np.abs(deep[5] / 257.0 - coloured[5]).max() < 1.5
    light = list(steady(np.dstack(3 * [frame]).astype(np.float32) / 255 for frame in gray))
    assert light[5].dtype == np.float32
    assert np.abs(255 * light[5] - coloured[5]).max() < 1.5
    assert list(steady([])) == []


def test_it_takes_no_more_frames_than_it_says_and_ends_when_it_is_closed(tiny):
    (gray,) = frames(1)
    taken = []

    def endless():
        for number in count():
            taken.append(number)
            yield gray

    before = threading.active_count()
    coloured = Steady(model=tiny, ahead=4)(endless())
    assert len(list(islice(coloured, 30))) == 30
    assert len(taken) < 30 + 5 * 4 + 10
    coloured.close()
    assert threading.active_count() <= before


def test_keys_and_hints_guide_the_frames_around_them(tiny):
    gray = list(frames(10))
    plain = list(Steady(model=tiny)(gray))
    blue = np.dstack(3 * [gray[4]]).astype(np.float32) / 255 * [0.6, 0.7, 1]
    keyed = list(Steady(model=tiny, keys={4: blue.astype(np.float32)})(gray))
    hints = [{"x": 48, "y": 32, "color": "#2040ff", "radius": 40}]
    hinted = list(Steady(model=tiny, hints={4: hints})(gray))
    for guided in (keyed, hinted):
        for place in (0, 9):
            change = (guided[place].astype(int) - plain[place]).mean(axis=(0, 1))
            assert change[2] - change[0] > 5


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ([np.zeros((64, 96), np.uint8), np.zeros((64, 98), np.uint8)], "Frame 1 is 98 x 64, those before it 96 x 64"),
        (["a.png"], "Frame 0 must be an array"),
        ([np.zeros((4, 64, 96, 3), np.uint8)], "Frame 0 must be an array"),
    ],
)
def test_frames_that_do_not_fit_are_named(arrays, said, tiny):
    with pytest.raises(FilmError, match=said):
        list(Steady(model=tiny)(arrays))


def test_what_cannot_be_used_is_refused_at_once(tiny, build_model):
    with pytest.raises(OptionError, match="at least 2"):
        Steady(model=tiny, ahead=1)
    with pytest.raises(HintError, match="takes no hints"):
        Steady(model=build_model(), hints={0: [{"x": 1, "y": 1, "color": "#000000", "radius": 1}]})
    with pytest.raises(OptionError, match="key of frame 3"):
        list(Steady(model=tiny, keys={3: np.zeros((4, 4), np.uint8)})(frames(2)))
    with pytest.raises(ZeroDivisionError):
        list(Steady(model=tiny)(1 / 0 for _ in range(3)))
