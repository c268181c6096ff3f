"""The weights that authors publish, as model files."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from published_weights import hollow_weights, layout, random_weights
from running import errors_of
from running import tintype as run
from tintype.errors import ConfigError
from tintype.evaluation.results import read_run
from tintype.evaluation.run import evaluate
from tintype.models import load
from tintype.models.catalog import card_of
from tintype.training.convert import convert


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """ECCV16 as its authors' PyTorch port has it, and what is said of it."""
    folder = tmp_path_factory.mktemp("converted")
    weights = random_weights(layout("eccv16.port").shapes)
    weights["model_out.weight"] *= 10  # colours of some strength
    torch.save(weights, folder / "colorization_release.pth")
    said = []
    card = convert(folder / "colorization_release.pth", folder / "made" / "eccv16.onnx", size=64, say=said.append)
    return folder, weights, card, said


def test_the_colours_are_those_of_the_authors_program(converted):
    """A softmax without a temperature, the learned 1x1, times 110."""
    folder, weights, card, _ = converted
    model = load(folder / "made" / "eccv16.onnx")
    lightness = np.random.default_rng(0).uniform(0, 100, (32, 48)).astype(np.float32)
    said = model.predict(lightness, logits=True)
    shares = np.exp(said.logits - said.logits.max(axis=0))
    shares /= shares.sum(axis=0)
    colours = 110 * weights["model_out.weight"][:, :, 0, 0].numpy()
    assert said.ab.shape == (2, 8, 12)
    assert np.abs(said.ab).max() > 1
    assert np.allclose(said.ab, np.einsum("cq,qhw->chw", colours, shares), atol=0.02)
    assert np.allclose(np.array(card.bins), colours.T)
    assert card.temperature == 1.0


def test_the_card_says_where_it_comes_from(converted):
    folder, _, card, said = converted
    digest = hashlib.sha256((folder / "colorization_release.pth").read_bytes()).hexdigest()
    assert (card.name, card.family, card.size, card.stride) == ("eccv16.port", "eccv16", 64, 8)
    assert card.licence.startswith("BSD-2-Clause")
    assert card.training_data == ({"name": "ImageNet"},)
    assert f"32236011 parameters. Converted from colorization_release.pth, SHA-256 {digest}." in card.description
    assert "With weights in float16, a*b* are at most" in card.description
    assert said[0].endswith("the authors' PyTorch port, 32.2 million parameters")
    assert load(folder / "made" / "eccv16.onnx").card == card


def test_it_is_evaluated_beside_a_folder_of_what_the_authors_program_made(converted, tmp_path):
    folder, *_ = converted
    (tmp_path / "photographs").mkdir()
    (tmp_path / "theirs").mkdir()
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        codes = Image.fromarray(generator.integers(0, 256, (4, 4, 3), np.uint8)).resize((64, 64))
        codes.save(tmp_path / "photographs" / f"{name}.jpg", quality=95)
        codes.save(tmp_path / "theirs" / f"{name}.png")
    model = str(folder / "made" / "eccv16.onnx")
    data, theirs = str(tmp_path / "photographs"), str(tmp_path / "theirs")
    assert evaluate([model, theirs], data, tmp_path / "run", side=64, jobs=1) == []
    measured = read_run(tmp_path / "run")
    assert {"eccv16.port", "theirs"} <= set(measured.models)
    assert measured.figures("theirs")["psnr"] > measured.figures("eccv16.port")["psnr"]
    # A picture that is missing, or of another size, is named.
    (tmp_path / "theirs" / "a.png").unlink()
    Image.new("RGB", (32, 64)).save(tmp_path / "theirs" / "b.png")
    (problem,) = evaluate([theirs], data, tmp_path / "again", side=64, jobs=1)
    assert "theirs has no prediction of a" in problem
    assert "2" in problem
    Image.new("RGB", (64, 64)).save(tmp_path / "theirs" / "a.png")
    (problem,) = evaluate([theirs], data, tmp_path / "again", side=64, jobs=1)
    assert "b.png has 32 x 64 pixels, but the photograph has 64 x 64" in problem


def test_the_command_keeps_weights_beyond_float16_as_they_are(tmp_path):
    weights = dict(hollow_weights(layout("eccv16.port").shapes))
    weights["model1.4.weight"] = weights["model1.4.running_var"] = torch.ones(64)
    weights["model1.0.bias"] = torch.full((64,), 1e6)
    weights["model1.2.bias"] = torch.ones(64)
    torch.save(weights, tmp_path / "large.pth")
    done = run("convert", tmp_path / "large.pth", "-o", tmp_path / "large.onnx", "--name", "mine.large", check=0)
    card = card_of(tmp_path / "large.onnx")
    assert (card.name, card.family, card.size) == ("mine.large", "mine", 256)
    assert "With weights in float32" in card.description
    first, second, third = done.stdout.decode().splitlines()
    assert "large.pth: ECCV16 (Zhang, Isola, Efros 2016), the authors' PyTorch port, 32.2 million" in first
    assert "large.onnx: with weights in float32, a*b* are at most 0 and on average 0 away" in second
    assert "large.onnx: mine.large, " in third


def test_the_command_tells_what_went_wrong_in_one_sentence(tmp_path):
    torch.save({"stem.weight": torch.zeros(8, 3)}, tmp_path / "other.pth")
    done = run("convert", tmp_path / "other.pth", "-o", tmp_path / "other.onnx")
    assert done.returncode == 1
    assert errors_of(done) == [
        f"tintype: {tmp_path}/other.pth: holds 1 weights, of which the first is stem.weight of shape (8, 3), and no "
        "network that is known; these are eccv16.port, eccv16.caffe, siggraph17.port, siggraph17.caffe, "
        "deoldify.artistic, deoldify.wide, ddcolor.tiny, ddcolor.large"
    ]
    assert not (tmp_path / "other.onnx").exists()


def test_a_name_that_no_card_has_is_refused(tmp_path):
    torch.save(hollow_weights(layout("eccv16.port").shapes), tmp_path / "hollow.pth")
    with pytest.raises(ConfigError, match=r"other\.onnx: the card's name must be FAMILY\.TAG"):
        convert(tmp_path / "hollow.pth", tmp_path / "other.onnx", name="mine")
