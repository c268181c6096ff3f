"""Netpbm pictures (PBM, PGM, PPM), plain and binary, of up to 16 bits."""

from __future__ import annotations

import re

import numpy as np

from tintype.errors import UnreadablePhoto
from tintype.photo.decode import Read, Reading, as_image, check_size
from tintype.photo.photo import Metadata

_TOKEN = re.compile(rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])*(\d{1,10})")
_COMMENT = re.compile(rb"#[^\r\n]*")


def read(data: bytes, name: str, reading: Reading[Read]) -> Read:
    """A photograph from a Netpbm file; its codes are taken for sRGB, as by everybody.

    Raises:
        UnreadablePhoto: broken or cut short. UnsupportedPhoto: too large.
    """
    kind = data[1] - ord("0")
    at, numbers = 2, []
    for _ in range(2 if kind in (1, 4) else 3):
        token = _TOKEN.match(data, at)
        if not token:
            raise _broken(name, "its header is incomplete")
        numbers.append(int(token[1]))
        at = token.end()
    width, height, white = (*numbers, 1)[:3]
    if not (width and height and 0 < white < 65536):
        raise _broken(name, "its header is not valid")
    check_size(width, height, name)
    channels = 3 if kind in (3, 6) else 1
    count = width * height * channels
    if kind == 4:
        row = -(-width // 8)
        body = np.frombuffer(_body(data, at + 1, row * height, name), np.uint8).reshape(height, row)
        codes = 1 - np.unpackbits(body, axis=1)[:, :width]
    elif kind in (5, 6):
        size = 2 if white > 255 else 1
        codes = np.frombuffer(_body(data, at + 1, count * size, name), f">u{size}")
    else:
        codes = _plain(data[at:], kind, count, name)
    if codes.max() > white:
        raise _broken(name, f"it holds {codes.max()}, and its white is {white}")
    codes_of = np.uint16 if white > 255 else np.uint8
    top = np.iinfo(codes_of).max
    if white != top:
        codes = np.round(codes * (top / white))
    pixels = codes.astype(codes_of).reshape(height, width, channels)
    return reading.develop(name, "pnm", as_image(pixels), Metadata(), bits=int(white).bit_length())


def _body(data: bytes, at: int, size: int, name: str) -> bytes:
    if len(data) - at < size:
        raise _broken(name, f"it lacks {size - max(0, len(data) - at)} bytes of pixels")
    return data[at : at + size]


def _plain(text: bytes, kind: int, count: int, name: str) -> np.ndarray:
    """Numbers that are written out."""
    text = _COMMENT.sub(b" ", text)
    if kind == 1:
        # Of bits, no spaces are needed.
        codes = 1 - (np.frombuffer(re.sub(rb"[^01]", b"", text), np.uint8)[:count] - ord("0"))
    else:
        if len(text) < 2 * count - 1:
            raise _broken(name, "it lacks pixels")
        words = text.split(maxsplit=count)[:count]
        try:
            codes = np.array(words, dtype="S6").astype(np.int64)
        except ValueError:
            raise _broken(name, "its pixels contain something other than numbers") from None
        if len(codes) and codes.min() < 0:
            raise _broken(name, "it holds negative numbers")
    if len(codes) < count:
        raise _broken(name, f"it lacks {count - len(codes)} of {count} numbers")
    return codes


def _broken(name: str, why: str) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} is broken or cut short ({why}): get a whole copy of it")
