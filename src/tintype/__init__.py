"""tintype turns black-and-white photographs into colour.

    import tintype
    tintype.colorize("grandmother.jpg")            # writes grandmother.color.jpg

`Colorizer` does the same for many photographs, `tintype.errors` tells what can go wrong.
"""

from tintype.version import __version__

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
