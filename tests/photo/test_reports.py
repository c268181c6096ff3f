"""Files that went wrong in other programs, by their public reports, read here.

Each test makes a small file of the kind and compares with an independent decoder, or with what the file was made of.
docs/files.md counts them.
"""

import io
import struct
import zlib
from base64 import b64decode

import imagecodecs
import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms, ImageOps

from tintype.color.lab import lightness
from tintype.errors import UnreadablePhoto, UnsupportedPhoto, UnwritablePhoto
from tintype.photo import from_array, icc, read, write

REVERSED = bytes(int(f"{code:08b}"[::-1], 2) for code in range(256))
"""Each byte with its bits the other way round."""


def lightness_of(pixels):
    """L* of sRGB-encoded codes, bits or floats in [0, 1], gray or RGB."""
    pixels = np.asarray(pixels)
    values = pixels / np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels.astype(float)
    return lightness(np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values)


def encode_srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pillow(data, mode="RGB"):
    """The pixels as Pillow decodes them."""
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


def agree(data, expected, worst=0.01, mean=None):
    """Reads the file; its lightness is within `worst` of what is expected, and within `mean` on average."""
    photo = read(data)
    assert photo.lightness().shape == expected.shape
    error = np.abs(photo.lightness() - expected)
    assert error.max() <= worst
    assert mean is None or error.mean() <= mean
    return photo


def refusal(data, error, **options):
    with pytest.raises(error) as caught:
        read(data, name="the file", **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assembled(tags, space=b"RGB ", connection=b"XYZ ", version=0x02400000):
    tags = tags | {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79)}
    tags |= {b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)}
    tags |= {b"cprt": b"text" + bytes(4) + b"none\0\0\0\0"}
    table, data = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x",
        *(128 + len(table) + len(data), version, b"mntr", space, connection, b"acsp", 63190, 65536, 54061),
    )
    return head + table + data


def curve(values):
    return b"curv" + bytes(4) + struct.pack(">I", len(values)) + np.round(values * 65535).astype(">u2").tobytes()


def matrix_profile(columns, power, junk=b""):
    tags = {b"junk": junk} if junk else {}
    for letter, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in column))
        tags[letter + b"TRC"] = curve(np.linspace(0, 1, 4096) ** power)
    return assembled(tags)


ADOBE_COLUMNS = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)], 2.19921875
ADOBE = matrix_profile(*ADOBE_COLUMNS)
P3 = bytes(pyvips.Image.profile_load("p3"))


def through(profile, pixels):
    """sRGB codes of pixels in a profile, by Little CMS."""
    target = ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(
        Image.fromarray(pixels), io.BytesIO(profile), target, renderingIntent=1, outputMode="RGB"
    )
    return np.asarray(image)


@pytest.fixture(scope="module")
def picture():
    """sRGB codes [48, 64, 3]: smooth, with every channel from 0 to 255."""
    y, x = np.mgrid[0:48, 0:64]
    waves = [np.sin(x / 9 + y / 17), np.cos(x / 13 - y / 7), np.sin((x + 2 * y) / 21)]
    waves = [(wave - wave.min()) / (wave.max() - wave.min()) for wave in waves]
    return (np.stack(waves, -1) * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def muted(picture):
    """The picture in colours that every usual space holds."""
    return (picture // 3 + 85).astype(np.uint8)


# PNG


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels, *before, after=(), first=b"", kind=None, bits=None, rows=None, width=None):
    """A PNG file made by hand.

    pixels: uint8 or uint16; or None, and then `rows` of packed bytes and the `width`. before, after: chunks around the
    pixels; first: a chunk before the header. kind: the colour type.
    """
    if rows is None:
        width, bits = pixels.shape[1], 8 * pixels.dtype.itemsize
        kind = {2: 0, 3: 2}[pixels.ndim] if kind is None else kind
        rows = [row.astype(pixels.dtype.newbyteorder(">")).tobytes() for row in pixels]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, kind or 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + first + header + b"".join(before) + body + b"".join(after) + chunk(b"IEND", b"")


def gamma_chunk(gamma):
    return chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8])
def test_png_gamma(picture, kind, gamma, coloured, mark):
    """d2phap/ImageGlass#377: a PNG whose gAMA is not the usual one is shown too dark or too bright."""
    pixels = picture[..., 0].astype(kind) * kind(257 if kind == np.uint16 else 1)
    shown = encode_srgb((pixels / np.iinfo(kind).max) ** (1 / gamma))
    photo = agree(png(pixels, gamma_chunk(gamma)), lightness_of(shown))
    agree(png(picture, gamma_chunk(gamma)), lightness_of(encode_srgb((picture / 255) ** (1 / gamma))))
    # An image of Pillow comes with the same numbers.
    given = from_array(Image.open(io.BytesIO(png(pixels, gamma_chunk(gamma)))))
    assert np.abs(given.lightness() - photo.lightness()).max() < 0.01
    # The result says what space it is in, and nobody has to know of gAMA.
    result = io.BytesIO()
    write(photo, coloured(photo), result, mark=mark)
    assert icc.is_srgb(Image.open(result).info["icc_profile"])
    assert np.abs(read(result.getvalue()).lightness() - photo.lightness()).max() < 0.6


