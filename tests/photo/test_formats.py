"""Every further format has the pixels that another library reads, its orientation, its metadata and its depth."""

import io
import struct
import subprocess
import sys
import zlib

import cv2
import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageCms

from tintype.color.lab import RGB_TO_XYZ, lightness, luminance_to_lightness
from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif, output_format, read, size_of, write

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def lightness_of(pixels, white=None):
    """L* of sRGB-encoded integer codes, gray or RGB."""
    values = np.asarray(pixels) / (white or np.iinfo(pixels.dtype).max)
    return lightness(np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values)


def tags(orientation=1):
    """An Exif block with a make and an orientation."""
    entries = {271: exif.Value(exif.ASCII, 6, b"Kodak\0"), 274: exif.whole(exif.SHORT, orientation)}
    return exif.block(entries)


def make_of(photo):
    return exif.read_tags(photo.metadata.exif).pages[0][271].data


@pytest.fixture
def pixels(scene):
    return (scene() * 255).astype(np.uint8)


@pytest.fixture
def deep(scene):
    return (scene() * 65535).astype(np.uint16)


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


# JPEG 2000


MODES = ["L", "LA", "RGB", "RGBA"]


# A bare code stream does not say that it is CMYK.
@pytest.mark.parametrize(
    ("mode", "name"), [*((mode, name) for mode in MODES for name in ("a.jp2", "a.j2k")), ("CMYK", "a.jp2")]
)
def test_jpeg_2000_of_8_bits(tmp_path, pixels, mode, name):
    image = Image.fromarray(pixels).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(np.arange(60 * 83, dtype=np.uint8).reshape(60, 83)))
    image.save(tmp_path / name, "JPEG2000", no_jp2=name == "a.j2k")
    photo = read(tmp_path / name)
    assert (photo.format, photo.depth, photo.bits) == ("jpeg2000", 8, 8)
    assert np.abs(photo.lightness() - lightness_of(np.asarray(image.convert("RGB")))).max() < 0.1
    if mode.endswith("A"):
        assert (photo.alpha == np.asarray(image)[..., -1]).all()


def test_jpeg_2000_of_16_bits_stays_16_bits(pixels, deep):
    gray = np.random.default_rng(0).permutation(65536).astype(np.uint16).reshape(256, 256)
    photo = read(bytes(imagecodecs.jpeg2k_encode(gray, level=0)))
    assert (photo.depth, photo.bits) == (16, 16)
    assert (photo.plane == gray).all()
    photo = read(bytes(imagecodecs.jpeg2k_encode(deep, level=0)))
    assert (photo.depth, photo.bits) == (16, 16)
    assert np.abs(photo.lightness() - lightness_of(deep)).max() < 0.002
    with_alpha = np.dstack([deep, deep[..., 0]])
    photo = read(bytes(imagecodecs.jpeg2k_encode(with_alpha, level=0)))
    assert (photo.alpha == deep[..., 0]).all()


@pytest.mark.parametrize("bits", [10, 12])
def test_jpeg_2000_of_12_bits_is_white_where_it_is_white(scene, bits):
    top = 2**bits - 1
    codes = np.round(scene() * top).astype(np.uint16)
    for picture in (codes, codes[..., 1]):
        photo = read(bytes(imagecodecs.jpeg2k_encode(picture, level=0, bitspersample=bits)))
        assert (photo.depth, photo.bits) == (16, bits)
        assert np.abs(photo.lightness() - lightness_of(picture, top)).max() < 0.01


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_boxes_of_jpeg_2000(encoded, pixels, orientation):
    data = encoded(pixels, "JPEG2000")
    at = data.index(b"jp2h") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    # The resolution stands in the header, in dots per metre; the colours are named by a profile.
    colr = data.index(b"colr", at) - 4
    length = int.from_bytes(data[colr : colr + 4], "big")
    inner = data[at + 8 : colr] + box(b"colr", b"\2\0\0" + SRGB) + data[colr + length : at + size]
    inner += box(b"res ", box(b"resc", struct.pack(">HHHHbb", 11811, 1, 11811, 1, 0, 0)))
    exif_box = box(b"uuid", b"JpgTiffExif->JP2" + tags(orientation))
    xmp_box = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP)
    photo = read(data[:at] + box(b"jp2h", inner) + exif_box + xmp_box + data[at + size :])
    assert photo.tagged
    assert photo.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    assert make_of(photo) == b"Kodak\0"
    assert b"xmpmeta" in photo.metadata.xmp
    turned = np.rot90(pixels, {1: 0, 3: 2, 6: -1}[orientation])
    assert np.abs(photo.lightness() - lightness_of(np.ascontiguousarray(turned))).max() < 0.1


