"""What values settings may have: one check each, for Python and the command line alike.

Each returns the value, and raises OptionError, one sentence, where it cannot be used.
"""

from __future__ import annotations

import math

from tintype.errors import OptionError

LARGEST = 2048
"""Largest size of a network's input, in pixels of its short side."""

HOTTEST = 100.0
"""Highest temperature."""

STRONGEST = 10.0
"""Highest vividness."""


def checked_size(value: object) -> int:
    """The short side of what the network sees, in pixels."""
    return _whole(value, "size", f"a whole number from 1 to {LARGEST}", 1, LARGEST)


def checked_temperature(value: object) -> float:
    """The temperature of an annealed mean."""
    return _number(value, "temperature", f"above 0 and at most {HOTTEST:g}", math.ulp(0.0), HOTTEST)


def checked_vividness(value: object) -> float:
    """The factor on the chroma."""
    return _number(value, "vividness", f"a number from 0 to {STRONGEST:g}", 0, STRONGEST)


def checked_blend(value: object) -> float:
    """The share of the colour: 0 is the original gray."""
    return _number(value, "blend", "a number from 0 to 1", 0, 1)


def checked_threads(value: object) -> int:
    """The number of processors to use."""
    return _whole(value, "number of threads", "a whole number of at least 1", 1)


def checked_quality(value: object) -> int:
    """The quality of a format that loses."""
    return _whole(value, "quality", "a whole number from 1 to 100", 1, 100)


def checked_page(value: object) -> int:
    """The number of a photograph in a file of several."""
    return _whole(value, "page", "a whole number of at least 1", 1)


def _whole(value: object, what: str, how: str, least: int, most: float = math.inf) -> int:
    import numpy as np  # which the command line does not need to show its help

    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    raise OptionError(f"The {what} must be {how}, not {value!r}")


def _number(value: object, what: str, how: str, least: float, most: float) -> float:
    import numpy as np  # which the command line does not need to show its help

    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    raise OptionError(f"The {what} must be {how}, not {value!r}")
