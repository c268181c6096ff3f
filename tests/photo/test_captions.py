"""Captions and dates: what texts, comments and IPTC say of a photograph is in the result, whatever its format."""

import io
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hostile_files import chunk, jpeg, png, segment
from tintype.photo import WRITABLE, from_array, read, write

SUFFIX = {"jpeg": "jpg", "tiff": "tif"}
SHADES = np.arange(0, 256, 4, np.uint8).reshape(8, 8)
DC, PHOTOSHOP, XMP = (
    "{http://purl.org/dc/elements/1.1/}",
    "{http://ns.adobe.com/photoshop/1.0/}",
    "{http://ns.adobe.com/xap/1.0/}",
)
PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt>
<rdf:li xml:lang="x-default">The title of the packet</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


def iptc(*fields):
    return b"".join(b"\x1c\2" + bytes([number]) + struct.pack(">H", len(text)) + text for number, text in fields)


RECORD = iptc(
    (0, b"\0\4"),
    (5, b"Wedding"),
    (25, b"lake"),
    (25, "Großmutter".encode()),
    (55, b"19310506"),
    (60, b"143000+0100"),
    (80, b"A. Photographer"),
    (90, b"Lund"),
    (101, b"Sweden"),
    (116, "© nobody".encode("latin-1")),
    (120, "Großmutter, 1931".encode("latin-1")),
    (65, b"a program"),
)


def resources(record):
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)


def raw(name, data, break_after=72):
    """A profile as ImageMagick and others write it into a text."""
    digits = data.hex()
    lines = [digits[at : at + break_after] for at in range(0, len(digits), break_after)]
    return f"\n{name}\n{len(data):8d}\n{chr(10).join(lines)}\n".encode()


def text(keyword, letters, packed=True):
    if packed:
        return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(letters))
    return chunk(b"tEXt", keyword + b"\0" + letters)


def exif(orientation=6):
    found = Image.Exif()
    found[271], found[274] = "Kodak", orientation
    found.get_ifd(0x8769)[0x9003] = "1931:05:06 12:00:00"
    return found.tobytes()


def result_of(photo, coloured, path, format):
    """The path of the result, and what could not be kept."""
    path = path / f"out.{SUFFIX.get(format, format)}"
    return path, write(photo, coloured(photo), path, format=format, mark=None)


def opened(path):
    return Image.open(io.BytesIO(path.read_bytes()))


def properties(path):
    """Every property of the XMP that another library finds in a file: name -> texts."""
    image = opened(path)
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if packet is None:
        return {}
    found = {}
    root = ElementTree.fromstring(packet if isinstance(packet, bytes) else packet.encode())
    for statement in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"):
        for node in statement:
            found.setdefault(node.tag, []).extend(text.strip() for text in node.itertext() if text.strip())
    return found


RAW = {
    "ImageMagick": [
        text(b"Raw profile type exif", raw("exif", exif())),
        text(b"Raw profile type iptc", raw("iptc", resources(RECORD))),
    ],
    "darktable": [
        text(b"Raw profile type exif", raw("exif", exif(), 10**9)),
        text(b"Raw profile type iptc", raw("iptc", RECORD, 10**9)),
    ],
    "digiKam": [
        text(b"Raw profile type APP1", raw("generic profile", exif())),
        text(b"Raw profile type iptc", raw("iptc", b"Photoshop 3.0\0" + resources(RECORD))),
    ],
    "GIMP": [
        text(b"Raw profile type exif", raw("exif", exif()), packed=False),
        text(b"Raw profile type 8bim", raw("8bim", resources(RECORD))),
    ],
    "iTXt": [
        chunk(b"iTXt", b"Raw profile type exif\0\1\0\0\0" + zlib.compress(raw("exif", exif()))),
        chunk(b"iTXt", b"Raw profile type iptc\0\0\0\0\0" + raw("iptc", RECORD)),
    ],
}


