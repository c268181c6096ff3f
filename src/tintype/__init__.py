"""tintype turns black-and-white photographs into colour.

    import tintype
    tintype.colorize("grandmother.jpg")            # writes grandmother.color.jpg

`Colorizer` does the same for many photographs, `tintype.errors` tells what can go wrong.
"""

import os

from tintype.version import __version__

# libvips writes its warnings to standard error, some of them only when the process ends; what they mean is said in the
# notes of a photograph. It looks for this when it is first imported, by whatever part of tintype.
os.environ.setdefault("VIPS_WARNING", "0")

__all__ = ["Colorizer", "TintypeError", "__version__", "colorize"]


def __getattr__(name: str):
    # Nothing heavy is imported until it is used, so that `tintype --help` answers at once.
    if name in ("Colorizer", "colorize"):
        from tintype import colorizer

        return getattr(colorizer, name)
    if name == "TintypeError":
        from tintype.errors import TintypeError

        return TintypeError
    raise AttributeError(f"module 'tintype' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
