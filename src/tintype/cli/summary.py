"""tintype summary"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Output
from tintype.cli.progress import Progress
from tintype.errors import OptionError


def summary(
    folder: Annotated[str, Parameter(name="FOLDER")],
    /,
    *,
    output: Output = Path("summary.html"),
) -> int:
    """Show what became of the photographs of a run on one page: what failed, and what deserves a look, first.

    Example: tintype summary coloured -o summary.html

    Thumbnails before and after, each of which opens its file; reasons of failures; the most doubtful photographs first;
    nearly gray and extreme colours, and what looks like a negative or a page of text. The page opens from disk and
    needs no network. It may be made while a run works.

    Parameters
    ----------
    folder
        The folder of results that tintype colorize was given with -o.
    output
        The page. For more than 200 photographs, its thumbnails lie in a folder beside it, as in summary_files; those
        that are there already are used again.
    """
    from tintype import summary as page
    from tintype.search import is_stored

    if is_stored(folder):
        raise OptionError(f"{folder} is no folder on a disk, of which a page can be made: see tintype runs {folder}")
    with Progress() as progress:
        page.write(Path(folder), output, progress)
    say(output)
    return 0
