"""A photograph on disk: read whole, written whole, with everything that its file said."""

from tintype.photo.decode import MOST_PIXELS, at_most
from tintype.photo.encoder import jpeg_quality
from tintype.photo.kinds import FORMATS, LISTED, SUFFIXES, UNREAD
from tintype.photo.origin import origin_of, quick_origin_of
from tintype.photo.photo import Metadata, Photo
from tintype.photo.plan import WRITABLE, output_format
from tintype.photo.reader import count_pages, from_array, is_marked, mark_of, read, read_colour, size_of
from tintype.photo.source import absent, is_address
from tintype.photo.writer import write
from tintype.photo.xmp import Mark

__all__ = [
    "FORMATS",
    "LISTED",
    "MOST_PIXELS",
    "SUFFIXES",
    "UNREAD",
    "WRITABLE",
    "Mark",
    "Metadata",
    "Photo",
    "absent",
    "at_most",
    "count_pages",
    "from_array",
    "is_address",
    "is_marked",
    "jpeg_quality",
    "mark_of",
    "origin_of",
    "output_format",
    "quick_origin_of",
    "read",
    "read_colour",
    "size_of",
    "write",
]
