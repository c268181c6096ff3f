"""What is measured, put into the page that tells of it: between two comments, and nothing else of it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tintype.errors import DataError


def update(page: Path, parts: Mapping[str, str]) -> None:
    """Put each part between `<!-- NAME -->` and `<!-- /NAME -->`.

    Raises:
        DataError: the page has no such place, or more than one.
    """
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        place = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        text, count = place.subn(lambda found, part=part: f"{found[1]}\n{part.strip()}\n\n{found[2]}", text)
        if count != 1:
            raise DataError(f"{page}: put <!-- {name} --> and <!-- /{name} --> once where its part is to stand")
    page.write_text(text, encoding="utf-8")