def test_jpeg_2000_in_colours_that_are_not_read(encoded, pixels):
    data = bytearray(encoded(pixels, "JPEG2000"))
    at = data.index(b"colr") + 7
    data[at : at + 4] = struct.pack(">I", 14)
    with pytest.raises(UnsupportedPhoto, match="JPEG 2000 picture in CIELAB"):
        read(bytes(data))


# GIF, BMP, Netpbm, Photoshop


@pytest.mark.parametrize("transparent", [False, True])
def test_still_gif(encoded, pixels, transparent):
    image = Image.fromarray(pixels).quantize(64)
    options = {"transparency": 3} if transparent else {}
    data = encoded(image, "GIF", **options)
    photo = read(data)
    reference = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert (photo.format, photo.depth) == ("gif", 8)
    seen = reference[..., 3] > 0
    assert np.abs(photo.lightness() - lightness_of(np.ascontiguousarray(reference[..., :3])))[seen].max() < 0.01
    assert (photo.alpha is not None) == transparent
    gray = encoded(pixels[..., 1], "GIF", comment="Anna, 1931")
    assert [text.letters for text in read(gray).metadata.texts] == ["Anna, 1931"]
    assert np.abs(read(gray).lightness() - lightness_of(pixels[..., 1])).max() < 0.01


