"""`tintype prokudin`: the files that come of a plate."""

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from tintype.cli.prokudin import prokudin
from tintype.errors import OptionError, UnreadablePhoto, UnsupportedPhoto, UnwritablePhoto
from tintype.photo import is_marked


@pytest.fixture(scope="module")
def plate() -> np.ndarray:
    """Blue, green and red of a photograph one above the other within black borders; uint8."""
    rgb = cv2.resize(data.astronaut(), (300, 280), interpolation=cv2.INTER_AREA)
    frames = [cv2.copyMakeBorder(rgb[..., i], 12, 12, 12, 12, cv2.BORDER_CONSTANT) for i in (2, 1, 0)]
    return np.concatenate(frames)


def test_a_photograph_lies_beside_the_plate(plate, tmp_path, capsys):
    path = tmp_path / "plate.png"
    Image.fromarray(plate).save(path)
    before = path.read_bytes()
    prokudin(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plate.png", "plate.rgb.png"]
    assert path.read_bytes() == before
    # Its colours are genuine: it does not say that a machine added them.
    assert not is_marked(tmp_path / "plate.rgb.png")
    with Image.open(tmp_path / "plate.rgb.png") as made:
        made = np.asarray(made).astype(int)
    rgb = cv2.resize(data.astronaut(), (300, 280), interpolation=cv2.INTER_AREA).astype(int)
    errors = [
        np.abs(made - rgb[top : top + made.shape[0], left : left + made.shape[1]]).mean()
        for top in range(280 - made.shape[0] + 1)
        for left in range(300 - made.shape[1] + 1)
    ]
    assert min(errors) < 3
    assert "+0.0 across" in capsys.readouterr().out.replace("-0.0", "+0.0")


@pytest.mark.parametrize(("depth", "mode"), [(np.uint8, "L"), (np.uint16, "I;16")])
def test_the_exposures_are_the_channels(plate, tmp_path, depth, mode):
    path = tmp_path / "plate.png"
    Image.fromarray(plate.astype(depth) * depth(1 if depth == np.uint8 else 257)).save(path)
    prokudin(path, output=tmp_path / "out.tif", exposures=True)
    rgb = cv2.imread(str(tmp_path / "out.tif"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert rgb.dtype == depth
    for channel, name in enumerate(("red", "green", "blue")):
        with Image.open(tmp_path / f"out.{name}.png") as gray:
            assert gray.mode == mode
            np.testing.assert_array_equal(np.asarray(gray), rgb[..., channel])


def test_what_is_no_plate_is_refused(plate, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(data.camera()).save(path)
    with pytest.raises(UnsupportedPhoto, match="not a three-filter negative"):
        prokudin(path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 300)).astype(np.uint8)).save(path)
    with pytest.raises(UnsupportedPhoto, match="too little in common"):
        prokudin(path)
    path.write_bytes(b"no picture")
    with pytest.raises(UnreadablePhoto, match="not a photograph"):
        prokudin(path)
    with pytest.raises(UnreadablePhoto, match="does not exist"):
        prokudin(tmp_path / "none.png")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_the_plate_is_never_written_over(plate, tmp_path):
    path = tmp_path / "a.red.png"
    Image.fromarray(plate).save(path)
    for options in ({"output": path}, {"output": tmp_path / "a.png", "exposures": True}):
        with pytest.raises(UnwritablePhoto, match="over itself"):
            prokudin(path, **options)
    with pytest.raises(OptionError, match="names no format"):
        prokudin(path, output=tmp_path / "a.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["a.red.png"]
