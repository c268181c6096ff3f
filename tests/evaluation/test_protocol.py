"""What a protocol keeps, and which differences forbid ranking."""

from dataclasses import replace

import pytest

from tintype.evaluation.figures import variants
from tintype.evaluation.protocol import Photograph, Protocol, differences

VARIANTS = variants()

OURS = Protocol(
    source="album",
    photographs=(Photograph("a", "1" * 64, 32, 48), Photograph("b/c", "2" * 64, 32, 32)),
    side=None,
    crop="whole",
    gray="cie",
    models={"größer": {"sha256": "3" * 64, "size": 64, "temperature": 0.4}},
    metrics=VARIANTS,
    versions={"numpy": "2.0"},
)


def test_json_gives_it_back():
    text = OURS.to_json()
    assert Protocol.from_json(text) == OURS
    assert Protocol.from_json(text).to_json() == text
    assert "größer" in text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"photographs": {}}', OURS.to_json().replace('"crop"', '"cut"')])
def test_other_text_is_no_protocol(text):
    with pytest.raises(ValueError, match="not the protocol of an evaluation"):
        Protocol.from_json(text)


def test_models_and_versions_may_differ():
    theirs = replace(OURS, source="copy", models={"other": {}}, versions={"numpy": "2.1"})
    assert differences(OURS, theirs) == []


def test_the_order_of_photographs_may_differ():
    assert differences(OURS, replace(OURS, photographs=OURS.photographs[::-1])) == []


def test_a_metric_that_one_has_alone_may_differ():
    assert differences(OURS, replace(OURS, metrics=VARIANTS | {"lpips": "VGG16"})) == []


def test_other_pixels_are_other_photographs():
    changed = (OURS.photographs[0], replace(OURS.photographs[1], sha256="4" * 64))
    (found,) = differences(OURS, replace(OURS, photographs=changed))
    assert found.startswith("photographs")
    assert "1 of 2" in found
    assert "b/c" in found


def test_photographs_of_one_alone_differ():
    (found,) = differences(OURS, replace(OURS, photographs=OURS.photographs[:1]))
    assert "1 of 2" in found
    assert "b/c" in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"side": 256, "crop": "centre square"}, ["side", "whole", "256"]),
        ({"crop": "upper left"}, ["crop", "upper left"]),
        ({"gray": "blue, noise=10"}, ["gray", "cie", "blue, noise=10"]),
        ({"metrics": VARIANTS | {"ssim": "data range 1"}}, ["metric ssim", "data range 1"]),
    ],
)
def test_the_field_is_named(change, words):
    (found,) = differences(OURS, replace(OURS, **change))
    assert [word for word in words if word not in found] == []
    (back,) = differences(replace(OURS, **change), OURS)
    assert back.split()[0] == found.split()[0]