def test_animated_gif_is_refused(encoded, pixels):
    frames = [Image.fromarray(pixels), Image.fromarray(pixels[::-1])]
    with pytest.raises(UnsupportedPhoto, match=r"is an animation \(GIF\).*: export the frames first"):
        read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def bitmap(pixels, masks, depth, from_top=False, head=40):
    """A BMP of fields of bits; pixels: [h, w, channels] of the depth of each mask."""
    height, width, _ = pixels.shape
    words = np.zeros((height, width), np.uint32)
    for i, mask in enumerate(masks):
        words |= pixels[..., i].astype(np.uint32) << (((mask & -mask).bit_length() - 1) if mask else 0)
    rows = words.astype(f"<u{depth // 8}")
    body = b"".join(
        row.tobytes().ljust(-(-width * depth // 32) * 4, b"\0") for row in (rows if from_top else rows[::-1])
    )
    info = struct.pack("<IiiHHIIiiII", head, width, -height if from_top else height, 1, depth, 3, len(body), 0, 0, 0, 0)
    info += struct.pack(f"<{len(masks)}I", *masks)
    start = 14 + max(head, len(info))
    info = info.ljust(start - 14, b"\0")
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + body


@pytest.mark.parametrize("from_top", [False, True])
@pytest.mark.parametrize(
    ("masks", "depth"),
    [
        ((0xF800, 0x7E0, 0x1F), 16),
        ((0x7C00, 0x3E0, 0x1F), 16),
        ((0xF00, 0xF0, 0xF), 16),
        ((0xFF, 0xFF00, 0xFF0000), 32),
        ((0xFF000000, 0xFF0000, 0xFF00), 32),
        ((0x3FF00000, 0xFFC00, 0x3FF), 32),
    ],
    ids=str,
)
def test_bmp_of_any_fields_of_bits(scene, masks, depth, from_top):
    tops = [mask >> ((mask & -mask).bit_length() - 1) for mask in masks]
    codes = np.round(scene() * tops).astype(np.uint16)
    photo = read(bitmap(codes, masks, depth, from_top))
    assert photo.depth == (16 if max(tops) > 255 else 8)
    # Five bits in eight are rounded.
    assert np.abs(photo.lightness() - lightness(codes / tops)).max() < 0.3


def test_bmp_of_fields_is_what_other_libraries_read(pixels):
    codes = np.round(pixels / 255 * (31, 63, 31)).astype(np.uint16)
    data = bitmap(codes, (0xF800, 0x7E0, 0x1F), 16)
    reference = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    # OpenCV leaves the low bits at 0.
    assert np.abs(read(data).lightness() - lightness_of(reference)).mean() < 1.5
    pillow = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(read(data).lightness() - lightness_of(pillow)).max() < 0.5


def test_bmp_with_transparency_in_its_fields(pixels):
    alpha = np.linspace(0, 255, 60 * 83).astype(np.uint8).reshape(60, 83)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    assert (read(bitmap(np.dstack([pixels, alpha]), masks, 32, head=124)).alpha == alpha).all()
    assert read(bitmap(np.dstack([pixels, alpha * 0]), masks, 32, head=124)).alpha is None


def test_bmp_of_other_kinds_is_not_called_broken():
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 4, 100, 0, 0, 0, 0)
    with pytest.raises(UnsupportedPhoto, match="a BMP of a kind that tintype does not read"):
        read(b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + info + bytes(100))


@pytest.mark.parametrize("white", [255, 100, 1023, 65535])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_netpbm(scene, kind, white):
    codes = np.round(scene() * white).astype(int)
    codes = codes if kind in ("P3", "P6") else codes[..., 1]
    head = f"{kind}\n# by hand\n83 60 # wide, high\n{white}\n".encode()
    if kind in ("P5", "P6"):
        body = codes.astype(">u2" if white > 255 else np.uint8).tobytes()
    else:
        body = b"\n".join(b" ".join(b"%d" % code for code in row) for row in codes.reshape(60, -1).tolist())
    photo = read(head + body)
    assert (photo.format, photo.depth) == ("pnm", 16 if white > 255 else 8)
    # A white of 100 does not divide 255.
    assert np.abs(photo.lightness() - lightness_of(codes, white)).max() < (0.3 if white == 100 else 0.002)
    with pytest.raises(UnreadablePhoto, match="broken or cut short"):
        read(head + body[: len(body) // 2])


def test_netpbm_is_what_opencv_writes(pixels, deep):
    for picture in (pixels, deep, pixels[..., 1], deep[..., 1]):
        bgr = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else np.ascontiguousarray(picture)
        for options in ([cv2.IMWRITE_PXM_BINARY, 1], [cv2.IMWRITE_PXM_BINARY, 0]):
            data = cv2.imencode(".ppm" if picture.ndim == 3 else ".pgm", bgr, options)[1].tobytes()
            assert np.abs(read(data).lightness() - lightness_of(picture)).max() < 0.002


def test_bits_of_netpbm():
    bits = np.random.default_rng(0).random((40, 51)) > 0.5
    packed = b"P4 51 40\n" + np.packbits(bits, axis=1).tobytes()
    written = b"P1\n51 40\n" + b"\n".join(b"".join(b"01"[b : b + 1] for b in row) for row in bits.astype(int).tolist())
    for data in (packed, written):
        photo = read(data)
        assert (photo.bits, photo.depth) == (1, 8)
        assert (photo.lightness() == np.where(bits, 0, 100)).all()


@pytest.mark.parametrize(
    "data",
    [
        b"P5 3",
        b"P5 0 4 255 ",
        b"P5 4 4 99999 ",
        b"P6 9 9 255\n",
        b"P2 2 2 5 1 2 9 1",
        b"P2 2 2 9 1 -2 9 1",
        b"P2 1 1 9 x",
    ],
)
def test_broken_netpbm(data):
    with pytest.raises(UnreadablePhoto, match="broken or cut short"):
        read(data)


def packbits(row):
    return bytes(imagecodecs.packbits_encode(row))


def document(planes, mode, depth=8, packing=1, version=1, palette=b"", resources=(), layers=0):
    """A Photoshop document of planes [channels, height, width] without layers of its own."""
    planes = np.asarray(planes)
    channels, height, width = planes.shape
    width = width * 8 if depth == 1 else width
    long = "Q" if version == 2 else "I"
    blocks = b"".join(
        b"8BIM" + struct.pack(">H", kind) + b"\0\0" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
        for kind, body in resources
    )
    layer = struct.pack(">" + long, 2) + struct.pack(">h", layers) if layers else b""
    rows = [row.tobytes() for row in planes.astype(">u2" if depth == 16 else np.uint8).reshape(channels * height, -1)]
    if packing == 1:
        packed = [packbits(row) for row in rows]
        body = struct.pack(f">{len(packed)}{'I' if version == 2 else 'H'}", *map(len, packed)) + b"".join(packed)
    else:
        body = zlib.compress(b"".join(rows)) if packing == 2 else b"".join(rows)
    head = b"8BPS" + struct.pack(">H6xHIIHH", version, channels, height, width, depth, mode)
    parts = struct.pack(">I", len(palette)) + palette + struct.pack(">I", len(blocks)) + blocks
    return head + parts + struct.pack(">" + long, len(layer)) + layer + struct.pack(">H", packing) + body


@pytest.mark.parametrize("packing", [0, 1, 2])
@pytest.mark.parametrize("version", [1, 2])
def test_the_flattened_picture_of_a_photoshop_document(pixels, deep, packing, version):
    planes = np.moveaxis(pixels, -1, 0)
    data = document(planes, 3, packing=packing, version=version)
    photo = read(data)
    assert (photo.format, photo.depth) == ("psd", 8)
    assert np.abs(photo.lightness() - lightness_of(pixels)).max() < 0.002
    if version == 1 and packing < 2:
        assert (np.asarray(Image.open(io.BytesIO(data))) == pixels).all()
    photo = read(document(np.moveaxis(deep, -1, 0), 3, 16, packing, version))
    assert photo.depth == 16
    assert np.abs(photo.lightness() - lightness_of(deep)).max() < 0.002
    photo = read(document(deep[None, ..., 1], 1, 16, packing, version))
    assert (photo.plane == deep[..., 1]).all()


def test_every_mode_of_a_photoshop_document(pixels, tmp_path):
    gray = pixels[..., 1]
    assert (read(document(gray[None], 1)).plane == gray).all()
    assert (read(document(gray[None], 8)).plane == gray).all()
    bits = np.packbits(gray > 99, axis=1)
    assert (read(document(bits[None], 0, 1)).lightness()[:, :83] == np.where(gray > 99, 0, 100)).all()
    indexed = Image.fromarray(pixels).quantize(256)
    table = np.array(indexed.getpalette(), np.uint8).reshape(-1, 3)
    table = np.pad(table, ((0, 256 - len(table)), (0, 0)))
    photo = read(document(np.asarray(indexed)[None], 2, palette=table.T.tobytes()))
    assert np.abs(photo.lightness() - lightness_of(np.asarray(indexed.convert("RGB")))).max() < 0.002
    ink = np.asarray(Image.fromarray(pixels).convert("CMYK"))
    data = document(np.moveaxis(255 - ink, -1, 0), 4)
    tifffile.imwrite(tmp_path / "ink.tif", ink, photometric="separated")
    assert (read(data).plane == read(tmp_path / "ink.tif").plane).all()
    assert (np.asarray(Image.open(io.BytesIO(data)).convert("CMYK")) == ink).all()
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform)) ^ np.uint8([0, 128, 128])
    photo = read(document(np.moveaxis(lab, -1, 0), 9))
    assert photo.depth == 8
    assert np.abs(photo.lightness() - lightness_of(pixels)).mean() < 0.15


def test_what_a_photoshop_document_says_beside_its_pixels(pixels):
    resources = [
        (0x03ED, struct.pack(">IHHIHH", 600 << 16, 1, 1, 600 << 16, 1, 1)),
        (0x040F, SRGB),
        (0x0422, tags(6)),
        (0x0424, XMP),
        (0x0404, b"\x1c\x02\x78\0\4Anna"),
    ]
    photo = read(document(np.moveaxis(pixels, -1, 0), 3, resources=resources))
    assert photo.tagged
    assert photo.metadata.dpi == (600, 600)
    assert make_of(photo) == b"Kodak\0"
    assert b"xmpmeta" in photo.metadata.xmp
    assert b"Anna" in photo.metadata.iptc
    # Photoshop has turned the pixels, whatever the camera's tag says.
    assert (photo.width, photo.height) == (83, 60)


def test_transparency_and_selections_of_a_photoshop_document(pixels):
    alpha = np.linspace(0, 255, 60 * 83).astype(np.uint8).reshape(60, 83)
    planes = np.concatenate([np.moveaxis(pixels, -1, 0), alpha[None]])
    assert (read(document(planes, 3, layers=-1)).alpha == alpha).all()
    photo = read(document(planes, 3))
    assert photo.alpha is None
    assert photo.notes


def test_photoshop_documents_that_are_not_read(pixels):
    planes = np.moveaxis(pixels, -1, 0)
    with pytest.raises(UnsupportedPhoto, match="without a flattened picture: save it with 'Maximize Compatibility'"):
        read(document(planes, 3, resources=[(0x0421, b"\0\0\0\1\0" + bytes(8))]))
    with pytest.raises(UnsupportedPhoto, match=r"in many inks, .* export it flattened"):
        read(document(planes, 7))
    with pytest.raises(UnsupportedPhoto, match="in 32 bits"):
        read(document(planes, 3)[:22] + b"\0\x20\0\3" + bytes(100))
    data = document(planes, 3)
    for kept in (10, 24, 60, 300, len(data) - 50):
        with pytest.raises(PhotoError):
            read(data[:kept])


# HEIC and JPEG XL


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_heic(encoded, pixels, mode):
    image = Image.fromarray(pixels).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.arange(60 * 83, dtype=np.uint8).reshape(60, 83)))
    file = io.BytesIO()
    heif = pillow_heif.from_pillow(image)
    heif.save(file, quality=-1, exif=tags(6), xmp=XMP)
    photo = read(file.getvalue())
    reference = pillow_heif.open_heif(file.getvalue()).to_pillow()
    assert (photo.format, photo.depth, photo.bits) == ("heic", 8, 8)
    assert (photo.height, photo.width) == reference.size[::-1]
    assert np.abs(photo.lightness() - lightness_of(np.asarray(reference.convert("RGB")))).max() < 0.1
    assert make_of(photo) == b"Kodak\0"
    assert b"xmpmeta" in photo.metadata.xmp
    if mode == "RGBA":
        assert np.abs(photo.alpha.astype(int) - np.asarray(reference)[..., 3]).max() <= 1
    with pytest.raises(UnreadablePhoto, match="broken or cut short") as refused:
        read(file.getvalue()[:-200])
    assert "\n" not in str(refused.value)