@pytest.mark.parametrize("gamma", [0.45455, 0.45, 0, 5.0])
def test_png_gamma_that_is_usual_or_nonsense(picture, gamma):
    """etemesi254/zune-image#54: pictures come out too bright by a gAMA that means sRGB, or nothing."""
    photo = agree(png(picture[..., 1], gamma_chunk(gamma)), lightness_of(picture[..., 1]))
    assert not photo.tagged
    agree(png(picture[..., 1], gamma_chunk(1.0), chunk(b"sRGB", b"\0")), lightness_of(picture[..., 1]))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    embedded = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile))
    agree(png(picture, gamma_chunk(1.0), embedded), lightness_of(picture))


def test_png_primaries(muted):
    """mypaint/mypaint#129: colours are wrong in a PNG with gAMA and cHRM; here those of Adobe RGB."""
    corners = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
    data = png(muted, gamma_chunk(1 / 2.19921875), chunk(b"cHRM", struct.pack(">8I", *corners)))
    agree(data, lightness_of(through(ADOBE, muted)), 1.5, 0.15)


def test_png_code_points(muted):
    """Tencent/tgfx#1500: a Display P3 picture that says so by cICP alone is taken for sRGB."""
    display_p3 = chunk(b"cICP", bytes((12, 13, 0, 1)))
    expected = lightness_of(through(P3, muted))
    agree(png(muted, display_p3), expected, 0.5, 0.15)
    # cICP goes before a profile (w3c PNG, third edition), unless it says nothing.
    other = chunk(b"iCCP", b"Adobe\0\0" + zlib.compress(ADOBE))
    agree(png(muted, display_p3, other), expected, 0.5, 0.15)
    photo = agree(
        png(muted, chunk(b"cICP", bytes((2, 2, 0, 1))), other), lightness_of(through(ADOBE, muted)), 1.5, 0.15
    )
    assert photo.profile == ADOBE
    assert not agree(png(muted, chunk(b"cICP", bytes((1, 13, 0, 1)))), lightness_of(muted)).tagged


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_png(muted, transfer, name):
    """AOMediaCodec/libavif#2950: PQ and HLG, whose codes are no sRGB, go through as if they were."""
    text = refusal(png(muted, chunk(b"cICP", bytes((9, transfer, 0, 1)))), UnsupportedPhoto)
    assert text.startswith(f"the file holds high dynamic range ({name})")


