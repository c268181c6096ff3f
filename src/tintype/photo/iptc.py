"""IPTC: the record of captions that newspapers and archives wrote before there was XMP (IPTC-IIM)."""

from __future__ import annotations

from tintype.photo.xmp import Property

LONGEST = 1 << 20
"""Bytes of a record that is read."""
_MOST = 5000  # data sets of a record, and resources of a block

# Application record: data set -> property of XMP, as the IPTC photo metadata standard maps them.
_PROPERTIES = {
    4: ("Iptc4xmpCore:IntellectualGenre", "text"),
    5: ("dc:title", "alt"),
    10: ("photoshop:Urgency", "text"),
    12: ("Iptc4xmpCore:SubjectCode", "bag"),
    15: ("photoshop:Category", "text"),
    20: ("photoshop:SupplementalCategories", "bag"),
    25: ("dc:subject", "bag"),
    40: ("photoshop:Instructions", "text"),
    80: ("dc:creator", "seq"),
    85: ("photoshop:AuthorsPosition", "text"),
    90: ("photoshop:City", "text"),
    92: ("Iptc4xmpCore:Location", "text"),
    95: ("photoshop:State", "text"),
    100: ("Iptc4xmpCore:CountryCode", "text"),
    101: ("photoshop:Country", "text"),
    103: ("photoshop:TransmissionReference", "text"),
    105: ("photoshop:Headline", "text"),
    110: ("photoshop:Credit", "text"),
    115: ("photoshop:Source", "text"),
    116: ("dc:rights", "alt"),
    120: ("dc:description", "alt"),
    122: ("photoshop:CaptionWriter", "text"),
}
_DATES = {55: ("photoshop:DateCreated", 60), 62: ("xmp:CreateDate", 63)}
_PLAIN = frozenset({0, 3, 7, 8, 22, 42, 45, 47, 50, 60, 63, 65, 70, 75, 130, 131, 135, 221})
"""Data sets that say nothing of the photograph: versions, editing states, the program that wrote them."""


def record_of(resources: bytes) -> bytes | None:
    """The IPTC record among Photoshop's image resources."""
    at = 0
    for _ in range(_MOST):
        if resources[at : at + 4] != b"8BIM" or at + 12 > len(resources):
            break
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] + 1
        data = at + 6 + name + name % 2
        size = int.from_bytes(resources[data : data + 4], "big")
        if kind == 0x0404:
            return resources[data + 4 : data + 4 + size] or None
        at = data + 4 + size + size % 2
    return None


def resources_of(record: bytes) -> bytes:
    """A block of Photoshop's image resources that holds the record."""
    return b"8BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + record + b"\0" * (len(record) % 2)


def properties(record: bytes) -> tuple[list[Property], int]:
    """What a record says, as XMP, and how many of its data sets XMP has no place for."""
    sets = _data_sets(record)
    letters = {number: [decoded(value) for value in values] for number, values in sets.items()}
    letters = {number: [text for text in texts if text.strip()] for number, texts in letters.items()}
    entries = [
        Property(name, tuple(dict.fromkeys(texts)), form)
        for number, (name, form) in _PROPERTIES.items()
        if (texts := letters.get(number))
    ]
    for number, (name, clock) in _DATES.items():
        if (date := _date(*((letters.get(one) or [""])[0] for one in (number, clock)))) is not None:
            entries.append(Property(name, (date,)))
    known = _PROPERTIES.keys() | _DATES.keys() | _PLAIN
    return entries, sum(bool(texts) for number, texts in letters.items() if number not in known)


def _data_sets(record: bytes) -> dict[int, list[bytes]]:
    """Data set -> its values, of the application record."""
    fields: dict[int, list[bytes]] = {}
    at = 0
    for _ in range(_MOST):
        if record[at : at + 1] != b"\x1c" or at + 5 > len(record):
            break
        section, number, size = record[at + 1], record[at + 2], int.from_bytes(record[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:
            # A long one: the size has as many bytes as these say.
            width = size & 0x7FFF
            size, at = int.from_bytes(record[at : at + min(width, 8)], "big"), at + width
        if section == 2:
            fields.setdefault(number, []).append(record[at : at + size])
        at += size
    return fields


def decoded(value: bytes) -> str:
    """The letters of a text whose encoding nothing tells reliably: UTF-8, else Windows-1252."""
    # What a record says of its own encoding is wrong as often as it is missing; of JPEG comments nothing says it.
    value = value.rstrip(b"\0 ")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _date(day: str, clock: str) -> str | None:
    """ISO 8601 of CCYYMMDD and HHMMSS+HHMM, of which the end may be missing or zero."""
    if len(day) != 8 or not day.isdigit() or not day.isascii() or day[:4] == "0000":
        return None
    date = (
        day[:4]
        if day[4:6] == "00"
        else day[:4] + "-" + day[4:6]
        if day[6:] == "00"
        else "-".join((day[:4], day[4:6], day[6:]))
    )
    digits = clock.replace(":", "")
    if len(date) < 10 or len(digits) < 6 or not digits[:6].isdigit() or not digits.isascii():
        return date
    zone = digits[6:]
    zone = f"{zone[:3]}:{zone[3:]}" if len(zone) == 5 and zone[0] in "+-" and zone[1:].isdigit() else ""
    return f"{date}T{digits[:2]}:{digits[2:4]}:{digits[4:6]}{zone}"
