"""tintype prepare"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def prepare(
    *folders: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    size: int = 160,
    longest: int | None = None,
    smallest: int = 96,
    validation: float = 0.05,
    test: float = 0.05,
    seed: int = 0,
    never_train: Path | None = None,
    jobs: int | None = None,
) -> int:
    """Make a data set for `tintype train` of folders of colour photographs.

    Black-and-white, toned, tiny, broken and repeated photographs are left out, counted, and named in
    DATA/dropped.csv. The set appears when it is whole; after an interruption, repeat the command.

    Example: tintype prepare photographs more/photographs -o data/mine

    Parameters
    ----------
    folders
        Folders of photographs, with all that is below them.
    output
        Folder of the set, which must not exist.
    size
        Short side of the photographs at most, in pixels.
    longest
        Long side at most. Default: 1.5 times the short one.
    smallest
        Leave out photographs whose short side is below this.
    validation
        Share of the photographs to validate on.
    test
        Share of the photographs to keep for the test.
    seed
        Of the split and the order. The part of a photograph depends on it and on the file's content alone.
    never_train
        File of perceptual hashes, one of 16 hex digits a line: photographs within 8 bits of one are left out.
    jobs
        Photographs that are worked on side by side. Default: one per processor.
    """
    import logging

    from tintype.data.fingerprint import read_fingerprints
    from tintype.data.prepare import Settings, prepare
    from tintype.errors import OptionError
    from tintype.models.threads import available_threads

    if not folders:
        raise OptionError("name at least one folder of photographs, as in: tintype prepare photographs -o data/mine")
    if jobs is not None and jobs < 1:
        raise OptionError(f"--jobs must be at least 1, not {jobs}")
    # A broken photograph is named in dropped.csv; what libvips says on its own would be said twice.
    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    longest = round(1.5 * size) if longest is None else longest
    settings = Settings(size, longest, smallest, validation, test, seed)
    never = read_fingerprints(never_train) if never_train else None
    with _display() as watch:
        made = prepare(folders, output, settings, never, jobs or available_threads(), watch)
    print(f"{output}: " + ", ".join(f"{number} to {_USE[part]}" for part, number in made.parts.items()))
    if made.dropped:
        print(
            f"left out {sum(made.dropped.values())}: "
            + ", ".join(f"{number} {reason}" for reason, number in made.dropped.items())
            + f"; see {output / 'dropped.csv'}"
        )
    if not made.parts["validation"]:
        print("training needs photographs to validate on: give more photographs or a larger --validation")
    return 0


_USE = {"train": "train on", "validation": "validate on", "test": "test on"}


def _display():
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        return nullcontext(lambda done, all: None)
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def bar():
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("preparing")
            yield lambda done, all: progress.update(task, completed=done, total=all)

    return bar()
