"""A page in one file: it asks the network for nothing, and forbids it by a Content-Security-Policy.

What a page is made of lies in the folder `templates` of its room: report.html.jinja, report.css and, where it has one,
a script. Its style is report.css of this room, followed by that of its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from tintype.errors import OptionError, not_installed, printable
from tintype.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup


def require(extra: str) -> None:
    """Raises TintypeError when jinja2 is not installed; `extra` is what installs it."""
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError:
        raise not_installed("The report", "jinja2", extra) from None


def demand_name(path: str | PathLike[str]) -> None:
    """Raises OptionError when a file cannot be a page by its name."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{fspath(path)} is not the name of a page: use a name that ends in .html")


def render(room: str, filters: dict[str, Callable[..., str]] | None = None, script: str = "", **values: object) -> str:
    """The HTML of a page.

    Args:
        room: the package whose templates it is made of, such as tintype.study.
        filters: for the template, beside `breaks`, a name with places where a line may break.
        script: the name of its script; empty: none.
        values: what the template shows, beside `style`, `script`, `policy` and `version`. Text is escaped, but not
            `markup`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(room), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breaks"] = _breaks
    environment.filters |= filters or {}
    look, behaviour = style(room), _read(room, script) if script else ""
    return environment.get_template("report.html.jinja").render(
        style=markup(look), script=markup(behaviour), policy=policy(look, behaviour), version=__version__, **values
    )


def markup(text: str) -> Markup:
    """Text that is HTML already."""
    from markupsafe import Markup

    return Markup(text)


def style(room: str) -> str:
    """The style of a room's page."""
    return files("tintype.reports").joinpath("report.css").read_text("utf-8") + _read(room, "report.css")


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page: its own style and script by their hashes, and its own pictures."""
    allowed = {"style": style, "script": script}
    hashes = (
        f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'; "
        for kind, text in allowed.items()
        if text
    )
    return f"default-src 'none'; {''.join(hashes)}img-src data:; base-uri 'none'; form-action 'none'"


def _read(room: str, name: str) -> str:
    return files(room).joinpath("templates", name).read_text("utf-8")


def _breaks(name: str) -> Markup:
    return markup(".<wbr>").join(printable(name).split("."))
