"""The card: complete, typed, and the same after a way through JSON or a model file."""

import json
from contextlib import suppress

import pytest

from small_models import CARD
from tintype.models import Card
from tintype.models.card import read_card


def test_json_gives_the_card_back():
    card = Card.from_json(json.dumps(CARD | {"bins": [[0, 1.5], [2, -3]], "temperature": 0.4}))
    assert Card.from_json(card.to_json()) == card
    assert json.loads(card.to_json())["bins"] == [[0, 1.5], [2, -3]]


def test_a_newer_card_with_more_keys_is_read():
    assert Card.from_json(json.dumps(CARD | {"poem": "a"})).name == "tiny.v1"


@pytest.mark.parametrize("key", CARD)
def test_every_key_is_needed(key):
    text = json.dumps({k: v for k, v in CARD.items() if k != key})
    with pytest.raises(ValueError, match=f"lacks {key}"):
        Card.from_json(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", "other.v1"),
        ("name", "tiny"),
        ("name", 3),
        ("version", 1),
        ("licence", None),
        ("description", "  "),
        ("stride", 0),
        ("stride", 4.0),
        ("stride", True),
        ("stride", 10**6),
        ("stride", 10**4200),
        ("family", "ti\x1b[31mny"),
        ("family", "a family"),
        ("family", "f" * 65),
        ("name", "tiny." + "v" * 200),
        ("name", "tiny.v\n1"),
        ("size", 7),
        ("size", "256"),
        ("size", 2049),
        ("size", 10**4200),
        ("temperature", 0),
        ("temperature", "warm"),
        ("temperature", 101),
        ("temperature", 10**4200),
        ("training_data", {}),
        ("training_data", [{"photographs": 3}]),
        ("training_data", [{"name": "x", "photographs": "many"}]),
        ("training_data", [{"name": "x", "photographs": 10**4200}]),
        ("figures", [{"metric": "psnr", "value": 3}]),
        ("figures", [{"metric": "psnr", "value": "3", "protocol": "p"}]),
        ("figures", [{"metric": "psnr", "value": -(10**4200), "protocol": "p"}]),
        ("bins", []),
        ("bins", [[1, 2, 3]]),
        ("bins", [[1, "2"]]),
        ("bins", [[1, 10**4200]]),
    ],
)
def test_a_wrong_value_is_named(key, value):
    with pytest.raises(ValueError, match=f"the card's {key} must be"):
        Card.from_json(json.dumps(CARD | {key: value}))


@pytest.mark.parametrize("text", ["", "[]", "{", "3", "[" * 100_000])
def test_what_is_no_json_object_is_no_card(text):
    with pytest.raises(ValueError, match="card"):
        Card.from_json(text)


def test_the_card_is_read_from_a_model_file_without_a_runtime(build_model):
    assert read_card(build_model()) == Card.from_json(json.dumps(CARD))
    assert read_card(build_model(card=False)) is None


def test_no_part_of_a_model_file_passes_for_a_card(build_model, tmp_path):
    whole = build_model().read_bytes()
    part = tmp_path / "part.onnx"
    for length in range(0, len(whole), 7):
        part.write_bytes(whole[:length])
        with suppress(ValueError):
            assert read_card(part) is None
