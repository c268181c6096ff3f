"""What the pages of a study say to participants, in English or in a language that the researcher gives.

The English texts, and with them the form of the file that is translated, are pages/texts.toml.
"""

from __future__ import annotations

import os
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tintype.errors import StudyError

LONGEST = 2000
"""Characters of a text at most."""


def template() -> str:
    """The file of the English texts, to be translated."""
    return files("tintype.study").joinpath("pages", "texts.toml").read_text("utf-8")


@cache
def english() -> Mapping[str, str]:
    """PAGE.TEXT -> what the pages say."""
    return _flat(tomllib.loads(template()))


def read_texts(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts of a translated file: PAGE.TEXT -> what the pages say. Those that it lacks are missing here.

    Raises:
        StudyError: it cannot be read, has a text that no page has, or one with other words in braces.
    """
    path = Path(path)
    try:
        texts = _flat(tomllib.loads(path.read_text("utf-8-sig")))
    except OSError as error:
        raise StudyError(f"The texts {path} cannot be read ({error.strerror}): check the name") from None
    except (ValueError, RecursionError) as error:  # also TOMLDecodeError and UnicodeDecodeError
        raise StudyError(f"The texts {path} are no TOML file ({error}): see tintype study texts") from None
    for key, text in texts.items():
        if key not in english():
            raise StudyError(f"{path} has the text {key!r}, which no page has: see tintype study texts")
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise StudyError(f"{path}: {key} must be a text of 1 to {LONGEST} characters in quotation marks")
        known = _fields(english()[key])
        try:
            wrong = _fields(text) - known
        except ValueError:
            wrong = {"a brace without its partner"}
        if wrong:
            may = ", ".join(f"{{{name}}}" for name in sorted(known)) or "nothing"
            raise StudyError(f"{path}: {key} has {min(wrong)!r} in braces, where only {may} may stand")
    if texts.get("page.direction", "ltr") not in ("ltr", "rtl"):
        raise StudyError(f"{path}: page.direction must be ltr or rtl")
    if not texts.get("page.language", "en").replace("-", "").isalnum():
        raise StudyError(f"{path}: page.language must be a language tag, such as de or pt-BR")
    return texts


def _flat(tables: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{page}.{name}": text
        for page, texts in tables.items()
        for name, text in (texts.items() if isinstance(texts, dict) else [("", texts)])
    }


def _fields(text: str) -> set[str]:
    """The words in braces."""
    fields = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is not None:
            fields.add(name + ("!" + conversion if conversion else "") + (":" + form if form else ""))
    return fields


def link(contact: str) -> str:
    """The address behind an e-mail or web address; empty for other words."""
    if re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", contact):
        return f"mailto:{contact}"
    return contact if re.fullmatch(r"https?://[!-~]+", contact) else ""


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """The paragraphs, lists and headings of a consent text: their kind and lines."""
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        while lines:
            if lines[0].startswith("# "):
                yield "heading", [lines.pop(0)[2:]]
                continue
            point = lines[0].startswith("- ")
            until = next(
                (n for n, line in enumerate(lines) if line.startswith("- ") != point or line.startswith("# ")), None
            )
            yield ("list", [line[2:] for line in lines[:until]]) if point else ("paragraph", lines[:until])
            lines = [] if until is None else lines[until:]
