"""Look once, paint often: what a look keeps, what painting takes from it, and how often the network works."""

import io
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from PIL import Image

import tintype
from tintype import Colorizer
from tintype.cli.inspect import inspect
from tintype.color.enlarge import Enlarger
from tintype.color.lab import rgb_to_lab
from tintype.colours import FINER
from tintype.errors import HintError, OptionError
from tintype.evaluation.methods import Method, Picture
from tintype.models import Model
from tintype.models.runtime import Session
from tintype.photo import from_array, read
from tintype.plots import animation

HINT = {"x": 150, "y": 90, "color": "#a03020", "radius": 30}


def gray(height: int, width: int) -> np.ndarray:
    """A smooth gray picture with one sharp edge, uint8 [h, w]."""
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    return (60 + 70 * y + 60 * np.sin(5 * x) ** 2 + 40 * (x > 0.6)).astype(np.uint8)


def painted(colours, **options) -> np.ndarray:
    return np.concatenate(list(colours.paint(**options)))


@pytest.fixture
def photo():
    return from_array(gray(360, 480))


@pytest.fixture
def colorizer(tiny):
    return Colorizer(tiny, threads=1)


@pytest.fixture
def passes(monkeypatch):
    """The sizes that the network was run at, pass by pass; what opens a model is left out."""
    run, seen = Session.run, []

    def count(self, outputs, feed, limit=None, watch=None):
        if limit is None:
            seen.append(feed["lightness"].shape[2:])
        return run(self, outputs, feed, limit, watch)

    monkeypatch.setattr(Session, "run", count)
    return seen


def test_painting_never_runs_the_network(colorizer, photo, passes):
    colours = colorizer.look(photo)
    assert len(passes) == 1
    for options in ({}, {"vividness": 2.0}, {"blend": 0.3}, {"size": 100}, {"depth": 16}):
        painted(colours, **options)
    assert len(passes) == 1


def test_hints_take_one_more_pass_and_other_hints_again_one(colorizer, photo, passes):
    guided = colorizer.look(photo, [HINT])
    assert len(passes) == 2
    guided.with_hints([HINT | {"color": "#2030a0"}])
    assert len(passes) == 3
    plain = guided.with_hints([])
    assert len(passes) == 3
    np.testing.assert_array_equal(plain.ab, colorizer.look(photo).ab)


def test_an_animation_and_an_evaluation_look_once(tiny, passes, tmp_path, build_model):
    assert len(animation.frames(Model(tiny), np.repeat(gray(90, 120)[..., None], 3, axis=2))) == 20
    assert len(passes) == 1
    model = build_model(hints=True, logits=3)
    truth = np.repeat(gray(64, 96)[..., None], 3, axis=2)
    picture = Picture("a", truth, truth[..., 0], lambda: truth)
    for hints, count in ((0, 1), (10, 2)):
        paint = Method("x", "model", str(model), hints=hints).open()
        passes.clear()
        assert paint(picture).reliability is not None
        assert len(passes) == count


def test_inspecting_looks_once_at_the_photograph_and_once_at_its_inversion(build_model, passes, tmp_path):
    """The second is asked whether the photograph is a negative; figures, map and picture all come of the first."""
    Image.fromarray(gray(90, 120)).save(tmp_path / "a.png")
    inspect(tmp_path / "a.png", model=str(build_model(logits=3)), at=(10, 20))
    assert (tmp_path / "a.inspect.png").exists()
    assert len(passes) == 2


def test_evaluating_with_hints_keeps_nothing_of_a_photograph(build_model):
    model = build_model(hints=True, logits=300, card={"bins": [[float(i), 0.0] for i in range(300)]})
    paint = Method("x", "model", str(model), hints=10).open()
    truth = np.repeat(gray(256, 256)[..., None], 3, axis=2)
    picture = Picture("a", truth, truth[..., 0], lambda: truth)
    paint(picture)
    tracemalloc.start()
    try:
        paint(picture)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            paint(picture)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 300_000  # the logits of one photograph have that many bytes


@pytest.mark.parametrize("settings", [{}, {"vividness": 1.7}, {"blend": 0.4}, {"vividness": 0.5, "blend": 0.7}])
def test_painting_is_what_a_colorizer_of_these_settings_gives(tiny, photo, settings):
    array = photo.plane
    for hints in (None, [HINT]):
        once = Colorizer(tiny).look(photo, hints)
        np.testing.assert_array_equal(painted(once, **settings), Colorizer(tiny, **settings)(array, hints=hints))
        # The colorizer's own settings are the defaults.
        np.testing.assert_array_equal(
            painted(Colorizer(tiny, **settings).look(photo, hints)), painted(once, **settings)
        )