@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("program", RAW)
def test_profiles_in_texts_of_png(tmp_path, coloured, program, output):
    photo = read(png(*RAW[program]))
    assert (photo.width, photo.height) == (48, 64), "the orientation is obeyed"
    assert photo.metadata.iptc == RECORD
    assert photo.notes == ()
    path, lost = result_of(photo, coloured, tmp_path, output)
    assert lost == ()
    image = opened(path)
    assert image.size == (48, 64)
    tags = image.getexif()
    assert (tags[271], tags.get(274, 1)) == ("Kodak", 1)
    assert tags.get_ifd(0x8769)[0x9003] == "1931:05:06 12:00:00"
    if output in ("jpeg", "tiff"):
        assert read(path).metadata.iptc == RECORD
    else:
        check_iptc(properties(path))


def test_xmp_in_texts_of_png(tmp_path, coloured):
    packet = PACKET.encode()
    for one in (
        text(b"Raw profile type xmp", raw("xmp", packet)),
        text(b"Raw profile type APP1", raw("generic profile", b"http://ns.adobe.com/xap/1.0/\0" + packet)),
    ):
        assert read(png(one)).metadata.xmp == packet
    own = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.replace(b"title of", b"own title of"))
    assert b"own title" in read(png(one, own)).metadata.xmp


def test_a_profile_that_is_broken_is_told():
    for bad in (b"\nexif\n     100\nabcd\n", b"\nexif\n", b"exif", b"\nexif\n  4\nzz zz zz zz\n"):
        photo = read(png(text(b"Raw profile type exif", bad)), name="a.png")
        assert photo.notes == ("a.png: some of its metadata is damaged or too large to be read, and was left behind",)


def check_iptc(found):
    assert found[f"{DC}title"] == ["Wedding"]
    assert found[f"{DC}subject"] == ["lake", "Großmutter"]
    assert found[f"{DC}creator"] == ["A. Photographer"]
    assert found[f"{DC}rights"] == ["© nobody"]
    assert found[f"{DC}description"] == ["Großmutter, 1931"]
    assert found[f"{PHOTOSHOP}City"] == ["Lund"]
    assert found[f"{PHOTOSHOP}Country"] == ["Sweden"]
    assert found[f"{PHOTOSHOP}DateCreated"] == ["1931-05-06T14:30:00+01:00"]


@pytest.mark.parametrize("output", ["png", "webp", "avif"])
def test_iptc_becomes_xmp_where_there_is_no_place_for_it(tmp_path, coloured, output):
    photo = read(jpeg(segment(0xED, b"Photoshop 3.0\0" + resources(RECORD))))
    path, lost = result_of(photo, coloured, tmp_path, output)
    assert lost == ()
    check_iptc(properties(path))


def test_what_xmp_says_already_goes_before_iptc_and_what_has_no_place_is_told(tmp_path, coloured):
    record = RECORD + iptc((118, b"call me"), (150, b"a sound"))
    photo = read(
        jpeg(
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET.encode()),
            segment(0xED, b"Photoshop 3.0\0" + resources(record)),
        ),
        name="a.jpg",
    )
    path, lost = result_of(photo, coloured, tmp_path, "webp")
    found = properties(path)
    assert found[f"{DC}title"] == ["The title of the packet"]
    assert found[f"{PHOTOSHOP}City"] == ["Lund"]
    assert lost == (
        "a.jpg: webp cannot keep 2 fields of its IPTC record and the fields of its IPTC record that contradict its XMP "
        "(dc:title)",
    )
    _, lost = result_of(photo, coloured, tmp_path, "jpeg")
    assert lost == ()
    # The same words in both places are no loss.
    same = read(
        jpeg(
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET.encode()),
            segment(0xED, b"Photoshop 3.0\0" + resources(iptc((5, b"The title of the packet")))),
        )
    )
    assert result_of(same, coloured, tmp_path, "png")[1] == ()


