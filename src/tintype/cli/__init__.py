"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, get_args

from tintype.errors import OptionError, TintypeError
from tintype.errors import printable as shown
from tintype.version import __version__

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError, Parameter

COMMANDS = (
    "colorize",
    "models",
    "inspect",
    "sheet",
    "prokudin",
    "evaluate",
    "compare",
    "report",
    "robustness",
    "prepare",
    "train",
    "export",
    "plot",
    "study",
)
"""The command NAME is what `tintype.cli.NAME` calls so: a function, whose docstring is its help, or a group of them.

These modules import what is heavy inside the function, as `tintype --help` asks all of them for their first line.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 when something failed, 2 for wrong usage, 130 for Ctrl-C."""
    from cyclopts import App, CycloptsError

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    app = App(
        name="tintype",
        help="Turns black-and-white photographs into colour.\n\nMore on a command: `tintype colorize --help`",
        version=__version__,
        version_flags=["--version"],
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name in COMMANDS:
        app.command(getattr(import_module(f"tintype.cli.{name}"), name))
    if not {"--help", "-h"}.isdisjoint(arguments):
        _say_usage(app, ["tintype"])
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be text; what cannot be printed must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _stop_cleanly()
    try:
        return app(arguments, print_error=False, exit_on_error=False) or 0
    except CycloptsError as error:
        complain(_wrong_usage(error, arguments))
        return 2
    except OptionError as error:
        complain(error)
        return 2
    except TintypeError as error:
        complain(error)
        return 1
    except BrokenPipeError:
        # Whoever read our output has left. Nothing more can be said there, at exit either.
        sys.stdout = None
        return 1
    except KeyboardInterrupt:
        complain("stopped; finished files are complete, and the same command continues from here")
        return 130


def say(line: object = "") -> None:
    """One line on standard output; nothing in it reaches the terminal as a command."""
    print(shown(line), flush=True)


def complain(message: object) -> None:
    """One line on standard error, in the name of the program."""
    print(f"tintype: {shown(str(message).strip())}", file=sys.stderr, flush=True)


def numbers(text: str | None, kind: type, option: str, form: str) -> list:
    """The numbers that an option has with commas between them; `form`: what it takes, in words.

    Raises OptionError when it has others.
    """
    try:
        return [] if text is None else [kind(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"{option} takes {form}, not {text!r}") from None


def between(least: float, most: float | None = None, *, above: bool = False) -> Parameter:
    """What an option that takes one number is annotated with: the numbers from `least` (or above it) to `most`."""
    from cyclopts import Parameter

    def read(hint: type, tokens: Sequence) -> float:
        kind = int if int in (hint, *get_args(hint)) else float
        start = f"above {least}" if above else f"of at least {least}" if most is None else f"from {least}"
        end = "" if most is None else f" {'up ' * above}to {most}"
        try:
            value = kind(tokens[0].value)
        except ValueError:
            value = None
        # Written so that it is wrong of what is no number (NaN), too.
        if value is None or not ((value > least if above else value >= least) and (most is None or value <= most)):
            raise ValueError(f"{_KINDS[kind]} {start}{end}")
        return value

    return Parameter(converter=read)


_KINDS = {int: "a whole number", float: "a number", bool: "no value"}


def _wrong_usage(error: CycloptsError, arguments: Sequence[str]) -> str:
    """What is wrong with a command, and what is right, in one sentence."""
    from cyclopts import (
        CoercionError,
        MissingArgumentError,
        RepeatArgumentError,
        UnknownCommandError,
        UnknownOptionError,
        UnusedCliTokensError,
    )

    chain = ["tintype", *(error.command_chain or ())]
    more = f"see {' '.join(chain)} --help"
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, chain, arguments)
    if isinstance(error, CoercionError) and error.token is not None:
        name = error.token.keyword or _label(error.argument)
        kinds = (error.target_type, *get_args(error.target_type))
        if error.msg is not None:
            form = str(error.msg)
        elif all(isinstance(kind, str) for kind in kinds[1:]) and kinds[1:]:
            form = f"one of {', '.join(kinds[1:])}"
        else:
            form = next((_KINDS[kind] for kind in kinds if kind in _KINDS), "another kind of value")
        return f"{name} takes {form}, not {error.token.value}"
    if isinstance(error, MissingArgumentError):
        name = error.keyword or next((token.keyword for token in error.argument.tokens if token.keyword), None)
        return f"{name} needs a value: {more}" if name else f"{_label(error.argument)} is missing: {more}"
    if isinstance(error, UnknownOptionError):
        known = [name for argument in error.argument_collection for name in argument.names]
        return unknown_option(error.token.keyword or error.token.value, known, chain)
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} is given more than once: give it once"
    if isinstance(error, UnusedCliTokensError):
        return f"{' '.join(chain)} does not know what to do with {' '.join(error.unused_tokens)}: {more}"
    return f"{' '.join(str(error).split()).rstrip('.?')}: {more}"


def unknown_option(word: str, known: Iterable[str], chain: Sequence[str]) -> str:
    """What is wrong with an option that a command does not have; `chain`: the words of the command."""
    alike = get_close_matches(word.partition("=")[0], list(known), n=1, cutoff=0.6)
    meant = f"; did you mean {alike[0]}?" if alike else ":"
    return f"There is no option {word}{meant} see {' '.join(chain)} --help"


def _unknown_command(error: CycloptsError, chain: list[str], arguments: Sequence[str]) -> str:
    word = error.unused_tokens[0]
    if word.startswith("-"):
        return f"{word} comes before the command: see {' '.join(chain)} --help"
    known = [name for name in error.app if not name.startswith("-")]
    rest = list(arguments[len(chain) :])
    if alike := get_close_matches(word.lower(), known, n=1, cutoff=0.6):
        return f"There is no command {word}; did you mean: {shlex.join([*chain, alike[0], *rest])}"
    if len(chain) == 1 and (os.path.lexists(word) or PurePath(word).suffix):
        return f"There is no command {word}; to colour a photograph: {shlex.join(['tintype', 'colorize', word, *rest])}"
    return f"There is no command {word}: see {' '.join(chain)} --help"


def _say_usage(app: App, chain: list[str]) -> None:
    """Give each command below a usage line with its own names for what it takes."""
    for name in app:
        if name.startswith("-"):
            continue
        command = app[name]
        if command.default_command is None:
            _say_usage(command, [*chain, name])
            continue
        words = [*chain, name]
        for argument in command.assemble_argument_collection(parse_docstring=True):
            kind = argument.field_info.kind
            if kind is argument.field_info.KEYWORD_ONLY:
                words += [f"{argument.name} {argument.name.lstrip('-').upper()}"] * argument.required
            elif kind is argument.field_info.VAR_POSITIONAL:
                # Only a help that tells of a default speaks of something that may be left out.
                may = "Default:" in (argument.parameter.help or "")
                words.append(f"[{_label(argument)}...]" if may else f"{_label(argument)}...")
            else:
                words.append(_label(argument) if argument.required else f"[{_label(argument)}]")
        command.usage = f"Usage: {' '.join(words)} [OPTIONS]\n"


def _label(argument) -> str:
    return argument.name.lstrip("-").upper()


def _stop_cleanly() -> None:
    """Let a request to end (SIGTERM, from `kill` or a closing session) take the way of Ctrl-C."""
    import signal

    def stop(number, frame):
        raise SystemExit(128 + number)

    # Outside the main thread whoever called us there handles signals.
    with suppress(ValueError):
        signal.signal(signal.SIGTERM, stop)