def test_heic_that_turns_itself_is_not_turned_again(pixels):
    image = Image.fromarray(pixels)
    image.info["exif"] = b"Exif\0\0" + tags(6)
    # The library turns the pixels as Exif says, and writes a box that turns them by as much once more: half a turn in
    # all. A third one, for the Exif that it left in the file, would be seen.
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=-1)
    assert b"irot" in file.getvalue()
    photo = read(file.getvalue())
    assert (photo.width, photo.height) == (83, 60)
    turned = np.ascontiguousarray(pixels[::-1, ::-1])
    assert np.abs(photo.lightness() - lightness_of(turned)).mean() < 1
    assert exif.number(exif.read_tags(photo.metadata.exif).pages[0], exif.ORIENTATION, "<", 1) == 1


def test_heic_of_10_bits_is_16_bits_and_its_white_is_white(deep):
    file = io.BytesIO()
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None, :, None], 3, 2).repeat(64, 0)
    pillow_heif.from_bytes("RGB;16", (64, 64), ramp.tobytes()).save(file, quality=-1)
    photo = read(file.getvalue())
    assert (photo.depth, photo.bits) == (16, 10)
    assert np.abs(photo.lightness() - lightness_of(ramp)).max() < 0.3
    assert photo.lightness()[0, -1] == pytest.approx(100, abs=1e-3)


