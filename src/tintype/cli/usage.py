"""What is said of a command that cannot be understood, and the usage lines of the help."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING, get_args

from tintype.cli.options import KINDS

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError
    from cyclopts.argument import Argument


def wrong_usage(error: CycloptsError, arguments: Sequence[str]) -> str:
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
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        known = [name for name in error.app or () if not name.startswith("-")]
        return _unknown_command(error.unused_tokens[0], known, chain, arguments)
    if isinstance(error, CoercionError) and error.argument is not None:
        tokens = error.argument.tokens if error.token is None else [error.token]
        option = next((token.keyword for token in tokens if token.keyword), None) or _label(error.argument)
        kinds = (error.target_type, *get_args(error.target_type))
        if error.msg is not None:
            form = str(error.msg)
        elif all(isinstance(kind, str) for kind in kinds[1:]) and kinds[1:]:
            form = f"one of {', '.join(kinds[1:])}"
        else:
            form = next((KINDS[kind] for kind in kinds if kind in KINDS), "another kind of value")
        return f"{option} takes {form}, not {' '.join(token.value for token in tokens) or 'nothing'}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.keyword or next((token.keyword for token in error.argument.tokens if token.keyword), None)
        return f"{name} needs a value: {more}" if name else f"{_label(error.argument)} is missing: {more}"
    if isinstance(error, UnknownOptionError):
        known = [name for argument in error.argument_collection for name in argument.names]
        return unknown_option(error.token.keyword or error.token.value, known, chain)
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} is given more than once: give it once"
    if isinstance(error, UnusedCliTokensError):
        return f"{' '.join(chain)} does not know what to do with {' '.join(error.unused_tokens or ())}: {more}"
    return f"{' '.join(str(error).split()).rstrip('.?')}: {more}"


def unknown_option(word: str, known: Iterable[str], chain: Sequence[str]) -> str:
    """What is wrong with an option that a command does not have; `chain`: the words of the command."""
    alike = get_close_matches(word.partition("=")[0], list(known), n=1, cutoff=0.6)
    meant = f"; did you mean {alike[0]}?" if alike else ":"
    return f"There is no option {word}{meant} see {' '.join(chain)} --help"


def _unknown_command(word: str, known: Sequence[str], chain: Sequence[str], arguments: Sequence[str]) -> str:
    if word.startswith("-"):
        return f"{word} comes before the command: see {' '.join(chain)} --help"
    rest = list(arguments[len(chain) :])
    if alike := get_close_matches(word.lower(), known, n=1, cutoff=0.6):
        return f"There is no command {word}; did you mean: {shlex.join([*chain, alike[0], *rest])}"
    if len(chain) == 1 and (os.path.lexists(word) or PurePath(word).suffix):
        return f"There is no command {word}; to colour a photograph: {shlex.join(['tintype', 'colorize', word, *rest])}"
    return f"There is no command {word}: see {' '.join(chain)} --help"


def say_usage(app: App, chain: list[str]) -> None:
    """Give each command below a usage line with its own names for what it takes."""
    for name in app:
        if name.startswith("-"):
            continue
        command = app[name]
        if command.default_command is None:
            say_usage(command, [*chain, name])
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


def _label(argument: Argument) -> str:
    return argument.name.lstrip("-").upper()
