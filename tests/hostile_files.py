"""Small files that were made to fill the memory or the time of whoever reads them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tintype.photo.exif import Value, build

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PNG_XMP = b"XML:com.adobe.xmp\0\1\0\0\0"
SCENE = (np.add.outer(np.arange(48), np.arange(64)) * 2).astype(np.uint8)


def encoded(format, picture=SCENE, **options):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format, **options)
    return file.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, picture=None):
    """A PNG file with further chunks before its pixels."""
    data = picture or encoded("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def png_header(width, height, bits=8, color=0, interlaced=0, pixels=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced))
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if color == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + header + palette + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def segment(code, body):
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def jpeg(*segments, picture=None):
    """A JPEG file with further segments before its tables."""
    data = picture or encoded("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def webp(*chunks):
    """A WebP file with further chunks after its pixels."""
    data = encoded("WEBP")
    flags = bytes([0x0C, 0, 0, 0]) + struct.pack("<I", 63)[:3] + struct.pack("<I", 47)[:3]
    body = b"WEBP" + riff(b"VP8X", flags) + data[12:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(kind, body):
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def packet(body, head=""):
    return (
        f'{head}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" '
        f'xmlns:a="urn:a">{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def packed(start, piece, megabytes, end=b""):
    """zlib's packing of `piece` again and again, between a start and an end, without holding it."""
    packer = zlib.compressobj(9)
    block = piece * ((1 << 20) // len(piece))
    parts = [packer.compress(start), *(packer.compress(block) for _ in range(megabytes)), packer.compress(end)]
    return b"".join([*parts, packer.flush()])


def long_xmp(piece, megabytes, start="", end=""):
    """A PNG file whose compressed XMP packet holds a piece again and again."""
    before, _, after = packet(start + "|" + end).encode().partition(b"|")
    return png(chunk(b"iTXt", PNG_XMP + packed(before, piece.encode(), megabytes, after)))


def xmp_png(text, encoding="utf-8"):
    return png(chunk(b"iTXt", PNG_XMP + zlib.compress(text.encode(encoding), 9)))


def claims(size, count=4096, first=8):
    """Directories, one after the other, whose every entry claims the same `size` bytes at the end."""
    per = 12 * count + 6
    number = max(1, size // per)
    length = first + number * per + size
    parts = []
    for i in range(number):
        entries = b"".join(struct.pack("<HHII", 1000 + j, 7, size, length - size) for j in range(count))
        parts.append(struct.pack("<H", count) + entries + struct.pack("<I", (first + (i + 1) * per) * (i + 1 < number)))
    return b"II*\0" + struct.pack("<I", first) + b"".join(parts) + bytes(size)


def overlapping(size):
    """Directories of 4096 entries each, the next one twelve bytes after the last."""
    entry = struct.pack("<HHII", 4096, 3, 1, 1)
    table = bytearray(b"II*\0\x08\0\0\0" + entry * (size // 12))
    # Read two bytes before an entry, the number of entries is that entry's predecessor's last two bytes.
    for at in range(8, len(table) - 12 * 4200, 12):
        struct.pack_into("<H", table, at, 4000)
        end = at + 2 + 12 * 4000
        if end + 4 <= len(table) and at + 12 < len(table) - 12 * 4200:
            struct.pack_into("<I", table, end, at + 12)
    return bytes(table)


def tiff_of(block):
    """The directory of a picture as the first of a chain that goes on with those of `block`."""
    tags = {
        256: Value(4, 1, struct.pack("<I", 64)),
        257: Value(4, 1, struct.pack("<I", 48)),
        258: Value(3, 1, struct.pack("<H", 8)),
        259: Value(3, 1, struct.pack("<H", 1)),
        262: Value(3, 1, struct.pack("<H", 1)),
        273: Value(4, 1, struct.pack("<I", 8)),
        277: Value(3, 1, struct.pack("<H", 1)),
        278: Value(4, 1, struct.pack("<I", 48)),
        279: Value(4, 1, struct.pack("<I", SCENE.size)),
    }
    start = len(block) + (-len(block) % 16)
    body = bytearray(block.ljust(start, b"\0") + SCENE.tobytes())
    tags[273] = Value(4, 1, struct.pack("<I", start))
    place = len(body)
    directory = bytearray(build(tags, place))
    directory[2 + 12 * len(tags) : 6 + 12 * len(tags)] = body[4:8]
    body[4:8] = struct.pack("<I", place)
    return bytes(body) + bytes(directory)


def mpf(count, entries, tail):
    """A JPEG file whose index names `count` further pictures, all of them in `tail`."""
    place = 8 + 2 + 12 + 4
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0xB002, 7, 16 * count, place, 0)
    plain = encoded("JPEG")
    start = len(jpeg(segment(0xE2, b"MPF\0" + block + bytes(16 * count)))) - 2 - 4 - 4
    listed = b"".join(struct.pack("<IIIHH", 0x020002, 1000, start + 4 * i, 0, 0) for i in range(count))
    return jpeg(segment(0xE2, b"MPF\0" + block + listed), picture=plain) + tail


def progressive(width, height):
    data = bytearray(encoded("JPEG", progressive=True))
    at = data.index(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def flat_webp():
    """A lossless WebP file of one colour, for which any number of pixels takes no more bytes."""
    data = bytearray(encoded("WEBP", np.zeros((64, 64), np.uint8), lossless=True))
    at = data.index(b"VP8L") + 9
    data[at : at + 4] = struct.pack("<I", struct.unpack_from("<I", data, at)[0] >> 28 << 28 | 16382 << 14 | 16382)
    return bytes(data)


def strip(width, height, packing, body):
    entries = [(256, width), (257, height), (258, 8), (259, packing), (262, 1), (273, 200), (277, 1), (278, height)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*entries, (279, len(body))])
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + table + bytes(4)).ljust(200, b"\0") + body


def extension(pieces, length, name=b"0123456789ABCDEF" * 2):
    main = packet("", "").replace("<rdf:Description", '<rdf:Description xmlns:n="http://ns.adobe.com/xmp/note/" ', 1)
    main = main.replace('rdf:about=""', f'rdf:about="" n:HasExtendedXMP="{name.decode()}"')
    head = b"http://ns.adobe.com/xmp/extension/\0" + name + struct.pack(">I", length)
    return jpeg(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main.encode()),
        *(segment(0xE1, head + struct.pack(">I", at) + piece) for at, piece in pieces),
    )


def long_extension():
    body = packet("<a:b>" + "line of text\n" * (15 << 20 >> 4) + "</a:b>").encode()
    return extension([(at, body[at : at + 65000]) for at in range(0, len(body), 65000)], len(body))


def hex_profile(name, data, claimed=None):
    return f"\n{name}\n{len(data) if claimed is None else claimed:8d}\n{data.hex()}\n".encode()


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 30}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

