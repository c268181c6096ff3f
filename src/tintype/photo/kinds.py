"""What kind of file it is, told from its first bytes and never from its name."""

from __future__ import annotations

from tintype.errors import UnreadablePhoto, UnsupportedPhoto

HEAD = 4096
"""How many bytes `recognise` wants to see."""

FORMATS = (
    *("jpeg", "png", "tiff", "webp", "avif"),
    *("bmp", "gif", "heic", "jpeg2000", "jpegxl", "pnm", "psd"),
)
"""The formats that are read; only the first five are written. The extra `formats` reads HEIC and JPEG XL."""

SUFFIXES = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".avif": "avif",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".gif": "gif",
    ".heic": "heic",
    ".heif": "heic",
    ".hif": "heic",
    ".jp2": "jpeg2000",
    ".j2k": "jpeg2000",
    ".j2c": "jpeg2000",
    ".jpc": "jpeg2000",
    ".jpf": "jpeg2000",
    ".jpx": "jpeg2000",
    ".jxl": "jpegxl",
    ".pbm": "pnm",
    ".pgm": "pnm",
    ".ppm": "pnm",
    ".pnm": "pnm",
    ".psd": "psd",
    ".psb": "psd",
}
"""Suffix (lower case) -> format: what to look for in a folder, and what a name asks for on writing."""

LISTED = "JPEG, TIFF, PNG, HEIC, WebP and others"
"""What messages call the formats that are read."""

DEVELOP = "develop it to TIFF or JPEG first"
# fmt: off
UNREAD = frozenset((
    ".xcf", ".pam", ".tga", ".exr", ".hdr", ".jxr", ".wdp", ".dng", ".cr2", ".cr3", ".crw", ".nef",
    ".nrw", ".arw", ".sr2", ".srf", ".orf", ".rw2", ".raf", ".pef", ".srw", ".x3f", ".3fr", ".iiq", ".erf", ".mrw",
    ".raw",
))
# fmt: on
"""Suffixes of pictures that are not read: in a folder they are counted apart from what is no picture."""

_EXPORT = "export it as TIFF, PNG or JPEG first"
_PICTURE = "give a photograph"

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"8BPS\0\1", "psd"),
    (b"8BPS\0\2", "psd"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\xff\x0a", "jpegxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jpegxl"),
)

_FOREIGN = (
    (b"\x8aMNG", "an animation (MNG)", "export the frames as PNG first"),
    (b"gimp xcf", "a GIMP document", "export it flattened as TIFF or PNG first"),
    (b"%PDF", "a PDF document", "export the photograph from it first"),
    (b"%!PS", "a PostScript document", "export the photograph from it first"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", _EXPORT),
    (b"#?RADIANCE", "a Radiance HDR picture", _EXPORT),
    (b"DDS ", "a DDS texture", _EXPORT),
    (b"\0\0\1\0", "an icon", _PICTURE),
    (b"IIRO", "a camera raw file (ORF)", DEVELOP),
    (b"IIRS", "a camera raw file (ORF)", DEVELOP),
    (b"MMOR", "a camera raw file (ORF)", DEVELOP),
    (b"IIU\0", "a camera raw file (RW2)", DEVELOP),
    (b"FUJIFILMCCD-RAW", "a camera raw file (RAF)", DEVELOP),
    (b"FOVb", "a camera raw file (X3F)", DEVELOP),
    (b"II\x1a\0\0\0HEAPCCDR", "a camera raw file (CRW)", DEVELOP),
    (b"\0MRM", "a camera raw file (MRW)", DEVELOP),
    (b"SIMPLE  =", "a FITS file", _EXPORT),
    (b"AT&TFORM", "a DjVu document", "export the photograph from it first"),
    (b"II\xbc", "a JPEG XR picture", _EXPORT),
    (b"PK\3\4", "a zip archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"Rar!", "a rar archive", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"\x1a\x45\xdf\xa3", "a video", _PICTURE),
    (b"\0\0\1\xba", "a video", _PICTURE),
    (b"OggS", "a sound or video file", _PICTURE),
    (b"ID3", "a sound file", _PICTURE),
    (b"\x7fELF", "a program", _PICTURE),
    (b"MZ", "a program", _PICTURE),
)

_SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")


def recognise(head: bytes, name: str) -> str:
    """The format of a file, one of FORMATS.

    Args:
        head: the first HEAD bytes of the file, or all of it when it is shorter.
        name: what errors call the file.
    Raises:
        UnsupportedPhoto: a picture or another well-known kind of file that is refused by name.
        UnreadablePhoto: empty, text, or nothing that is known.
    """
    if not head:
        raise UnreadablePhoto(f"{name} is empty: there is no photograph in it")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            if head[8:10] == b"CR" and kind == "tiff":
                raise UnsupportedPhoto(refusal(name, "a camera raw file (CR2)", DEVELOP))
            return kind
    if head[:4] == b"RIFF":
        if head[8:12] == b"WEBP":
            return "webp"
        raise UnsupportedPhoto(refusal(name, "a sound or video file", _PICTURE))
    if head[4:8] == b"ftyp":
        return _box_file(head, name)
    if (
        head[:2] == b"BM"
        and len(head) >= 18
        and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)
    ):
        return "bmp"
    for signature, what, remedy in _FOREIGN:
        if head.startswith(signature):
            raise UnsupportedPhoto(refusal(name, what, remedy))
    if head[:1] == b"P" and head[1:2] in b"123456" and (head[2:3].isspace() or head[2:3] == b"#"):
        return "pnm"
    if head[:1] == b"P" and head[1:2] in b"7Ff" and head[2:3].isspace():
        raise UnsupportedPhoto(refusal(name, "a Netpbm picture of an unusual kind (PAM or floats)", _EXPORT))
    _refuse_text(head, name)
    raise UnreadablePhoto(f"{name} is not a photograph that tintype knows: it reads {LISTED}")


def _box_file(head: bytes, name: str) -> str:
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, min(size, len(head)), 4))]
    if b"avis" in brands[:1]:
        raise UnsupportedPhoto(refusal(name, "an animation (AVIF sequence)", "export the frames as PNG first"))
    if b"avif" in brands:
        return "avif"
    if brands[0] in _SEQUENCES and not any(brand in _HEIC[:4] for brand in brands):
        raise UnsupportedPhoto(refusal(name, "an animation (HEIF sequence)", "export the frames as PNG first"))
    if any(brand in _HEIC for brand in brands) or brands[0] in (b"mif1", b"msf1"):
        return "heic"
    if brands[0] == b"crx ":
        raise UnsupportedPhoto(refusal(name, "a camera raw file (CR3)", DEVELOP))
    raise UnsupportedPhoto(refusal(name, "a video", _PICTURE))


def _refuse_text(head: bytes, name: str) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024].lower()
    if b"<svg" in start:
        raise UnsupportedPhoto(refusal(name, "an SVG drawing", "export it as PNG first"))
    if start.startswith((b"<!doctype html", b"<html")):
        raise UnreadablePhoto(f"{name} is a web page, not a photograph: download the picture itself")
    try:
        # A multi-byte character may be cut at the end of the head.
        text = head[:-4].decode("utf-8") if len(head) == HEAD else head.decode("utf-8")
    except UnicodeDecodeError:
        return
    if all(character.isprintable() or character.isspace() for character in text):
        raise UnreadablePhoto(f"{name} is a text file, not a photograph: {_PICTURE}")


def refusal(name: str, what: str, remedy: str) -> str:
    return f"{name} is {what}, which tintype does not read: {remedy}"
