"""How far hints carry: over the thing that they lie on, whatever the network answers, and not beyond."""

import numpy as np
import pytest

from tintype.color.lab import rgb_to_lab
from tintype.colorizer import Colorizer
from tintype.hints import Hint
from tintype.photo import from_array
from tintype.spreading import LEAK, keep_local, meet, spread, statements

SIZE = 480, 640  # ten pixels to a cell
CELLS = 48, 64
RED, GREEN, GRAY = "#a4706f", "#5f8a5c", "#808080"


def ab(color: str) -> np.ndarray:
    return rgb_to_lab(np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255)[1:]


@pytest.fixture
def coat() -> np.ndarray:
    """A dark coat, ever lighter to its right, before a light wall; L* with some grain, float32 [h, w] of cells."""
    lightness = np.full(CELLS, 70.0)
    lightness[10:, 10:50] = np.linspace(20, 45, 40)
    return (lightness + np.random.default_rng(0).normal(0, 0.5, CELLS)).astype(np.float32)


@pytest.fixture
def without() -> np.ndarray:
    """What the network guesses: the same pale brown everywhere."""
    return np.tile(np.array([6, 10], np.float32)[:, None, None], (1, *CELLS))


def hint(column: int, row: int, color: str = RED, radius: float = 12) -> Hint:
    return Hint(10 * column + 5, 10 * row + 5, color, radius)


def test_a_hint_colours_its_object_to_the_edge_and_nothing_else(coat, without):
    # The network gives nothing but a shift of everything.
    found = spread(without + 1, without, coat, [hint(20, 25)], SIZE)
    np.testing.assert_allclose(found[:, 20:35, 11:35].mean(axis=(1, 2)), ab(RED), atol=0.5)
    # At both sides of an edge, one cell from it.
    np.testing.assert_allclose(found[:, 25, 11], ab(RED), atol=1)
    outside = np.abs(found - without)
    assert outside[:, :, :9].max() < 2
    assert outside[:, :, 51:].max() < 2
    assert np.median(outside[:, :9]) < 0.1
    # It ends without a step: towards the far side of the coat it fades.
    row = found[0, 25, 10:50]
    assert np.abs(np.diff(row)).max() < 0.15 * np.ptp(row)


def test_what_is_guessed_to_be_another_thing_is_kept(coat, without):
    coat[:] = 40  # of one lightness, but the network sees two things
    without[:, :, 32:] = np.array([-30, 35], np.float32)[:, None, None]
    found = spread(without, without, coat, [hint(20, 25)], SIZE)
    np.testing.assert_allclose(found[:, 25, 28], ab(RED), atol=1.5)
    assert np.abs(found - without)[:, :, 36:].max() < 1


def test_what_the_network_moves_by_much_moves_beyond_the_reach_too(coat, without):
    answer = without.copy()
    answer[:, :8, 54:] += 60
    answer[:, :8, :8] += LEAK
    found = spread(answer, without, coat, [hint(20, 25)], SIZE) - without
    assert found[:, :7, 56:].min() > 30
    assert np.abs(found[:, :7, :7]).max() < 0.1


def test_a_gray_hint_takes_the_colour_away(coat, without):
    found = spread(without, without, coat, [hint(20, 25, GRAY)], SIZE)
    assert np.abs(found[:, 18:33, 15:26]).max() < 1
    assert np.abs(found - without)[:, :9].max() < 1


def test_a_stroke_of_the_brush_says_what_a_disc_says(coat, without):
    stroke = [hint(column, 25, RED, 8) for column in range(20, 30)]
    places = [(column, row) for column in (12, 20, 28, 36, 44) for row in (15, 40)]
    apart = [hint(*place, f"#a470{60 + number}") for number, place in enumerate(places)]
    assert statements(stroke) == statements([hint(20, 25, RED, 100)]) == 1
    assert statements([*stroke, hint(25, 25, GREEN)]) == 2
    assert statements(apart) == 10
    # So it moves the rest no more than one does.
    answer = without + 6
    for hints in (stroke, [hint(25, 25, RED, 50)]):
        assert np.abs(spread(answer, without, coat, hints, SIZE) - without)[:, :9].max() < 1
    assert np.abs(spread(answer, without, coat, apart, SIZE) - without)[:, :5].min() > 1