def test_transparent_16_bit_level():
    """nothings/stb#210: of a 16-bit tRNS only the upper bytes are compared."""
    gray = np.array([[0xFFF0, 0xFFFF], [0x1234, 0]], np.uint16)
    photo = agree(png(gray, chunk(b"tRNS", b"\xff\xff")), lightness_of(gray))
    assert (photo.alpha == [[65535, 0], [65535, 65535]]).all()
    near = np.array([[[0x1234, 0x5678, 0x9ABC], [0x1235, 0x5678, 0x9ABC]]], np.uint16)
    photo = agree(png(near, chunk(b"tRNS", near[0, 0].astype(">u2").tobytes())), lightness_of(near))
    assert (photo.alpha == [[0, 65535]]).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_transparent_level_of_few_bits(bits):
    """randy408/libspng#48: tRNS of gray of 1, 2 and 4 bits is left out."""
    levels = np.arange(8 // bits) % 2**bits
    packed = int("".join(f"{level:0{bits}b}" for level in levels), 2).to_bytes(1, "big")
    data = png(None, chunk(b"tRNS", b"\0\1"), rows=[packed], width=len(levels), bits=bits)
    photo = agree(data, lightness_of(levels[None] / (2**bits - 1)))
    assert (photo.alpha == np.where(levels == 1, 0, 255)).all()
    assert photo.bits == bits


def test_damaged_text_in_a_png(picture):
    """python-pillow/Pillow#1991: a wrong checksum in a chunk of text costs the picture."""
    damaged = bytearray(chunk(b"tEXt", b"Comment\0Tante Emma, 1931"))
    damaged[-1] ^= 1
    agree(png(picture, bytes(damaged)), lightness_of(picture))
    agree(png(picture, chunk(b"iCCP", b"x\0\0no profile")), lightness_of(picture))


def test_gray_png_with_a_profile_of_rgb(picture):
    """libjxl/libjxl#720: a gray PNG with an RGB profile, common and against the rules, is refused."""
    data = png(picture[..., 0], chunk(b"iCCP", b"P3\0\0" + zlib.compress(P3)))
    agree(data, lightness_of(picture[..., 0]), 0.5)


def test_orientation_behind_the_pixels_of_a_png(picture):
    """w3c/png#310: readers differ on an eXIf chunk behind the pixels. The scanner meant it: it is obeyed."""
    turned = chunk(b"eXIf", exif_block((274, 3, 1, b"\0\6\0\0")))
    agree(png(picture, after=[turned]), lightness_of(np.rot90(picture, -1)))
    # A chunk of Apple's that is not in the standard, and the same tag twice.
    agree(png(picture, chunk(b"iDOT", bytes(28)), turned, after=[turned]), lightness_of(np.rot90(picture, -1)))


def test_png_of_apples_own_kind(picture):
    """ImageMagick/ImageMagick#8473: PNGs of iPhone apps (CgBI) are no PNGs, and the message does not say so."""
    text = refusal(png(picture, first=chunk(b"CgBI", b"\x50\0\x20\2")), UnsupportedPhoto)
    assert text.startswith("the file is a PNG of Apple's own kind (CgBI), which tintype does not read")


# JPEG


def jpeg(pixels, *segments, **options):
    """A JPEG file by Pillow, with segments (code, body) put in behind its first marker."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, "JPEG", **({"quality": 100, "subsampling": 0} | options))
    data = file.getvalue()
    return data[:2] + b"".join(segment(code, body) for code, body in segments) + data[2:]


def segment(code, body):
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def exif_block(*entries, order=">", then=0):
    """An Exif block of one directory; entries: (tag, type, count, four bytes)."""
    head = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(order + "IH", 8, len(entries))
    table = b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return head + table + struct.pack(order + "I", then)


def dcf(index, space=65535):
    """An Exif block that names its colour space as a camera does: directories in directories, one behind the other."""
    block = exif_block((34665, 4, 1, struct.pack(">I", 26)))
    inner = ((40961, 3, 1, struct.pack(">HH", space, 0)), (40965, 4, 1, struct.pack(">I", 26 + 30)))
    return block + exif_block(*inner)[8:] + exif_block((1, 2, 4, index.encode() + b"\0"))[8:]


@pytest.mark.parametrize("block", [dcf("R03"), dcf("R98", 2)], ids=["R03", "2"])
def test_adobe_rgb_that_only_exif_tells(muted, block, coloured, mark):
    """RawTherapee/RawTherapee#1805, photoprism/photoprism#5178: cameras set to Adobe RGB embed no profile."""
    data = jpeg(muted, (0xE1, b"Exif\0\0" + block))
    photo = agree(data, lightness_of(through(ADOBE, pillow(data))), 1.5, 0.15)
    # The result is sRGB, and says so in each way.
    result = io.BytesIO()
    write(photo, coloured(photo), result, mark=mark)
    image = Image.open(result)
    assert icc.is_srgb(image.info["icc_profile"])
    assert image.getexif().get_ifd(0x8769)[0xA001] == 1
    assert image.getexif().get_ifd(0xA005).get(1) in (None, "R98")


def test_uncalibrated_is_not_adobe_rgb(muted):
    """guardian/grid#2066: Adobe RGB is what has both, ColorSpace and the index R03; the first alone says nothing."""
    data = jpeg(muted, (0xE1, b"Exif\0\0" + dcf("R98")))
    assert not agree(data, lightness_of(pillow(data))).tagged


def test_ink_the_right_way_round(picture):
    """lovell/sharp#1649, libvips/libvips#1283: CMYK with or without Adobe's marker, and YCCK, come out negative."""
    ink = np.dstack([255 - picture, np.full(picture.shape[:2], 20, np.uint8)])
    marked = jpeg(Image.fromarray(ink, "CMYK"))
    assert b"Adobe" in marked[:20]
    plain = marked[:2] + marked[2 + 2 + int.from_bytes(marked[4:6], "big") :]
    turned = imagecodecs.jpeg8_encode(255 - ink, level=100, colorspace="CMYK", outcolorspace="YCCK", subsampling="444")
    for data in (marked, plain, bytes(turned)):
        shown = lightness_of(pillow(data))
        assert np.corrcoef(read(data).lightness().ravel(), shown.ravel())[0, 1] > 0.85
    assert np.corrcoef(read(marked).lightness().ravel(), lightness_of(picture).ravel())[0, 1] > 0.85


def test_rgb_jpeg(picture):
    """jpeg-js/jpeg-js#23, image-rs/jpeg-decoder#249: RGB is taken for YCbCr, and where JFIF says so, YCbCr for RGB."""
    data = bytes(imagecodecs.jpeg8_encode(picture, level=100, colorspace="RGB", outcolorspace="RGB"))
    photo = agree(data, lightness_of(picture), 1.5, 0.3)
    assert photo.quality == 100
    # An Adobe marker that says "unknown", in a file that JFIF says to be YCbCr.
    data = jpeg(picture, (0xEE, b"Adobe\0\x64\0\0\0\0\0"))
    data = data[:2] + data[18:36] + data[2:18] + data[36:]
    assert data[6:10] == b"JFIF"
    agree(data, lightness_of(picture), 2.5, 0.4)


def test_restart_markers_in_a_progressive_jpeg(picture):
    """etemesi254/zune-image#358, #359: a progressive JPEG with restart markers comes out gray, or wrong everywhere."""
    for options in ({"progressive": True, "restart_marker_rows": 1}, {"subsampling": "4:1:1"}, {"subsampling": 2}):
        data = jpeg(picture, **options)
        agree(data, lightness_of(pillow(data)))
    for sampling in ("440", "411"):
        data = bytes(imagecodecs.jpeg8_encode(picture, level=95, subsampling=sampling))
        agree(data, lightness_of(pillow(data)))
    data = jpeg(picture)
    at = data.index(b"\xff\xdb")
    agree(data[:at] + b"\xff\xff\xff" + data[at:], lightness_of(pillow(data)))


@pytest.mark.parametrize("claimed", [0, 48 + 8, 65535])
def test_height_behind_the_pixels(picture, claimed):
    """manuc66/node-hp-scan-to#413, mozilla/pdf.js#9427: a scanner with a feeder tells the height at the end (DNL)."""
    data = bytearray(jpeg(picture))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 2] = claimed.to_bytes(2, "big")
    lines = segment(0xDC, (48).to_bytes(2, "big"))
    agree(bytes(data[:-2]) + lines + bytes(data[-2:]), lightness_of(pillow(jpeg(picture))))
    assert "broken" in refusal(bytes(data), UnreadablePhoto)


