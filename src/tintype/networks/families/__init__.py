"""One module per architecture. Its name is the family's name; nothing else in the house knows it.

A family module offers

    Config    a frozen msgspec.Struct: every setting, with the published defaults
    Network   a torch.nn.Module made as Network(config, channels), where the target says how many channels it needs:
                forward(lightness [n,1,h,w] L* 0..100, hints [n,3,h,w]) -> [n, channels, h/scale, w/scale], the linear
                  output of its last layer, to which `tintype.targets` gives a meaning
                stride: the sides of the input must be multiples of it
                scale: the output stands at 1/scale of the input
                takes_hints: whether the hints matter
                side_bins, where it has a side head: its channels; forward then gives (output, side logits)
                load_pretrained(), where it has a pretrained part: reads it from the file that the Config names; called
                once by a run that starts afresh, so that a checkpoint needs no other file
                encoder_parts, where it has one: the first names of its parameters, which may learn at their own rate
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from tintype.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType


def names() -> list[str]:
    """The families there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def get(name: str) -> ModuleType:
    """The module of a family.

    Raises:
        ConfigError: no family has this name.
    """
    if name not in names():
        raise ConfigError(f"family {name!r} is unknown; there are {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
