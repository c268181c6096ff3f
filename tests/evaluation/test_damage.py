"""Damages of gray photographs, against what their levels say."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from tintype.errors import OptionError
from tintype.evaluation.damage import NONE, parse


@pytest.fixture(scope="module")
def photo():
    return np.asarray(Image.fromarray(data.camera()).resize((96, 80)))


@pytest.mark.parametrize("text", ["noise=10", "blur=1.5", "fading=0.5", "jpeg=30", "size=64", "none"])
def test_a_damage_is_written_as_it_is_read_and_leaves_the_photograph_alone(text, photo):
    before = photo.copy()
    damaged = parse(text).apply(photo, seed=3)
    assert str(parse(text)) == text
    assert damaged.dtype == np.uint8
    assert damaged.ndim == 2
    assert np.array_equal(photo, before)
    assert np.array_equal(damaged, parse(text).apply(photo, seed=3))


def test_levels_are_written_in_one_way():
    assert str(parse(" noise=10.0 ")) == "noise=10"
    assert parse("blur=.5") == parse("blur=0.50")


def test_noise_has_the_standard_deviation_that_was_asked_for_and_follows_the_seed():
    flat = np.full((200, 200), 128, np.uint8)
    noisy = parse("noise=10").apply(flat, seed=1)
    assert noisy.std() == pytest.approx(10, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.2)
    assert not np.array_equal(noisy, parse("noise=10").apply(flat, seed=2))


def test_blur_is_a_gaussian(photo):
    theirs = gaussian_filter(photo.astype(float), 2, mode="nearest", truncate=5)
    ours = parse("blur=2").apply(photo).astype(float)
    assert np.abs(ours - theirs).max() < 2.5
    assert np.abs(ours - theirs).mean() < 0.5


def test_fading_takes_its_share_of_the_contrast_and_lifts_the_blacks():
    ends = np.array([[0, 255]], np.uint8)
    faded = parse("fading=0.25").apply(ends)
    # Black becomes L* 15, Y = (31 / 116)^3 = 0.01909, and white L* 90, Y = (106 / 116)^3 = 0.76303.
    assert faded.tolist() == [[38, 226]]
    ramp = parse("fading=0.6").apply(np.arange(256, dtype=np.uint8)[None])[0].astype(int)
    assert (np.diff(ramp) >= 0).all()
    assert np.array_equal(parse("fading=0").apply(ends), ends)


def test_jpeg_is_a_file_of_that_quality(photo):
    memory = io.BytesIO()
    Image.fromarray(photo).save(memory, "jpeg", quality=20)
    assert np.array_equal(parse("jpeg=20").apply(photo), np.asarray(Image.open(memory)))
    error = {q: np.abs(parse(f"jpeg={q}").apply(photo).astype(int) - photo).mean() for q in (5, 95)}
    assert error[5] > 4 * error[95]


def test_size_is_the_short_side_and_the_coloured_photograph_comes_back_to_the_truths(photo):
    damage = parse("size=40")
    small = damage.apply(photo)
    assert small.shape == (40, 48)
    assert damage.undo_size(np.repeat(small[..., None], 3, axis=2), *photo.shape).shape == (80, 96, 3)
    assert parse("size=160").apply(photo).shape == (160, 192)


def test_none_changes_nothing(photo):
    assert np.array_equal(NONE.apply(photo), photo)
    coloured = np.repeat(photo[..., None], 3, axis=2)
    assert NONE.undo_size(coloured, 80, 96) is coloured


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rust=3", "noise=0..128"),
        ("noise", "from 0 to 128"),
        ("noise=loud", "standard deviation"),
        ("noise=nan", "from 0 to 128"),
        ("jpeg=30.5", "whole number"),
        ("jpeg=0", "from 1 to 100"),
        ("size=8", "from 16"),
        ("fading=2", "share of the contrast"),
        ("none=1", "not a known damage"),
        ("", "not a known damage"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(text, said):
    with pytest.raises(OptionError, match=r"^[^\n]*$") as error:
        parse(text)
    assert said in str(error.value)