@pytest.mark.parametrize(
    "end", [b"\x7f", b"\xff\xd6" + bytes(range(255)), bytes(range(255)) * 3], ids=["7f", "RST", "more"]
)
def test_bytes_behind_the_pixels_of_a_scanner(picture, end):
    """image-rs/jpeg-decoder#100, nothings/stb#422: a scanner puts bytes and restart markers behind the last row."""
    data = jpeg(picture, restart_marker_rows=1)
    assert agree(data[:-2] + end + data[-2:], lightness_of(pillow(data))).notes == ()


def test_bytes_between_segments(picture):
    """xiaozhuai/imageinfo#4, drewnoakes/metadata-extractor#121: bytes between segments hide the Exif behind them."""
    data = jpeg(picture, (0xE0, b"AVI1"), (0xE1, b"Exif\0\0" + exif_block((274, 3, 1, b"\0\6\0\0"))))
    at = data.index(b"\xff\xe1")
    agree(data[:at] + b"\n" * 7 + data[at:], lightness_of(np.rot90(pillow(data), -1)))


@pytest.mark.parametrize(
    "entry",
    [(3, 1, b"\0\6\0\0"), (4, 1, b"\0\0\0\6"), (1, 1, b"\6\0\0\0"), (3, 2, b"\0\6\0\6")],
    ids=["short", "long", "byte", "two"],
)
def test_orientation_of_an_unusual_type(picture, entry):
    """mickleness/pumpernickel#112: the orientation is written as a long number, and the picture stays on its side."""
    data = jpeg(picture, (0xE1, b"Exif\0\0" + exif_block((274, *entry))))
    agree(data, lightness_of(np.rot90(pillow(data), -1)))


def test_orientation_tags_elsewhere(picture):
    """sksamuel/scrimage#167: a tag 274 of the maker's or of the thumbnail's is taken for the orientation."""
    thumbnail = exif_block((274, 3, 1, b"\0\6\0\0"))[8:]
    inner = exif_block((274, 3, 1, b"\0\x08\0\0"))[8:]
    block = exif_block((34665, 4, 1, struct.pack(">I", 26)), then=26 + len(inner)) + inner + thumbnail
    data = jpeg(picture, (0xE1, b"Exif\0\0" + block))
    agree(data, lightness_of(pillow(data)))


def test_profile_in_pieces(muted):
    """python-pillow/Pillow#4613, drewnoakes/metadata-extractor#65: pieces of a profile in disorder, or lost."""
    half = -(-len(ADOBE) // 2)
    pieces = [b"ICC_PROFILE\0" + bytes([i + 1, 2]) + ADOBE[i * half : (i + 1) * half] for i in (0, 1)]
    expected = lightness_of(through(ADOBE, pillow(jpeg(muted))))
    for order in (pieces, pieces[::-1]):
        assert agree(jpeg(muted, *((0xE2, piece) for piece in order)), expected, 1.5, 0.15).profile == ADOBE
    # What is not whole is left out.
    assert agree(jpeg(muted, (0xE2, pieces[0])), lightness_of(pillow(jpeg(muted))), 0.05).profile is None


def test_gray_jpeg_with_a_profile_of_rgb(picture):
    """wavexx/fgallery#26: a photograph made gray keeps the RGB profile of its colours, and everything stops there."""
    data = jpeg(picture[..., 1], icc_profile=ADOBE)
    gray = np.repeat(pillow(data, "L")[..., None], 3, -1)
    agree(data, lightness_of(through(ADOBE, gray)), 1.0, 0.15)


def test_profile_that_is_too_long_for_a_jpeg(muted, coloured, mark):
    """SerenityOS/serenity#17238: a profile goes into pieces of 64 KB, of which a JPEG can count 255."""
    long = matrix_profile(*ADOBE_COLUMNS, junk=bytes(17 << 20))
    photo = read(tiff(muted, photometric="rgb", iccprofile=long))
    assert photo.profile == long
    result = io.BytesIO()
    (lost,) = write(photo, coloured(photo), result, format="jpeg", mark=mark)
    assert "its colour profile" in lost
    assert icc.is_srgb(Image.open(result).info["icc_profile"])
    agree(result.getvalue(), photo.lightness(), 2, 0.3)


@pytest.mark.parametrize("connection", [b"XYZ ", b"Lab "])
@pytest.mark.parametrize("version", [0x02400000, 0x04200000])
@pytest.mark.parametrize("name", ["gamma 1.8", "dot gain 20 %"])
def test_profile_of_gray(name, version, connection):
    """SixLabors/ImageSharp#3197: the curve of a gray profile means light or L*, by the space that it connects to."""
    code = np.linspace(0, 1, 256)
    light = code**1.8 if name == "gamma 1.8" else 1 - np.clip((1 - code) + 0.8 * (1 - code) * code, 0, 1)
    profile = assembled({b"kTRC": curve(light)}, b"GRAY", connection, version)
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, "PNG", icc_profile=profile)
    agree(file.getvalue(), lightness_of(through(profile, ramp)), 0.6, 0.15)


