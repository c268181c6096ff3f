"""A frame as a picture in gray, which comes back in colour."""

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from small_films import pictures, write_film
from tintype.color.lab import rgb_to_lab
from tintype.errors import FilmError, OptionError
from tintype.film import colorize, preview, save_frame
from tintype.film.reader import open_film
from tintype.photo import is_marked


def test_a_frame_is_written_at_its_own_lightness_and_guides_its_shot_when_it_comes_back_coloured(tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 12, size=(96, 64))
    assert save_frame(film, 5, tmp_path / "frame.png") == tmp_path / "frame.png"
    with Image.open(tmp_path / "frame.png") as picture:
        assert picture.size == (96, 64)
        rgb = np.asarray(picture.convert("RGB"))
    assert np.ptp(rgb, axis=2).max() == 0
    assert not is_marked(tmp_path / "frame.png")
    with open_film(film) as opened:
        (frame,) = opened.frames(5, 6)
        lightness = opened.tones[frame.gray]
    assert np.abs(rgb_to_lab(rgb / 255.0)[..., 0] - lightness).max() < 0.3

    blue = rgb.astype(np.float32) * 0.6 + np.float32([0, 20, 90])
    Image.fromarray(blue.astype(np.uint8)).save(tmp_path / "still.png")
    done = colorize(film, tmp_path / "b.mp4", keys={5: tmp_path / "still.png"}, model=tiny)
    lab = np.stack([rgb_to_lab(shown / 255.0) for shown in pictures(done)])
    assert (lab[..., 2].mean(axis=(1, 2)) < -15).all()


def test_a_frame_that_is_not_there_is_named(tmp_path):
    film = write_film(tmp_path / "a.mp4", 5)
    for number, error, said in (
        (5, FilmError, r"a\.mp4 has 5 frames, from 0 on, and not frame 5"),
        (-1, OptionError, "A frame has a number, from 0, not -1"),
    ):
        with pytest.raises(error, match=said):
            save_frame(film, number, tmp_path / "frame.png")
    with pytest.raises(OptionError, match="no format that is written"):
        save_frame(film, 0, tmp_path / "frame.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_what_lies_there_is_replaced_only_on_demand(tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 5)
    still = tmp_path / "still.png"
    Image.new("RGB", (96, 64), "red").save(still)
    before = still.read_bytes()
    with pytest.raises(OptionError, match=r"still\.png exists"):
        save_frame(film, 2, still)
    with pytest.raises(OptionError, match=r"still\.png exists, but does not say that tintype made it"):
        preview(film, still, model=tiny)
    assert still.read_bytes() == before
    save_frame(film, 2, still, overwrite=True)
    assert still.read_bytes() != before


def test_a_deep_film_gives_a_deep_picture(tmp_path):
    codes = np.tile(np.arange(1024, dtype=np.uint16), (64, 1))
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1024, 64, "gray10le"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, format="gray10le")))
        container.mux(stream.encode(None))
    save_frame(tmp_path / "a.mkv", 0, tmp_path / "frame.png")
    picture = cv2.imread(str(tmp_path / "frame.png"), cv2.IMREAD_UNCHANGED)
    assert picture.dtype == np.uint16
    assert len(np.unique(picture)) == 1024