def test_heic_with_a_profile(pixels):
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    image.info["icc_profile"] = SRGB
    pillow_heif.from_pillow(image).save(file, quality=-1)
    assert read(file.getvalue()).tagged


def test_jpeg_xl(pixels, deep):
    for picture in (pixels, deep, pixels[..., 1], deep[..., 1], np.dstack([deep, deep[..., 0]])):
        photo = read(bytes(imagecodecs.jpegxl_encode(picture, lossless=True)))
        color = picture[..., :3] if picture.ndim == 3 else picture
        expected = lightness_of(color)
        if picture.dtype == np.uint16:
            # imagecodecs says of 16 bits that they are linear light.
            light = color / 65535 @ RGB_TO_XYZ[1] if color.ndim == 3 else color / 65535
            expected = luminance_to_lightness(light)
        assert (photo.format, photo.depth) == ("jpegxl", 8 * picture.dtype.itemsize)
        assert np.abs(photo.lightness() - expected).max() < 0.02
        assert (photo.alpha is not None) == (picture.shape[2:] == (4,))
    lossy = bytes(imagecodecs.jpegxl_encode(pixels, level=95))
    assert np.abs(read(lossy).lightness() - lightness_of(imagecodecs.jpegxl_decode(lossy))).max() < 0.1
    with pytest.raises(UnreadablePhoto, match="broken or cut short"):
        read(lossy[: len(lossy) // 2])


@pytest.mark.parametrize("size", [(8, 8), (64, 96), (61, 83), (300, 400), (90, 160)])
def test_the_head_of_jpeg_xl(size):
    from tintype.photo import jxl

    for picture in (np.zeros(size, np.uint8), np.zeros((*size, 4), np.uint16)):
        data = bytes(imagecodecs.jpegxl_encode(picture, lossless=True))
        head = jxl.head_of(jxl.stream_of(data))
        assert (head.height, head.width, head.bits) == (*size, 8 * picture.dtype.itemsize)
        assert (head.gray, head.alpha) == (picture.ndim == 2, None if picture.ndim == 2 else 0)


def test_the_boxes_of_jpeg_xl(pixels):
    stream = bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    brotli = bytes(imagecodecs.brotli_encode(XMP))
    data = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"jxlc", stream)
    data += box(b"Exif", bytes(4) + tags(6)) + box(b"brob", b"xml " + brotli)
    photo = read(data)
    assert make_of(photo) == b"Kodak\0"
    assert b"xmpmeta" in photo.metadata.xmp
    # The code stream says how the picture is turned, and Exif only repeats it.
    assert (photo.width, photo.height) == (83, 60)


def test_a_jpeg_packed_as_jpeg_xl_is_read_as_the_jpeg_that_it_was(encoded, pixels):
    original = encoded(pixels, "JPEG", quality=90, exif=b"Exif\0\0" + tags(6))
    photo = read(bytes(imagecodecs.jpegxl_encode_jpeg(original)))
    assert photo.format == "jpegxl"
    assert (photo.plane == read(original).plane).all()
    assert (photo.width, photo.height) == (60, 83)


def test_animated_jpeg_xl(pixels):
    data = bytes(imagecodecs.jpegxl_encode(np.stack([pixels, pixels[::-1]]), lossless=True))
    with pytest.raises(UnsupportedPhoto, match=r"is an animation \(JPEG XL\)"):
        read(data)


@pytest.mark.parametrize("packing", ["zstd", "lzma", "webp", "jpeg2000", "jpegxl"])
@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 16}, {"tile": (32, 48)}, {"byteorder": ">"}], ids=str)
def test_tiff_packed_by_what_libtiff_does_not_know(tmp_path, pixels, deep, packing, layout):
    # imagecodecs packs no pictures of 16 bits in the order of other machines.
    shallow = packing == "webp" or ("byteorder" in layout and packing in ("jpeg2000", "jpegxl"))
    for picture in (pixels,) if shallow else (pixels, deep):
        options = {"compression": packing, "photometric": "rgb", **layout}
        if packing == "webp":
            options["compressionargs"] = {"lossless": True}
        tifffile.imwrite(tmp_path / "a.tif", picture, iccprofile=SRGB, **options)
        photo = read(tmp_path / "a.tif")
        assert (photo.depth, photo.compression) == (8 * picture.dtype.itemsize, packing)
        assert photo.tagged
        assert np.abs(photo.lightness() - lightness_of(tifffile.imread(tmp_path / "a.tif"))).max() < 0.002