# No library that the tests have writes these.
SEQUENTIAL = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQ"
    "YEpRUk//yQALCAAQABgBAREA/8wABgAQEAX/2gAIAQEAAD8A0lVMrZYpwxlBAlYKSWG6kkL7EhwJt+enYGxksD7xaBPmF/IDsv/Z"
)
PROGRESSIVE = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQ"
    "YEpRUk//ygALCAAQABgBAREA/8wABAAQ/9oACAEBAAAAAdG2nclwn//MAAQQBf/aAAgBAQABBQIakxkrcq//AE2JXLWn/8wABBAF/9oACAEBAAY/"
    "AsD/zAAEEAX/2gAIAQEAAT8hryhmf4D/2gAIAQEAAAAQRP/MAAQQBf/aAAgBAQABPxBQGzZBgUSaGnso/9k="
)


@pytest.mark.parametrize("data", [SEQUENTIAL, PROGRESSIVE], ids=["sequential", "progressive"])
def test_arithmetic_coding(data):
    """imgproxy/imgproxy#909, SixLabors/ImageSharp#1742: JPEG of arithmetic coding, which browsers do not show."""
    y, x = np.mgrid[0:16, 0:24]
    photo = agree(data, lightness_of(pillow(data)))
    # What the file was made of, at a quality of 60.
    made_of = ((np.sin(x / 4) + np.cos(y / 3)) * 60 + 128).astype(np.uint8)
    assert np.abs(photo.lightness() - lightness_of(made_of)).mean() < 2


def test_video_behind_a_jpeg(picture):
    """exiftool/exiftool#69: a motion photo, a JPEG with a film behind it, is taken for the film."""
    data = jpeg(picture)
    agree(data + b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(5000), lightness_of(pillow(data)))


def ultra_hdr(picture, gain, of_first=b"", of_gain=b""):
    """A JPEG with a gain map behind it, as phones write it: listed by MPF, named by XMP or not."""
    xmp = b"http://ns.adobe.com/xap/1.0/\0"
    second = jpeg(gain, *([(0xE1, xmp + of_gain)] if of_gain else []))
    listed = exif_block((0xB001, 4, 1, struct.pack(">I", 2)), (0xB002, 7, 32, struct.pack(">I", 38)))
    segments = [(0xE1, xmp + of_first)] if of_first else []
    for _ in range(2):  # the place of the second counts from this segment, whose length is known after the first time
        first = jpeg(picture, *segments, (0xE2, b"MPF\0" + listed + bytes(32)))
        at = first.index(b"MPF\0") + 4
        entries = struct.pack(">IIIHH", 0x030000, len(first), 0, 0, 0)
        entries += struct.pack(">IIIHH", 0, len(second), len(first) - at, 0, 0)
        first = first[: at + len(listed)] + entries + first[at + len(listed) + 32 :]
    return first + second


CONTAINER = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    b'hdrgm:Version="1.0"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b'<Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li><rdf:li rdf:parseType="Resource">'
    b'<Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg"/></rdf:li></rdf:Seq></Container:Directory>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_gain_map(picture):
    """python-pillow/Pillow#8052, deckerst/aves#1185: the gain map of Ultra HDR is shown as a photograph."""
    expected = lightness_of(pillow(jpeg(picture)))
    small = Image.fromarray(picture[..., 0]).resize((16, 12))
    # Smaller than the photograph; of its size, and named by its own XMP or by that of the photograph.
    agree(ultra_hdr(picture, small), expected)
    agree(ultra_hdr(picture, small, of_first=CONTAINER), expected)
    agree(ultra_hdr(picture, picture[..., 0], of_gain=b'<x hdrgm:Version="1.0"/>'), expected)
    agree(ultra_hdr(picture, picture[..., 0], of_first=CONTAINER), expected)
    assert "2 photographs" in refusal(ultra_hdr(picture, picture), UnsupportedPhoto)


# AVIF


def avif(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "AVIF", **({"quality": 100, "subsampling": "4:4:4"} | options))
    return file.getvalue()


def with_code_points(data, primaries, transfer):
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def test_avif_code_points(muted):
    """ImageMagick/ImageMagick#7715: wide colours that an AVIF names by nclx alone are taken for sRGB."""
    data = avif(muted)
    agree(with_code_points(data, 12, 13), lightness_of(through(P3, pillow(data))), 1.0, 0.2)
    for named in ((1, 13), (2, 2), (1, 1)):
        assert not agree(with_code_points(data, *named), lightness_of(pillow(data)), 1.0, 0.3).tagged
    # A profile goes before it.
    tagged = agree(
        with_code_points(avif(muted, icc_profile=ADOBE), 12, 13), lightness_of(through(ADOBE, pillow(data))), 1.5, 0.2
    )
    assert tagged.profile == ADOBE