def test_each_of_two_hints_has_its_side_and_they_meet_without_a_step(without):
    even = np.full(CELLS, 50, np.float32)
    found = spread(without, without, even, [hint(20, 25), hint(44, 25, GREEN)], SIZE)
    np.testing.assert_allclose(found[:, 25, 20], ab(RED), atol=1)
    np.testing.assert_allclose(found[:, 25, 44], ab(GREEN), atol=1)
    row = found[0, 25, 20:45]
    assert (np.diff(row) < 0.5).all()
    assert np.abs(np.diff(row)).max() < 0.2 * np.ptp(row)
    # Further hints of its colour on the same thing leave a hint what it has.
    more = spread(without, without, even, [hint(20, 25), hint(20, 35), hint(10, 20)], SIZE)
    alone = spread(without, without, even, [hint(20, 25)], SIZE)
    distance = [np.hypot(*(planes - ab(RED)[:, None, None])) for planes in (more, alone)]
    assert (distance[0] <= distance[1] + 0.1).all()


def test_reach_is_a_share_of_the_photograph_whatever_the_size_of_the_network():
    shares = []
    for cells in ((24, 32), (48, 64), (96, 128)):
        even, without = np.full(cells, 50, np.float32), np.zeros((2, *cells), np.float32)
        found = spread(without, without, even, [hint(32, 24)], SIZE)
        shares.append(float((found[0] > ab(RED)[0] / 2).mean()))
    assert max(shares) - min(shares) < 0.1
    assert 0.3 < shares[1] < 0.7


def test_a_hint_on_an_object_of_the_default_model_carries_and_the_disc_stays_exact():
    rng = np.random.default_rng(0)
    gray = np.full((384, 320), 190.0)
    gray[60:, 40:280] = 55 + 20 * np.sin(np.arange(240) / 60)  # folds of a dark suit
    codes = np.clip(gray + rng.normal(0, 2, gray.shape), 0, 255).astype(np.uint8)
    colours = Colorizer("tintype.v2").look(from_array(codes))
    asked = colours.with_hints([Hint(160, 220, "#2f6b45", 5)])
    before, after = (rgb_to_lab(np.vstack(list(found.paint(depth=8))) / 255) for found in (colours, asked))
    change = np.linalg.norm(after - before, axis=-1)
    assert np.median(change[140:300, 90:230]) > 10
    assert np.median(change[gray > 150]) < 0.5
    np.testing.assert_allclose(after[220, 160, 1:], ab("#2f6b45"), atol=2)
    # Without hints it is what it was.
    assert np.array_equal(asked.with_hints([]).ab, colours.ab)


def test_one_hint_leaves_alone_what_it_hardly_moves_and_many_tell_of_the_whole():
    without = np.random.default_rng(0).uniform(-40, 40, (2, 8, 8)).astype(np.float32)
    ab = without.copy()
    ab[:, :, :4] += np.array([3.0, 2.0], np.float32)[:, None, None]  # a leak
    ab[:, :, 4:] += np.array([30.0, -20.0], np.float32)[:, None, None]  # what it lies on
    near = np.zeros((8, 8), np.float32)
    kept = keep_local(ab, without, 1, near)
    assert np.array_equal(kept[:, :, :4], without[:, :, :4])
    moved = np.hypot(*(kept - without)[:, :, 4:])
    assert np.all((moved > 34) & (moved < np.hypot(30, 20)))
    assert np.abs(keep_local(ab, without, 10, near) - ab).max() < 0.5
    assert np.array_equal(keep_local(without, without, 1, near), without)
    assert np.all(np.abs(keep_local(ab, without, 1, near + 3) - without) <= np.abs(kept - without))


def test_what_follows_gets_what_the_network_did_not_give():
    without = np.zeros((2, 8, 16), np.float32)
    ab = without.copy()
    ab[0, :, :8] = 60  # an object that answers twice as strongly as asked
    ab[1, :, 8:] = 2  # and chance elsewhere
    red = Hint(32, 32, "#a4706f", 10)
    wanted = rgb_to_lab(np.array([0xA4, 0x70, 0x6F]) / 255)[1:]
    met = meet(ab, without, [red], (64, 128))
    np.testing.assert_allclose(met[:, 4, 4], wanted, atol=0.5)
    np.testing.assert_allclose(met[:, 0, 0], wanted, atol=0.5)
    assert np.abs(met[:, :, 8:] - ab[:, :, 8:]).max() < 0.5


def test_each_object_gets_the_colour_of_its_own_hint():
    without = np.zeros((2, 8, 32), np.float32)
    ab = without.copy()
    ab[0, :, :16] = 40
    ab[1, :, 16:] = 40
    colors = ["#a4706f", "#8f8360"]
    hints = [Hint(32, 32, colors[0], 8), Hint(224, 32, colors[1], 8)]
    met = meet(ab, without, hints, (64, 256))
    for color, column in zip(colors, (4, 28), strict=True):
        wanted = rgb_to_lab(np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255)[1:]
        np.testing.assert_allclose(met[:, 4, column], wanted, atol=3)