@pytest.mark.parametrize("packing", ["zstd", "lzma"])
def test_packed_tiff_with_a_predictor_in_planes_and_cut(tmp_path, deep, packing):
    options = {"compression": packing, "predictor": True, "photometric": "rgb", "bigtiff": True}
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(deep, -1, 0), planarconfig="separate", rowsperstrip=16, **options)
    assert np.abs(read(tmp_path / "a.tif").lightness() - lightness_of(deep)).max() < 0.002
    tifffile.imwrite(tmp_path / "f.tif", deep[..., 1] / np.float32(65535), compression=packing, predictor=True)
    assert read(tmp_path / "f.tif").depth == 32
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        at = file.pages[0].dataoffsets[2]
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[at : at + 40] = bytes(40)
    with pytest.raises(UnreadablePhoto, match="broken or cut short"):
        read(bytes(data))


def test_what_an_extra_reads_is_named_with_the_line_that_installs_it(tmp_path, encoded, pixels, deep):
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic)
    (tmp_path / "a.heic").write_bytes(heic.getvalue())
    (tmp_path / "b.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels))
    (tmp_path / "c.jp2").write_bytes(imagecodecs.jpeg2k_encode(deep))
    (tmp_path / "ok.jp2").write_bytes(encoded(pixels, "JPEG2000"))
    tifffile.imwrite(tmp_path / "d.tif", pixels, compression="zstd", photometric="rgb")
    tifffile.imwrite(tmp_path / "ok.tif", pixels, compression="lzma", photometric="rgb")
    script = (
        "import sys\n"
        "sys.modules['imagecodecs'] = sys.modules['pillow_heif'] = None\n"
        "from tintype.photo import read\n"
        "from tintype.errors import UnsupportedPhoto\n"
        "for path in sys.argv[1:]:\n"
        "    try: print(read(path).format)\n"
        "    except UnsupportedPhoto as error: print(error)\n"
    )
    names = ["a.heic", "b.jxl", "c.jp2", "d.tif", "ok.jp2", "ok.tif"]
    run = subprocess.run(
        [sys.executable, "-c", script, *names], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    what = [
        "a.heic is a HEIC photograph",
        "b.jxl is a JPEG XL picture",
        "c.jp2 is a JPEG 2000 picture in colour of more than 8 bits",
        "d.tif is a TIFF file compressed with Zstandard",
    ]
    line = ', which tintype reads with an extra: in the folder of tintype, run pip install ".[formats]"'
    assert run.stdout.splitlines() == [*(text + line for text in what), "jpeg2000", "tiff"]


def test_what_is_not_written_becomes_png_or_tiff_of_the_same_depth(pixels, deep, coloured, mark):
    for picture in (pixels, deep):
        photo = read(bytes(imagecodecs.jpegxl_encode(picture, lossless=True)))
        assert output_format(photo) == "png"
        for format in (None, "tiff"):
            result = io.BytesIO()
            write(photo, coloured(photo), result, format=format, mark=mark)
            assert read(result.getvalue()).depth == 8 * picture.dtype.itemsize


@pytest.mark.parametrize("format", ["JPEG2000", "GIF", "psd", "pnm", "heic", "jpegxl"])
def test_damaged_bytes_end_in_a_photograph_or_a_sentence(encoded, pixels, format):
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic)
    data = {
        "psd": lambda: document(np.moveaxis(pixels, -1, 0), 3, resources=[(0x0422, tags(6))]),
        "pnm": lambda: b"P6 83 60 255\n" + pixels.tobytes(),
        "heic": heic.getvalue,
        "jpegxl": lambda: bytes(imagecodecs.jpegxl_encode(pixels)),
    }.get(format, lambda: encoded(pixels, format))()
    random = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(data)
        for place in [*random.integers(0, min(400, len(data)), 3), *random.integers(0, len(data), 2)]:
            damaged[place] = random.integers(256)
        try:
            photo = read(bytes(damaged))
        except PhotoError:
            continue
        assert photo.lightness().shape == (photo.height, photo.width)


@pytest.mark.parametrize("suffix", [".jpg", ".txt", ""])
def test_the_content_tells_every_format_whatever_the_name(tmp_path, encoded, pixels, suffix):
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic)
    files = {
        "heic": heic.getvalue(),
        "jpegxl": bytes(imagecodecs.jpegxl_encode(pixels)),
        "jpeg2000": encoded(pixels, "JPEG2000"),
        "gif": encoded(pixels, "GIF"),
        "psd": document(np.moveaxis(pixels, -1, 0), 3),
        "pnm": b"P6 83 60 255\n" + pixels.tobytes(),
        "bmp": encoded(pixels, "BMP"),
    }
    for format, data in files.items():
        (tmp_path / f"a{suffix}").write_bytes(data)
        assert read(tmp_path / f"a{suffix}").format == format