def test_high_dynamic_range_avif(muted):
    """libvips/libvips#3912: a PQ AVIF comes out flat and desaturated."""
    text = refusal(with_code_points(avif(muted), 9, 16), UnsupportedPhoto)
    assert text.startswith("the file holds high dynamic range (PQ), which tintype does not read: export it for")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_an_avif(picture, orientation):
    """AOMediaCodec/libavif#2727, sylikc/jpegview#304: AVIF is turned by its boxes and once more by its Exif."""
    tags = Image.Exif()
    tags[274] = orientation
    data = avif(picture, exif=tags.tobytes())
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    tagged = Image.fromarray(picture)
    tagged.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(tagged))
    agree(data, lightness_of(upright), 4, 0.4)


def test_avif_turned_by_boxes_and_by_exif(picture):
    """AOMediaCodec/libavif#3078: the orientation stands in a box and in Exif, and viewers turn the picture twice."""
    tags = Image.Exif()
    tags[274] = 6
    image = pyvips.Image.jpegload_buffer(jpeg(picture, exif=tags))
    data = image.heifsave_buffer(compression="av1", Q=100, subsample_mode="off", keep="exif")
    assert b"irot" in data
    assert Image.open(io.BytesIO(data)).getexif()[274] == 6
    photo = agree(data, lightness_of(np.rot90(picture, -1)), 4, 0.4)
    tags.load(photo.metadata.exif)
    assert tags[274] == 1


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_gray_avif(picture, bits):
    """strukturag/libheif#1897: gray AVIF of 12 bits is refused."""
    top = 2**bits - 1
    codes = (picture[..., 0].astype(np.uint16) * top // 255).astype(np.uint8 if bits == 8 else np.uint16)
    data = bytes(imagecodecs.avif_encode(codes, level=100, bitspersample=bits))
    photo = agree(data, lightness_of(codes / top), 0.01)
    assert (photo.bits, photo.depth) == (bits, 8 if bits == 8 else 16)


# TIFF


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **({"metadata": None} | options))
    return file.getvalue()


def raw_tiff(width, height, data, bits, *, photometric=1, fill=1, packed=1, count=None, drop=()):
    """A gray TIFF of one strip, made by hand. count: the bytes that the strip claims; drop: tags to leave out."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, packed), (262, 3, photometric), (266, 3, fill)]
    tags += [(273, 4, 0), (277, 3, 1), (278, 4, height), (279, 4, len(data) if count is None else count)]
    tags = [entry for entry in tags if entry[0] not in drop]
    start = 8 + 2 + 12 * len(tags) + 4
    table = b"".join(struct.pack("<HHII", tag, kind, 1, start if tag == 273 else value) for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + table + bytes(4) + data


SAMPLES = {
    1: lambda gray: (gray > 127, np.packbits(gray > 127, axis=1).tobytes()),
    8: lambda gray: (gray, gray.tobytes()),
    16: lambda gray: (gray.astype(np.uint16) * 200, (gray.astype("<u2") * 200).tobytes()),
}


@pytest.mark.parametrize("packed", [1, 5, 8], ids=["plain", "LZW", "deflate"])
@pytest.mark.parametrize("bits", SAMPLES)
def test_bits_the_other_way_round(picture, bits, packed):
    """python-pillow/Pillow#279, #5249, ome/bioformats#2936: FillOrder 2, from fax machines, and of 16-bit files."""
    pixels, data = SAMPLES[bits](picture[..., 0])
    data = {1: bytes, 5: lambda raw: bytes(imagecodecs.lzw_encode(raw)), 8: zlib.compress}[packed](data)
    agree(raw_tiff(64, 48, data, bits, packed=packed), lightness_of(pixels))
    agree(raw_tiff(64, 48, data.translate(REVERSED), bits, packed=packed, fill=2), lightness_of(pixels))


@pytest.mark.parametrize("method", ["group3", "group4", "tiff_ccitt"])
@pytest.mark.parametrize("tags", [{}, {266: 2}, {262: 0}], ids=["", "fill order 2", "min is white"])
def test_fax(picture, method, tags):
    """haraldk/TwelveMonkeys#626, image-rs/image-tiff#297: fax pages come out negative, or as stripes."""
    page = Image.fromarray((picture[..., 0] > 127).astype(np.uint8) * 255).convert("1")
    file = io.BytesIO()
    page.save(file, "TIFF", compression=method, tiffinfo=dict(tags))
    agree(file.getvalue(), lightness_of(np.asarray(page)))


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("photometric", [0, 1])
def test_few_bits(picture, bits, photometric):
    """python-pillow/Pillow#1789, darktable-org/darktable#18815: gray of 2 and 4 bits, and 0 that is white."""
    codes = picture[..., 0] >> (8 - bits)
    packed = np.packbits(np.unpackbits(codes[..., None], axis=2)[..., 8 - bits :].reshape(48, -1), axis=1)
    shown = codes if photometric else 2**bits - 1 - codes
    photo = agree(
        raw_tiff(64, 48, packed.tobytes(), bits, photometric=photometric), lightness_of(shown / (2**bits - 1))
    )
    assert photo.bits == bits


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float16])
def test_predictors_in_both_byte_orders(picture, order, kind):
    """geotiffjs/geotiff.js#550, RawTherapee/RawTherapee#4377: predictors, where the bytes are in Motorola's order."""
    pixels = (
        (picture / 255).astype(kind)
        if np.dtype(kind).kind == "f"
        else picture.astype(kind) * kind(257 if kind == np.uint16 else 1)
    )
    predictor = 3 if pixels.dtype.kind == "f" else 2
    for method in ("lzw", "deflate"):
        data = tiff(pixels, photometric="rgb", byteorder=order, predictor=predictor, compression=method)
        agree(data, lightness_of(pixels), 0.05)


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_ink_in_a_tiff(picture, planes):
    """ImageMagick/ImageMagick#6094: a CMYK TIFF comes out as a negative."""
    ink = np.dstack([255 - picture, np.full(picture.shape[:2], 20, np.uint8)])
    stored = ink if planes == "contig" else np.moveaxis(ink, -1, 0)
    data = tiff(stored, photometric="separated", planarconfig=planes)
    assert np.corrcoef(read(data).lightness().ravel(), lightness_of(picture).ravel())[0, 1] > 0.85


