"""Films in colour, steadily: from file to file, or frame by frame as arrays. Needs the extra `video`.

import tintype
tintype.film.colorize("harbour.mp4")                   # writes harbour.color.mp4, with its sound
steady = tintype.film.Steady(vividness=1.2)
for rgb in steady(frames): ...                         # arrays in, arrays out
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tintype.errors import not_installed

if TYPE_CHECKING:
    from tintype.film.arrays import Steady
    from tintype.film.engine import Made, Step, colorize
    from tintype.film.engine import colorizer_of as colorizer_of  # for the command
    from tintype.film.engine import run as run
    from tintype.film.frame import save_frame
    from tintype.film.sheet import preview

__all__ = ["Made", "Steady", "Step", "colorize", "preview", "save_frame"]

_HOMES = {
    "Made": "engine",
    "Steady": "arrays",
    "Step": "engine",
    "colorize": "engine",
    "colorizer_of": "engine",
    "preview": "sheet",
    "run": "engine",
    "save_frame": "frame",
}


def __getattr__(name: str) -> object:
    # What the extra brings is needed only by those who use it.
    if name not in _HOMES:
        raise AttributeError(f"module 'tintype.film' has no attribute {name!r}")
    try:
        return getattr(import_module(f"tintype.film.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("av", "cv2"):
            raise
        raise not_installed("A film", {"av": "PyAV", "cv2": "OpenCV"}[error.name], "video") from None


def __dir__() -> list[str]:
    return __all__
