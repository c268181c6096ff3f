"""Colours laid over frames: what players make of the result is as light as the source."""

import cv2
import numpy as np
import pytest
from av.video.reformatter import Interpolation

from clips import grays, write_clip
from small_films import frames as moving
from tintype.color.lab import lightness, rgb_to_lab
from tintype.film.form import form_of
from tintype.film.paint import Painter
from tintype.film.reader import open_film
from tintype.film.signal import Signal, leveller
from tintype.film.writer import picture_of


def colours(shape=(16, 24), strength=25.0, seed=0) -> np.ndarray:
    """a*b* float32 [2, h, w] that changes over a frame."""
    noise = np.random.default_rng(seed).normal(0, 1, (*shape, 2)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.ascontiguousarray((smooth * (strength / smooth.std())).transpose(2, 0, 1))


def shown(planes, form) -> np.ndarray:
    """sRGB float32 [h, w, 3] as FFmpeg's scaler shows a painted frame, which is none of our code."""
    how = int(Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
    rgb = picture_of(planes, form).reformat(format="rgb24", interpolation=how).to_ndarray()
    return rgb.astype(np.float32) / 255


FORMS = [
    ("h264.mkv", "libx264", "yuv420p", "h264", ".mp4"),
    ("deep.mkv", "ffv1", "yuv420p10le", "h265", ".mp4"),
    ("full.avi", "mjpeg", "yuvj422p", "h264", ".mkv"),
    ("limited.mkv", "libx264", "yuv420p", "ffv1", ".mkv"),
    ("gray.mkv", "ffv1", "gray", "prores", ".mov"),
    ("rgb.mov", "png", "rgb24", "h264", ".mp4"),
    ("to.mkv", "libx264", "yuv420p", "gif", ".gif"),
    ("deepest.mkv", "ffv1", "gray16le", "png", "%03d.png"),
]


@pytest.mark.parametrize(("name", "codec", "pixels", "target", "suffix"), FORMS, ids=[f[0] for f in FORMS])
def test_a_painted_frame_is_coloured_and_as_light_as_before(name, codec, pixels, target, suffix, tmp_path):
    stills = list(moving(1, (96, 64), grain=1))
    film = open_film(write_clip(tmp_path / name, codec, pixels, stills))
    form = form_of(film, tmp_path / f"x{suffix}", target)
    (frame,) = film.frames()
    planes = Painter(film, form)(frame, colours())
    rgb = planes.rgb() / np.float32(255) if target == "gif" else shown(planes, form)
    assert rgb.shape == (64, 96, 3)
    lab = rgb_to_lab(rgb)
    assert np.abs(lab[..., 0] - film.tones[frame.gray]).mean() < 0.3
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 8
    preview = planes.rgb()
    assert preview.dtype == np.uint8
    assert np.abs(preview / 255 - rgb).mean() < 0.01


def test_colours_lie_where_they_belong(tmp_path):
    film = open_film(write_clip(tmp_path / "film.mkv", frames=[np.full((48, 64), 140, np.uint8)]))
    (frame,) = film.frames()
    ab = np.zeros((2, 12, 16), np.float32)
    ab[0, :, 8:] = 40
    ab[1, 6:] = -40
    for suffix, codec in ((".mp4", "h264"), (".mkv", "ffv1"), (".mov", "prores")):
        form = form_of(film, f"x{suffix}", codec)
        lab = rgb_to_lab(shown(Painter(film, form)(frame, ab), form))
        for rows, columns, wanted in (
            (slice(0, 20), slice(0, 28), (0, 0)),
            (slice(0, 20), slice(36, 64), (40, 0)),
            (slice(28, 48), slice(36, 64), (40, -40)),
        ):
            assert lab[rows, columns, 1:].mean(axis=(0, 1)) == pytest.approx(wanted, abs=2)


def test_without_colour_every_code_stays(tmp_path):
    film = open_film(write_clip(tmp_path / "film.mp4", frames=grays(1)))
    (frame,) = film.frames()
    form = form_of(film, "x.mp4")
    plain = Painter(film, form, blend=0)(frame, colours())
    np.testing.assert_array_equal(plain.planes[0], frame.gray)
    assert {int(code) for plane in plain.planes[1:] for code in np.unique(plane)} == {128}
    vivid, usual = (Painter(film, form, vividness=v)(frame, colours(strength=8)).rgb() / 255 for v in (1.5, 1.0))
    chroma = [np.hypot(*np.moveaxis(rgb_to_lab(rgb)[..., 1:], -1, 0)).mean() for rgb in (vivid, usual)]
    assert chroma[0] == pytest.approx(1.5 * chroma[1], rel=0.15)


def test_what_lies_beyond_white_and_black_stays_beyond():
    signal = Signal()
    codes = np.arange(256, dtype=np.uint8)[None].repeat(2, 0)
    for cb, cr, most in ((128, 128, 0), (130, 126, 5)):
        luma = leveller(signal, signal)(codes, np.full_like(codes, cb), np.full_like(codes, cr))
        assert np.abs(luma[:, 1:255].astype(int) - codes[:, 1:255]).max() <= most
        assert (np.diff(luma[0].astype(int)) >= 0).all()


def test_the_gray_of_a_colour_and_the_luma_of_a_gray_are_inverse():
    gray, colour = Signal(8, True, "bt601"), Signal(10, False, "bt709")
    rng = np.random.default_rng(0)
    codes = rng.integers(60, 200, (40, 50)).astype(np.uint8)
    cb, cr = (rng.integers(460, 564, (40, 50)).astype(np.uint16) for _ in range(2))
    luma = leveller(gray, colour)(codes, cb, cr)
    red, green, blue = colour.rgb(*(plane.astype(np.float32) for plane in (luma, cb, cr)))
    seen = lightness(np.dstack([red, green, blue]))
    assert np.abs(seen - gray.tones()[codes]).max() < 0.5
    assert np.abs(seen - gray.tones()[codes]).mean() < 0.1
    np.testing.assert_allclose(leveller(gray, colour, True)(luma, cb, cr), codes, atol=1)


def test_odd_sizes_get_a_row_and_a_column_where_chroma_is_shared(tmp_path):
    film = open_film(write_clip(tmp_path / "odd.mkv", "ffv1", "gray", grays(1, 63, 47)))
    (frame,) = film.frames()
    form = form_of(film, "x.mp4")
    planes = Painter(film, form)(frame, colours())
    assert [plane.shape for plane in planes.planes] == [(48, 64), (24, 32), (24, 32)]
    assert planes.rgb().shape == (47, 63, 3)
    kept = form_of(film, "x.mkv", "ffv1")
    assert Painter(film, kept)(frame, colours()).planes[1].shape == (47, 63)