def test_jpeg_in_a_tiff(picture):
    """haraldk/TwelveMonkeys#406, cgohlke/tifffile#271, image-rs/image-tiff#274: JPEG in TIFF is shown pink."""
    rgb = tiff(
        picture,
        photometric="rgb",
        compression="jpeg",
        compressionargs={"outcolorspace": "rgb", "level": 95},
        tile=(32, 32),
    )
    agree(rgb, lightness_of(tifffile.imread(io.BytesIO(rgb))), 0.5)
    ycbcr = tiff(picture, photometric="rgb", compression="jpeg", compressionargs={"level": 95}, tile=(32, 32))
    with tifffile.TiffFile(io.BytesIO(ycbcr)) as file:
        assert file.pages[0].photometric == 6
    agree(ycbcr, lightness_of(tifffile.imread(io.BytesIO(ycbcr))), 4, 0.3)
    # With the tables in a tag of their own.
    for quality in (80, 95):
        data = pyvips.Image.new_from_array(picture).tiffsave_buffer(compression="jpeg", Q=quality, tile=True)
        assert 347 in Image.open(io.BytesIO(data)).tag_v2
        agree(data, lightness_of(pillow(data)))


def test_strip_whose_length_is_wrong(picture):
    """haraldk/TwelveMonkeys#449, #514, image-js/tiff#38: StripByteCounts of 0, beyond the file, or missing."""
    gray = picture[..., 0]
    expected = lightness_of(gray)
    for options in ({"count": 0}, {"count": 4_071_696_385}, {"drop": (279,)}, {"drop": (278,)}):
        agree(raw_tiff(64, 48, gray.tobytes(), 8, **options), expected)
    # What really is missing is missing.
    assert "cut short" in refusal(raw_tiff(64, 48, gray.tobytes()[:-100], 8, count=64 * 48), UnreadablePhoto)
    assert "cut short" in refusal(raw_tiff(64, 48, gray.tobytes()[:-100], 8, count=10**6), UnreadablePhoto)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_is_turned_once(picture, orientation, coloured, mark):
    """wiltodelta/remove-ai-watermarks#106: a TIFF comes out turned and tagged, so that viewers turn it once more."""
    data = tiff(picture, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    upright = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    photo = agree(data, lightness_of(upright))
    result = io.BytesIO()
    write(photo, coloured(photo), result, format="tiff", mark=mark)
    assert tifffile.imread(io.BytesIO(result.getvalue())).shape == upright.shape
    assert Image.open(result).tag_v2[274] == 1
    agree(result.getvalue(), photo.lightness(), 0.6)


def test_few_bits_in_many(picture):
    """ImageMagick/ImageMagick#5597, python-pillow/Pillow#274: 12 bits in 16 look black, and nobody says so."""
    low = picture[..., 0].astype(np.uint16) * 16
    photo = agree(tiff(low, photometric="minisblack"), lightness_of(low))
    assert "nearly black: the highest of its 16-bit values is 4080" in photo.notes[0]
    assert agree(tiff(low * 2, photometric="minisblack"), lightness_of(low * 2)).notes == ()


def test_floats_of_another_range(picture):
    """RawTherapee/RawTherapee#4379, imageio/imageio#707: floats beyond 0 to 1 are stretched or clipped."""
    text = refusal(tiff(picture.astype(np.float32), photometric="rgb"), UnreadablePhoto)
    assert text == "the file holds values from 0 to 255: bring floats to the range 0 to 1"


# WebP


def webp(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True, **options)
    return file.getvalue()


def test_exif_in_a_webp(picture):
    """image-rs/image-webp#73, paolobarbolini/img-parts#11, php/php-src#22213: the Exif of a WebP is not found."""
    tags = Image.Exif()
    tags[274] = 6
    expected = lightness_of(np.rot90(picture, -1))
    data = webp(picture, exif=tags)
    agree(data, expected)
    # The flag is not set; the block begins as in JPEG; an unknown chunk of odd length stands before it.
    unset = bytearray(data)
    unset[20] &= ~0x08
    agree(bytes(unset), expected)
    at = data.index(b"EXIF")
    block = b"Exif\0\0" + data[at + 8 :]
    tail = b"EXIF" + struct.pack("<I", len(block)) + block
    foreign = b"PSAI" + struct.pack("<I", 7) + bytes(8)
    for rest in (tail, foreign + data[at:]):
        body = data[8:at] + rest
        agree(b"RIFF" + struct.pack("<I", len(body)) + body, expected)


def test_flags_of_a_webp_that_are_not_true(picture):
    """No thread of its own: flags promise a profile or a transparency that is not there; bytes follow the end."""
    data = bytearray(webp(picture, icc_profile=P3))
    at = data.index(b"ICCP")
    size = 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    bare = data[:at] + data[at + size + size % 2 :]
    bare[4:8] = struct.pack("<I", len(bare) - 8)
    agree(bytes(bare), lightness_of(picture))
    bare[20] |= 0x10
    photo = agree(bytes(bare) + b"\0" * 7, lightness_of(picture))
    assert photo.alpha is None or photo.alpha.min() == 255


def test_animation_of_one_frame(picture):
    """No thread of its own: some programs write a still picture as a WebP animation of one frame."""
    width, height = ((side - 1).to_bytes(3, "little") for side in (64, 48))
    pixels = webp(picture)[12:]
    frame = bytes(6) + width + height + (100).to_bytes(3, "little") + b"\0" + pixels
    chunks = [(b"VP8X", b"\2\0\0\0" + width + height), (b"ANIM", bytes(6)), (b"ANMF", frame)]
    for count in (1, 2):
        body = b"WEBP"
        for kind, data in chunks + chunks[2:] * (count - 1):
            body += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        data = b"RIFF" + struct.pack("<I", len(body)) + body
        if count == 1:
            assert agree(data, lightness_of(picture)).compression == "lossless"
        else:
            assert "animation" in refusal(data, UnsupportedPhoto)


# BMP


def bmp(width, height, data, bits, packed=0, palette=b"", masks=b"", size=None):
    start = 54 + len(masks) + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(data) if size is None else size, 0, 0, start)
    return (
        head
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packed, 0, 11811, 11811, 0, 0)
        + masks
        + palette
        + data
    )


