"""Hints: read in one way, drawn where they were put, refused in one sentence."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from tintype.color.gamut import fit_chroma
from tintype.color.lab import rgb_to_lab
from tintype.colorizer import Colorizer
from tintype.errors import HintError
from tintype.hints import MOST, Discs, Hint, draw_hints, read_hints
from tintype.models import Model
from tintype.photo import read

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
        ([BROWN | {"radius": math.inf}], "a number of at most 1000000000 as radius"),
        ([BROWN | {"radius": 1e308}], "a number of at most 1000000000 as radius"),
        ([BROWN | {"radius": 10**400}], "a number of at most 1000000000 as radius"),
        ([BROWN | {"radius": 10**5000}], "a number of at most 1000000000 as radius"),
        ([BROWN | {"x": -(10**400)}], "a number of at most 1000000000 as x"),
        ([BROWN] * (MOST + 1), "more than 1000 hints"),
        (itertools.repeat(BROWN), "more than 1000 hints"),
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
    path.write_text(json.dumps([BROWN] * 200_000))
    with pytest.raises(HintError, match=r"hints\.json has more than 4 MB: give at most 1000 hints"):
        read_hints(path)
    path.unlink()
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


# What is asked for is what comes out


def lab_of(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb / 255)


def asked(color: str, lightness: np.ndarray) -> np.ndarray:
    """The a*b* of a colour, with as much of its chroma as sRGB holds at these L*; [..., 2]."""
    a, b = rgb_to_lab(np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255)[1:]
    lab = np.stack([lightness, np.full_like(lightness, a), np.full_like(lightness, b)], axis=-1)
    return fit_chroma(lab)[..., 1:]


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """Gray codes of a dark coat before a light wall, with some grain; uint8 [384, 256]."""
    rng = np.random.default_rng(0)
    gray = np.full((384, 256), 170.0)
    gray[120:, 60:200] = 45
    gray[330:, 60:200] = 12  # where it is nearly black
    return np.clip(gray + rng.normal(0, 2, gray.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("model", ["tintype.v2", "tintype.mini"])
@pytest.mark.parametrize("vividness", [1.0, 2.0])
def test_a_disc_has_the_hue_and_the_chroma_that_were_asked_for(model, vividness, photograph):
    hints = [
        Hint(130, 220, "#7a3b3b", 12),  # on the coat
        Hint(130, 355, "#7a3b3b", 12),  # where it is nearly black
        Hint(30, 60, "#5a7fa8", 6),  # on the wall
        Hint(220.5, 60.5, "#5a7fa8", 0.2),  # smaller than a pixel
    ]
    result = lab_of(Colorizer(model, vividness=vividness)(photograph, hints=hints))
    plain = lab_of(Colorizer(model, vividness=vividness)(photograph))
    assert np.abs(result[..., 0] - plain[..., 0]).max() < 1  # as without hints
    y, x = np.mgrid[:384, :256] + 0.5
    for hint in hints:
        inside = np.hypot(y - hint.y, x - hint.x) <= max(hint.radius, 0.71)
        found, wanted = result[inside], asked(hint.color, result[inside][:, 0])
        difference = np.hypot(*(found[:, 1:] - wanted).T)
        # Eight bits hold no colour more exactly: most of all where it is dark.
        assert np.median(difference) < (4 if found[:, 0].mean() < 8 else 1.5)


def test_what_follows_a_hint_is_not_stronger_than_asked(photograph):
    color = "#7a3b3b"
    hint = Hint(130, 220, color, 12)
    for vividness in (1.0, 2.0):
        result = lab_of(Colorizer(vividness=vividness)(photograph, hints=[hint]))
        plain = lab_of(Colorizer(vividness=vividness)(photograph))
        y, x = np.mgrid[:384, :256]
        around = (np.hypot(y - 220, x - 130) > 20) & (np.hypot(y - 220, x - 130) < 50) & (y > 140) & (y < 320)
        around &= (x > 75) & (x < 185)
        chroma = np.hypot(*np.moveaxis(result[around][:, 1:], -1, 0)).mean()
        limit = np.hypot(*asked(color, np.array([result[around][:, 0].mean()]))[0])
        assert chroma < 1.15 * limit
        # And it does follow: nearer to what was asked for than without.
        target = asked(color, result[..., 0])[around]
        before, after = (np.hypot(*(found[around][:, 1:] - target).T).mean() for found in (plain, result))
        assert after < 0.6 * before


def test_results_without_hints_are_what_they_were(photograph):
    colorize = Colorizer("tintype.mini")
    assert np.array_equal(colorize(photograph, hints=[]), colorize(photograph))


def test_blend_pales_hints_too(photograph):
    gray = Colorizer("tintype.mini", blend=0)(photograph, hints=[Hint(130, 220, "#ff0000", 12)])
    assert np.array_equal(gray, np.repeat(photograph[..., None], 3, axis=2))


def test_discs_do_not_depend_on_strips_and_the_last_lies_on_top():
    hints = [Hint(20, 20, "#ff0000", 15), Hint(24, 20, "#0000ff", 5), Hint(3, 39, "#00ff00", 4)]
    discs = Discs(hints, (40, 50))
    whole = np.full((2, 40, 50), 5, np.float32)
    parts = whole.copy()
    discs.lay(0, 0, whole)
    for top in range(0, 40, 7):
        discs.lay(top, 0, parts[:, top : top + 7])
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    np.testing.assert_allclose(whole[:, 20, 24], [79.19, -107.86], atol=0.01)
    np.testing.assert_allclose(whole[:, 20, 10], [80.09, 67.20], atol=0.01)
    assert np.array_equal(whole[:, 0, 49], [5, 5])


def test_a_thousand_hints_over_the_whole_photograph_do_not_take_for_ever():
    hints = [Hint(500, 500, f"#{number:06x}", 1e9) for number in range(MOST)]
    code = np.full((1000, 1000), 128, np.uint8)
    result = Colorizer("tintype.mini")(code, hints=hints)
    wanted = asked(f"#{MOST - 1:06x}", np.array([lab_of(result[500:501, 500:501])[0, 0, 0]]))[0]
    np.testing.assert_allclose(lab_of(result)[500, 500, 1:], wanted, atol=1)


def test_a_colour_carries_even_where_the_network_itself_follows_no_hints():
    code = np.full((300, 300), 128, np.uint8)
    code[:, 200:] = 220
    result = lab_of(Colorizer("tintype.mini")(code, hints=[Hint(100, 150, "#7a3b3b", 8)]))
    plain = lab_of(Colorizer("tintype.mini")(code))
    assert np.hypot(*(result - plain)[60, 60, 1:]) > 20
    assert np.hypot(*(result - plain)[150, 280, 1:]) < 2


@pytest.mark.parametrize("model", ["tintype.v2", "tintype.mini"])
def test_a_higher_temperature_is_more_colourful(model):
    """As the help says; docs/python.md has the figures of 38 photographs."""
    photographs = sorted((Path(__file__).parents[1] / "examples" / "photographs").glob("*.jpg"))[:3]
    opened = Model(model)
    rows = []
    for path in photographs:
        photo = read(path)
        height, width = Colorizer(opened).network_size((photo.height, photo.width))
        lightness = photo.thumbnail(width, height)
        rows.append([np.hypot(*opened.predict(lightness, temperature=t).ab).mean() for t in (0.2, 0.7, 1.4)])
    chroma = np.mean(rows, axis=0)
    assert list(chroma) == sorted(chroma)
