"""The mark: every result says in XMP that a machine added the colour, and keeps what XMP said before."""

import io
import os
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.photo import WRITABLE, Mark, is_marked, read, write
from tintype.photo.xmp import NAMESPACE, has_mark, marked, read_mark, upright

SUFFIX = {"jpeg": "jpg", "tiff": "tif"}
IPTC_EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

LIGHTROOM = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="Lightroom" xmp:Rating="5" tiff:Orientation="6"
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hochzeit &amp; Gr\xc3\xbc\xc3\x9fe</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def statements(packet):
    """Every property of a packet, written as attribute or as element: name -> values."""
    found = {}
    for node in ElementTree.fromstring(packet.strip()).iter():
        for name, value in [*node.attrib.items(), (node.tag, (node.text or "").strip())]:
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("format", WRITABLE)
@pytest.mark.parametrize("before", [None, LIGHTROOM], ids=["plain", "with XMP"])
def test_every_format_carries_the_mark_and_the_xmp_it_had(tmp_path, scene, encoded, coloured, mark, format, before):
    pixels = (scene()[..., 1] * 255).astype(np.uint8)
    if before and format == "tiff":
        tifffile.imwrite(tmp_path / "in.tif", pixels, extratags=[(700, 1, len(before), before, True)], metadata=None)
        photo = read(tmp_path / "in.tif")
    else:
        options = {"xmp": before} if before and format != "png" else {}
        if before and format == "png":
            from PIL.PngImagePlugin import PngInfo

            options["pnginfo"] = PngInfo()
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", before.decode(), zip=True)
        photo = read(encoded(pixels, format, **options))
    path = tmp_path / f"out.{SUFFIX.get(format, format)}"
    write(photo, coloured(photo), path, mark=mark)
    image = Image.open(io.BytesIO(path.read_bytes()))
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    said = statements(packet if isinstance(packet, bytes) else packet.encode())
    assert said[f"{IPTC_EXT}DigitalSourceType"] == [SOURCE_TYPE]
    assert said[f"{XMP}CreatorTool"] == ["tintype 1.2.3"]
    assert "tintype.v1" in packet.decode() if isinstance(packet, bytes) else packet
    if before:
        assert said[f"{XMP}Rating"] == ["5"]
        assert "Hochzeit & Grüße" in [text for texts in said.values() for text in texts]
    assert is_marked(path)
    again = read(path)
    write(again, coloured(again), path, mark=mark)
    packet = read(path).metadata.xmp
    assert statements(packet)[f"{IPTC_EXT}DigitalSourceType"] == [SOURCE_TYPE]
    assert packet.count(b"tintype.v1") == 1


@pytest.mark.parametrize("format", WRITABLE)
def test_without_a_mark_there_is_none(tmp_path, scene, encoded, coloured, format):
    photo = read(encoded((scene() * 255).astype(np.uint8), format))
    path = tmp_path / f"out.{SUFFIX.get(format, format)}"
    write(photo, coloured(photo), path, mark=None)
    assert not is_marked(path)
    assert b"trainedAlgorithmic" not in path.read_bytes()


def test_ai_pictures_of_others_are_not_ours(tmp_path, encoded):
    other = LIGHTROOM.replace(b"negativeFilm", b"compositeWithTrainedAlgorithmicMedia").replace(
        b"Lightroom", b"tintype"
    )
    (tmp_path / "a.jpg").write_bytes(encoded(np.zeros((8, 8), np.uint8), "JPEG", xmp=other))
    assert not is_marked(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no xml",
        LIGHTROOM[:300],
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>',
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".encode("utf-16"),
        b"\xff\xfe\x00",
    ],
)
def test_a_broken_packet_is_replaced(mark, broken):
    said = statements(marked(broken, mark))
    assert said[f"{IPTC_EXT}DigitalSourceType"] == [SOURCE_TYPE]
    assert has_mark(marked(broken, mark))


def test_a_packet_too_long_for_jpeg_leaves_room_for_the_mark(tmp_path, scene, encoded, coloured, mark):
    long = LIGHTROOM.replace(b"Hochzeit", b"Hochzeit " * 8000)
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((8, 8), np.uint8), extratags=[(700, 1, len(long), long, True)])
    photo = read(tmp_path / "in.tif")
    write(photo, coloured(photo), tmp_path / "a.jpg", mark=mark)
    assert is_marked(tmp_path / "a.jpg")
    write(photo, coloured(photo), tmp_path / "a.tif", mark=mark)
    assert b"Hochzeit Hochzeit" in read(tmp_path / "a.tif").metadata.xmp


def nested(depth):
    return LIGHTROOM.replace(b"</rdf:Description>", b"<dc:a>" * depth + b"</dc:a>" * depth + b"</rdf:Description>")


