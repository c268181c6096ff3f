"""Hints: read in one way, drawn where they were put, refused in one sentence."""

import json
import math

import numpy as np
import pytest

from tintype.errors import HintError
from tintype.hints import Hint, draw_hints, keep_local, read_hints

BROWN = {"x": 10, "y": 20, "color": "#8B5a2b", "radius": 5}


def test_hints_come_from_objects_mappings_and_files(tmp_path):
    path = tmp_path / "hints.json"
    path.write_text(json.dumps([BROWN]))
    hint = Hint(10, 20, "#8B5a2b", 5)
    assert read_hints(path) == read_hints(str(path)) == read_hints([BROWN]) == read_hints([hint]) == [hint]
    assert read_hints([]) == []


@pytest.mark.parametrize(
    ("hints", "fault"),
    [
        (BROWN, "must be a list"),
        (3, "must be a list"),
        ([3], "hint 1 must be an object"),
        ([BROWN, {"x": 1}], "hint 2 lacks color and radius and y"),
        ([BROWN | {"z": 1}], "'z', which is not one of"),
        ([BROWN | {"x": "1"}], "a number as x"),
        ([BROWN | {"y": True}], "a number as y"),
        ([BROWN | {"y": math.nan}], "a number as y"),
        ([BROWN | {"radius": math.inf}], "a number as radius"),
        ([BROWN | {"radius": 0}], "radius above 0"),
        ([BROWN | {"color": "brown"}], "a color such as"),
        ([BROWN | {"color": "#8b5a2"}], "a color such as"),
        ([BROWN | {"color": 0x8B5A2B}], "a color such as"),
    ],
)
def test_faults_are_named(hints, fault):
    with pytest.raises(HintError, match=fault) as caught:
        read_hints(hints)
    assert "\n" not in str(caught.value)


def test_faults_of_files_name_the_file(tmp_path):
    path = tmp_path / "hints.json"
    with pytest.raises(HintError, match=r"hints\.json cannot be read \(No such file"):
        read_hints(path)
    for content in (b"", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(HintError, match=r"hints\.json is not JSON"):
            read_hints(path)


def test_a_disc_covers_its_area_and_carries_its_colour():
    drawn = draw_hints([Hint(50, 40, "#ff0000", 20)], (80, 100), (80, 100))
    assert drawn.dtype == np.float32
    # The a*, b* of red: FACTS of colour science, see tests of color/lab.
    np.testing.assert_allclose(drawn[:, 40, 50], [80.09, 67.20, 1], atol=0.01)
    assert drawn[2].sum() == pytest.approx(math.pi * 20**2, rel=1e-3)
    rows, columns = np.nonzero(drawn[2])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 59, 30, 69)
    np.testing.assert_allclose(drawn[0], drawn[2] * drawn[0].max(), atol=1e-3)


def test_places_and_radii_follow_the_size_of_the_network():
    small = draw_hints([Hint(500, 400, "#00ff00", 200)], (800, 1000), (80, 100))
    np.testing.assert_allclose(small, draw_hints([Hint(50, 40, "#00ff00", 20)], (80, 100), (80, 100)), atol=1e-5)
    wide = draw_hints([Hint(50, 40, "#00ff00", 20)], (80, 100), (80, 200))
    assert wide[2].sum() == pytest.approx(2 * math.pi * 20**2, rel=1e-3)


@pytest.mark.parametrize("place", [(0, 0), (2000.3, 1500.7), (3999.9, 2999.9)])
def test_the_smallest_hint_is_seen(place):
    drawn = draw_hints([Hint(*place, "#0000ff", 0.01)], (3000, 4000), (96, 128))
    assert drawn[2].max() > 0.5
    row, column = np.unravel_index(drawn[2].argmax(), drawn[2].shape)
    assert abs(row - place[1] * 96 / 3000) <= 1.5
    assert abs(column - place[0] * 128 / 4000) <= 1.5


def test_a_later_hint_lies_on_top():
    both = draw_hints([Hint(20, 20, "#ff0000", 15), Hint(20, 20, "#0000ff", 5)], (40, 40), (40, 40))
    np.testing.assert_allclose(both[:2, 20, 20], [79.19, -107.86], atol=0.01)
    np.testing.assert_allclose(both[:2, 20, 8], [80.09, 67.20], atol=0.01)
    assert both[2].max() == pytest.approx(1)


@pytest.mark.parametrize("place", [(-1, 5), (5, -0.1), (100, 5), (5, 80), (1e300, 5)])
def test_a_hint_outside_the_photograph_is_refused(place):
    with pytest.raises(HintError, match=r"Hint 2 at .* lies outside the photograph of 100 x 80 pixels"):
        draw_hints([Hint(5, 5, "#ff0000", 3), Hint(*place, "#ff0000", 3)], (80, 100), (80, 100))


def test_one_hint_leaves_alone_what_it_hardly_moves_and_many_tell_of_the_whole():
    without = np.random.default_rng(0).uniform(-40, 40, (2, 8, 8)).astype(np.float32)
    ab = without.copy()
    ab[:, :, :4] += np.array([3.0, 2.0], np.float32)[:, None, None]  # a leak
    ab[:, :, 4:] += np.array([30.0, -20.0], np.float32)[:, None, None]  # what it lies on
    kept = keep_local(ab, without, 1)
    assert np.array_equal(kept[:, :, :4], without[:, :, :4])
    moved = np.hypot(*(kept - without)[:, :, 4:])
    assert np.all((moved > 34) & (moved < np.hypot(30, 20)))
    assert np.abs(keep_local(ab, without, 10) - ab).max() < 0.5
    assert np.array_equal(keep_local(without, without, 1), without)