def test_looking_again_needs_neither_the_photograph_nor_its_thumbnail(colorizer, photo):
    blank = replace(photo, plane=np.zeros_like(photo.plane))
    colours = replace(colorizer.look(photo), photo=blank)
    np.testing.assert_array_equal(colours.with_hints([HINT]).ab, colorizer.look(photo, [HINT]).ab)


@pytest.mark.parametrize("hints", [None, [HINT]])
def test_a_preview_is_the_result_made_smaller(colorizer, photo, hints):
    colours = colorizer.look(photo, hints)
    full = Image.fromarray(painted(colours))
    for size in ((90, 120), (45, 60), (180, 240), (12, 16)):
        preview = painted(colours, size=size)
        assert preview.shape == (*size, 3)
        expected = np.asarray(full.resize(size[::-1], Image.Resampling.BOX))
        difference = rgb_to_lab(preview / 255.0) - rgb_to_lab(expected / 255.0)
        assert np.percentile(np.sqrt((difference**2).sum(axis=-1)), 95) < 3
    np.testing.assert_array_equal(painted(colours, size=120), painted(colours, size=(90, 120)))
    np.testing.assert_array_equal(painted(colours, size=(360, 480)), np.asarray(full))


def test_a_preview_up_to_the_guide_does_not_touch_the_full_size(colorizer, photo):
    colours = colorizer.look(photo)
    height, width = colours.guide.shape
    assert (height, width) == (64 * FINER, 88 * FINER)
    blank = replace(colours, photo=replace(photo, plane=np.zeros_like(photo.plane)))
    for size in ((height, width), (50, 66)):
        np.testing.assert_array_equal(painted(blank, size=size), painted(colours, size=size))
    assert painted(blank, size=(2 * height, 2 * width)).max() == 0


def test_a_preview_may_be_larger_than_a_small_photograph(colorizer):
    preview = painted(colorizer.look(from_array(gray(40, 30))), size=(400, 300))
    assert preview.shape == (400, 300, 3)


def test_what_is_reduced_is_small_and_paints_the_same_previews():
    photo = from_array(gray(3000, 4000))
    colours = Colorizer(threads=2).look(photo)
    small = colours.reduced()
    arrays = {id(array): array for array in (small.ab, small.guide, small.photo.plane)}
    assert sum(array.nbytes for array in arrays.values()) < 2_000_000
    np.testing.assert_array_equal(painted(small, size=600), painted(colours, size=600))
    middle = colours.reduced(1200)
    np.testing.assert_array_equal(painted(middle, size=1200), painted(colours, size=1200))
    np.testing.assert_array_equal(middle.with_hints([HINT]).ab, colours.with_hints([HINT]).ab)
    with pytest.raises(OptionError, match="kept at 1200 x 900 pixels only, so 4000 x 3000 cannot be painted"):
        middle.paint()
    np.testing.assert_array_equal(painted(replace(small, photo=photo)), painted(colours))


def test_a_small_photograph_stays_whole_when_it_is_reduced(colorizer):
    photo = from_array(gray(40, 30))
    colours = colorizer.look(photo).reduced()
    np.testing.assert_array_equal(painted(colours), painted(colorizer.look(photo)))