@pytest.mark.parametrize("day", [b"", b"00000000", b"1931", b"19310500", b"19310000", b"abcdefgh", b"\xff" * 8])
def test_dates_of_iptc_that_are_not_whole(tmp_path, coloured, day):
    photo = read(jpeg(segment(0xED, b"Photoshop 3.0\0" + resources(iptc((55, day), (60, b"1200"))))))
    path, _ = result_of(photo, coloured, tmp_path, "png")
    wanted = {b"19310500": ["1931-05"], b"19310000": ["1931"]}.get(day)
    assert properties(path).get(f"{PHOTOSHOP}DateCreated") == wanted


def texts_of_a_png():
    info = PngInfo()
    info.add_text("Title", "Wedding")
    info.add_text("Author", "Ä. Photographer", zip=True)
    info.add_itxt("Description", "Großmutter, Łódź", lang="de", tkey="Beschreibung")
    info.add_text("Creation Time", "Wed, 06 May 1931 12:00:00 +0100")
    info.add_text("Comment", "by a lake")
    info.add_text("Inventory", "1931/17")
    info.add_text("Software", "a program")
    info.add_text("exif:ExifImageWidth", "9999")
    info.add_text("Thumb::URI", "file:///home/me/secret.png")
    return info


def test_texts_of_png_stay_texts(tmp_path, encoded, coloured):
    photo = read(encoded(SHADES, "PNG", pnginfo=texts_of_a_png()))
    path, lost = result_of(photo, coloured, tmp_path, "png")
    assert lost == ()
    image = opened(path)
    image.load()
    assert image.text == {
        "Title": "Wedding",
        "Author": "Ä. Photographer",
        "Description": "Großmutter, Łódź",
        "Creation Time": "Wed, 06 May 1931 12:00:00 +0100",
        "Comment": "by a lake",
        "Inventory": "1931/17",
        "Software": "a program",
    }
    assert image.text["Description"].lang == "de"
    # libvips reads them too.
    vips = pyvips.Image.new_from_file(str(path))
    comments = [vips.get(field) for field in vips.get_fields() if field.startswith("png-comment")]
    assert "Wedding" in comments


def test_an_image_of_pillow_brings_its_texts_comment_and_iptc(tmp_path, encoded, coloured):
    with Image.open(io.BytesIO(encoded(SHADES, "PNG", pnginfo=texts_of_a_png()))) as image:
        photo = from_array(image)
    path, _ = result_of(photo, coloured, tmp_path, "png")
    result = opened(path)
    result.load()
    assert result.text["Description"] == "Großmutter, Łódź"
    assert "Thumb::URI" not in result.text
    data = jpeg(segment(0xED, b"Photoshop 3.0\0" + resources(RECORD)), segment(0xFE, b"by a lake"))
    with Image.open(io.BytesIO(data)) as image:
        photo = from_array(image)
    path, _ = result_of(photo, coloured, tmp_path, "jpeg")
    assert comments_of(path) == [b"by a lake"]
    assert read(path).metadata.iptc == RECORD


@pytest.mark.parametrize("output", ["jpeg", "tiff", "webp", "avif"])
def test_texts_of_png_in_other_formats(tmp_path, encoded, coloured, output):
    photo = read(encoded(SHADES, "PNG", pnginfo=texts_of_a_png()), name="a.png")
    path, lost = result_of(photo, coloured, tmp_path, output)
    found = properties(path)
    assert found[f"{DC}title"] == ["Wedding"]
    assert found[f"{DC}creator"] == ["Ä. Photographer"]
    assert found[f"{DC}description"] == ["Großmutter, Łódź"]
    assert found[f"{XMP}CreateDate"] == ["1931-05-06T12:00:00+01:00"]
    if output == "jpeg":
        assert lost == ()
        assert comments_of(path) == [b"by a lake", b"Inventory: 1931/17"]
    else:
        assert found["{http://ns.adobe.com/exif/1.0/}UserComment"] == ["by a lake"]
        assert lost == (f"a.png: {output} cannot keep the text 'Inventory'",)


