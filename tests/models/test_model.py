"""The contract of models: what keeps it is used as it says, what breaks it is refused in one sentence."""

import hashlib
import json
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from small_models import CARD
from tintype.album import colorize_all, plan
from tintype.colorizer import Colorizer
from tintype.errors import HintError, ModelError, OptionError
from tintype.models import DEFAULT, Model, catalog, load
from tintype.models.catalog import shipped

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


LIGHTNESS = value("lightness", FLOAT, ["n", 1, "h", "w"])
AB = value("ab", FLOAT, ["n", 2, None, None])


def ramp(height, width):
    return np.linspace(0, 100, height * width, dtype=np.float32).reshape(height, width)


def test_predict_gives_what_the_graph_says(build_model):
    model = load(build_model())
    lightness = ramp(16, 24)
    small = lightness.reshape(4, 4, 6, 4).mean(axis=(1, 3))
    ab = model.predict(lightness).ab
    assert ab.dtype == np.float32
    np.testing.assert_allclose(ab, [0.2 * small + 10, 20 - 0.4 * small], atol=1e-4)
    assert model.card.name == "tiny.v1"
    assert not model.takes_hints
    assert not model.takes_temperature


def test_hints_are_fed_and_zeros_when_there_are_none(build_model):
    model = load(build_model(hints=True))
    lightness = np.full((16, 16), 50, np.float32)
    hints = np.zeros((3, 16, 16), np.float32)
    hints[:, :4, :4] = np.array([30, -12, 1])[:, None, None]
    plain, guided = model.predict(lightness).ab, model.predict(lightness, hints).ab
    np.testing.assert_allclose(guided[:, 0, 0] - plain[:, 0, 0], [30, -12], atol=1e-4)
    np.testing.assert_array_equal(guided[:, 1:], plain[:, 1:])


def test_temperature_is_the_cards_unless_given(build_model):
    model = load(build_model(temperature=True, card={"temperature": 0.5}))
    lightness = ramp(8, 8)
    np.testing.assert_allclose(model.predict(lightness, temperature=2.0).ab, 4 * model.predict(lightness).ab, rtol=1e-6)


def test_logits_come_with_their_bins(build_model):
    model = load(build_model(logits=5))
    found = model.predict(ramp(8, 16), logits=True)
    assert found.logits.shape == (5, 2, 4)
    np.testing.assert_array_equal(found.ab, model.predict(ramp(8, 16)).ab)
    assert model.predict(ramp(8, 16)).logits is None  # they are large, and few want them
    assert len(model.card.bins) == 5
    with pytest.raises(ModelError, match="no distribution"):
        load(build_model()).predict(ramp(8, 16), logits=True)


def test_what_a_model_does_not_take_is_refused(build_model):
    model = load(build_model())
    with pytest.raises(HintError, match=r"tiny\.v1 takes no hints"):
        model.predict(ramp(8, 8), hints=np.zeros((3, 8, 8)))
    with pytest.raises(OptionError, match=r"tiny\.v1 has no temperature"):
        model.predict(ramp(8, 8), temperature=0.5)
    with pytest.raises(ValueError, match="multiples of 8"):
        model.predict(ramp(9, 8))


def test_a_model_may_be_sent_to_another_process(build_model):
    model = load(build_model())
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(ramp(8, 8)).ab, model.predict(ramp(8, 8)).ab)


