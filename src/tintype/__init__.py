"""tintype turns black-and-white photographs into colour.

    import tintype
    tintype.colorize("grandmother.jpg")                      # writes grandmother.color.jpg

In steps, each of which may be repeated:

    colorizer = tintype.Colorizer()
    photo = tintype.read("grandmother.jpg")                  # Photo: its lightness, and all that its file said
    colours = colorizer.look(photo)                          # Colours: what the model sees in it
    strips = colours.paint(vividness=1.2)                    # rows of sRGB
    tintype.write(photo, strips, "grandmother.color.jpg")

`tintype.models` has the models that ship, `tintype.film` colours films, `tintype.errors` tells what can go wrong.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from tintype.version import __version__

if TYPE_CHECKING:
    from tintype import album, errors, film, models
    from tintype.colorizer import Colorizer, colorize
    from tintype.colours import Colours
    from tintype.distribution import Likely
    from tintype.doubts import Doubt
    from tintype.errors import TintypeError, TintypeWarning
    from tintype.hints import Hint
    from tintype.photo import Photo, from_array, read, write

# libvips writes its warnings to standard error, some of them only when the process ends; what they mean is said in the
# notes of a photograph. It looks for this when it is first imported, by whatever part of tintype.
os.environ.setdefault("VIPS_WARNING", "0")

__all__ = [
    "Colorizer",
    "Colours",
    "Doubt",
    "Hint",
    "Likely",
    "Photo",
    "TintypeError",
    "TintypeWarning",
    "__version__",
    "album",
    "colorize",
    "errors",
    "film",
    "from_array",
    "models",
    "read",
    "write",
]

_HOMES = {
    "Colorizer": "tintype.colorizer",
    "Colours": "tintype.colours",
    "Doubt": "tintype.doubts",
    "Hint": "tintype.hints",
    "Likely": "tintype.distribution",
    "Photo": "tintype.photo",
    "TintypeError": "tintype.errors",
    "TintypeWarning": "tintype.errors",
    "colorize": "tintype.colorizer",
    "from_array": "tintype.photo",
    "read": "tintype.photo",
    "write": "tintype.photo",
}


def __getattr__(name: str) -> object:
    # Nothing heavy is imported until it is used, so that `tintype --help` answers at once.
    if name in ("album", "errors", "film", "models"):
        return import_module(f"tintype.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tintype' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
