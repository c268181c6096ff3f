"""What published files hold: the names and shapes of their weights, and which of the known networks a file has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from tintype.errors import ConfigError

Shapes = Mapping[str, tuple[int, ...]]

ALIKE = 0.5
"""Share of a layout's names that a file must have to be called a damaged or changed one of it."""


@dataclass(frozen=True)
class Layout:
    """A network as its authors publish it. Its table in tables/ has a line for each weight: name, tab, shape."""

    name: str
    """That of the model that is made of it, FAMILY.TAG, unless the user gives another; also the table's."""
    title: str
    licence: str
    """Of the weights, as their authors state it."""
    training_data: tuple[Mapping[str, str], ...]
    size: int
    """Short side that the authors' own program shows the network by default."""

    @property
    def shapes(self) -> Shapes:
        return _table(self.name)

    @property
    def parameters(self) -> int:
        """How many numbers training changed: what norms measured and the vectors of spectral norms do not count."""
        shapes = self.shapes
        return sum(
            math.prod(shape)
            for name, shape in shapes.items()
            if not name.endswith(("running_mean", "running_var"))
            and not (name.endswith(("_u", "_v")) and f"{name[:-2]}_orig" in shapes)
        )


_IMAGENET = ({"name": "ImageNet"},)
_IMAGENET_AND_MORE = ({"name": "ImageNet; for ddcolor_artistic.pth, private photographs too"},)
_ZHANG = "BSD-2-Clause (of the authors' repository)"

LAYOUTS = (
    Layout("eccv16.port", "ECCV16 (Zhang, Isola, Efros 2016), the authors' PyTorch port", _ZHANG, _IMAGENET, 256),
    Layout("eccv16.caffe", "ECCV16 (Zhang, Isola, Efros 2016), the original of Caffe", _ZHANG, _IMAGENET, 224),
    Layout("siggraph17.port", "SIGGRAPH17 (Zhang et al. 2017), the authors' PyTorch port", _ZHANG, _IMAGENET, 256),
    Layout(
        "siggraph17.caffe",
        "SIGGRAPH17 (Zhang et al. 2017), the original of Caffe",
        "MIT (of the authors' repository)",
        _IMAGENET,
        256,
    ),
    Layout("deoldify.artistic", "DeOldify's artistic generator, on ResNet-34", "MIT", _IMAGENET, 560),
    Layout("deoldify.wide", "DeOldify's wide generator, stable or video, on ResNet-101", "MIT", _IMAGENET, 560),
    Layout("ddcolor.tiny", "DDColor-tiny (Kang et al. 2023), on ConvNeXt-T", "Apache-2.0", _IMAGENET, 512),
    Layout("ddcolor.large", "DDColor-large (Kang et al. 2023), on ConvNeXt-L", "Apache-2.0", _IMAGENET_AND_MORE, 512),
)

TOLD_APART = {
    "layers.10.layers.0.0.weight_orig": "a generator of DeOldify",
    "decoder.color_decoder.query_feat.weight": "a DDColor of another size",
    "decoder.color_decoder.transformer.decoder.norm.weight": "a DDColor with the decoder of one scale",
    "model8up.0.weight": "a network like SIGGRAPH17",
    "model8.6.weight": "a network like ECCV16",
    "conv8_313/0": "a network of Caffe like ECCV16",
    "conv10_ab/0": "a network of Caffe like SIGGRAPH17",
    "layer1.0.conv1.weight": "a ResNet, which is an encoder and no colorizer",
    "features.0.weight": "a VGG or a SqueezeNet, which are encoders and no colorizers",
}
"""Names of weights that tell what a file is that has none of the layouts."""


def recognise(shapes: Shapes, path: str | Path) -> Layout:
    """The layout whose weights are all among those of a file; others there are left aside.

    Raises:
        ConfigError: there is none; it says what the file holds, and what is known.
    """
    for layout in LAYOUTS:
        if layout.shapes.items() <= shapes.items():
            return layout
    near = max(LAYOUTS, key=lambda layout: _share(layout.shapes, shapes))
    if _share(near.shapes, shapes) > ALIKE:
        name = next(name for name, shape in near.shapes.items() if shapes.get(name) != shape)
        found = f"of shape {shapes[name]}" if name in shapes else "missing"
        raise ConfigError(
            f"{path}: is like {near.title}, but {name} is {found}, not {near.shapes[name]}; "
            "fetch the published file again, or convert the network it was made for"
        )
    known = ", ".join(layout.name for layout in LAYOUTS)
    raise ConfigError(f"{path}: holds {_told(shapes)}, and no network that is known; these are {known}")


def _share(wanted: Shapes, shapes: Shapes) -> float:
    """Share of names that a file has, with a shape of as many axes."""
    return sum(name in shapes and len(shapes[name]) == len(shape) for name, shape in wanted.items()) / len(wanted)


def _told(shapes: Shapes) -> str:
    for name, told in TOLD_APART.items():
        if name in shapes:
            return told
    first = next(iter(shapes))
    return f"{len(shapes)} weights, of which the first is {first} of shape {shapes[first]}"


@cache
def _table(name: str) -> Shapes:
    return {weight: tuple(int(side) for side in shape.split("x") if side) for weight, shape in _rows(f"{name}.tsv")}


@cache
def caffe_names(name: str) -> Mapping[str, str]:
    """What the layers of a Caffe layout are called in the authors' PyTorch port."""
    return dict(_rows(f"{name}.names.tsv"))


def _rows(file: str) -> Iterable[tuple[str, str]]:
    text = (files("tintype.networks.published") / "tables" / file).read_text(encoding="utf-8")
    for line in text.splitlines():
        first, _, second = line.partition("\t")
        yield first, second
