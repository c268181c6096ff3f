"""From bytes to pixels, through a decoder of libvips: as they are, mended, or what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pyvips

from tintype.errors import UnreadablePhoto, printable
from tintype.photo import damage
from tintype.photo.decode import Read, Reading, check_size
from tintype.photo.source import Mend, Source

FAILURES = (pyvips.Error, UnicodeDecodeError)
"""What pyvips raises when libvips fails; the second when a broken file has made its way into the message."""

_SALVAGED = ("jpeg", "png", "tiff")
WHOLE_COPY = "get a whole copy of it"
OR_SALVAGE = "or colour what is left of it with --salvage"

_ROWS_OF_BLOCKS = 32
"""Rows before the first missing one that are in part not there, as JPEG packs pixels in blocks."""


class Damaged(UnreadablePhoto):
    """Broken or cut short.

    Attributes:
        plain: the sentence without what a decoder said, which is of another file at times where several are read.
        salvageable: part of the photograph may be left.
    """

    def __init__(self, name: str, fault: str, reason: str = "", salvageable: bool = False):
        self.plain = f"{name} is {fault}: {WHOLE_COPY}"
        self.salvageable = salvageable
        super().__init__(f"{name} is {fault} ({reason}): {WHOLE_COPY}" if reason else self.plain)


def as_it_is(image: pyvips.Image) -> pyvips.Image:
    return image


def load(
    kind: str,
    source: Source,
    name: str,
    reading: Reading[Read],
    salvage: bool,
    *,
    strict: str = "error",
    mend: Callable[[], Mend | None] = lambda: None,
    blank: Callable[[], tuple[Mend, Mend, str] | None] = lambda: None,
    longer: Callable[[Mend | None], Mend | None] = lambda mended: None,
    damaged_from: int | None = None,
    lost_from: Callable[[pyvips.Image, int], int] = lambda image, whole: whole,
    prepared: Callable[[pyvips.Image], pyvips.Image] = as_it_is,
    options: Mapping[str, Any] = MappingProxyType({}),
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> Read:
    """What is read from a file of which some pixels may be damaged.

    strict: of libvips' grades of severity the first that means damage. mend: what makes harmless faults good.
    blank, longer: see damage.blank_jpeg and damage.longer_jpeg. damaged_from: a row with damage that libvips does not
    see. lost_from: takes what libvips makes of the damaged file, and the number of rows before the first damage; gives
    the row from which on nothing of the photograph is there. prepared: what becomes of the opened picture. options: of
    the loader. notes, facts: what `as_photo` takes.

    Raises Damaged, or UnreadablePhoto where nothing is left to salvage.
    """

    def attempt(mended: Mend | None) -> Read:
        image = open_image(kind, source, name, mended, fail_on=strict, **options)
        faults = (f"{name} is not quite whole: {mended.note}",) if mended and mended.note else ()
        taller: pyvips.Image | None = None
        rows: dict[str, int] = {}
        try:
            if (claimed := longer(mended)) is not None:
                taller = open_image(kind, source, name, claimed, fail_on=strict, **options)
                if not reading.in_colour:
                    # Decoded once for both, the photograph and what is wrong with its last row.
                    image, rows, taller = taller, {"rows": image.height}, None
            result = reading.develop(name, kind, prepared(image), notes=(*notes, *faults), **rows, **facts)
            if taller is not None:
                taller.avg()
        except FAILURES as error:
            raise broken(name, error, kind) from None
        return result

    def fails(mended: Mend) -> bool:
        try:
            attempt(mended)
        except Damaged:
            return True
        return False

    mended, result = None, None
    try:
        if damaged_from is None:
            result = attempt(None)
    except Damaged:
        source.check()
        mended = mend()
        if mended is not None:
            with suppress(Damaged):
                result = attempt(mended)
        if result is None:
            if not salvage:
                raise
            if (zeros := blank()) is not None:
                mended = zeros[0]
    if result is not None:
        if (zeros := blank()) is None or not fails(zeros[0]) or fails(zeros[1]):
            return result
        if not salvage:
            raise Damaged(name, zeros[2], salvageable=True)
        mended = zeros[0]
    try:
        whole = damage.whole_rows(open_image(kind, source, name, mended, fail_on=strict, **options))
    except Damaged:
        whole = 0
    height = open_image(kind, source, name, mended, fail_on="none", **options).height
    if damaged_from is not None:
        whole = min(whole, damaged_from)
    elif whole >= height:
        # Of the last row of blocks libvips does not tell.
        whole = (height - 1) // 8 * 8
    lost = lost_from(open_image(kind, source, name, mended, fail_on="none", **options), whole)
    if not lost:
        raise UnreadablePhoto(f"{name} is too damaged: none of its {height} rows can be salvaged")
    try:
        image = open_image(kind, source, name, mended, fail_on="none", **options)
        notes = (*notes, *_of_damage(name, whole, lost, height))
        return reading.develop(name, kind, prepared(image), lost_from=lost, notes=notes, **facts)
    except FAILURES as error:
        raise broken(name, error) from None


def _of_damage(name: str, whole: int, lost: int, height: int) -> Iterator[str]:
    if lost < height:
        yield f"{name} lacks {height - lost} of its {height} rows, which were left gray"
    if lost == height or whole < lost - _ROWS_OF_BLOCKS:
        where = f"from row {whole + 1} of {height} on" if whole else "from its first row on"
        yield f"{name} is damaged {where} (as the file stores them): what it shows there may be wrong"


def open_image(kind: str, source: Source, name: str, mend: Mend | None = None, **options: Any) -> pyvips.Image:
    loader = {"avif": "heif"}.get(kind, kind) + "load"
    options = {"access": "sequential", "fail_on": "error"} | options
    if mend is not None and "page" in options:
        # A mended TIFF file has one directory.
        options["page"] = 0
    try:
        image = source.load(loader, mend, **options)
    except FAILURES as error:
        raise broken(name, error, kind) from None
    # A file that is mended to tell what it lacks claims a row more than it has; its own size was checked by its header.
    check_size(image.width, image.height - (mend is not None), name)
    return image


def broken(name: str, error: pyvips.Error | UnicodeDecodeError, kind: str | None = None) -> Damaged:
    """kind: that of a file from which something may be salvaged."""
    if isinstance(error, UnicodeDecodeError):
        # pyvips stumbled over the message itself, and has left it where the next failure would find it.
        pyvips.vips_lib.vips_error_clear()
        detail = error.object.decode("utf-8", "replace")
    else:
        detail = str(error.detail)
    # The last line is that of the decoder; those before it may be the complaints of what it stands on.
    reason = next((line.strip() for line in detail.splitlines()[::-1] if line.strip()), "it cannot be decoded")
    return Damaged(name, "broken or cut short", printable(reason), kind in _SALVAGED)
