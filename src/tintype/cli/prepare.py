"""tintype prepare"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Output, between, several
from tintype.cli.progress import Progress


def prepare(
    *sources: Annotated[str, Parameter(name="SOURCE")],
    output: Output,
    size: int = 160,
    longest: int | None = None,
    smallest: int | None = None,
    classes: Annotated[tuple[str, ...], several("names of classes such as n02701002,n03417042")] = (),
    count: int | None = None,
    validation: float = 0.05,
    test: float = 0.05,
    split: Literal["own", "published"] = "own",
    seed: int = 0,
    never_train: Path | None = None,
    downloads: Path | None = None,
    jobs: Annotated[int | None, between(1)] = None,
) -> int:
    """Make a data set for `tintype train` from colour photographs.

    The photographs come from folders or from published collections: cifar100, oxford102, places365, imagenet and coco.
    Black-and-white, toned, tiny, broken and repeated photographs are left out, counted, and named in
    DATA/dropped.csv. The set appears only when it is complete; after an interruption, repeat the command.

    Example: tintype prepare photographs more/photographs -o data/mine

    Example: tintype prepare coco=train2017.zip --count 10000 -o data/coco

    Parameters
    ----------
    sources
        Folders, with their sub-folders; COLLECTION to download it, COLLECTION:ARCHIVE to download one of its archives,
        COLLECTION=FILE for an archive that you have, COLLECTION=FOLDER for a folder with archives.
    output
        Folder of the set, which must not exist.
    size
        Largest short side of the photographs, in pixels; larger ones are reduced.
    longest
        Largest long side. Default: 1.5 times the short side.
    smallest
        Leave out photographs whose short side is below this. Default: 96, and 32 with cifar100.
    classes
        Use only these classes, with commas between them: WordNet ids, or names of classes, groups or sub-folders.
    count
        Use only this many photographs, chosen at random. Some of them may then be left out; they are not replaced.
    validation
        Share of the photographs to validate on.
    test
        Share of the photographs to keep for the test.
    split
        own: by seed and content. published: each photograph goes to the part in which it was published; a part that
        was not published gets its share of the training photographs.
    seed
        Seed of the choice, the split and the order. The part of a photograph depends only on the seed and its content.
    never_train
        File of perceptual hashes, one per line, 16 hex digits each: photographs within 8 bits of one are left out.
    downloads
        Folder for downloaded files. Default: the user's cache.
    jobs
        Photographs processed at the same time. Default: one per processor.
    """

    from tintype.data.collections import sources_of
    from tintype.data.fingerprint import read_fingerprints
    from tintype.data.prepare import Settings, prepare
    from tintype.errors import OptionError
    from tintype.threads import available_threads

    if not sources:
        raise OptionError("name at least one folder of photographs, as in: tintype prepare photographs -o data/mine")
    settings = Settings(
        size=size,
        longest=round(1.5 * size) if longest is None else longest,
        smallest=smallest,
        validation=validation,
        test=test,
        seed=seed,
        count=count,
        classes=classes,
        split=split,
    )
    never = read_fingerprints(never_train) if never_train else None
    with Progress() as progress:

        def fetching(done: int, count: int) -> None:
            progress("fetching", done / 1e6, count / 1e6, unit="MB")

        collections = sources_of(sources, downloads, fetching)
        made = prepare(
            collections, output, settings, never, jobs or available_threads(), partial(progress, "preparing")
        )
    say(f"{output}: " + ", ".join(f"{number} to {_USE[part]}" for part, number in made.parts.items()))
    if made.dropped:
        say(
            f"left out {sum(made.dropped.values())}: "
            + ", ".join(f"{number} {reason}" for reason, number in made.dropped.items())
            + f"; see {output / 'dropped.csv'}"
        )
    for source in collections:
        if terms := getattr(source, "terms", ""):
            say(f"{source.name}: {terms}")
    if not made.parts["validation"]:
        say("training needs photographs to validate on: give more photographs or a larger --validation")
    return 0


_USE = {"train": "train on", "validation": "validate on", "test": "test on"}