def nan_nodes():
    return [
        helper.make_node("AveragePool", ["lightness"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Sub", ["small", "small"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["nan"]),
        helper.make_node("Concat", ["nan", "nan"], ["ab"], axis=1),
    ]


def turned_nodes():
    return [
        helper.make_node("AveragePool", ["lightness"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "gain", "offset"], ["colour"]),
        helper.make_node("Transpose", ["colour"], ["ab"], perm=[0, 1, 3, 2]),
    ]


def colour_nodes(output="ab"):
    return [helper.make_node("Conv", ["lightness", "gain", "offset"], [output])]


def fixed_nodes():
    # Fits no lightness but one of 8 x 8: the contract has no room for that, and only a run shows it.
    return [
        *colour_nodes("colour"),
        helper.make_node("Constant", [], ["shape"], value_ints=[1, 2, 8, 8]),
        helper.make_node("Reshape", ["colour", "shape"], ["ab"]),
    ]


VIOLATIONS = {
    "no card": ({"card": False}, "holds no card"),
    "card is not JSON": ({"card": "a card"}, "card is not JSON"),
    "card lacks a key": ({"card": json.dumps({k: v for k, v in CARD.items() if k != "licence"})}, "lacks licence"),
    "card of a wrong type": ({"card": {"stride": "8"}}, "card's stride must be"),
    "unknown input": (
        {"inputs": [LIGHTNESS, value("mood", FLOAT, ["n"])], "nodes": colour_nodes()},
        "input 'mood'",
    ),
    "no lightness": (
        {
            "inputs": [value("hints", FLOAT, ["n", 3, "h", "w"])],
            "nodes": [helper.make_node("ReduceMean", ["hints"], ["ab"])],
            "outputs": [value("ab", FLOAT, None)],
        },
        "no input 'lightness'",
    ),
    "lightness of another type": (
        {
            "inputs": [value("lightness", DOUBLE, ["n", 1, "h", "w"])],
            "nodes": [
                helper.make_node("Cast", ["lightness"], ["cast"], to=FLOAT),
                helper.make_node("Conv", ["cast", "gain", "offset"], ["ab"]),
            ],
        },
        r"input lightness is tensor\(double\)",
    ),
    "lightness of rank 3": (
        {
            "inputs": [value("lightness", FLOAT, [1, "h", "w"])],
            "nodes": [
                helper.make_node("Unsqueeze", ["lightness", "from"], ["four"]),
                helper.make_node("Conv", ["four", "gain", "offset"], ["ab"]),
            ],
        },
        r"input lightness is \[1, h, w\]",
    ),
    "lightness of a fixed size": (
        {"inputs": [value("lightness", FLOAT, ["n", 1, 256, 256])]},
        r"\[n, 1, 256, 256\], not \[n, 1, h, w\] with n, h and w free",
    ),
    "lightness of three channels": (
        {
            "inputs": [value("lightness", FLOAT, ["n", 3, "h", "w"])],
            "nodes": [
                helper.make_node("ReduceMean", ["lightness"], ["gray"], axes=[1]),
                helper.make_node("Conv", ["gray", "gain", "offset"], ["ab"]),
            ],
        },
        r"input lightness is \[n, 3, h, w\]",
    ),
    "hints of two channels": (
        {
            "inputs": [LIGHTNESS, value("hints", FLOAT, ["n", 2, "h", "w"])],
            "nodes": [*colour_nodes("colour"), helper.make_node("Add", ["colour", "hints"], ["ab"])],
        },
        r"input hints is \[n, 2, h, w\]",
    ),
    "temperature that is no scalar": (
        {
            "inputs": [LIGHTNESS, value("temperature", FLOAT, [1])],
            "nodes": [*colour_nodes("colour"), helper.make_node("Mul", ["colour", "temperature"], ["ab"])],
            "card": {"temperature": 0.4},
        },
        r"input temperature is \[1\], not a scalar",
    ),
    "temperature without default": ({"temperature": True, "card": {"temperature": None}}, "no default for it"),
    "default without temperature": ({"card": {"temperature": 0.4}}, "no such input"),
    "no ab": ({"nodes": colour_nodes("rgb"), "outputs": [value("rgb", FLOAT, ["n", 2, None, None])]}, "no output 'ab'"),
    "ab of another type": (
        {
            "nodes": [*colour_nodes("colour"), helper.make_node("Cast", ["colour"], ["ab"], to=DOUBLE)],
            "outputs": [value("ab", DOUBLE, ["n", 2, None, None])],
        },
        r"output ab is tensor\(double\)",
    ),
    "ab of one channel": (
        {
            "nodes": [helper.make_node("Identity", ["lightness"], ["ab"])],
            "outputs": [value("ab", FLOAT, ["n", 1, None, None])],
        },
        r"output ab is \[n, 1,",
    ),
    "ab turned": ({"nodes": turned_nodes()}, r"output ab is \[1, 2, 6, 4\] for a lightness of \[1, 1, 16, 24\]"),
    "ab not a number": ({"nodes": nan_nodes()}, "values that are not numbers"),
    "ab only for one size": ({"nodes": fixed_nodes()}, "fails on a lightness of 24 x 16"),
    "bins without logits": ({"card": {"bins": [[0, 0]]}}, "bins in its card but no logits"),
    "logits without bins": ({"logits": 3, "card": {"bins": None}}, "output 'logits' but no bins"),
    "other number of bins": ({"logits": 3, "card": {"bins": [[0, 0]]}}, r"output logits is \[n, 3, .*not \[n, 1,"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_one_sentence_that_names_the_file_and_the_fault(name, build_model):
    changes, fault = VIOLATIONS[name]
    path = build_model(**changes)
    with pytest.raises(ModelError, match=fault) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be used as a model: ")
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a model", b"\x80\x04\x95pickle", b"\x08\x08" * 50])
def test_what_is_no_model_file_is_refused(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(f"{path} cannot be used as a model: ")) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_half_a_model_file_is_refused(build_model, tmp_path):
    whole = build_model().read_bytes()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be used as a model"):
        load(path)


def test_missing_models_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model named tintype\.v0: give one that ships with tintype \(.*tintype"):
        load("tintype.v0")
    with pytest.raises(ModelError, match="there is no such file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="it cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_a_number_of_threads_that_cannot_be_is_refused(threads, tiny):
    with pytest.raises(OptionError, match="threads"):
        Model(tiny, threads)


# Graphs that never end


def endless(since: int = 0) -> list:
    """Nodes of a graph that runs for ever if its lightness has more than `since` pixels."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["going"]),
            helper.make_node("Add", ["count", "count"], ["counted"]),
        ],
        "body",
        [value("turn", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("count", FLOAT, None)],
        [value("going", TensorProto.BOOL, []), value("counted", FLOAT, None)],
    )
    return [
        helper.make_node("Size", ["lightness"], ["pixels"]),
        helper.make_node("Constant", [], ["since"], value_int=since),
        helper.make_node("Greater", ["pixels", "since"], ["large"]),
        helper.make_node("AveragePool", ["lightness"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "gain", "offset"], ["colour"]),
        helper.make_node("Loop", ["", "large", "colour"], ["ab"], body=body),
    ]


def test_a_graph_that_never_ends_is_refused_after_a_while(build_model, monkeypatch):
    path = build_model(nodes=endless())
    monkeypatch.setattr("tintype.models.model.TRIAL", 1.0)
    with pytest.raises(ModelError, match=r"cannot be used as a model: .* it takes more than 1 seconds"):
        load(path)


@pytest.fixture
def sleeper(build_model) -> Path:
    """A model whose trial ends, and whose every photograph of more than 1000 pixels does not."""
    return build_model(nodes=endless(since=1000))


def later(action) -> threading.Timer:
    timer = threading.Timer(1, action)
    timer.start()
    return timer


def test_ctrl_c_ends_a_graph_that_never_ends(sleeper):
    model = load(sleeper)
    later(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        model.predict(ramp(64, 64))
    assert model.predict(ramp(8, 8)).ab.shape == (2, 2, 2)  # and may go on with others


def test_who_watches_may_end_a_graph_that_never_ends(sleeper):
    begin = time.monotonic()

    def watch():
        if time.monotonic() > begin + 1:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        load(sleeper).predict(ramp(64, 64), watch=watch)


def test_a_folder_run_is_ended_while_its_network_works(sleeper, tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / name)
    later(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        list(colorize_all(plan([tmp_path]).tasks, Colorizer(sleeper), jobs=2))
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".onnx") == ["a.png", "b.png"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_is_ended_while_its_network_works(number, code, sleeper, tmp_path):
    """Within seconds, though the run-time library itself does not hear signals."""
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    run = (
        "import os, sys, threading, time\n"
        "from tintype.cli import main\n"
        "def signal():\n"
        "    seen = 0\n"
        "    while seen < 20:  # the trial at opening is over sooner\n"
        "        time.sleep(0.1)\n"
        "        seen = seen + 1 if any(t.name == 'network' for t in threading.enumerate()) else 0\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "threading.Thread(target=signal, daemon=True).start()\n"
        f"sys.exit(main(['colorize', {str(tmp_path / 'a.png')!r}, '--model', {str(sleeper)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, timeout=120)
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


# Names


def test_a_file_that_calls_itself_like_a_shipped_model_has_another_name(build_model, tmp_path):
    card = {"family": "tintype", "name": DEFAULT}
    model = load(build_model(card=card))
    assert re.fullmatch(r"own\.[0-9a-f]{8}", model.name)
    assert load(build_model(card=card | {"name": "tintype.V2"})).name != "tintype.V2"
    assert load(build_model(card=card | {"name": "tintype.mine"})).name == "tintype.mine"
    mark = Colorizer(model).mark
    assert mark.model == model.name
    own = tmp_path / "copy.onnx"
    own.write_bytes(shipped()["tintype.mini"].read_bytes())
    assert load(own).name == "tintype.mini"


def test_the_default_ships_and_keeps_the_contract():
    cards = catalog()
    assert cards[0].name == DEFAULT
    for card in cards:
        assert load(card.name).card == card


def test_the_default_gives_the_same_bits_for_any_number_of_threads():
    lightness = np.random.default_rng(0).uniform(0, 100, (160, 224)).astype(np.float32)
    found = {
        hashlib.sha256(load(threads=threads).predict(lightness).ab.tobytes()).hexdigest() for threads in (1, 2, 3, 5, 8)
    }
    assert len(found) == 1
