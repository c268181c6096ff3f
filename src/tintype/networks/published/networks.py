"""A published file becomes a network that keeps the families' contract, with what its output means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tintype.color.bins import published_bins
from tintype.networks import families, family
from tintype.networks.published import ddcolor, deoldify
from tintype.networks.published.layouts import Layout, caffe_names
from tintype.networks.published.weights import plain

Weights = Mapping[str, torch.Tensor]

CAFFE_SHARPENING = 2.606
"""What the Caffe network of ECCV16 multiplies its logits by, 6 / ln 10, so that the temperature is 0.38."""

CAFFE_REACH = 100.0
"""What the Caffe network of SIGGRAPH17 multiplies its tanh by, where its file does not say."""

PORT_REACH = 110.0
"""What the PyTorch ports multiply their outputs by."""


@dataclass(frozen=True, eq=False)
class Built:
    """A published network, in evaluation mode."""

    network: family.Network
    bins: NDArray[np.float64] | None = None
    """[Q, 2], CIE a*b*: its output is the logits of a distribution over them. None: its output is a*b*."""
    temperature: float | None = None
    """At which the authors' own program decodes the distribution."""
    scale: float = 1.0
    """a*b* are the output times this, after a tanh where `bounded`."""
    bounded: bool = False


def build(layout: Layout, weights: Weights, mask_centre: float = 0.0) -> Built:
    """The network of a layout with the weights of a file that has it.

    Args:
        mask_centre: subtracted from the mask of hints by SIGGRAPH17's port. The published weights, those of Caffe under
            other names, need 0; those that the authors trained anew with the port need 0.5.
    """
    return _BUILDERS[layout.name](weights, layout, mask_centre)


def _eccv16(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    """The port: (L* - 50) / 100 in, a softmax without a temperature, and a learned 1x1 that makes a*b* / 110 of it.

    That last layer says which colour each class has.
    """
    colours = weights["model_out.weight"][:, :, 0, 0].T * PORT_REACH
    network = _of_family("eccv16", {}, 313, _those(weights, layout))
    return Built(network, colours.double().numpy(), 1.0)


def _eccv16_of_caffe(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    """The original: L* - 50 in, logits times 2.606, and the published table of colours."""
    port = _of_caffe(weights, layout)
    if (factors := weights.get("conv8_313_rh/0")) is not None:
        factors = factors.flatten() / CAFFE_SHARPENING
        port["model8.6.weight"] = port["model8.6.weight"] * factors[:, None, None, None]
        port["model8.6.bias"] = port["model8.6.bias"] * factors
    return Built(_of_family("eccv16", {"spread": 1.0}, 313, port), published_bins(), 1 / CAFFE_SHARPENING)


def _siggraph17(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    """The port: (L* - 50) / 100, a*b* / 110 and the mask in, tanh x 110 out."""
    network = _of_family("siggraph17", {"mask_centre": mask_centre}, 2, _those(weights, layout))
    return Built(network, scale=PORT_REACH, bounded=True)


def _siggraph17_of_caffe(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    """The original: L* - 50, a*b* and 110 times the mask in, from two layers of their own, tanh x 100 out."""
    port = _of_caffe(weights, layout)
    scales = torch.tensor([100.0, PORT_REACH, PORT_REACH, PORT_REACH]).view(1, 4, 1, 1)
    port["model1.0.weight"] = torch.cat([port["model1.0.weight"], weights["ab_conv1_1/0"]], dim=1) * scales
    port["model1.0.bias"] = port["model1.0.bias"] + weights["ab_conv1_1/1"]
    for number, last in ((1, 2), (2, 2), (3, 3)):
        # A layer of its own takes every second pixel, and might scale it.
        if (factors := weights.get(f"conv{number}_{last}norm_ss/0")) is not None:
            name = f"model{number + 1}.0.weight"
            port[name] = port[name] * factors.flatten()[:, None, None]
    # The classes are another file's; nothing of the colours depends on them.
    port |= {"model_class.0.weight": torch.zeros(529, 256, 1, 1), "model_class.0.bias": torch.zeros(529)}
    reach = weights.get("pred_ab/0")
    network = _of_family("siggraph17", {"mask_centre": 0.0}, 2, port)
    return Built(network, scale=CAFFE_REACH if reach is None else reach.flatten()[0].item(), bounded=True)


def _deoldify(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    config = deoldify.Config()
    if layout.name == "deoldify.wide":
        config = deoldify.Config(depths=(3, 4, 23, 3), wide=True, decoder=2.0)
    return Built(_filled(deoldify.Network(config), plain(_those(weights, layout))))


def _ddcolor(weights: Weights, layout: Layout, mask_centre: float) -> Built:
    config = ddcolor.Config()
    if layout.name == "ddcolor.large":
        config = ddcolor.Config(depths=(3, 3, 27, 3), widths=(192, 384, 768, 1536))
    return Built(_filled(ddcolor.Network(config), plain(_those(weights, layout))))


_BUILDERS = {
    "eccv16.port": _eccv16,
    "eccv16.caffe": _eccv16_of_caffe,
    "siggraph17.port": _siggraph17,
    "siggraph17.caffe": _siggraph17_of_caffe,
    "deoldify.artistic": _deoldify,
    "deoldify.wide": _deoldify,
    "ddcolor.tiny": _ddcolor,
    "ddcolor.large": _ddcolor,
}


def _of_caffe(weights: Weights, layout: Layout) -> dict[str, torch.Tensor]:
    """Blobs under the names of the port. A norm of Caffe keeps sums, and what they are to be divided by."""
    port: dict[str, torch.Tensor] = {}
    for layer, module in caffe_names(layout.name).items():
        first, second = weights[f"{layer}/0"], weights[f"{layer}/1"]
        if f"{layer}/2" not in layout.shapes:
            port |= {f"{module}.weight": first, f"{module}.bias": second}
            continue
        count = weights[f"{layer}/2"].item()
        by = 1 / count if count else 0.0
        port |= {f"{module}.running_mean": first * by, f"{module}.running_var": second * by}
        port |= {f"{module}.weight": torch.ones_like(first), f"{module}.bias": torch.zeros_like(first)}
    return port


def _those(weights: Weights, layout: Layout) -> dict[str, torch.Tensor]:
    return {name: weights[name] for name in layout.shapes}


def _of_family(name: str, settings: Mapping[str, Any], channels: int, weights: Weights) -> family.Network:
    known = families.get(name)
    return _filled(known.make(known.Config(**settings), channels), weights)


def _filled(network: family.Network, weights: Weights) -> family.Network:
    """A network with these weights, which take the place of its own uncopied: the largest have a gigabyte of them."""
    missing, _ = network.load_state_dict(dict(weights), strict=False, assign=True)
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lacking:
        raise ValueError(f"{lacking[0]} is in no table of published names")
    return network.eval()
