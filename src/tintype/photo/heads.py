"""How large a picture is, by the first bytes of its file: for formats that libvips does not read."""

from __future__ import annotations

import re
import struct

from tintype.errors import PhotoError
from tintype.photo.boxes import boxes
from tintype.photo.kinds import recognise

LENGTH = 1 << 20
"""How many bytes `size` wants to see."""

_NETPBM = re.compile(rb"P[1-6](?:\s|#[^\r\n]*[\r\n])*(\d{1,9})(?:\s|#[^\r\n]*[\r\n])+(\d{1,9})")


def size(head: bytes) -> tuple[int, int] | None:
    """(height, width) as it is stored; None where the head does not tell.

    Args:
        head: the first LENGTH bytes of the file, or all of it when it is shorter.
    """
    try:
        return _SIZES[recognise(head, "the file")](head)
    except (PhotoError, LookupError, ValueError, StopIteration, struct.error):
        return None


def _of_bmp(head: bytes) -> tuple[int, int]:
    if int.from_bytes(head[14:18], "little") == 12:
        width, height = struct.unpack("<HH", head[18:22])
    else:
        width, height = struct.unpack("<ii", head[18:26])
    return abs(height), width


def _of_psd(head: bytes) -> tuple[int, int]:
    return struct.unpack(">II", head[14:22])


def _of_netpbm(head: bytes) -> tuple[int, int] | None:
    match = _NETPBM.match(head)
    return (int(match[2]), int(match[1])) if match else None


def _of_heic(head: bytes) -> tuple[int, int]:
    """Tiles, previews and the whole have a size each, of which the whole is the largest."""
    places = [match.end() + 4 for match in re.finditer(b"ispe", head[:LENGTH])]
    sizes = [struct.unpack(">II", head[place : place + 8])[::-1] for place in places[:1000]]
    return max(sizes, key=lambda size: size[0] * size[1])


def _of_jpeg2000(head: bytes) -> tuple[int, int]:
    if head.startswith(b"\xff\x4f"):
        right, bottom, left, top = struct.unpack(">4I", head[8:24])
        return bottom - top, right - left
    header = next(box.body for box in boxes(head) if box.kind == b"jp2h")
    return struct.unpack(">II", next(box.body for box in boxes(header) if box.kind == b"ihdr")[:8])


def _of_jpegxl(head: bytes) -> tuple[int, int]:
    from tintype.photo import jxl

    head_of_stream = jxl.head_of(jxl.stream_of(head))
    return head_of_stream.height, head_of_stream.width


_SIZES = {"bmp": _of_bmp, "psd": _of_psd, "pnm": _of_netpbm, "heic": _of_heic, "jpeg2000": _of_jpeg2000}
_SIZES |= {"jpegxl": _of_jpegxl}
