"""Mutants of sound files, whose metadata is broken by its own structure: each must end in a result or in one sentence.

    python -m benchmarks.mutations [--minutes 60 | --count 1000] [--seed 0]

Makes small photographs of every format with everything that metadata can hold; drops, doubles, exchanges, cuts and
lengthens their chunks, segments, tags, elements and data sets, and lets numbers and lengths lie. Every mutant is looked
at for the mark, read, written in some format, and read again. Prints what became of them, and the mutants that raised
something else than an error of tintype, took more than SECONDS or more than MEGABYTES, or ended the process; `--only I`
does one again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import queue
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

SECONDS, MEGABYTES = 5, 500
_STUCK = 30
_LARGEST = 4 << 20
_NUMBERS = (0, 1, 2, 3, 7, 8, 9, 12, 127, 128, 255, 256, 4096, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:t="urn:tintype:mark:1.0:" xmp:CreatorTool="Scanner"
 xmlns:xmpNote="http://ns.adobe.com/xmp/note/" tiff:Orientation="6" t:model="none">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hochzeit &amp; Gr\u00fc\u00dfe</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject>
<dc:description/><xmp:Thumbnails><rdf:Alt><rdf:li>aGVsbG8=</rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_EXTENSION = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:a="urn:a"><a:long>long long long</a:long></rdf:Description></rdf:RDF>
</x:xmpmeta>"""
_RECORD = b"\x1c\1\x5a\0\3\x1b%G" + b"".join(
    b"\x1c\2" + bytes([number]) + struct.pack(">H", len(text)) + text
    for number, text in ((5, b"Wedding"), (25, b"one"), (25, b"two"), (55, b"19310506"), (60, b"120000+0100"))
)


def exif_block(orientation: int = 6) -> bytes:
    """An Exif block of a camera: description, place, maker's note, and the directory of a thumbnail."""
    exif = Image.Exif()
    exif[270], exif[271], exif[274], exif[282], exif[283], exif[296] = "Wedding", "Kodak", orientation, 600.0, 600.0, 2
    exif[306] = "1931:05:06 12:00:00"
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x927C], inner[0x9286] = "1931:05:06 12:00:00", b"opaque" * 40, b"ASCII\0\0\0by a lake"
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