def test_bmp_of_32_bits(picture):
    """SixLabors/ImageSharp#732, image-rs/image#539: the fourth byte, 0 by default, makes the picture transparent."""
    data = np.dstack([picture[..., ::-1], np.zeros((48, 64), np.uint8)]).tobytes()
    assert agree(bmp(64, -48, data, 32), lightness_of(picture)).alpha is None
    assert agree(bmp(64, -48, data, 32, size=0), lightness_of(picture)).metadata.dpi == pytest.approx(
        (300, 300), abs=0.1
    )


def test_bmp_of_16_bits_and_packed(picture):
    """bgrabitmap/lazpaint#189 and jsummers/bmpsuite: 555, 565 and run-length BMP."""
    five = (picture >> 3).astype(np.uint16)
    codes = five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]
    agree(bmp(64, -48, codes.astype("<u2").tobytes(), 16), lightness_of(five / 31), 0.5)
    six = np.dstack([picture[..., 0] >> 3, picture[..., 1] >> 2, picture[..., 2] >> 3]).astype(np.uint16)
    codes = six[..., 0] << 11 | six[..., 1] << 5 | six[..., 2]
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    agree(bmp(64, -48, codes.astype("<u2").tobytes(), 16, 3, masks=masks), lightness_of(six / [31, 63, 31]), 0.5)
    runs = b"".join(b"".join(bytes([1, code]) for code in row) + b"\0\0" for row in picture[::-1, :, 0]) + b"\0\1"
    palette = b"".join(bytes([i, i, i, 0]) for i in range(256))
    agree(bmp(64, 48, runs, 8, 1, palette), lightness_of(picture[..., 0]))


# Sizes


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (1, 16000), (16000, 1)], ids=str)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP"])
def test_one_pixel_and_one_row(size, format, encoded):
    """timesler/facenet-pytorch#86, python-pillow/Pillow#267: pictures of one pixel, one row, one column."""
    pixels = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    data = encoded(pixels, format, **({"lossless": True} if format == "WEBP" else {"quality": 100}))
    photo = agree(data, lightness_of(pixels), 1)
    assert photo.thumbnail(8, 8).shape == (8, 8)


def test_panorama(coloured, mark):
    """immich-app/immich#9500, dlemstra/Magick.NET#933, pulibrary/figgy#2029: too long for WebP, AVIF or JPEG."""
    long = np.tile(np.arange(256, dtype=np.uint8), (2, 260))
    photo = read(png(long))
    for format, most in (("webp", 16383), ("avif", 16384), ("jpeg", 65500)):
        with pytest.raises(UnwritablePhoto, match=f"{format} holds {most} a side: use png or tiff"):
            write(photo, coloured(photo), io.BytesIO(), format=format, mark=mark)
    result = io.BytesIO()
    write(photo, coloured(photo), result, format="png", mark=mark)
    agree(result.getvalue(), photo.lightness(), 0.6)
