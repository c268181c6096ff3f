"""The options of a photograph, as requests give them: the names, ranges and sentences of the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tintype.errors import HintError, OptionError, printable
from tintype.hints import Hint, read_hints
from tintype.photo.results import check_output
from tintype.settings import (
    checked_blend,
    checked_page,
    checked_quality,
    checked_size,
    checked_temperature,
    checked_vividness,
)

YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True)
class Reading:
    """How a photograph's file is read."""

    negative: bool = False
    faded: bool = False
    salvage: bool = False
    page: int | None = None


@dataclass(frozen=True)
class Settings:
    """What the colours of a photograph depend on, beside its hints."""

    model: str
    size: int | None = None
    temperature: float | None = None
    vividness: float = 1.0
    blend: float = 1.0
    negative: bool = False
    faded: bool = False
    salvage: bool = False
    page: int | None = None

    @property
    def reading(self) -> Reading:
        return Reading(self.negative, self.faded, self.salvage, self.page)

    def changed(self, given: Mapping[str, object]) -> Settings:
        """With other values, each checked. A value of None is the default.

        Raises OptionError, one sentence.
        """
        values = {name: checked(name, value) for name, value in given.items()}
        return replace(self, **values)  # type: ignore[arg-type]  # checked by name


def checked(name: str, value: object) -> object:
    """The value of an option, as JSON has it. Raises OptionError."""
    if name not in _CHECKS:
        raise OptionError(f"There is no option {printable(name)[:40]!r}: the options are {', '.join(_CHECKS)}")
    if value is None:
        return _DEFAULTS.get(name)
    return _CHECKS[name](value)


def from_form(texts: Mapping[str, str]) -> dict[str, object]:
    """Options out of the fields of a form; an empty field is not given. Raises OptionError."""
    return {name: checked(name, from_text(name, text.strip())) for name, text in texts.items() if text.strip()}


def hints_from_text(text: str) -> list[Hint]:
    """Hints out of a field of a form. Raises HintError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise HintError('The hints are not JSON: write [{"x": 10, "y": 20, "color": "#rrggbb", "radius": 5}]') from None
    return hints_from_json(found)


def hints_from_json(found: object) -> list[Hint]:
    """Hints out of what JSON gave. Raises HintError."""
    if not isinstance(found, list):
        raise HintError("The list of hints must be a list of hints, each with x, y, color and radius")
    return read_hints(found)


def from_text(name: str, text: str) -> object:
    """What the text of an option means, as JSON has it; the text itself where it means nothing. It is not checked."""
    if name in ("size", "quality", "page") and text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
        return int(text) if len(text) < 20 else text
    if name in ("temperature", "vividness", "blend"):
        try:
            return float(text)
        except ValueError:
            return text
    if name in ("negative", "faded", "salvage"):
        return True if text.lower() in YES else False if text.lower() in NO else text
    return text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise OptionError(f"The model must be the name of one, not {value!r}")


def _format(value: object) -> str:
    if not isinstance(value, str):
        raise OptionError(f"The format must be a word such as jpeg, not {value!r}")
    check_output(value)
    return value


def _flag(name: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise OptionError(f"The option {name} must be true or false, not {value!r}")

    return check


_DEFAULTS: dict[str, object] = {"vividness": 1.0, "blend": 1.0, "negative": False, "faded": False, "salvage": False}

_CHECKS: dict[str, Callable[[object], object]] = {
    "model": _text,
    "size": checked_size,
    "temperature": checked_temperature,
    "vividness": checked_vividness,
    "blend": checked_blend,
    "format": _format,
    "quality": checked_quality,
    "negative": _flag("negative"),
    "faded": _flag("faded"),
    "salvage": _flag("salvage"),
    "page": checked_page,
}

OPTIONS = tuple(_CHECKS)
"""The names of all options."""