def comments_of(path):
    data, at, found = path.read_bytes(), 2, []
    while data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xFE:
            found.append(data[at + 4 : at + 2 + size])
        at += 2 + size
    return found


@pytest.mark.parametrize("output", WRITABLE)
def test_comments_of_jpeg(tmp_path, coloured, output):
    photo = read(jpeg(segment(0xFE, "Großmutter".encode()), segment(0xFE, "Lübeck\0".encode("latin-1"))))
    path, lost = result_of(photo, coloured, tmp_path, output)
    assert lost == ()
    image = opened(path)
    if output == "jpeg":
        assert comments_of(path) == ["Großmutter".encode(), "Lübeck".encode()]
        assert image.info["comment"].decode() in ("Großmutter", "Lübeck")
    elif output == "png":
        image.load()
        assert image.text["Comment"] in ("Großmutter", "Lübeck")
        assert [text.letters for text in read(path).metadata.texts] == ["Großmutter", "Lübeck"]
    else:
        assert properties(path)[f"{DC}description"] == ["Großmutter\nLübeck"]


def test_a_comment_does_not_take_the_place_of_a_description(tmp_path, coloured):
    described = PACKET.replace("title", "description")
    photo = read(
        jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + described.encode()), segment(0xFE, b"by a lake"))
    )
    found = properties(result_of(photo, coloured, tmp_path, "webp")[0])
    assert found[f"{DC}description"] == ["The description of the packet"]
    assert found["{http://ns.adobe.com/exif/1.0/}UserComment"] == ["by a lake"]


def test_letters_that_xml_cannot_hold(tmp_path, coloured):
    photo = read(jpeg(segment(0xFE, "a\x01\x1b[31mb\ufffe<&\r\nc".encode())))
    assert properties(result_of(photo, coloured, tmp_path, "webp")[0])[f"{DC}description"] == ["a[31mb<&\nc"]


def test_more_keywords_than_a_line_holds(tmp_path, encoded, coloured):
    info = PngInfo()
    for i in range(9):
        info.add_text(f"key\x9b{i}", "value")
    photo = read(encoded(SHADES, "PNG", pnginfo=info), name="a.png")
    (lost,) = result_of(photo, coloured, tmp_path, "webp")[1]
    assert lost.isprintable()
    assert lost.endswith("and 4 more")


def long_packet(size):
    """A packet whose one property is long, beside one that is short."""
    long = f'<a:long xmlns:a="urn:a">{"Grüße " * (size // 8)}</a:long><a:short xmlns:a="urn:a">kept</a:short>'
    return PACKET.replace("</rdf:Description>", f"{long}</rdf:Description>").encode()


