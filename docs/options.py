"""The tables of options in the documents, made from the commands: `python -m docs.options` writes them again.

A table stands between `<!-- options of tintype COMMAND -->` and `<!-- end of options -->`. A test compares the pages
with what this would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, Group
from cyclopts.help import HelpEntry, create_parameter_help_panel

from tintype.cli import application

PAGES = tuple(Path(__file__).with_name(name) for name in ("cli.md", "pictures.md"))

TABLE = re.compile(r"(?<=<!-- options of tintype )([a-z ]+)( -->\n)(.*?)(?=<!-- end of options -->)", re.DOTALL)


def commands(app: App | None = None, before: str = "") -> Iterator[tuple[str, App]]:
    """Each command by its words, those of groups too: "colorize", "plot curves"."""
    app = application() if app is None else app
    for name in app:
        if not name.startswith("-"):
            command = app[name]
            if command.default_command is None:
                yield from commands(command, f"{before}{name} ")
            else:
                yield f"{before}{name}", command


def table(command: App) -> str:
    """The options of a command, by what its help shows of them, as lines of Markdown."""
    arguments = command.assemble_argument_collection(parse_docstring=True)
    texts = {argument.name: argument.parameter.help or "" for argument in arguments}
    entries = create_parameter_help_panel(Group("options"), arguments, "plaintext").entries
    rows = [_row(entry, texts[entry.positive_names[0]]) for entry in entries if entry.positional_label is None]
    return "\n".join(["| option | value | what it does |", "|---|---|---|", *rows]) + "\n"


def filled(page: str) -> str:
    """A page with its tables as the commands are now."""
    known = dict(commands())
    return TABLE.sub(lambda match: f"{match[1]}{match[2]}{table(known[match[1]])}", page)


def _row(entry: HelpEntry, text: str) -> str:
    names = ", ".join((*entry.positive_names, *entry.positive_shorts))
    value = ", ".join(f"`{choice}`" for choice in entry.choices) if entry.choices else entry.metavar or ""
    # An empty text as the default of an option says nothing.
    end = (
        " Required."
        if entry.required
        else f" Default: {_default(entry.default)}."
        if entry.default not in (None, '""')
        else ""
    )
    return f"| `{names}` | {_escaped(value)} | {_markdown(text)}{end} |".replace("  |", " |")


def _default(text: str) -> str:
    """A default as a person writes it: 1.0 as 1, words as code."""
    return text.removesuffix(".0") if re.fullmatch(r"[\d.,]+", text) else f"`{text}`"


def _markdown(text: str) -> str:
    """A text of the help, in which options, patterns and JSON become code."""
    parts = re.split(r'(`[^`]*`|\[\{.*\}\]|"[^" ]*[*/][^" ]*"|(?<![\w-])--[a-z][a-z-]*)', " ".join(text.split()))
    codes = ["`{}`".format(part.strip('`"')) for part in parts[1::2]]
    parts[1::2], parts[::2] = codes, map(_escaped, parts[::2])
    return "".join(parts)


def _escaped(text: str) -> str:
    return re.sub(r"[*|<]", r"\\\g<0>", text)


def main() -> None:
    for path in PAGES:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
