"""Which file a result was made of: told by the file's length and digests of its bytes, never by its name or place."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import BinaryIO

_END = 64 << 10
"""Bytes at either end of a file that the quick digest sees."""


def origin_of(stream: BinaryIO) -> str:
    """LENGTH-QUICK-WHOLE of the bytes of a stream that can be read from several places.

    QUICK is a digest of both ends of the file, which is read at once; WHOLE is one of all its bytes.
    """
    quick = quick_origin_of(stream)
    whole = blake2b(digest_size=8)
    stream.seek(0)
    while block := stream.read(1 << 20):
        whole.update(block)
    return f"{quick}-{whole.hexdigest()}"


def quick_origin_of(stream: BinaryIO) -> str:
    """LENGTH-QUICK, with which `origin_of` begins."""
    length = stream.seek(0, os.SEEK_END)
    digest = blake2b(digest_size=4)
    for place in (0, max(0, length - _END)):
        stream.seek(place)
        digest.update(stream.read(_END))
    return f"{length}-{digest.hexdigest()}"