def test_xmp_longer_than_a_segment_is_read_and_written_as_extension(tmp_path, coloured, mark):
    packet = long_packet(300_000)
    tifffile.imwrite(tmp_path / "in.tif", SHADES, extratags=[(700, 1, len(packet), packet, True)], metadata=None)
    photo = read(tmp_path / "in.tif")
    lost = write(photo, coloured(photo), tmp_path / "out.jpg", mark=mark)
    assert lost == ()
    main = opened(tmp_path / "out.jpg").info["xmp"]
    assert b"HasExtendedXMP" in main
    assert b"The title of the packet" in main
    assert b">kept<" in main
    # By hand, as the standard says: the pieces in their order, named by their digest.
    import hashlib

    data, pieces = (tmp_path / "out.jpg").read_bytes(), {}
    head = b"http://ns.adobe.com/xmp/extension/\0"
    at = data.find(head)
    while at >= 0:
        size = int.from_bytes(data[at - 2 : at], "big") - 2
        body = data[at + len(head) : at + size]
        name, length, place = body[:32], *struct.unpack(">II", body[32:40])
        pieces[place] = body[40:]
        at = data.find(head, at + size)
    whole = b"".join(pieces[place] for place in sorted(pieces))
    assert len(pieces) > 4
    assert len(whole) == length
    assert hashlib.md5(whole).hexdigest().upper().encode() == name
    assert name in main
    assert ElementTree.fromstring(whole).find(".//{urn:a}long").text == "Grüße " * (300_000 // 8)
    # And read again as one packet.
    again = read(tmp_path / "out.jpg")
    assert b"HasExtendedXMP" not in again.metadata.xmp
    assert again.notes == ()
    write(again, coloured(again), tmp_path / "again.tif", mark=mark)
    with tifffile.TiffFile(tmp_path / "again.tif") as file:
        found = ElementTree.fromstring(file.pages[0].tags[700].value)
    assert found.find(".//{urn:a}long").text == "Grüße " * (300_000 // 8)
    assert found.find(".//{urn:a}short").text == "kept"


def test_an_extension_that_is_not_whole_is_told(tmp_path, coloured):
    packet = long_packet(200_000)
    tifffile.imwrite(tmp_path / "in.tif", SHADES, extratags=[(700, 1, len(packet), packet, True)], metadata=None)
    photo = read(tmp_path / "in.tif")
    write(photo, coloured(photo), tmp_path / "out.jpg")
    data = (tmp_path / "out.jpg").read_bytes()
    at = data.rfind(b"http://ns.adobe.com/xmp/extension/") - 4
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    photo = read(data[:at] + data[at + 2 + size :], name="a.jpg")
    assert photo.notes == ("a.jpg: some of its metadata is damaged or too large to be read, and was left behind",)
    assert b">kept<" in photo.metadata.xmp
    assert b"HasExtendedXMP" not in photo.metadata.xmp


@pytest.mark.parametrize("output", WRITABLE)
def test_of_exif_that_is_too_long_only_the_largest_tags_are_dropped(tmp_path, encoded, coloured, output):
    tags = Image.Exif()
    tags[271], tags[33432] = "Kodak", "nobody"
    inner = tags.get_ifd(0x8769)
    inner[0x9003], inner[0x927C], inner[0x9286] = (
        "1931:05:06 12:00:00",
        b"maker" * 20_000,
        b"ASCII\0\0\0" + b"a" * 50_000,
    )
    photo = read(encoded(SHADES, "PNG", exif=tags.tobytes()), name="a.png")
    path, lost = result_of(photo, coloured, tmp_path, output)
    found = opened(path).getexif()
    assert (found[271], found[33432]) == ("Kodak", "nobody")
    inner = found.get_ifd(0x8769)
    assert inner[0x9003] == "1931:05:06 12:00:00"
    assert len(inner[0x9286]) == 50_008
    if output in ("jpeg", "avif"):
        assert lost == (f"a.png: {output} cannot keep its largest Exif tags (MakerNote)",)
        assert 0x927C not in inner
    else:
        assert lost == ()
        assert len(inner[0x927C]) == 100_000


def test_iptc_longer_than_a_segment(tmp_path, coloured):
    record = RECORD + iptc(*[(25, bytes([65 + i % 26]) * 60) for i in range(2000)])
    photo = read(png(text(b"Raw profile type iptc", raw("iptc", record))))
    path, lost = result_of(photo, coloured, tmp_path, "jpeg")
    assert lost == ()
    assert read(path).metadata.iptc == record


@pytest.mark.parametrize(
    ("own", "tag", "wanted"),
    [((72, 72), 600, 600), ((96, 96), 600, 600), ((300, 300), 72, 300), ((300, 300), 600, 300), ((72, 72), 96, 72)],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_resolution_that_is_a_default_gives_way_to_that_of_exif(encoded, format, own, tag, wanted):
    tags = Image.Exif()
    tags[282], tags[283], tags[296] = float(tag), float(tag), 2
    photo = read(encoded(SHADES, format, dpi=own, exif=tags.tobytes()))
    assert photo.metadata.dpi == pytest.approx((wanted, wanted), rel=1e-3)