def test_the_size_of_every_format_is_told_by_its_head(tmp_path, encoded, pixels):
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic)
    for data in (
        heic.getvalue(),
        bytes(imagecodecs.jpegxl_encode(pixels)),
        bytes(imagecodecs.jpegxl_encode_jpeg(encoded(pixels, "JPEG"))),
        encoded(pixels, "JPEG2000"),
        encoded(pixels, "JPEG2000", no_jp2=True),
        encoded(pixels, "GIF"),
        encoded(pixels, "BMP"),
        document(np.moveaxis(pixels, -1, 0), 3),
        b"P6\n# by hand\n83 60 255\n" + pixels.tobytes(),
    ):
        (tmp_path / "a").write_bytes(data)
        assert size_of(tmp_path / "a") == (60, 83)


@pytest.mark.parametrize("masks", [(0xF8000000, 0x7E0, 0x1F), (0, 0x7E0, 0x1F)])
def test_bmp_with_fields_beyond_its_pixels(masks):
    data = bytearray(bitmap(np.zeros((4, 4, 3), np.uint16), (0xF800, 0x7E0, 0x1F), 16))
    data[54:66] = struct.pack("<3I", *masks)
    with pytest.raises(UnreadablePhoto, match="broken or cut short"):
        read(bytes(data))


def test_a_strip_that_claims_to_be_larger_than_its_page_is_not_unpacked(tmp_path, pixels):
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="jpeg2000", photometric="rgb")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = data.index(b"\xff\x4f\xff\x51") + 8
    for place in (at, at + 4):
        wrong = bytearray(data)
        wrong[place : place + 4] = struct.pack(">I", 30_000)
        with pytest.raises(UnreadablePhoto, match="a strip holds"):
            read(bytes(wrong))
