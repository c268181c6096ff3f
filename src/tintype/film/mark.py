"""The mark of a film: that a machine added the colour, as its file says it."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import av

from tintype.photo import Mark
from tintype.photo.xmp import SOURCE_TYPE, marked, read_mark

HEAD = "The colour was added by a machine"
"""How the mark begins, in a comment."""

_MARK = re.compile(re.escape(HEAD) + r": [^{}\n]*(\{[^{}\n]*\})\n?")
_BEGIN = 1 << 13  # bytes of a GIF or a PNG in which its mark lies


def comment_of(mark: Mark, before: str = "") -> str:
    """A comment that says it, after what the source says itself."""
    said = json.dumps({name: text for name, text in asdict(mark).items() if text}, ensure_ascii=True)
    kept = _MARK.sub("", before).strip()
    return f"{kept}\n" * bool(kept) + f"{HEAD}: {SOURCE_TYPE} {said}"


def with_mark(metadata: Mapping[str, str], mark: Mark) -> dict[str, str]:
    """What a file says of itself, and the mark."""
    kept = {name: text for name, text in metadata.items() if name.lower() != "comment"}
    before = next((text for name, text in metadata.items() if name.lower() == "comment"), "")
    return {**kept, "comment": comment_of(mark, before)}


def film_mark(path: Path) -> Mark | None:
    """The mark in a film's file, a GIF or a PNG; None where there is none, or no such file."""
    try:
        with path.open("rb") as file:
            head = file.read(_BEGIN)
            if head.startswith(b"GIF8"):
                return _parsed(b"".join(_blocks(head)).decode("utf-8", "replace"))
        if head.startswith(b"\x89PNG"):
            return read_mark(head)
        with av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
            metadata = dict(container.metadata)
    except (OSError, av.FFmpegError, ValueError):
        return None
    return _parsed("\n".join(text for name, text in metadata.items() if name.lower() == "comment"))


def gif_comment(mark: Mark) -> bytes:
    """The mark as a comment of a GIF, which stands after the head of the file."""
    text = comment_of(mark).encode()
    blocks = [text[start : start + 255] for start in range(0, len(text), 255)]
    return b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def marked_png(data: bytes, mark: Mark) -> bytes:
    """A PNG with the mark, as those of photographs have it."""
    body = b"XML:com.adobe.xmp\0\0\0\0\0" + marked(None, mark)
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    end_of_head = 8 + 25  # The signature, and the chunk IHDR.
    return data[:end_of_head] + chunk + data[end_of_head:]


def _blocks(head: bytes) -> list[bytes]:
    """The parts of the first comment of a GIF."""
    place = head.find(b"\x21\xfe") + 2
    blocks = []
    while 1 < place < len(head) and (size := head[place]):
        blocks.append(head[place + 1 : place + 1 + size])
        place += 1 + size
    return blocks


def _parsed(comment: str) -> Mark | None:
    match = _MARK.search(comment)
    if match is None:
        return None
    try:
        said = json.loads(match[1])
        return Mark(**{name: str(text) for name, text in said.items() if name in Mark.__dataclass_fields__})
    except (ValueError, TypeError, AttributeError):
        return None
