"""Photoshop documents (PSD, PSB): the flattened picture at their end, as a TIFF file.

Its rows are packed as TIFF packs them too, so a directory in front of the document is all that it takes to read them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif
from tintype.photo.exif import Value, whole

_BITMAP, _GRAY, _INDEXED, _RGB, _CMYK, _DUOTONE, _LAB = 0, 1, 2, 3, 4, 8, 9
_PHOTOMETRIC = {_BITMAP: 0, _GRAY: 1, _INDEXED: 3, _RGB: 2, _CMYK: 5, _DUOTONE: 1, _LAB: 9}
_COLOURS = {_RGB: 3, _CMYK: 4, _LAB: 3}
_RESOLUTION, _IPTC, _PROFILE, _VERSION, _EXIF, _XMP = 0x03ED, 0x0404, 0x040F, 0x0421, 0x0422, 0x0424
_REMEDY = "export it flattened as TIFF or PNG first"


def as_tiff(data: bytes, name: str) -> bytes:
    """A TIFF file with the flattened picture of a document, its resolution, profile, Exif, XMP and IPTC.

    Raises:
        UnsupportedPhoto: a mode or depth that is not read, or no flattened picture. UnreadablePhoto: broken.
    """
    try:
        return _as_tiff(data, name)
    except (struct.error, IndexError, zlib.error) as error:
        raise UnreadablePhoto(f"{name} is broken or cut short ({error}): get a whole copy of it") from None


def _as_tiff(data: bytes, name: str) -> bytes:
    version, channels, height, width, depth, mode = struct.unpack(">H6x H I I H H", data[4:26])
    large = version == 2
    if mode not in _PHOTOMETRIC or depth not in (1, 8, 16):
        what = f"{depth} bits" if mode in _PHOTOMETRIC else "many inks" if mode == 7 else f"colours of kind {mode}"
        raise UnsupportedPhoto(f"{name} is a Photoshop document in {what}, which tintype does not read: {_REMEDY}")
    palette, at = _section(data, 26, 4)
    resources, at = _section(data, at, 4)
    layers, at = _section(data, at, 8 if large else 4)
    contents = dict(_resources(resources))
    if len(contents.get(_VERSION, b"")) > 4 and not contents[_VERSION][4]:
        raise UnsupportedPhoto(
            f"{name} is a Photoshop document without a flattened picture: save it with 'Maximize Compatibility', or "
            f"{_REMEDY}"
        )
    (packing,) = struct.unpack(">H", data[at : at + 2])
    at += 2
    row = -(-width * depth // 8)
    if packing == 1:
        entry = 4 if large else 2
        count = height * channels
        sizes = struct.unpack(f">{count}{'I' if large else 'H'}", data[at : at + count * entry])
        at += count * entry
    elif packing in (0, 2):
        if packing == 2:
            unpacked = zlib.decompressobj().decompress(data[at:], row * height * channels)
            data, at = data[:at] + unpacked, at
        sizes = (row * height,) * channels
    else:
        raise UnsupportedPhoto(
            f"{name} is a Photoshop document whose picture is packed in an unusual way, which tintype does not read: "
            f"{_REMEDY}"
        )
    colours = _COLOURS.get(mode, 1)
    if channels < colours:
        raise IndexError(f"{channels} channels")
    tags: exif.Directory = {
        exif.WIDTH: whole(exif.LONG, width, order=">"),
        exif.HEIGHT: whole(exif.LONG, height, order=">"),
        258: whole(exif.SHORT, *[depth] * channels, order=">"),
        259: whole(exif.SHORT, 32773 if packing == 1 else 1, order=">"),
        262: whole(exif.SHORT, _PHOTOMETRIC[mode], order=">"),
        277: whole(exif.SHORT, channels, order=">"),
        278: whole(exif.LONG, 1 if packing == 1 else height, order=">"),
        279: whole(exif.LONG, *sizes, order=">"),
        284: whole(exif.SHORT, 2 if channels > 1 else 1, order=">"),
    }
    if channels > colours:
        # A negative number of layers says that the first channel beyond the colours is the transparency.
        head = 8 if large else 4
        merged = len(layers) > head + 1 and struct.unpack(">h", layers[head : head + 2])[0] < 0
        kinds = [2 if merged and i == 0 else 0 for i in range(channels - colours)]
        tags[338] = whole(exif.SHORT, *kinds, order=">")
    if mode == _INDEXED:
        tags[320] = whole(exif.SHORT, *(code * 257 for code in palette[:768]), order=">")
    if mode == _CMYK:
        # 0 is full ink.
        tags[336] = whole(exif.SHORT, 2**depth - 1, 0, order=">")
    tags |= _description(contents)
    places, start = [], at
    for size in sizes:
        places.append(start)
        start += size
    return _with_directory(data, tags, places)


def _with_directory(data: bytes, tags: exif.Directory, places: list[int]) -> bytes:
    """The document behind a TIFF header and a directory of its strips."""
    big = len(data) + 32 * len(places) > 2**32 - 2**20
    start = 16 if big else 8
    kind = exif.LONG8 if big else exif.LONG

    def directory(shift: int) -> bytes:
        return exif.build(tags | {273: whole(kind, *(shift + place for place in places), order=">")}, start, ">", big)

    shift = start + len(directory(0))
    head = b"MM\0+\0\x08\0\0" + struct.pack(">Q", 16) if big else b"MM\0*" + struct.pack(">I", 8)
    return head + directory(shift) + data


def _section(data: bytes, at: int, word: int) -> tuple[bytes, int]:
    """A part of the document that begins with its length, and where the next one begins."""
    size = int.from_bytes(data[at : at + word], "big")
    if at + word + size > len(data):
        raise IndexError("a part of it ends beyond its end")
    return data[at + word : at + word + size], at + word + size


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """The resources of the document: number and content of each."""
    at = 0
    while block[at : at + 4] == b"8BIM" and at + 12 <= len(block):
        kind = int.from_bytes(block[at + 4 : at + 6], "big")
        name = block[at + 6] + 1
        start = at + 6 + name + name % 2
        size = int.from_bytes(block[start : start + 4], "big")
        yield kind, block[start + 4 : start + 4 + size]
        at = start + 4 + size + size % 2


def _description(contents: dict[int, bytes]) -> exif.Directory:
    """The tags of what the document says beside its pixels."""
    tags: exif.Directory = {}
    if contents.get(_EXIF):
        try:
            read = exif.read_tags(contents[_EXIF].removeprefix(b"Exif\0\0"))
            first = {tag: value for tag, value in read.pages[0].items() if tag not in exif.STRUCTURE}
            tags = exif.reordered(first, read.order, ">")
        except (exif.BadTags, IndexError):
            pass
    # Photoshop has turned the pixels itself.
    tags[exif.ORIENTATION] = whole(exif.SHORT, 1, order=">")
    for tag, kind, number in (
        (exif.XMP, exif.BYTE, _XMP),
        (exif.IPTC, exif.UNDEFINED, _IPTC),
        (exif.ICC, exif.UNDEFINED, _PROFILE),
    ):
        if contents.get(number):
            tags[tag] = Value(kind, len(contents[number]), contents[number])
    if len(contents.get(_RESOLUTION, b"")) >= 12:
        # Both in pixels per inch, whatever unit is shown to the user.
        across, down = struct.unpack(">I4xI", contents[_RESOLUTION][:12])
        tags[exif.X_RESOLUTION] = exif.fraction(across / 65536, ">")
        tags[exif.Y_RESOLUTION] = exif.fraction(down / 65536, ">")
        tags[exif.RESOLUTION_UNIT] = whole(exif.SHORT, 2, order=">")
    return tags
