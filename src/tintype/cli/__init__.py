"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from tintype.errors import OptionError, TintypeError, TintypeWarning
from tintype.errors import printable as shown
from tintype.version import __version__

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["COMMANDS", "application", "complain", "main", "say", "shown"]

COMMANDS = (
    "colorize",
    "runs",
    "summary",
    "models",
    "inspect",
    "sheet",
    "prokudin",
    "video",
    "serve",
    "evaluate",
    "compare",
    "report",
    "robustness",
    "prepare",
    "train",
    "export",
    "convert",
    "plot",
    "study",
)
"""The command NAME is what `tintype.cli.NAME` calls so: a function, whose docstring is its help, or a group of them.

These modules import what is heavy inside the function, as `tintype --help` asks all of them for their first line.
"""


def application() -> App:
    """All commands. Those of a group, such as `plot`, are in it."""
    from cyclopts import App

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
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 when something failed, 2 for wrong usage, 130 for Ctrl-C."""
    from cyclopts import CycloptsError

    from tintype.cli.usage import say_usage, wrong_usage

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    app = application()
    if not {"--help", "-h"}.isdisjoint(arguments):
        say_usage(app, ["tintype"])
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be text; what cannot be printed must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _stop_cleanly()
    try:
        with _warnings_said():
            return int(app(arguments, print_error=False, exit_on_error=False) or 0)
    except CycloptsError as error:
        complain(wrong_usage(error, arguments))
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


@contextmanager
def _warnings_said() -> Iterator[None]:
    """Say what tintype itself warns of as a sentence, without the line of the program. Filters end with it."""
    with warnings.catch_warnings():
        shown_else = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, TintypeWarning):
                complain(f"warning: {message}")
            else:
                shown_else(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _stop_cleanly() -> None:
    """Let a request to end (SIGTERM, from `kill` or a closing session) take the way of Ctrl-C."""
    import signal

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    # Outside the main thread whoever called us there handles signals.
    with suppress(ValueError):
        signal.signal(signal.SIGTERM, stop)
