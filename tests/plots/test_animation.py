import numpy as np
import pytest
from PIL import Image

from small_sets import picture
from tintype.color.lab import rgb_to_lab
from tintype.errors import OptionError
from tintype.models import Model
from tintype.plots import animation


@pytest.fixture
def model(build_model):
    return Model(build_model(gain=(0.0, 0.0), offset=(20.0, 0.0)))


def test_colour_comes_in_even_steps(model):
    frames = animation.frames(model, np.full((64, 64, 3), 119, np.uint8), count=5)
    a = [float(np.median(rgb_to_lab(frame / 255)[..., 1])) for frame in frames]
    np.testing.assert_allclose(a, [0, 5, 10, 15, 20], atol=0.7)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_the_file_holds_all_frames_and_their_times(model, tmp_path, suffix):
    frames = animation.frames(model, picture(3, 60, 90), count=5)
    path = tmp_path / f"moving.{suffix}"
    animation.save(frames, path, seconds=0.8)
    times = []
    with Image.open(path) as moving:
        assert (moving.n_frames, moving.size, moving.info["loop"]) == (5, (90, 60), 0)
        for number, frame in enumerate(frames):
            moving.seek(number)
            shown = np.asarray(moving.convert("RGB"), float)
            times.append(moving.info.get("duration") or moving.info["timestamp"])
            assert np.abs(shown - frame).mean() < 8
    if suffix == "gif":
        assert times == [animation.HOLD_GRAY, 200, 200, 200, animation.HOLD_COLOUR]
    before = path.read_bytes()
    animation.save(frames, path, seconds=0.8)
    assert path.read_bytes() == before


def test_wrong_wishes_are_named(model, tmp_path):
    with pytest.raises(OptionError, match="2 to 200 frames"):
        animation.frames(model, picture(0), count=1)
    with pytest.raises(OptionError, match=r"\.gif, \.webp"):
        animation.save([picture(0)] * 2, tmp_path / "moving.mp4")
    with pytest.raises(OptionError, match="longer than 0 seconds"):
        animation.save([picture(0)] * 2, tmp_path / "moving.gif", seconds=0)