def test_what_a_file_has_lost_stays_gray_in_previews(colorizer, tmp_path):
    memory = io.BytesIO()
    Image.fromarray(gray(360, 480)).save(memory, "jpeg", quality=95)
    with pytest.warns(tintype.TintypeWarning):
        Colorizer(colorizer.model)(memory.getvalue()[: len(memory.getvalue()) // 2], salvage=True)
    photo = read(memory.getvalue()[: len(memory.getvalue()) // 2], salvage=True)
    first = photo.missing[0].start
    assert 60 < first < 300
    for colours in (colorizer.look(photo), colorizer.look(photo).reduced()):
        preview = painted(colours, size=(90, 120))
        lost = -(-first * 90 // 360)
        assert (np.ptp(preview[lost:].astype(int), axis=-1) == 0).all()
        assert (np.ptp(preview[: lost - 1].astype(int), axis=-1) > 5).all()


def test_colours_are_frozen_and_may_be_painted_from_several_threads(colorizer, photo):
    colours = colorizer.look(photo, [HINT])
    with pytest.raises(FrozenInstanceError):
        colours.blend = 0.5
    for array in (colours.ab, colours.guide, colours.unguided):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    expected = painted(colours)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: painted(colours), range(8)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"vividness": -1}, "The vividness must be a number from 0 to 10, not -1"),
        ({"blend": 1.5}, "The blend must be a number from 0 to 1, not 1.5"),
        ({"depth": 12}, "The depth must be 8, 16 or 32 bits, not 12"),
        ({"size": 0}, "The size must be"),
        ({"size": (0, 5)}, "The size must be"),
        ({"size": 2.5}, "The size must be"),
        ({"size": (5,)}, "The size must be"),
    ],
)
def test_what_cannot_be_painted_is_refused_at_once(colorizer, photo, options, sentence):
    with pytest.raises(OptionError, match=sentence):
        colorizer.look(photo).paint(**options)


def test_hints_that_cannot_be_used_are_refused_before_the_network_works(tiny, photo, passes, build_model):
    with pytest.raises(HintError, match="takes no hints"):
        Colorizer(build_model()).look(photo, [HINT])
    with pytest.raises(HintError, match="outside the photograph of 480 x 360"):
        Colorizer(tiny).look(photo, [HINT | {"x": 480}])
    assert passes == []
    with pytest.raises(HintError, match="takes no hints"):
        Colorizer(build_model()).look(photo).with_hints([HINT])


def test_the_three_steps_give_the_file_that_one_call_gives(tmp_path):
    Image.fromarray(gray(300, 400)).save(tmp_path / "a.jpg", quality=92, dpi=(300, 300))
    whole = Image.open(tintype.colorize(tmp_path / "a.jpg", tmp_path / "whole.jpg"))
    photo = tintype.read(tmp_path / "a.jpg")
    colours = Colorizer().look(photo)
    tintype.write(photo, colours.paint(), tmp_path / "steps.jpg")
    steps = Image.open(tmp_path / "steps.jpg")
    np.testing.assert_array_equal(np.asarray(steps), np.asarray(whole))
    assert steps.info["dpi"] == (300, 300)


@pytest.mark.parametrize("size", [None, 300, 120, (700, 1000)])
@pytest.mark.parametrize("hints", [[], [HINT]])
def test_a_part_of_the_result_has_the_pixels_of_the_whole(colorizer, photo, size, hints):
    colours = colorizer.look(photo, hints)
    whole = painted(colours, size=size)
    down, across = whole.shape[0] / 360, whole.shape[1] / 480
    for x, y, width, height in [(0, 0, 480, 360), (130, 70, 100, 60), (479, 0, 1, 1), (100, 350, 11, 10)]:
        part = painted(colours, size=size, box=(x, y, width, height))
        top, left = min(round(y * down), whole.shape[0] - 1), min(round(x * across), whole.shape[1] - 1)
        rows, columns = max(1, round((y + height) * down) - top), max(1, round((x + width) * across) - left)
        np.testing.assert_array_equal(part, whole[top : top + rows, left : left + columns])


def test_what_a_file_has_lost_stays_gray_in_a_part(colorizer):
    photo = replace(from_array(gray(360, 480)), missing=(slice(300, 360), slice(100, 480)))
    colours = colorizer.look(photo)
    part = painted(colours, box=(60, 260, 100, 80))
    np.testing.assert_array_equal(part, painted(colours)[260:340, 60:160])
    assert np.ptp(part[40:, 40:], axis=-1).max() == 0
    assert np.ptp(part[:40], axis=-1).max() > 0


@pytest.mark.parametrize("box", [(0, 0, 481, 10), (-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, 1.5, 5), "all"])
def test_a_box_that_is_not_in_the_photograph_is_refused(colorizer, photo, box):
    with pytest.raises(OptionError, match=r"within the 480 x 360 pixels"):
        colorizer.look(photo).paint(box=box)


def test_tiles_enlarge_the_colours_once(colorizer, photo, monkeypatch):
    made = []
    monkeypatch.setattr("tintype.colours.Enlarger", lambda *given: made.append(1) or Enlarger(*given))
    guided = colorizer.look(photo, [HINT])
    for x in range(0, 480, 120):
        painted(guided, box=(x, 0, 120, 360))
    assert len(made) == 1
    vivid = painted(guided, vividness=2.0)
    assert len(made) == 2
    np.testing.assert_array_equal(vivid, painted(colorizer.look(photo, [HINT]), vividness=2.0))


def test_another_temperature_is_another_look_with_the_same_hints(photo, passes):
    warm, cold = (Colorizer("tintype.mini", temperature=t, threads=1) for t in (1.0, 0.2))
    asked = warm.look(photo, [HINT]).with_temperature(0.2)
    assert len(passes) == 4
    np.testing.assert_array_equal(asked.ab, cold.look(photo, [HINT]).ab)
    assert asked.temperature == 0.2
    assert asked.hints == cold.look(photo, [HINT]).hints
    with pytest.raises(OptionError, match="temperature must be above 0"):
        asked.with_temperature(0)
