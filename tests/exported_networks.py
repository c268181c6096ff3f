"""A network as the run-time library computes it, to compare with torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from tintype.models.runtime import Session
from tintype.threads import available_threads


def exported(network: nn.Module) -> Callable[[torch.Tensor], np.ndarray]:
    """A network without hints, exported at twice its stride for sizes that may change: lightness to output."""
    side = 2 * network.stride
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, of its successor
        torch.onnx.export(
            network,
            (torch.rand(1, 1, side, side) * 100, torch.zeros(1, 3, side, side)),
            file,
            input_names=["lightness", "hints"],
            output_names=["output"],
            dynamic_axes={"lightness": {0: "n", 2: "h", 3: "w"}, "output": {0: "n", 2: "h_out", 3: "w_out"}},
            opset_version=17,
            dynamo=False,
        )
    session = Session(file.getvalue(), available_threads())
    return lambda lightness: session.run(None, {"lightness": lightness.numpy()})[0]
