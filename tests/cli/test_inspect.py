"""`tintype inspect`: the picture, the figures and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tintype.cli.inspect import inspect
from tintype.errors import ModelError, OptionError, UnreadablePhoto, UnwritablePhoto
from tintype.photo import is_marked


@pytest.fixture
def doubtful(build_model):
    """A model whose first bin is certain where it is light, and which doubts where it is dark."""
    return str(build_model(logits=3, card={"bins": [[40.0, 0.0], [0.0, 40.0], [0.0, -40.0]]}))


def test_figures_of_a_pixel_are_those_of_the_upright_photograph(doubtful, tmp_path, capsys):
    # Light above, black below; stored lying on its side.
    upright = np.zeros((96, 64), np.uint8)
    upright[:48] = 255
    stored = Image.fromarray(np.rot90(upright).copy())
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    stored.save(tmp_path / "a.png", exif=exif)
    found = {}
    for at in ((20, 10), (20, 85)):
        inspect(tmp_path / "a.png", at=at, model=doubtful, json=True)
        found[at] = json.loads(capsys.readouterr().out)
    light, dark = found[20, 10], found[20, 85]
    assert (light["width"], light["height"]) == (64, 96)
    assert light["region"] == {"x": 20, "y": 10, "width": 1, "height": 1}
    assert light["lightness"] == pytest.approx(100, abs=0.1)
    assert light["colors"][0] == {"color": "#ffffff", "a": 0.0, "b": -40.0, "probability": 1.0}
    assert light["entropy"] == pytest.approx(0, abs=1e-3)
    assert dark["entropy"] == pytest.approx(np.log2(3), abs=1e-3)
    assert [color["probability"] for color in dark["colors"]] == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert list(tmp_path.glob("*inspect*")) == []


def test_the_colour_is_that_of_the_coloured_photograph(photograph, doubtful, tmp_path, capsys):
    from tintype import colorize

    photo = photograph("a.png", 64, 96)
    coloured = np.asarray(Image.open(colorize(photo, tmp_path / "b.png", model=doubtful)))
    inspect(photo, region=(10, 20, 30, 12), model=doubtful, json=True)
    found = json.loads(capsys.readouterr().out)
    mean = coloured[20:32, 10:40].mean(axis=(0, 1))
    np.testing.assert_allclose(list(bytes.fromhex(found["color"][1:])), mean, atol=1)


@pytest.mark.parametrize("measure", ["deviation", "entropy"])
def test_the_picture_shows_where_the_model_doubts(doubtful, tmp_path, capsys, measure):
    half = np.where(np.arange(640) < 320, 255, 0).astype(np.uint8)[None].repeat(480, axis=0)
    Image.fromarray(half).save(tmp_path / "a.jpg")
    inspect(tmp_path / "a.jpg", model=doubtful, at=(5, 5), map=measure)
    # Marked, so that a run over the folder does not take it for a photograph.
    assert is_marked(tmp_path / "a.inspect.png")
    page = np.asarray(Image.open(tmp_path / "a.inspect.png").convert("L"), float)
    # The map is as wide as the photograph, and begins right of it.
    left = 16 + 640 + 16
    sure, unsure = page[100:400, left + 40 : left + 280], page[100:400, left + 360 : left + 600]
    assert sure.max() < 30
    assert unsure.min() > sure.max()
    assert "100.0 %" in capsys.readouterr().out


def test_a_picture_may_be_named(photograph, doubtful, tmp_path, capsys):
    inspect(photograph("a.jpg"), model=doubtful, output=tmp_path / "b.webp", json=True)
    with Image.open(tmp_path / "b.webp") as picture:
        assert picture.format == "WEBP"
    assert json.loads(capsys.readouterr().out)["region"] == {"x": 0, "y": 0, "width": 64, "height": 48}


@pytest.mark.parametrize(
    "options",
    [
        {"at": (64, 0)},
        {"at": (-1, 0)},
        {"region": (0, 0, 65, 1)},
        {"at": (1, 1), "region": (1, 1, 1, 1)},
        {"output": "a.txt"},
    ],
)
def test_wrong_usage_is_refused(photograph, doubtful, options):
    photo = photograph("a.jpg")
    if "output" in options:
        options = {"output": photo.with_name(options["output"])}
    with pytest.raises(OptionError):
        inspect(photo, model=doubtful, **options)
    assert [path.name for path in photo.parent.iterdir() if path.suffix != ".onnx"] == ["a.jpg"]


def test_what_cannot_be_inspected_is_refused(photograph, tiny, doubtful, tmp_path):
    photo = photograph("a.jpg")
    with pytest.raises(ModelError, match="no distribution"):
        inspect(photo, model=str(tiny))
    with pytest.raises(UnreadablePhoto, match="does not exist"):
        inspect(tmp_path / "none.jpg", model=doubtful)
    before = photo.read_bytes()
    with pytest.raises(UnwritablePhoto, match="over itself"):
        inspect(photo, model=doubtful, output=photo)
    assert photo.read_bytes() == before


def test_what_looks_like_a_negative_is_named(doubtful, tmp_path, capsys):
    # The model doubts what is dark, as a trained one doubts what it has never seen.
    for level, negative in ((10, True), (245, False), (128, False)):
        path = tmp_path / f"{level}.png"
        Image.fromarray(np.full((64, 96), level, np.uint8)).save(path)
        inspect(path, model=doubtful, json=True)
        assert json.loads(capsys.readouterr().out)["negative"] is negative
        inspect(path, model=doubtful)
        sentence = f"{path} looks like a negative: if it is one, colour it with tintype colorize --negative"
        assert (sentence in capsys.readouterr().out.splitlines()) is negative
