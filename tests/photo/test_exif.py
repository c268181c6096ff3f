"""Metadata: what a file says about its photograph is there in the result, and true of it."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import IFDRational

from tintype.photo import WRITABLE, from_array, read, write
from tintype.photo.exif import BadTags, Value, block, build, read_tags, reordered

SUFFIX = {"jpeg": "jpg", "tiff": "tif"}
DPI = (300, 250)
IPTC = b"\x1c\x02\x05\x00\x07Wedding\x1c\x02\x50\x00\x06Grosse"


def exif_of_a_camera(orientation=1, order="<"):
    exif = Image.Exif()
    exif.endian = order
    exif[270], exif[271], exif[272], exif[306] = "Wedding", "Kodak", "Brownie", "1931:05:06 12:00:00"
    exif[274], exif[33432], exif[40091] = orientation, "Public domain", "Hochzeit".encode("utf-16-le")
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x829A], inner[0x9286] = "1931:05:06 12:00:00", IFDRational(1, 125), b"ASCII\0\0\0by a lake"
    inner[0x927C], inner[0xA001], inner[0xA002], inner[0xA003] = b"opaque" * 9, 65535, 83, 60
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (59.0, 54.0, 32.5)
    return exif


def check_exif(result):
    exif = Image.open(io.BytesIO(result)).getexif()
    assert (exif[270], exif[271], exif[272]) == ("Wedding", "Kodak", "Brownie")
    assert exif[33432] == "Public domain"
    title = exif[40091]
    assert bytes(title).decode("utf-16-le") == "Hochzeit"
    inner, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    assert inner[0x9003] == "1931:05:06 12:00:00"
    assert inner[0x829A] == pytest.approx(1 / 125)
    assert inner[0x9286] == b"ASCII\0\0\0by a lake"
    assert inner[0x927C] == b"opaque" * 9
    assert (place[1], place[2]) == ("N", (59.0, 54.0, 32.5))
    return exif, inner


def dpi_of(data):
    image = Image.open(io.BytesIO(data))
    exif = image.getexif()
    return image.info.get("dpi") or (exif.get(282), exif.get(283))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("input", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_exif_and_dpi_travel_from_every_format_to_every_format(
    tmp_path, scene, encoded, coloured, input, output, order
):
    gray = Image.fromarray((scene()[..., 1] * 255).astype(np.uint8))
    exif = exif_of_a_camera(order=order)
    if input in ("WEBP", "AVIF"):
        exif[282], exif[283], exif[296] = float(DPI[0]), float(DPI[1]), 2
    data = encoded(gray, input, exif=exif.tobytes(), dpi=DPI)
    photo = read(data)
    assert photo.metadata.dpi == pytest.approx(DPI, rel=1e-4)
    path = tmp_path / f"a.{SUFFIX.get(output, output)}"
    write(photo, coloured(photo), path)
    result = path.read_bytes()
    exif, inner = check_exif(result)
    assert exif.get(274, 1) == 1
    assert inner[0xA001] == 1, "the result is sRGB, and says so"
    assert dpi_of(result) == pytest.approx(DPI, rel=1e-3)
    assert read(path).metadata.dpi == pytest.approx(DPI, rel=1e-3)


@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("input", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_rotation_is_applied_once_and_the_tags_tell_the_new_size(
    tmp_path, scene, encoded, coloured, input, output, orientation
):
    gray = Image.fromarray((scene()[..., 1] * 255).astype(np.uint8))
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 97}}.get(input, {})
    data = encoded(gray, input, exif=exif_of_a_camera(orientation).tobytes(), dpi=DPI, **options)
    photo = read(data)
    path = tmp_path / f"a.{SUFFIX.get(output, output)}"
    write(photo, coloured(photo, 0, 0), path)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(path.read_bytes()))).convert("L")
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L")
    assert shown.size == expected.size == (photo.width, photo.height)
    assert np.abs(np.asarray(shown, int) - np.asarray(expected, int)).mean() < 2
    exif, inner = check_exif(path.read_bytes())
    assert exif.get(274, 1) == 1
    assert (inner[0xA002], inner[0xA003]) == (photo.width, photo.height)
    if input not in ("WEBP",):
        assert dpi_of(path.read_bytes()) == pytest.approx(DPI[::-1] if orientation == 6 else DPI, rel=1e-3)


def test_a_file_without_resolution_gets_none(tmp_path, scene, encoded, coloured):
    photo = read(encoded((scene() * 255).astype(np.uint8), "PNG"))
    assert photo.metadata.dpi is None
    for format in ("jpeg", "png", "webp", "avif"):
        path = tmp_path / f"a.{format}"
        write(photo, coloured(photo), path, format=format)
        image = Image.open(io.BytesIO(path.read_bytes()))
        assert image.info.get("dpi") in (None, (1, 1))
        assert len(image.getexif()) == 0


def test_resolution_in_centimetres(tmp_path, encoded):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), resolution=(100, 200), resolutionunit="CENTIMETER")
    assert read(tmp_path / "a.tif").metadata.dpi == pytest.approx((254, 508))
    data = bytearray(encoded(np.zeros((8, 8), np.uint8), "JPEG", dpi=(100, 200)))
    data[13] = 2
    assert read(bytes(data)).metadata.dpi == pytest.approx((254, 508))


@pytest.mark.parametrize("output", ["jpeg", "tiff"])
@pytest.mark.parametrize("input", ["JPEG", "TIFF"])
def test_iptc(tmp_path, scene, encoded, coloured, input, output):
    pixels = (scene()[..., 1] * 255).astype(np.uint8)
    if input == "TIFF":
        tifffile.imwrite(tmp_path / "in.tif", pixels, extratags=[(33723, 7, len(IPTC), IPTC, True)], metadata=None)
        photo = read(tmp_path / "in.tif")
    else:
        data = encoded(pixels, "JPEG")
        resources = b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\0\0\x10" + bytes(16)
        resources += b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC
        photo = read(data[:2] + b"\xff\xed" + struct.pack(">H", len(resources) + 2) + resources + data[2:])
    assert photo.metadata.iptc == IPTC
    path = tmp_path / f"out.{SUFFIX[output]}"
    write(photo, coloured(photo), path)
    from PIL import IptcImagePlugin

    found = IptcImagePlugin.getiptcinfo(Image.open(io.BytesIO(path.read_bytes())))
    assert found[(2, 5)] == b"Wedding"
    assert found[(2, 80)] == b"Grosse"


def test_the_thumbnail_of_the_gray_photograph_is_dropped(scene, encoded, coloured):
    gray = Image.fromarray((scene()[..., 1] * 255).astype(np.uint8))
    exif = exif_of_a_camera()
    # Pillow writes no thumbnail of its own: a second directory is appended by hand.
    body = bytearray(exif.tobytes()[6:])
    small = encoded(gray.resize((16, 12)), "JPEG")
    count = struct.unpack_from("<H", body, 8)[0]
    struct.pack_into("<I", body, 10 + 12 * count, len(body))
    start = len(body) + 2 + 24 + 4
    body += struct.pack("<HHHIIHHIII", 2, 513, 4, 1, start, 514, 4, 1, len(small), 0) + small
    data = encoded(gray, "JPEG", exif=b"Exif\0\0" + bytes(body))
    assert data.count(b"\xff\xd8\xff") == 2
    photo = read(data)
    stream = io.BytesIO()
    write(photo, coloured(photo), stream)
    assert stream.getvalue().count(b"\xff\xd8\xff") == 1
    check_exif(stream.getvalue())


def test_broken_exif_costs_the_exif_and_not_the_photograph(scene, encoded, coloured):
    gray = (scene()[..., 1] * 255).astype(np.uint8)
    whole = exif_of_a_camera().tobytes()
    random = np.random.default_rng(0)
    for block_of_bytes in (b"Exif\0\0garbage", whole[:40], b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff"):
        photo = read(encoded(gray, "JPEG", exif=block_of_bytes))
        write(photo, coloured(photo), io.BytesIO())
    for _ in range(200):
        bad = bytearray(whole)
        for place in random.integers(6, len(bad), 6):
            bad[place] = random.integers(256)
        photo = read(encoded(gray, "JPEG", exif=bytes(bad)))
        write(photo, coloured(photo), io.BytesIO(), format="tiff")


@pytest.mark.parametrize("value", [np.nan, np.inf, 6.0])
def test_an_orientation_that_is_a_float(scene, encoded, value):
    tags = {274: Value(11, 1, struct.pack("<f", value))}
    photo = read(encoded((scene() * 255).astype(np.uint8), "JPEG", exif=b"Exif\0\0" + block(tags)))
    assert (photo.width, photo.height) == ((60, 83) if value == 6 else (83, 60))


@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("pair", [(4294967295, 2), (4294967295, 1), (1, 4294967295)])
def test_an_impossible_resolution_is_left_behind(scene, encoded, coloured, output, pair):
    resolution = Value(5, 1, struct.pack("<2I", *pair))
    tags = {282: resolution, 283: resolution, 296: Value(3, 1, struct.pack("<H", 3))}
    photo = read(encoded((scene() * 255).astype(np.uint8), "WEBP", exif=b"Exif\0\0" + block(tags)))
    assert photo.metadata.dpi is None
    stream = io.BytesIO()
    write(photo, coloured(photo), stream, format=output)
    assert read(stream.getvalue()).metadata.dpi is None


def test_descriptions_that_tell_the_shape_of_the_array_are_left_behind(tmp_path, coloured):
    gray = np.zeros((16, 16), np.uint16)
    for options in ({}, {"imagej": True}, {"metadata": {"axes": "YX"}}):
        tifffile.imwrite(tmp_path / "a.tif", gray, **options)
        photo = read(tmp_path / "a.tif")
        write(photo, coloured(photo), tmp_path / "b.tif")
        assert tifffile.imread(tmp_path / "b.tif").shape == (16, 16, 3)
    tifffile.imwrite(tmp_path / "a.tif", gray, description="Our house", metadata=None)
    photo = read(tmp_path / "a.tif")
    write(photo, coloured(photo), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].description == "Our house"


def test_tags_survive_the_reader_and_the_builder_in_both_orders_and_sizes():
    tags = {
        270: Value(2, 12, b"description\0"),
        34665: {36867: Value(2, 3, b"ab\0"), 33434: Value(5, 1, struct.pack("<2I", 1, 125))},
        700: Value(1, 3, b"xmp"),
        305: Value(3, 2, struct.pack("<2H", 1, 2)),
    }
    for order in "<>":
        for big in (False, True):
            ordered = reordered(tags, "<", order)
            mark = {"<": b"II", ">": b"MM"}[order]
            head = mark + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8)))
            found = read_tags(head + build(ordered, len(head), order, big))
            assert (found.order, found.big, found.pages) == (order, big, [ordered])
            assert reordered(ordered, order, "<") == tags
    assert read_tags(block(tags)).pages == [tags]


def chained(link, tail=b""):
    """An Exif block whose first directory tells the orientation and the maker, and refers to a next one."""
    tags = {271: Value(2, 6, b"Kodak\0"), 274: Value(3, 1, struct.pack("<H", 6))}
    data = bytearray(block(tags))
    struct.pack_into("<I", data, 8 + 2 + 12 * 2, link)
    return bytes(data) + tail


BAD_LINKS = {
    "beyond the end": chained(0x7FFFFF00),
    "to itself": chained(8),
    "into the header": chained(3),
    "to an empty directory": chained(44, bytes(6)),
    "to one that is cut": chained(44, b"\x05\0\1\1"),
    "to one that is as long as no directory is": chained(44, b"\xff\xff" + bytes(200)),
    "cut": chained(0)[:36],
}


@pytest.mark.parametrize("what", BAD_LINKS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_bad_link_to_the_next_directory_costs_nothing(scene, encoded, coloured, format, what):
    exif = BAD_LINKS[what]
    photo = read(encoded((scene() * 255).astype(np.uint8), format, exif=b"Exif\0\0" + exif))
    assert (photo.width, photo.height) == (60, 83)
    stream = io.BytesIO()
    assert write(photo, coloured(photo), stream) == ()
    result = Image.open(io.BytesIO(stream.getvalue())).getexif()
    assert result[274] == 1
    if what != "cut":
        assert result[271] == "Kodak"
        assert photo.notes == ()


TIFF_LINKS = {
    "beyond the end": (2**31, b""),
    "to itself": (None, b""),
    "into the header": (3, b""),
    "to the very end": (10**6, b""),
    "to an empty directory": (-1, bytes(6)),
    "to one that is cut": (-1, b"\x05\0\1\1"),
}


@pytest.mark.parametrize("door", ["file", "Pillow"])
@pytest.mark.parametrize("what", TIFF_LINKS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow
def test_a_tiff_file_whose_link_to_the_next_directory_is_bad_is_read(tmp_path, coloured, door, what):
    link, tail = TIFF_LINKS[what]
    gray = np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)
    extra = [(274, 3, 1, 6, True), (271, 2, 6, "Kodak", True)]
    tifffile.imwrite(tmp_path / "a.tif", gray, extratags=extra, metadata=None)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    first = struct.unpack_from("<I", data, 4)[0]
    at = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    assert data[at : at + 4] == bytes(4)
    struct.pack_into("<I", data, at, first if link is None else len(data) if link < 0 else link)
    data = bytes(data) + tail
    if door == "file":
        photo = read(data, name="a.tif")
        assert [page[271].data for page in read_tags(data).pages] == [b"Kodak\0"]
        assert [note.partition(" (")[0] for note in photo.notes] == [
            "a.tif was read without what follows its last page"
        ]
    else:
        with Image.open(io.BytesIO(data)) as image:
            photo = from_array(image)
    assert (photo.plane == np.rot90(gray, -1)).all()
    stream = io.BytesIO()
    write(photo, coloured(photo), stream, format="tiff")
    result = Image.open(io.BytesIO(stream.getvalue()))
    assert result.size == (30, 40)
    assert result.getexif()[271] == "Kodak"


def test_tags_of_tiff_that_lie_beyond_its_end_are_told(tmp_path):
    gray = np.arange(1200, dtype=np.uint16).astype(np.uint8).reshape(30, 40)
    extra = [(315, 2, 20, "A. Photographer 1931", True), (65000, 2, 20, "something of a maker", True)]
    tifffile.imwrite(tmp_path / "a.tif", gray, extratags=extra, metadata=None)
    data = (tmp_path / "a.tif").read_bytes()
    for tag, told in ((315, True), (65000, False)):
        damaged = bytearray(data)
        struct.pack_into("<I", damaged, data.index(struct.pack("<HH", tag, 2)) + 8, 2**31)
        notes = ("a.tif was read without some of its tags, which are damaged or too large",)
        assert read(bytes(damaged), name="a.tif").notes == (notes if told else ())


def test_the_last_page_before_a_bad_link(tmp_path):
    pages = [np.full((30, 40), value, np.uint8) for value in (10, 200)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in pages:
            file.write(page, metadata=None, photometric="minisblack")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = struct.unpack_from("<I", data, 4)[0]
    while at:
        link = at + 2 + 12 * struct.unpack_from("<H", data, at)[0]
        at = struct.unpack_from("<I", data, link)[0]
    struct.pack_into("<I", data, link, 2**31)
    assert (read(bytes(data), page=2).plane == 200).all()


def test_directories_as_far_as_they_can_be_followed():
    head = b"II*\0\x08\0\0\0"
    entry = struct.pack("<HHHII", 1, 256, 3, 1, 5)
    found = read_tags(head + entry + struct.pack("<I", 8))
    assert (len(found.pages), found.broken) == (1, "the directories form a loop")
    found = read_tags(head + entry + struct.pack("<I", 2**31))
    assert (len(found.pages), found.broken) == (1, "a directory lies beyond the end of the file")
    assert read_tags(head + entry + bytes(4)).broken == ""
    # A sub-directory that is its own sub-directory ends after the two levels that Exif has.
    inside = struct.pack("<HHHII", 1, 34665, 4, 1, 8)
    assert read_tags(head + inside + bytes(4)).pages == [{34665: {34665: {}}}]
    far = [b"II+\0\x08\0\0\0" + struct.pack("<Q", place) for place in (2**40, 2**62, 2**63, 2**64 - 1)]
    for bad in (b"", b"II*\0", head, head + b"\xff\xff", *far):
        with pytest.raises(BadTags):
            read_tags(bad)


@pytest.mark.parametrize("format", ["BMP", "GIF", "JPEG", "PNG", "WEBP"])
def test_no_exif_and_empty_exif_are_not_damaged(encoded, format):
    gray = Image.fromarray(np.arange(0, 256, 4, np.uint8).reshape(8, 8))
    assert read(encoded(gray, format)).notes == ()
    assert from_array(gray).notes == ()
    if format in ("JPEG", "PNG", "WEBP"):
        empty = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)
        photo = read(encoded(gray, format, exif=empty))
        assert (photo.notes, photo.metadata.exif) == ((), None)


def test_a_broken_sub_directory_costs_its_own_tags_and_is_told(scene, encoded):
    data = bytearray(exif_of_a_camera().tobytes())
    at = data.index(struct.pack("<HHI", 34665, 4, 1)) + 8
    struct.pack_into("<I", data, at, 0x7FFFFF00)
    photo = read(encoded((scene() * 255).astype(np.uint8), "JPEG", exif=bytes(data)), name="a.jpg")
    assert photo.notes == ("a.jpg: part of its Exif tags is damaged and was left behind",)
    tags = read_tags(photo.metadata.exif).pages[0]
    assert 34853 in tags
    assert 34665 not in tags


def test_all_tags_together_are_no_longer_than_the_file():
    many = 200
    length = 8 + 2 + 12 * many + 4 + 100_000
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, 100_000, length - 100_000) for i in range(many))
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", many) + entries + bytes(4) + bytes(100_000)
    found = read_tags(data)
    assert found.damaged
    assert sum(len(value.data) for value in found.pages[0].values()) == 100_000
