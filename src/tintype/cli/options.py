"""How the values of options are read: numbers within a range, lists with commas, places X,Y; the same in all commands.

Each of these is what an option is annotated with. What cannot be read is answered with one sentence: the name of the
option, the form that it takes, and what was given.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, get_args

from cyclopts import Parameter, Token

from tintype.models.device import Device

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

Output = Annotated[Path, Parameter(name=["--output", "-o"])]
"""The file or folder that a command writes."""

MaybeOutput = Annotated[Path | None, Parameter(name=["--output", "-o"])]
"""The same where there is a default."""

OnDevice = Annotated[Device, Parameter(name="--device")]
"""Where the network computes."""

KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "no value"}
"""What an option of a type takes, in words."""


def between(least: float, most: float | None = None, *, above: bool = False) -> Parameter:
    """One number from `least` (or above it) to `most`, whole where the option is an int."""

    def read(hint: object, tokens: Sequence[Token]) -> float:
        kind = int if int in (hint, *get_args(hint)) else float
        start = f"above {least}" if above else f"of at least {least}" if most is None else f"from {least}"
        end = "" if most is None else f" {'up ' * above}to {most}"
        try:
            value: float | None = kind(tokens[0].value)
        except ValueError:
            value = None
        # Written so that it is also wrong for what is no number (NaN).
        if value is None or not ((value > least if above else value >= least) and (most is None or value <= most)):
            raise ValueError(f"{KINDS[kind]} {start}{end}")
        return value

    return Parameter(converter=read)


def several(form: str, kind: Callable[[str], object] = str, *, spaces: bool = False) -> Parameter:
    """A list with commas between its values: a tuple without repeated values. The option may be repeated.

    form: what it takes, in words. kind: what each value is converted by. spaces: whether more values may follow, as
    in `--at 1 0.5 0`; such an option stands after what the command takes without a name.
    """

    def read(hint: object, tokens: Sequence[Token]) -> tuple[object, ...]:
        parts = (part.strip() for token in tokens for part in _PART.findall(token.value))
        try:
            values = tuple(dict.fromkeys(kind(part) for part in parts if part))
        except ValueError:
            values = ()
        if not values:
            raise ValueError(form)
        return values

    return Parameter(
        converter=read,
        negative="",
        consume_multiple=spaces,
        metavar=f"{_METAVARS.get(kind, 'STR')},...",
        show_default=_joined,
    )


def exactly(count: int, form: str, kind: Callable[[str], object] = int, *, spaces: bool = False) -> Parameter:
    """So many values with commas between them, such as a place X,Y: a tuple.

    form: what it takes, in words; the first word is shown in the help. kind, spaces: as for `several`.
    """

    def read(hint: object, tokens: Sequence[Token]) -> tuple[object, ...]:
        try:
            values = tuple(kind(part.strip()) for token in tokens for part in token.value.split(","))
        except ValueError:
            values = ()
        if len(values) != count or "" in values:
            raise ValueError(form)
        return values

    return Parameter(
        converter=read,
        negative="",
        n_tokens=-1 if spaces else 1,
        consume_multiple=spaces,
        metavar=form.split()[0].rstrip(",:"),
        show_default=_joined,
    )


def pixels_or(word: str) -> Parameter:
    """A number of pixels, or one word that stands for None."""

    def read(hint: object, tokens: Sequence[Token]) -> int | None:
        text = tokens[0].value
        if text == word:
            return None
        if not text.isdecimal():
            raise ValueError(f"a number of pixels, or {word}")
        return int(text)

    return Parameter(converter=read, metavar=f"INT|{word}")


DURATION = "a duration such as 30s, 90m, 12h, 7d or 2w"

MOMENT = f"a date such as 2026-05-31, a date and time such as 2026-05-31T18:30, or {DURATION} ago"


def duration() -> Parameter:
    """A length of time, in seconds."""

    def read(hint: object, tokens: Sequence[Token]) -> float:
        if (seconds := _seconds(tokens[0].value)) is None:
            raise ValueError(DURATION)
        return seconds

    return Parameter(converter=read, metavar="DURATION")


def moment() -> Parameter:
    """A time that is past: seconds since 1970, from a date, a date and a time, or how long ago it was."""

    def read(hint: object, tokens: Sequence[Token]) -> float:
        now = time.time()
        if (ago := _seconds(tokens[0].value)) is not None:
            return now - ago
        try:
            then = datetime.fromisoformat(tokens[0].value).timestamp()
        except (ValueError, OverflowError, OSError):
            raise ValueError(MOMENT) from None
        if then > now:
            raise ValueError(f"{MOMENT}, which is not in the future")
        return then

    return Parameter(converter=read, metavar="DATE|DURATION")


def _seconds(text: str) -> float | None:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", text.strip().lower(), re.ASCII)
    return None if match is None else float(match[1]) * _UNITS[match[2]]


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_PART = re.compile(r"(?:\[[^\]]*\]|[^,])+")
"""What stands between commas. A comma in brackets is part of it, so that a pattern can hold one: `a[,]b,c`."""

_METAVARS: dict[object, str] = {int: "INT", float: "FLOAT", str: "STR"}


def _joined(default: Sequence[object] | None) -> str | None:
    """How the help shows the default of a list; None where there is none."""
    return ",".join(map(str, default)) if default else None
