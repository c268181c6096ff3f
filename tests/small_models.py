"""Small models that keep the contract, whose colours can be told by hand, and all that breaks it."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CARD = {
    "name": "tiny.v1",
    "version": "1",
    "family": "tiny",
    "description": "Colours that follow from the lightness by a formula.",
    "stride": 8,
    "size": 64,
    "temperature": None,
    "licence": "CC0-1.0",
    "training_data": [{"name": "none", "photographs": 0}],
    "figures": [{"metric": "psnr", "value": 1.5, "protocol": "none, an example"}],
    "bins": None,
}


def write_model(
    path: Path,
    *,
    hints: bool = False,
    temperature: bool = False,
    logits: int = 0,
    card: dict | str | None = None,
    gain: tuple[float, float] = (0.2, -0.4),
    offset: tuple[float, float] = (10.0, 20.0),
    nodes=None,
    inputs=None,
    outputs=None,
) -> Path:
    """Write a model of one average pool and one 1x1 convolution: ab = gain * (mean L* of 4x4 pixels) + offset.

    hints adds the mean of the hints' a*, b*; temperature multiplies. `card` changes some keys of CARD, or is the text
    itself; nodes, inputs and outputs replace those of the graph.
    """
    constants = {
        "gain": np.array(gain, np.float32).reshape(2, 1, 1, 1),
        "offset": np.array(offset, np.float32),
        "from": np.array([0]),
        "to": np.array([2]),
        "axis": np.array([1]),
    }
    graph = [
        helper.make_node("AveragePool", ["lightness"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "gain", "offset"], ["colour0"]),
    ]
    takes = [helper.make_tensor_value_info("lightness", TensorProto.FLOAT, ["n", 1, "h", "w"])]
    gives = [helper.make_tensor_value_info("ab", TensorProto.FLOAT, ["n", 2, None, None])]
    if hints:
        takes.append(helper.make_tensor_value_info("hints", TensorProto.FLOAT, ["n", 3, "h", "w"]))
        graph += [
            helper.make_node("Slice", ["hints", "from", "to", "axis"], ["given"]),
            helper.make_node("AveragePool", ["given"], ["known"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Add", ["colour0", "known"], ["colour1"]),
        ]
    else:
        graph.append(helper.make_node("Identity", ["colour0"], ["colour1"]))
    if temperature:
        takes.append(helper.make_tensor_value_info("temperature", TensorProto.FLOAT, []))
        graph.append(helper.make_node("Mul", ["colour1", "temperature"], ["ab"]))
    else:
        graph.append(helper.make_node("Identity", ["colour1"], ["ab"]))
    if logits:
        gives.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", logits, None, None]))
        constants["each"] = np.linspace(-1, 1, logits, dtype=np.float32).reshape(logits, 1, 1, 1)
        graph.append(helper.make_node("Conv", ["small", "each"], ["logits"]))
    filled = dict(CARD)
    if temperature:
        filled["temperature"] = 1.0
    if logits:
        filled["bins"] = [[float(i), 0.0] for i in range(logits)]
    if isinstance(card, dict):
        filled |= card
    body = helper.make_graph(
        nodes if nodes is not None else graph,
        "tiny",
        takes if inputs is None else inputs,
        gives if outputs is None else outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if card is not False:
        helper.set_model_props(model, {"tintype": card if isinstance(card, str) else json.dumps(filled)})
    onnx.save(model, path)
    return path
