"""Colours from another photograph, on photographs whose true colours are known."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

import tintype
from tintype.color.lab import rgb_to_lab
from tintype.errors import HintError, ModelError, OptionError, UnreadablePhoto, UnsupportedPhoto
from tintype.reference import MOST, Reference, hints_from


@pytest.fixture(scope="module")
def colorizer():
    return tintype.Colorizer(size=128)


@pytest.fixture(scope="module")
def coffee():
    return np.ascontiguousarray(skimage.data.coffee()[::2, ::2])


@pytest.fixture(scope="module")
def colours(colorizer, coffee):
    return colorizer.look(tintype.from_array(coffee), logits=True)


def true_error(hints, truth) -> float:
    """How far, in a*b*, hints are off the true colours under them, on average."""
    lab = rgb_to_lab(truth / 255)
    codes = np.array([list(bytes.fromhex(hint.color[1:])) for hint in hints]) / 255
    places = [lab[int(hint.y), int(hint.x), 1:] for hint in hints]
    return float(np.hypot(*(rgb_to_lab(codes)[:, 1:] - places).T).mean())


def test_the_same_thing_seen_from_elsewhere_tells_its_true_colours(colorizer, colours, coffee):
    other = coffee[10:, 30:][:, ::-1]
    hints = hints_from(colours, other)
    assert 4 <= len(hints) <= MOST
    assert all(0 <= hint.x < 300 and 0 <= hint.y < 200 and 0 < hint.radius < 20 for hint in hints)
    painted, plain = (np.vstack(list(each.paint())) for each in (colours.with_hints(hints), colours))
    errors = [np.square(rgb.astype(float) - coffee).mean() for rgb in (painted, plain)]
    assert 10 * np.log10(errors[1] / errors[0]) > 1.5
    lab = rgb_to_lab(plain / 255)
    guess = np.mean([np.hypot(*(lab - rgb_to_lab(coffee / 255))[int(h.y), int(h.x), 1:]) for h in hints])
    assert true_error(hints, coffee) < 0.7 * guess
    # Whatever the colours were given before, and however the reference is.
    opened = Reference.of(other, colorizer.model, 128)
    assert hints_from(colours.with_hints(hints), opened) == hints
    data = io.BytesIO()
    Image.fromarray(other).save(data, "PNG")
    assert hints_from(colours, data.getvalue()) == hints_from(colours, io.BytesIO(data.getvalue())) == hints
    assert hints_from(colours, other, count=3) == hints[:3]


def test_something_else_tells_nothing_of_regions_but_has_a_palette(colorizer, colours, coffee):
    rocket = skimage.data.rocket()
    assert hints_from(colours, rocket) == []
    with pytest.warns(tintype.TintypeWarning, match="the given array tells nothing of the colours of the array"):
        assert np.array_equal(colorizer(coffee, reference=rocket), np.vstack(list(colours.paint())))
    hints = hints_from(colours, rocket, "palette")
    assert hints
    for hint in hints:
        likely = colours.likely(hint.x, hint.y, hint.radius, count=60)
        ab = rgb_to_lab(np.array(list(bytes.fromhex(hint.color[1:]))) / 255)[1:]
        assert min(np.hypot(each.a - ab[0], each.b - ab[1]) for each in likely) < 12


def test_what_the_user_says_lies_over_what_the_reference_says(colorizer, coffee, tmp_path):
    Image.fromarray(coffee).save(tmp_path / "a.png")
    opened = colorizer.reference(np.ascontiguousarray(coffee[:, ::-1]))
    (first, *_) = hints_from(colorizer.look(tintype.from_array(coffee)), opened)
    mine = {"x": first.x, "y": first.y, "color": "#40c060", "radius": 6}
    path = colorizer(tmp_path / "a.png", reference=opened, hints=[mine])
    assert f"reference={opened.digest}-regions".encode() in path.read_bytes()
    with Image.open(path) as image:
        lab = rgb_to_lab(np.array(image)[int(first.y), int(first.x)] / 255)
    # Green, as far as sRGB holds it there; the table is brown.
    assert lab[1] < -15


def test_what_cannot_be_a_reference_is_refused_in_a_sentence(colours, colorizer, build_model, coffee):
    gray = np.repeat(coffee.mean(axis=2, dtype=np.float32)[..., None] / 255, 3, axis=2)
    for toned in (gray, gray ** np.array([0.8, 1, 1.3])):
        with pytest.raises(
            UnsupportedPhoto, match=r"^the given array is gray or of one tone: give a reference in colour"
        ):
            hints_from(colours, toned)
    with pytest.raises(OptionError, match=r"must be an array \[height, width, 3\]"):
        hints_from(colours, coffee[..., 0])
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        colorizer(coffee, reference="missing.jpg")
    with pytest.raises(OptionError, match="must be regions or palette, not 'all'"):
        hints_from(colours, coffee, "all")
    with pytest.raises(OptionError, match="must be at least 1, not 0"):
        hints_from(colours, coffee, count=0)
    with pytest.raises(HintError, match="takes no hints"):
        tintype.Colorizer(build_model(hints=False, temperature=False)).reference(coffee)
    with pytest.raises(ModelError, match="no distribution"):
        tintype.Colorizer(build_model(hints=True)).reference(coffee)
    with pytest.raises(OptionError, match=r"let tintype\.v2 look at it"):
        hints_from(colours, Reference.of(coffee, tintype.Colorizer("tintype.mini").model, 128))
