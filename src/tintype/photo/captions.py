"""Captions: what texts and an IPTC record say of a photograph, in the places that the format of its result has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from tintype.photo import iptc, xmp
from tintype.photo.photo import Metadata, Text
from tintype.photo.xmp import Property

_COMMENT = "Comment"
_PROPERTIES = {
    "Title": ("dc:title", "alt"),
    "Author": ("dc:creator", "seq"),
    "Description": ("dc:description", "alt"),
    "Copyright": ("dc:rights", "alt"),
}
"""Keyword that the PNG standard names -> property of XMP."""

_WRITER = ("Software", "date:create", "date:modify", "date:timestamp")
"""Keywords that tell of the file that was read and of the program that wrote it: true of no file of another format."""


@dataclass(frozen=True)
class Captions:
    """What goes into a result.

    xmp: the packet of the photograph, completed. texts: for PNG. comments: for JPEG. iptc: a record, for the formats
    that have a place for it. lost: what has no place, in words that can follow 'cannot keep'.
    """

    xmp: bytes | None = None
    texts: tuple[Text, ...] = ()
    comments: tuple[str, ...] = ()
    iptc: bytes | None = None
    lost: tuple[str, ...] = ()


def carried(metadata: Metadata, format: str) -> Captions:
    """The captions of a result in a format.

    PNG keeps texts, JPEG comments, JPEG and TIFF an IPTC record, as they are. Everything else is said in XMP where the
    packet does not speak of it yet. In JPEG a text that XMP has no place for becomes a comment.
    """
    wanted: list[Property] = []
    lost: list[str] = []
    if metadata.iptc and format not in ("jpeg", "tiff"):
        properties, others = iptc.properties(metadata.iptc)
        wanted += properties
        if others:
            lost.append(f"{others} field{'s' * (others > 1)} of its IPTC record")
    left = [] if format == "png" else [text for text in metadata.texts if text.keyword not in _WRITER and text.letters]
    comments = [text for text in left if text.keyword == _COMMENT]
    left = [text for text in left if text.keyword != _COMMENT]
    homes: dict[str, list[Text]] = {}
    for text in left:
        if (one := _property(text)) is not None and one.name not in homes:
            homes[one.name] = [text]
            wanted.append(one)
    if comments and format not in ("jpeg", "png"):
        letters = ("\n".join(text.letters for text in comments),)
        taken = "dc:description" in homes or xmp.says(metadata.xmp, "dc:description")
        name = "exif:UserComment" if taken else "dc:description"
        homes[name] = comments
        wanted.append(Property(name, letters, "alt"))
    packet, contrary = xmp.completed(metadata.xmp, wanted) if wanted else (metadata.xmp, [])
    placed = [text for name, texts in homes.items() if name not in contrary for text in texts]
    left = [
        text
        for text in (*left, *homes.get("exif:UserComment", ()), *homes.get("dc:description", ()))
        if text not in placed
    ]
    contradicted = {name for name in contrary if name not in homes}
    if contradicted:
        lost.append(f"the fields of its IPTC record that contradict its XMP ({listed(sorted(contradicted))})")
    if format == "jpeg":
        # A comment has no keyword of its own.
        comments += [Text(_COMMENT, f"{text.keyword}: {text.letters}") for text in dict.fromkeys(left)]
    elif left:
        keywords = list(dict.fromkeys(text.keyword for text in left))
        lost.append(f"the text{'s' * (len(keywords) > 1)} {listed([repr(keyword) for keyword in keywords])}")
    return Captions(
        xmp=packet,
        texts=metadata.texts if format == "png" else (),
        comments=tuple(text.letters for text in comments) if format == "jpeg" else (),
        iptc=metadata.iptc if format in ("jpeg", "tiff") else None,
        lost=tuple(lost),
    )


def _property(text: Text) -> Property | None:
    if text.keyword in _PROPERTIES:
        name, form = _PROPERTIES[text.keyword]
        return Property(name, (text.letters,), form)
    if text.keyword == "Creation Time" and (moment := _moment(text.letters.strip())):
        return Property("xmp:CreateDate", (moment,))
    return None


def _moment(letters: str) -> str | None:
    """ISO 8601 of a date as PNG files give it: as in mail, in ISO 8601 already, or as in Exif."""
    if len(letters) > 60:
        return None
    for read in (
        datetime.fromisoformat,
        lambda date: datetime.strptime(date, "%Y:%m:%d %H:%M:%S"),
        parsedate_to_datetime,
    ):
        try:
            return read(letters).isoformat()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def listed(words: Sequence[str], most: int = 5) -> str:
    """'a, b and c', or 'a, b, c, d, e and 7 more'."""
    words = [*words[:most], f"{len(words) - most} more"] if len(words) > most + 1 else list(words)
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
