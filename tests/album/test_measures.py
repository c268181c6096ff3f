"""What is measured of photographs in a run: known colours, doubt, and what looks like a negative or a page of text."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tintype import Colorizer, album, from_array, read
from tintype.album.ledger import Ledger
from tintype.album.measures import CELLS, NEGATIVE, TEXT, measures_of, outliers, patterns, scores

EXAMPLES = sorted(Path("examples/photographs").glob("*.jpg"))


@pytest.fixture(scope="module")
def mini():
    return Colorizer("tintype.mini", threads=1)


@pytest.mark.parametrize(("vividness", "blend"), [(1.0, 1.0), (2.0, 0.5), (3.0, 1.0)])
def test_chroma_is_that_of_the_result(vividness, blend, tiny):
    # a* = 0.2 L* + 10 and b* = 20 - 0.4 L*: at L* 50 the chroma is 20.
    colorizer = Colorizer(tiny, vividness=vividness, blend=blend)
    found = measures_of(colorizer.look(from_array(np.full((64, 96), 0.4663, np.float32))))
    assert found["chroma"] == pytest.approx(20 * vividness * blend, abs=0.05)
    assert found["chroma_spread"] < 0.01
    assert (found["gray"], found["strong"]) == (0, 0)
    assert "doubt" not in found  # The model has no distribution.


def test_doubt_is_the_expected_distance_from_the_colour_that_was_given(mini):
    colours = mini.look(read(EXAMPLES[1]), logits=True)
    found = colours.distribution()
    assert found.probabilities[0].size > CELLS
    distances = np.hypot(*(found.bins[:, :, None, None] - colours.ab).transpose(1, 0, 2, 3))
    expected = (found.probabilities * distances).sum(axis=0).mean()
    assert measures_of(colours)["doubt"] == pytest.approx(expected, rel=0.05)


def test_a_certain_model_has_no_doubt(build_model, tmp_path):
    # Its bins lie where its colours are, and one of them is certain.
    path = build_model(logits=2, gain=(0, 0), offset=(1000, 0), card={"bins": [[-1000.0, 0.0], [1000.0, 0.0]]})
    white = from_array(np.full((64, 64), 255, np.uint8))
    assert measures_of(Colorizer(path).look(white, logits=True))["doubt"] == pytest.approx(0, abs=1e-3)


def test_in_a_negative_light_and_dark_change_places(mini):
    light = mini.look(read(EXAMPLES[0])).guide
    counted, inverted = patterns(light), patterns(100 - light)
    assert np.allclose(counted.sum(axis=2), 1)
    assert np.allclose(counted, inverted[:, ::-1])
    assert scores(counted)[0] == pytest.approx(1 - scores(inverted)[0], abs=1e-5)
    # They depend on no tone curve as far as differences stay to be seen.
    assert scores(patterns(100 * (light / 100) ** 1.2))[0] == pytest.approx(scores(counted)[0], abs=0.15)


def test_photographs_are_told_from_negatives_and_pages(mini):
    def seen(path_or_pixels, **options):
        photo = read(path_or_pixels, **options) if isinstance(path_or_pixels, Path) else from_array(path_or_pixels)
        return measures_of(mini.look(photo))

    examples = [seen(path) for path in EXAMPLES]
    assert [outliers(measures) for measures in examples] == [()] * len(EXAMPLES)
    negatives = [seen(path, negative=True)["negative"] for path in EXAMPLES]
    assert all(low["negative"] < high for low, high in zip(examples, negatives, strict=True))
    assert "text" in outliers(seen(data.page()))
    assert not {"negative", "text"} & set(outliers(seen(np.full((80, 80), 128, np.uint8))))


def test_outliers_are_told_by_the_measures_that_there_are():
    assert outliers({}) == ()
    assert outliers({"chroma": 5.9}) == ("gray",)
    assert outliers({"chroma": 6.1, "strong": 0.2}) == ()
    assert outliers({"chroma": 20, "strong": 0.31}) == ("vivid",)
    assert outliers({"chroma": 46, "negative": NEGATIVE + 0.01, "text": TEXT + 0.01}) == ("vivid", "negative", "text")


def test_strips_of_a_few_pixels_are_measured(tiny):
    for shape in ((1, 1), (2, 400), (400, 1)):
        found = measures_of(Colorizer(tiny, size=8).look(from_array(np.full(shape, 90, np.uint8))))
        assert np.isfinite(list(found.values())).all()


def test_a_run_keeps_the_measures_and_writes_the_same_bytes(tmp_path, mini):
    (tmp_path / "in").mkdir()
    with Image.open(EXAMPLES[0]) as picture:
        picture.resize((200, 160)).save(tmp_path / "in" / "a.jpg", quality=90)
    shutil.copy(tmp_path / "in" / "a.jpg", tmp_path / "a.jpg")
    alone = mini(tmp_path / "a.jpg")
    list(album.run([tmp_path / "in"], tmp_path / "out", colorizer=mini, jobs=1))
    assert alone.read_bytes() == (tmp_path / "out" / "a.jpg").read_bytes()
    with Ledger(tmp_path / "out", read_only=True) as ledger:
        (record,) = ledger
    assert record.measures == measures_of(mini.look(read(tmp_path / "in" / "a.jpg"), logits=True))