FILES = {
    "XMP nested 1000 deep in PNG": lambda: png(
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet("<a:b>" * 1000 + "</a:b>" * 1000).encode())
    ),
    "XMP nested 100 000 deep": lambda: xmp_png(packet("<a:b>" * 100_000 + "</a:b>" * 100_000)),
    "XMP that unpacks to 64 MB of spaces": lambda: long_xmp(" ", 64),
    "XMP that unpacks to 200 MB": lambda: long_xmp("x", 200),
    "XMP that unpacks to 50 MB of elements": lambda: long_xmp("<a:b/>", 50),
    "XMP of 14 MB of elements": lambda: long_xmp("<a:b/>", 14),
    "XMP of 14 MB of comments": lambda: long_xmp("<!---->", 14),
    "XMP of 14 MB of instructions": lambda: long_xmp("<?a?>", 14),
    "XMP of 14 MB of CDATA": lambda: long_xmp("<![CDATA[]]>", 14),
    "XMP of 14 MB of lines": lambda: long_xmp("abcdefg\n", 14, "<a:b>", "</a:b>"),
    "XMP of 14 MB of references": lambda: long_xmp("&#65;", 14, "<a:b>", "</a:b>"),
    "XMP with 100 000 attributes": lambda: xmp_png(
        packet("<a:b " + " ".join(f'a:c{i}="1"' for i in range(100_000)) + "/>")
    ),
    "XMP with as many elements as are read": lambda: xmp_png(packet('<a:b c="1">d</a:b>' * 9_990)),
    "XMP with a DOCTYPE in UTF-16": lambda: xmp_png(
        packet("<a:b>&i;</a:b>", f'<?xml version="1.0" encoding="utf-16"?>{LAUGHS}]>'), "utf-16"
    ),
    "XMP with a DOCTYPE": lambda: xmp_png(packet("<a:b>&i;</a:b>", LAUGHS + "]>")),
    "1000 texts that unpack to 7 MB": lambda: png(
        *[chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(7 << 20), 9))] * 1000
    ),
    "raw profile that unpacks to 200 MB": lambda: png(
        chunk(b"zTXt", b"Raw profile type exif\0\0" + packed(b"\nexif\n104857600\n", b"00", 200))
    ),
    "raw profile of line feeds": lambda: png(chunk(b"zTXt", b"Raw profile type exif\0\0" + packed(b"", b"\n", 15))),
    "ICC profile that unpacks to 200 MB": lambda: png(chunk(b"iCCP", b"a\0\0" + packed(b"", b"\0", 200))),
    "4 000 000 empty chunks": lambda: png(chunk(b"tEXt", b"") * 4_000_000),
    "4 000 000 empty chunks of pixels": lambda: png(chunk(b"IDAT", b"") * 4_000_000),
    "Exif of entries that claim the same megabyte, in PNG": lambda: png(chunk(b"eXIf", claims(1 << 20))),
    "Exif of entries that claim the same 400 KB, in WebP": lambda: webp(riff(b"EXIF", claims(200 << 10))),
    "Exif of entries that claim the same bytes, in JPEG": lambda: jpeg(
        segment(0xE1, b"Exif\0\0" + claims(20 << 10, 1600))
    ),
    "TIFF of entries that claim the same megabyte": lambda: tiff_of(claims(1 << 20)),
    "overlapping directories in PNG": lambda: png(chunk(b"eXIf", overlapping(169 << 10))),
    "overlapping directories in TIFF": lambda: tiff_of(overlapping(169 << 10)),
    "TIFF of 60 000 directories": lambda: tiff_of(
        b"II*\0\x08\0\0\0"
        + b"".join(
            struct.pack("<HHHIII", 1, 254, 4, 1, 1, 8 + 18 * (i + 1) if i < 59_999 else 0) for i in range(60_000)
        )
    ),
    "MPF index of 4000 pictures in 4 MB": lambda: mpf(4000, 0, b"\xff\xd8" + segment(0xE4, b"") * (1 << 20)),
    "MPF index of 4000 pictures in fill bytes": lambda: mpf(4000, 0, b"\xff\xd8" + b"\xff" * (4 << 20)),
    "50 MB of fill bytes": lambda: jpeg(b"\xff" * (50 << 20)),
    "50 MB of empty segments": lambda: jpeg(segment(0xE4, b"") * (50 << 20 >> 2)),
    "50 MB of comments": lambda: jpeg(segment(0xFE, b"ab") * (50 << 20 >> 3)),
    "extension of XMP of 15 MB": long_extension,
    "extension of XMP that overlaps": lambda: extension([(i, b"x" * 60_000) for i in range(500)], 16 << 20),
    "IPTC of 1 000 000 data sets": lambda: jpeg(
        *(
            segment(0xED, b"Photoshop 3.0\0" + part)
            for part in [b"8BIM\x04\x04\0\0" + struct.pack(">I", 5_000_000), *[b"\x1c\2\x19\0\1a" * 10_000] * 90]
        )
    ),
    "Photoshop resources without end": lambda: jpeg(
        *[segment(0xED, b"Photoshop 3.0\0" + b"8BIM\0\1\0\0\0\0\0\0" * 5000)] * 200
    ),
    "JPEG with 20 000 components": lambda: jpeg(segment(0xC0, b"\x08\0\x30\0\x40\xff" + bytes(60_000))),
    "WebP of 50 MB of empty chunks": lambda: webp(riff(b"ABCD", b"") * (50 << 20 >> 3)),
    "PNG of 849 bytes with rows of 16 777 021 pixels": lambda: png_header(16_777_021, 47, color=3, pixels=bytes(100)),
    "PNG with columns of 16 777 021 pixels": lambda: png_header(47, 16_777_021, pixels=bytes(1000)),
    "interlaced PNG of 992 megapixels": lambda: png_header(31_000, 32_000, color=2, interlaced=1, pixels=bytes(9000)),
    "progressive JPEG of 992 megapixels": lambda: progressive(31_000, 32_000),
    "lossless WebP of 268 megapixels": flat_webp,
    "GIF whose frame has 1600 megapixels": lambda: (
        b"GIF89a\x10\0\x10\0\0\0\0" + b"," + struct.pack("<4HB", 0, 0, 40_000, 40_000, 0) + b"\2\1\0\0;"
    ),
    "TIFF strip of 992 megapixels": lambda: strip(31_000, 32_000, 8, zlib.compress(bytes(1000))),
    "TIFF strip of 992 megapixels, LZW": lambda: strip(31_000, 32_000, 5, bytes(1000)),
    "TIFF of one row of 992 megapixels": lambda: strip(992_000_000, 1, 32773, b"\x81\0" * 1000),
}