@pytest.mark.parametrize(
    ("packet", "kept"),
    [
        (nested(50), True),
        (nested(1000), False),
        (LIGHTROOM.replace(b"</rdf:Description>", b"<dc:a/>" * 10_000 + b"</rdf:Description>"), True),
        (LIGHTROOM.replace(b"</rdf:Description>", b"<dc:a/>" * 30_000 + b"</rdf:Description>"), False),
        (b"<!DOCTYPE x>" + LIGHTROOM[LIGHTROOM.index(b"<x:") :], False),
        (LIGHTROOM[LIGHTROOM.index(b"<x:") :].decode().encode("utf-16"), True),
        (("<!DOCTYPE x>" + LIGHTROOM[LIGHTROOM.index(b"<x:") :].decode()).encode("utf-16"), False),
    ],
    ids=["50 levels", "1000 levels", "10 000 elements", "30 000", "DOCTYPE", "UTF-16", "DOCTYPE in UTF-16"],
)
def test_a_packet_is_kept_within_limits_and_else_left_behind_with_a_note(encoded, mark, packet, kept):
    photo = read(encoded(np.arange(0, 256, 4, np.uint8).reshape(8, 8), "WEBP", xmp=packet), name="a.webp")
    assert (b"Rating" in marked(photo.metadata.xmp, mark)) == kept
    note = "a.webp: its XMP packet is broken or too large to be read, and was left behind"
    assert photo.notes == (() if kept else (note,))


def test_a_packet_that_lies_in_an_earlier_mark_has_room_for_the_new_one(mark):
    start, end = LIGHTROOM.index(b"<x:"), LIGHTROOM.index(b"<?xpacket end")
    inside = b'<t:model xmlns:t="urn:tintype:mark:1.0:">' + LIGHTROOM[start:end] + b"</t:model>"
    assert statements(marked(inside, mark))[f"{IPTC_EXT}DigitalSourceType"] == [SOURCE_TYPE]


def test_thumbnails_of_the_gray_photograph_are_dropped(mark):
    small = b"<xmp:Thumbnails><rdf:Alt><rdf:li>base64</rdf:li></rdf:Alt></xmp:Thumbnails></rdf:Description>"
    packet = marked(LIGHTROOM.replace(b"</rdf:Description>", small), mark)
    assert b"base64" not in packet
    assert b"Rating" in packet


def test_names_are_escaped():
    packet = marked(None, Mark("tin & type", "<1>", 'model "x"'))
    assert statements(packet)[f"{XMP}CreatorTool"] == ["tin & type <1>"]


def test_the_copy_of_the_orientation_goes_with_the_tag(encoded):
    assert b'tiff:Orientation="1"' in upright(LIGHTROOM)
    assert b"Rating" in upright(LIGHTROOM)
    exif = Image.Exif()
    exif[274] = 6
    gray = np.zeros((8, 16), np.uint8)
    assert b'tiff:Orientation="1"' in read(encoded(gray, "JPEG", xmp=LIGHTROOM, exif=exif)).metadata.xmp
    # Without the tag nobody turned the pixels, and the copy stays what it was.
    photo = read(encoded(gray, "JPEG", xmp=LIGHTROOM))
    assert (photo.width, photo.height) == (16, 8)
    assert b'tiff:Orientation="6"' in photo.metadata.xmp


@pytest.mark.skipif(os.name == "nt", reason="memory is measured another way there")
def test_looking_for_the_mark_does_not_decode(tmp_path, mark, coloured):
    photo = read(_png(6000, 6000))
    write(photo, (np.zeros((600, 6000, 3), np.uint8) for _ in range(10)), tmp_path / "a.png", mark=mark)
    script = (
        "import resource, sys\n"
        "from tintype.photo import is_marked\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert is_marked(sys.argv[1])\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.png")], check=True)


def _png(height, width):
    file = io.BytesIO()
    Image.new("L", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_a_mark_is_read_back_as_it_was_written():
    mark = Mark("tintype", "9.9", "tintype.v2", "size=256; vividness=1.5", "123-ab-cd")
    assert read_mark(marked(None, mark)) == mark
    assert read_mark(marked(marked(None, mark), Mark(model="another.one"))) == Mark(model="another.one")
    assert read_mark(None) is None
    assert read_mark(b"<x:xmpmeta/>") is None


def test_a_mark_is_read_back_from_the_form_that_other_programs_write():
    packet = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:t="{NAMESPACE}" xmlns:xmp="http://ns.adobe.com/xap/1.0/" t:model="tintype.v2"
    t:settings="size=256; blend=1" t:origin='5-6-7' xmp:CreatorTool="GIMP 2.10"/></rdf:RDF></x:xmpmeta>"""
    assert read_mark(packet.encode()) == Mark("GIMP 2.10", "", "tintype.v2", "size=256; blend=1", "5-6-7")
    # One that is cut short, or has no end, tells what it can.
    assert read_mark(packet[:300].encode()) is not None
    assert read_mark(b"urn:tintype:mark:1.0: :model " + b"\xff" * 10_000_000).model == ""