def seeds() -> dict[str, bytes]:
    """The sound files, by name: the first letters are those of the format."""
    from tintype.photo.exif import Value, build

    noise = np.random.default_rng(3).integers(0, 30, (48, 64))
    gray = Image.fromarray((np.add.outer(np.arange(48), np.arange(64)) + noise).astype(np.uint8))
    packet, block = _PACKET.encode(), exif_block()

    def saved(format: str, **options) -> bytes:
        file = io.BytesIO()
        gray.save(file, format, **options)
        return file.getvalue()

    found = {}
    resources = b"8BIM\x03\xed\0\0\0\0\0\x10" + bytes(16) + b"8BIM\4\4\0\0" + struct.pack(">I", len(_RECORD)) + _RECORD
    name = b"0123456789ABCDEF" * 2
    main = packet.replace(b't:model="none"', b'xmpNote:HasExtendedXMP="' + name + b'"')
    extension = _EXTENSION.encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + name + struct.pack(">I", len(extension))
    body = [
        (0xE1, block),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main),
        (0xE1, head + struct.pack(">I", 0) + extension[:100]),
        (0xE1, head + struct.pack(">I", 100) + extension[100:]),
        (0xED, b"Photoshop 3.0\0" + resources),
        (0xE2, b"MPF\0" + b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0xB002, 7, 32, 26, 0) + bytes(32)),
        (0xFE, "Aufnahme von Gro\u00dfmutter".encode()),
        (0xFE, b"in Latin-1: Gr\xfc\xdfe"),
    ]
    plain = saved("JPEG", quality=85, dpi=(72, 72))
    found["jpeg"] = plain[:2] + b"".join(_segment(*one) for one in body) + plain[2:]
    plain = saved("PNG", dpi=(300, 300))
    texts = [
        (b"eXIf", block.removeprefix(b"Exif\0\0")),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet),
        (b"tEXt", b"Title\0Wedding"),
        (b"iTXt", b"Description\0\0\0de\0Beschreibung\0" + "Gro\u00dfmutter".encode()),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"by a lake " * 30)),
        (b"tEXt", b"Creation Time\0" + b"Wed, 06 May 1931 12:00:00 +0100"),
        (b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_raw("iptc", resources))),
    ]
    found["png"] = _with_chunks(plain, texts)
    older = [
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(_raw("exif", block))),
        (b"tEXt", b"Raw profile type xmp\0" + _raw("xmp", packet)),
        (b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(_raw("generic profile", block))),
        (b"tEXt", b"Author\0nobody"),
    ]
    found["png, as older programs write it"] = _with_chunks(plain, older)
    found["webp"] = saved("WEBP", exif=block, xmp=packet)
    found["avif"] = saved("AVIF", exif=block, xmp=packet, speed=10)
    for order, title in (("<", "tiff"), (">", "tiff, big-endian")):
        for big in (False, True):
            number = {1: "B", 3: "H", 4: "I", 5: "2I"}
            words = [(256, 4, 64), (257, 4, 48), (258, 3, 8), (259, 3, 1), (262, 3, 1), (274, 3, 6), (277, 3, 1)]
            words += [(273, 4, 16), (278, 4, 48), (279, 4, 64 * 48), (296, 3, 2)]
            tags = {tag: Value(kind, 1, struct.pack(order + number[kind], value)) for tag, kind, value in words}
            tags[282] = tags[283] = Value(5, 1, struct.pack(order + "2I", 600, 1))
            tags |= {270: Value(2, 8, b"Wedding\0"), 700: Value(1, len(packet), packet)}
            tags[33723] = Value(7, len(_RECORD), _RECORD)
            tags[34665] = {36867: Value(2, 20, b"1931:05:06 12:00:00\0"), 37500: Value(7, 60, b"opaque" * 10)}
            tags[34853] = {1: Value(2, 2, b"N\0")}
            where = 16 + 64 * 48
            mark = b"II" if order == "<" else b"MM"
            start = struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, where) if big else (42, where)))
            data = (mark + start).ljust(16, b"\0") + np.asarray(gray).tobytes() + build(tags, where, order, big)
            found[title + (", BigTIFF" if big else "")] = data
    uuids = (b"JpgTiffExif->JP2" + block[6:], bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet)
    boxes = [(b"uuid", body) for body in (*uuids, bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38") + _RECORD)]
    found["jpeg2000"] = saved("JPEG2000") + b"".join(_box(*one) for one in boxes)
    resources += (
        b"\0" * (len(_RECORD) % 2)
        + b"8BIM\4\x24\0\0"
        + struct.pack(">I", len(packet))
        + packet
        + b"\0" * (len(packet) % 2)
    )
    resources += b"8BIM\4\x22\0\0" + struct.pack(">I", len(block) - 6) + block[6:]
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 1, 48, 64, 8, 1) + bytes(4)
    pixels = bytes(6) + np.asarray(gray).tobytes()
    found["psd"] = head + struct.pack(">I", len(resources)) + resources + pixels
    found["gif"] = saved("GIF", comment=b"by a lake")
    found["bmp"] = saved("BMP")
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def _raw(name: str, data: bytes) -> bytes:
    return f"\n{name}\n{len(data):8d}\n{data.hex()}\n".encode()


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", min(65535, len(body) + 2)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _with_chunks(data: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    return data[:33] + b"".join(_chunk(*one) for one in chunks) + data[33:]


class Mutator:
    """Makes the mutant of a number; the same one every time."""

    def __init__(self, seed: int):
        self.seed = seed
        self.seeds = seeds()

    def mutant(self, number: int) -> tuple[str, bytes, np.random.Generator]:
        """Name of the sound file, the mutant, and what chooses for it further on."""
        random = np.random.default_rng([self.seed, number])
        name = list(self.seeds)[random.integers(len(self.seeds))]
        data = self.seeds[name]
        for _ in range(random.integers(1, 4)):
            changed = _mutated(name, data, random)
            # Doubled again and again, a file is no longer small.
            data = changed if len(changed) < _LARGEST else data
        return name, data, random


def _mutated(name: str, data: bytes, random: np.random.Generator) -> bytes:
    if name.startswith("tiff"):
        return random.choice([_tags, _tags, _tags, _bytes])(data, random) if len(data) > 16 else data
    if random.random() < 0.05:
        return _bytes(data, random)
    if name.startswith("png"):
        return data[:8] + b"".join(_png_parts(_changed(list(_chunks(data)), random), random))
    if name == "jpeg":
        segments, pixels = _segments(data)
        changed = _changed(segments, random)
        return data[:2] + b"".join(_jpeg_parts(changed, random)) + pixels
    if name == "webp":
        body = b"".join(_riff_parts(_changed(list(_riff(data)), random), random))
        size = len(body) + 4 if random.random() < 0.9 else _number(random)
        return b"RIFF" + struct.pack("<I", size % 2**32) + b"WEBP" + body
    if name == "jpeg2000":
        return b"".join(_jp2_parts(_changed(list(_boxes(data)), random), random))
    if name in ("gif", "bmp"):
        return _bytes(data[:800], random) + data[800:]
    # The boxes of AVIF are the decoder's; what is ours lies in the items, and is changed where it lies.
    for start, end in ((b"II*\0", 400), (b"MM\0*", 400), (b"<?xpacket", 900), (b"8BIM", 300)):
        at = data.find(start)
        if at >= 0 and random.random() < 0.5:
            part = data[at : at + end]
            changed = _metadata(part, random)[:end].ljust(end, b" ")
            data = data[:at] + changed[: len(part)] + data[at + len(part) :]
    return data


def _changed(parts: list[tuple], random: np.random.Generator) -> list[tuple]:
    """Chunks or segments, of which something is dropped, doubled, exchanged, or changed inside."""
    parts = list(parts)
    if not parts:
        return parts
    i, j = random.integers(len(parts), size=2)
    kind, body = parts[i]
    choice = random.integers(8)
    if choice == 0:
        del parts[i]
    elif choice == 1:
        parts[i:i] = [parts[i]] * int(random.choice([1, 2, 300]))
    elif choice == 2:
        parts[i], parts[j] = parts[j], parts[i]
    elif choice == 3:
        parts[i] = (parts[j][0], body)
    else:
        parts[i] = (kind, _metadata(body, random))
    return parts


def _metadata(body: bytes, random: np.random.Generator) -> bytes:
    """A body changed as what it holds: tags, XMP, IPTC, packed text, or any bytes."""
    for packed in (b"Comment\0\0", b"iptc\0\0", b"exif\0\0", b"APP1\0\0"):
        head, found, rest = body.partition(packed)
        if found:
            try:
                text = zlib.decompress(rest)
            except zlib.error:
                break
            changed = _text(text, random)
            return head + found + (zlib.compress(changed) if random.random() < 0.9 else changed)
    if random.random() < 0.1:
        return _bytes(body, random)
    starts = {at: change for start, change in _INSIDE.items() if (at := body.find(start)) >= 0}
    if starts:
        at = min(starts)
        return body[:at] + starts[at](body[at:], random)
    return _text(body, random)


def _tags(data: bytes, random: np.random.Generator) -> bytes:
    """A TIFF structure, of which an entry, a directory or a link lies."""
    data = bytearray(data)
    if len(data) < 26:
        return _bytes(bytes(data), random)
    order = "<" if data[:1] == b"I" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    counter, entry, word, letter = ("Q", 20, 8, "Q") if big else ("H", 12, 4, "I")
    place = struct.unpack_from(order + letter, data, 8 if big else 4)[0]
    places = [place]
    width = struct.calcsize(counter)
    if place + width <= len(data):
        count = struct.unpack_from(order + counter, data, place)[0]
        for at in range(place + width, min(place + width + count * entry, len(data) - entry), entry):
            if struct.unpack_from(order + "H", data, at)[0] in (34665, 34853):
                places.append(struct.unpack_from(order + letter, data, at + 4 + word)[0])
    place = places[random.integers(len(places))]
    if place + width > len(data):
        return _bytes(bytes(data), random)
    count = struct.unpack_from(order + counter, data, place)[0]
    table = place + width
    at = table + entry * int(random.integers(max(1, min(count, 4096))))
    choice = random.integers(8)
    if choice == 0:
        struct.pack_into(order + counter, data, place, _number(random, len(data)) % 2 ** (8 * width))
    elif choice == 1 and table + count * entry + word <= len(data):
        struct.pack_into(order + letter, data, table + count * entry, _number(random, len(data), place))
    elif at + entry > len(data):
        return bytes(data[: len(data) - int(random.integers(1, 40))])
    elif choice == 2:
        tags = (254, 256, 257, 258, 262, 270, 273, 274, 279, 282, 296, 330, 338, 700, 33723, 34665, 34853, 40965)
        struct.pack_into(order + "H", data, at, int(random.choice(tags)))
    elif choice == 3:
        struct.pack_into(order + "H", data, at + 2, int(random.integers(20)))
    elif choice == 4:
        struct.pack_into(order + letter, data, at + 4, _number(random, len(data)))
    elif choice == 5:
        struct.pack_into(order + letter, data, at + 4 + word, _number(random, len(data), place))
    elif choice == 6:
        other = table + entry * int(random.integers(max(1, min(count, 4096))))
        data[at : at + entry] = data[other : other + entry].ljust(entry, b"\0")
    else:
        return _bytes(bytes(data), random)
    return bytes(data)


def _xmp(data: bytes, random: np.random.Generator) -> bytes:
    """A packet with an element broken, doubled, nested, or another thing put in."""
    places = [i for i in range(len(data)) if data[i : i + 1] in (b"<", b">", b'"', b":")] or [0]
    i, j = sorted(int(place) for place in random.choice(places, 2))
    choice = random.integers(10)
    if choice == 0:
        return data[:i] + data[j:]
    if choice == 1:
        return data[:j] + data[i:j] * int(random.choice([1, 2, 500])) + data[j:]
    if choice == 2:
        depth = int(random.choice([5, 90, 200, 5000]))
        return data[:i] + b"<dc:title>" * depth + b"</dc:title>" * depth + data[i:]
    if choice == 3:
        return b'<!DOCTYPE a [<!ENTITY b "c">]>' + data
    if choice == 4:
        odd = [b"\0", b"\xff", b"&", b"&#0;", b"&#x1F600;", b"<![CDATA[x]]>", b"<!-- -->", b"<?a b?>", b"\xed\xa0\x80"]
        return data[:i] + odd[random.integers(len(odd))] + data[i:]
    if choice == 5:
        names = [b"rdf:", b"dc:", b"xmp:", b"tiff:", b"t:", b"x:", b"RDF", b"Description", b"Orientation", b"about"]
        one, other = names[random.integers(len(names))], names[random.integers(len(names))]
        return data.replace(one, other, int(random.choice([1, 2, -1])))
    if choice == 6:
        return data.decode("utf-8", "replace").encode(str(random.choice(["utf-16", "utf-32", "latin-1"])), "replace")
    if choice == 7:
        return data.replace(b"<x:xmpmeta", b"<t:model xmlns:t='urn:tintype:mark:1.0:'><x:xmpmeta", 1) + b"</t:model>"
    if choice == 8:
        return data[:i]
    return _bytes(data, random)


def _record(data: bytes, random: np.random.Generator) -> bytes:
    """An IPTC record, or Photoshop resources, of which lengths and numbers lie."""
    data = bytearray(data)
    for _ in range(random.integers(1, 4)):
        places = [i for i in range(len(data) - 5) if data[i] == 0x1C or data[i : i + 4] == b"8BIM"] or [0]
        at = int(random.choice(places)) + int(random.integers(1, 12))
        if at < len(data):
            data[at] = int(random.choice([0, 1, 2, 127, 128, 255, int(random.integers(256))]))
    return bytes(data)


def _text(data: bytes, random: np.random.Generator) -> bytes:
    choice = random.integers(5)
    if choice == 0:
        return data[: int(random.integers(len(data) + 1))]
    if choice == 1:
        return data * int(random.choice([2, 50, 1000]))
    if choice == 2:
        return data + random.bytes(int(random.choice([1, 10, 1000])))
    if choice == 3:
        return b""
    return _bytes(data, random)


def _bytes(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(random.integers(1, 8) if data else 0):
        changed[random.integers(len(changed))] = random.integers(256)
    return bytes(changed)


_INSIDE: dict[bytes, Callable] = {b"II*\0": _tags, b"MM\0*": _tags, b"<?xpacket": _xmp, b"<x:": _xmp, b"8BIM": _record}
_INSIDE |= {b"\x1c\2": _record}


def _number(random: np.random.Generator, *near: int) -> int:
    """A number as lies are: small, at an edge, or close to a length or place."""
    numbers = [*_NUMBERS, *(value + step for value in near for step in (-1, 0, 1, 2))]
    return max(0, int(random.choice(np.array(numbers, np.int64))))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def _png_parts(parts: list[tuple], random: np.random.Generator) -> Iterator[bytes]:
    for kind, body in parts:
        part = _chunk(kind, body)
        yield part if random.random() < 0.99 else struct.pack(">I", _number(random, len(body))) + part[4:]


def _segments(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The segments before the pixels, and the rest of the file."""
    at, found = 2, []
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found, data[at:]


def _jpeg_parts(parts: list[tuple], random: np.random.Generator) -> Iterator[bytes]:
    for code, body in parts:
        part = _segment(code, body[:65533])
        chance = random.random()
        if chance < 0.98:
            yield part
        elif chance < 0.99:
            yield part[:2] + struct.pack(">H", _number(random, len(body)) % 65536) + part[4:]
        else:
            yield b"\xff" * int(random.integers(100)) + part


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += max(size, 8)


def _jp2_parts(parts: list[tuple], random: np.random.Generator) -> Iterator[bytes]:
    for kind, body in parts:
        size = len(body) + 8 if random.random() < 0.98 else _number(random, len(body))
        yield struct.pack(">I", size % 2**32) + kind + body


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _riff_parts(parts: list[tuple], random: np.random.Generator) -> Iterator[bytes]:
    for kind, body in parts:
        size = len(body) if random.random() < 0.97 else _number(random, len(body))
        yield kind + struct.pack("<I", size % 2**32) + body + b"\0" * (len(body) % 2)


def attempt(data: bytes, path: Path, random: np.random.Generator) -> str:
    """What became of a mutant: 'read', 'read, with notes', or the kind of refusal. Raises what no user may see."""
    from tintype.errors import PhotoError
    from tintype.photo import WRITABLE, Mark, is_marked, read, write

    path.write_bytes(data)
    is_marked(path)
    try:
        photo = read(path, name="it")
    except PhotoError as error:
        _check_sentence(str(error))
        return type(error).__name__
    strips = [np.full((photo.height, photo.width, 3), 128, np.uint8)]
    # AVIF takes ten times as long as all others.
    format = str(random.choice(WRITABLE, p=[0.02 if one == "avif" else 0.98 / (len(WRITABLE) - 1) for one in WRITABLE]))
    try:
        lost = write(photo, strips, path, format=format, mark=Mark("tintype", "1", "model"))
    except PhotoError as error:
        _check_sentence(str(error))
        return f"not written: {type(error).__name__}"
    for note in (*photo.notes, *lost):
        _check_sentence(note)
    if not is_marked(path):
        raise AssertionError("the result does not carry the mark")
    again = read(path, name="it")
    if (again.width, again.height) != (photo.width, photo.height):
        raise AssertionError("the result has another size")
    return "read, with notes" if photo.notes or lost else "read"


def _check_sentence(text: str) -> None:
    if not text.startswith("it") or not text.isprintable() or len(text) > 1000:
        raise AssertionError(f"no sentence for a user: {text!r}")


def work(seed: int, first: int, last: int) -> None:
    """Tries the mutants from `first` to before `last`; prints a line of JSON for each, before and after."""
    mutator = Mutator(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            print(json.dumps({"begin": number}), flush=True)
            name, data, random = mutator.mutant(number)
            _forget_peak()
            begin = time.process_time()
            try:
                outcome, fault = attempt(data, Path(folder) / "it", random), None
            except Exception:
                outcome, fault = "fault", traceback.format_exc()
            seconds = time.process_time() - begin
            line = {"number": number, "name": name, "outcome": outcome, "fault": fault, "seconds": seconds}
            print(json.dumps(line | {"megabytes": _peak()}), flush=True)


def _peak() -> float:
    """The most memory of this process, since it was last forgotten where the system can forget."""
    try:
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def run(seed: int, count: int | None = None, minutes: float | None = None, first: int = 0) -> dict:
    """Tries `count` mutants, or as many as fit in `minutes`, in processes of their own.

    Returns counts of what became of them, the most seconds and megabytes, and a list of faults.
    """
    outcomes: Counter[str] = Counter()
    faults: list[dict] = []
    most = {"seconds": 0.0, "megabytes": 0.0}
    end = None if minutes is None else time.monotonic() + 60 * minutes
    number, last = first, first + (count if count is not None else 10**9)
    while number < last and (end is None or time.monotonic() < end):
        for said in _tried(seed, number, last, end):
            number = said["number"] + 1
            outcomes[said["outcome"]] += 1
            most = {what: max(most[what], said.get(what, 0.0)) for what in most}
            if said["fault"] or said["seconds"] > SECONDS or said["megabytes"] > MEGABYTES:
                faults.append(said)
    return {"mutants": sum(outcomes.values()), "outcomes": dict(outcomes), "most": most, "faults": faults}


def _tried(seed: int, first: int, last: int, end: float | None) -> Iterator[dict]:
    """What became of mutants in one process, until all are done, the time is over, or one has ended or stopped it."""
    script = f"from benchmarks.mutations import work; work({seed}, {first}, {last})"
    lines: queue.Queue[str | None] = queue.Queue()
    number = first
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=Path(__file__).resolve().parents[1],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as worker,
    ):
        reader = threading.Thread(target=_pass_on, args=(worker.stdout, lines), daemon=True)
        reader.start()
        why = None
        while number < last and (end is None or time.monotonic() < end):
            try:
                line = lines.get(timeout=_STUCK)
            except queue.Empty:
                why = f"took more than {_STUCK} s"
                break
            if line is None:
                worker.wait()
                complaints.seek(0)
                why = f"ended the process ({worker.returncode}): {complaints.read()[-500:]}"
                break
            said = json.loads(line)
            number = said.get("begin", number)
            if "number" in said:
                number = said["number"] + 1
                yield said
        worker.kill()
        reader.join()
    if why is not None:
        yield {"number": number, "outcome": "fault", "fault": why, "seconds": 0.0, "megabytes": 0.0}


def _pass_on(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", type=int, help="the number of one mutant, which is kept as 'mutant'")
    options = parser.parse_args()
    if options.only is not None:
        name, data, random = Mutator(options.seed).mutant(options.only)
        Path("mutant").write_bytes(data)
        print(name, len(data), "bytes")
        with tempfile.TemporaryDirectory() as folder:
            print(attempt(data, Path(folder) / "it", random))
        return
    count = options.count if options.count or options.minutes else 1000
    begin = time.monotonic()
    result = run(options.seed, count, options.minutes)
    for fault in result.pop("faults"):
        print(json.dumps(fault, indent=1).replace("\\n", "\n"))
    print(
        json.dumps(result | {"minutes": round((time.monotonic() - begin) / 60, 1), "cores": os.cpu_count()}, indent=1)
    )


if __name__ == "__main__":
    main()
