"""TIFF samples of every photometric interpretation and depth have the lightness that other libraries give them."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from tintype.color.lab import lightness
from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import read

SHORT, LONG, RATIONAL = 3, 4, 5


def lightness_of(pixels):
    """L* of sRGB-encoded integer codes, gray or RGB."""
    values = np.asarray(pixels) / np.iinfo(pixels.dtype).max
    return lightness(np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values)


def tiff(tags, strips, order="<"):
    """A TIFF file of tags {number: (type, items)} whose strips are compressed already."""
    at, places, body = 8, [], b""
    for strip in strips:
        places.append(at + len(body))
        body += strip
    key = (324, 325) if 322 in tags else (273, 279)
    tags = tags | {key[0]: (LONG, places), key[1]: (LONG, [len(strip) for strip in strips])}
    start = at + len(body) + 2 + 12 * len(tags) + 4
    table, after = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, items) in sorted(tags.items()):
        if kind == RATIONAL:
            items = [part for item in items for part in (round(item * 10000), 10000)]
        data = struct.pack(f"{order}{len(items)}{'H' if kind == SHORT else 'I'}", *items)
        count = len(items) // (2 if kind == RATIONAL else 1)
        if len(data) > 4:
            data, after = struct.pack(order + "I", start + len(after)), after + data
        table += struct.pack(order + "HHI", tag, kind, count) + data.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at + len(body))
    return head + body + table + bytes(4) + after


def ycbcr_file(planes, across, down, *, tile=None, compress=zlib.compress, order="<", **more):
    """A YCbCr TIFF: luma [h, w] and two planes [h / down, w / across], in data units."""
    luma, blue, red = planes
    height, width = luma.shape
    side, tall = tile or (-(-width // across) * across, 4 * down)
    strips = []
    for top in range(0, height, tall):
        bottom = top + tall if tile else min(top + tall, -(-height // down) * down)
        for left in range(0, width, side):
            part = np.pad(luma, ((0, 64), (0, 64)), mode="edge")[top:bottom, left : left + side]
            units = (
                part.reshape(-1, down, side // across, across).swapaxes(1, 2).reshape(*part[::down, ::across].shape, -1)
            )
            rest = [
                np.pad(plane, ((0, 64), (0, 64)), mode="edge")[
                    top // down : bottom // down, left // across : (left + side) // across, None
                ]
                for plane in (blue, red)
            ]
            strips.append(compress(np.concatenate([units, *rest], -1).astype(np.uint8).tobytes()))
    tags = {256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [8, 8, 8]), 262: (SHORT, [6]), 277: (SHORT, [3])}
    tags |= {259: (SHORT, [8 if compress is zlib.compress else 1]), 530: (SHORT, [across, down])}
    tags |= {322: (LONG, [side]), 323: (LONG, [tall])} if tile else {278: (LONG, [tall])}
    return tiff(tags | {int(tag[1:]): value for tag, value in more.items()}, strips, order)


def planes_of(pixels, across, down):
    values = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    small = [
        cv2.resize(values[..., i], (-(-values.shape[1] // across), -(-values.shape[0] // down)), interpolation=3)
        for i in (1, 2)
    ]
    return values[..., 0], *small


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)])
@pytest.mark.parametrize("tile", [None, (32, 16)])
def test_ycbcr_without_jpeg_is_what_libtiff_makes_of_it(scene, across, down, tile):
    pixels = (scene() * 255).astype(np.uint8)
    data = ycbcr_file(planes_of(pixels, across, down), across, down, tile=tile)
    # Pillow asks libtiff for the colours of a compressed file.
    reference = lightness_of(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    photo = read(data)
    assert (photo.depth, photo.compression) == (8, "deflate")
    # libtiff takes wrong colours for the last columns where they do not fill a unit of 4 x 4.
    assert np.abs(photo.lightness() - reference)[:, :80].max() < 0.5
    assert np.abs(photo.lightness() - reference)[:, :80].mean() < 0.01
    assert np.abs(photo.lightness() - lightness_of(pixels)).mean() < 1.5


@pytest.mark.parametrize("order", ["<", ">"])
def test_ycbcr_that_is_not_compressed(scene, order):
    pixels = (scene() * 255).astype(np.uint8)
    planes = planes_of(pixels, 2, 2)
    plain = read(ycbcr_file(planes, 2, 2, compress=bytes, order=order))
    assert plain.compression == "none"
    assert (plain.plane == read(ycbcr_file(planes, 2, 2)).plane).all()
    # Read as RGB, it would be 15 of L* off.
    assert np.abs(plain.lightness() - lightness_of(pixels)).mean() < 0.6


def test_ycbcr_with_coefficients_and_levels_of_video(scene):
    pixels = (scene() * 255).astype(np.uint8)
    rgb = pixels.astype(float)
    luma = rgb @ (0.2126, 0.7152, 0.0722)
    blue, red = (rgb[..., 2] - luma) / (2 - 2 * 0.0722), (rgb[..., 0] - luma) / (2 - 2 * 0.2126)
    planes = [luma * 219 / 255 + 16, blue * 112 / 127 + 128, red * 112 / 127 + 128]
    levels = (RATIONAL, [16, 235, 128, 240, 128, 240])
    data = ycbcr_file(np.round(planes), 1, 1, t529=(RATIONAL, [0.2126, 0.7152, 0.0722]), t532=levels)
    photo = read(data)
    assert np.abs(photo.lightness() - lightness_of(pixels)).mean() < 0.15


def test_ycbcr_that_pillow_wrote(scene, encoded):
    image = Image.fromarray((scene() * 255).astype(np.uint8)).convert("YCbCr")
    reference = lightness_of(np.asarray(image.convert("RGB")))
    for options in ({}, {"compression": "tiff_lzw"}):
        assert np.abs(read(encoded(image, "TIFF", **options)).lightness() - reference).max() < 0.5


def test_ycbcr_packed_with_jpeg_is_what_it_was(tmp_path, scene):
    pixels = (scene() * 255).astype(np.uint8)
    options = {"photometric": "ycbcr", "compression": "jpeg", "compressionargs": {"level": 95}}
    tifffile.imwrite(tmp_path / "a.tif", pixels, subsampling=(2, 2), **options)
    reference = lightness_of(tifffile.imread(tmp_path / "a.tif"))
    assert np.abs(read(tmp_path / "a.tif").lightness() - reference).mean() < 0.1


def to_lab(pixels):
    """CIE L*a*b* (D50) of sRGB pixels, by Little CMS in 8 bits: L in 0..255, a and b signed."""
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform))


@pytest.mark.parametrize("tile", [None, (32, 32)])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_cielab_of_8_bits(tmp_path, scene, photometric, tile):
    pixels = (scene() * 255).astype(np.uint8)
    lab = to_lab(pixels)
    stored = lab ^ np.uint8([0, 128, 128]) if photometric == "icclab" else lab
    tifffile.imwrite(tmp_path / "lab.tif", stored, photometric=photometric, tile=tile)
    photo = read(tmp_path / "lab.tif")
    assert photo.depth == 8
    # A code of L is 0.4 of L*, and those of a and b move the lightness a little on the way from D50 to D65.
    assert np.abs(photo.lightness() - lightness_of(pixels)).max() < 0.6
    assert np.abs(photo.lightness() - lightness_of(pixels)).mean() < 0.15


@pytest.mark.parametrize(("photometric", "white"), [("cielab", 65535), ("icclab", 65280)])
def test_gray_cielab_of_16_bits_is_exact(tmp_path, photometric, white):
    lstar = np.linspace(0, 100, 64)
    codes = np.zeros((8, 64, 3), np.uint16)
    codes[..., 0] = np.round(lstar * white / 100)
    codes[..., 1:] = 0 if photometric == "cielab" else 32768
    tifffile.imwrite(tmp_path / "lab.tif", codes, photometric=photometric)
    photo = read(tmp_path / "lab.tif")
    assert photo.depth == 16
    assert np.abs(photo.lightness()[0] - lstar).max() < 0.005


def test_cielab_of_floats_is_exact(tmp_path):
    lstar = np.linspace(0, 100, 64)
    values = np.zeros((8, 64, 3), np.float32)
    values[..., 0] = lstar
    pyvips.Image.new_from_array(values, interpretation="lab").tiffsave(str(tmp_path / "lab.tif"))
    assert np.abs(read(tmp_path / "lab.tif").lightness()[0] - lstar).max() < 0.005


def test_cielab_with_alpha_keeps_it(tmp_path, scene):
    lab = to_lab((scene() * 255).astype(np.uint8))
    alpha = np.linspace(0, 255, 60 * 83).astype(np.uint8).reshape(60, 83, 1)
    stored = np.concatenate([lab, alpha], -1)
    tifffile.imwrite(tmp_path / "lab.tif", stored, photometric="cielab", extrasamples=["unassalpha"])
    assert (read(tmp_path / "lab.tif").alpha == alpha[..., 0]).all()


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb"])
def test_odd_depths(tmp_path, scene, bits, photometric):
    top = 2**bits - 1
    pixels = np.round(scene() * top).astype(np.uint8 if bits < 8 else np.uint16)
    pixels = pixels if photometric == "rgb" else pixels[..., 1]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, bitspersample=bits, rowsperstrip=7)
    shown = top - pixels if photometric == "miniswhite" else pixels
    expected = lightness(np.repeat(np.atleast_3d(shown / top), 1 if photometric == "rgb" else 3, -1))
    photo = read(tmp_path / "a.tif")
    assert (photo.depth, photo.bits) == (8 if bits < 8 else 16, bits)
    assert np.abs(photo.lightness() - expected).max() < 0.005


def packed(pixels, bits):
    """Rows of samples [height, width, channels] without gaps, each row from a byte on."""
    loose = (pixels.reshape(len(pixels), -1, 1) >> np.arange(bits)[::-1]) & 1
    return np.packbits(loose.reshape(len(pixels), -1).astype(np.uint8), axis=1).tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("bits", [4, 12])
def test_odd_depths_in_compressed_strips_and_tiles(scene, order, tiled, bits):
    pixels = np.round(scene() * (2**bits - 1)).astype(np.uint16)
    tall, wide = (32, 48) if tiled else (16, 83)
    strips = []
    for top in range(0, 60, tall):
        for left in range(0, 83, wide):
            part = pixels[top : top + tall, left : left + wide]
            if tiled:
                part = np.pad(part, ((0, tall - part.shape[0]), (0, wide - part.shape[1]), (0, 0)))
            strips.append(zlib.compress(packed(part, bits)))
    tags = {256: [83], 257: [60], 258: [bits] * 3, 259: [8], 262: [2], 277: [3]}
    tags |= {322: [wide], 323: [tall]} if tiled else {278: [tall]}
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, strips, order)
    assert (tifffile.imread(io.BytesIO(data)) == pixels).all()
    assert np.abs(read(data).lightness() - lightness(pixels / (2**bits - 1))).max() < 0.005


def test_12_bits_in_a_bigtiff(tmp_path, scene):
    pixels = np.round(scene() * 4095).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", bitspersample=12, bigtiff=True)
    assert np.abs(read(tmp_path / "a.tif").lightness() - lightness(pixels / 4095)).max() < 0.005


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}], ids=str)
def test_32_bit_whole_numbers(tmp_path, scene, photometric, options):
    pixels = np.round(scene() * (2**32 - 1)).astype(np.uint32)
    pixels = pixels if photometric == "rgb" else pixels[..., 1]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, **options)
    shown = ~pixels if photometric == "miniswhite" else pixels
    photo = read(tmp_path / "a.tif")
    assert (photo.depth, photo.bits) == (16, 32)
    expected = lightness(np.repeat(np.atleast_3d(shown / (2**32 - 1)), 1 if photometric == "rgb" else 3, -1))
    assert np.abs(photo.lightness() - expected).max() < 0.005


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_tiles_in_planes(tmp_path, scene, kind, alpha):
    top = np.iinfo(kind).max if kind != np.float32 else 1
    pixels = (scene() * top).astype(kind)
    stored = np.concatenate([pixels, pixels[..., :1]], -1) if alpha else pixels
    options = {"extrasamples": ["unassalpha"]} if alpha else {}
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(stored, -1, 0),
        photometric="rgb",
        planarconfig="separate",
        tile=(16, 32),
        **options,
    )
    photo = read(tmp_path / "a.tif")
    assert photo.depth == 8 * np.dtype(kind).itemsize
    assert np.abs(photo.lightness() - lightness(pixels.astype(np.float64) / top)).max() < 0.005
    if alpha:
        assert (photo.alpha == pixels[..., 0]).all()


def test_12_bit_planes_and_profile(tmp_path, scene):
    from tintype.photo import icc

    pixels = np.round(scene() * 4095).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(pixels, -1, 0),
        photometric="rgb",
        planarconfig="separate",
        bitspersample=12,
        iccprofile=icc.srgb(),
    )
    photo = read(tmp_path / "a.tif")
    assert np.abs(photo.lightness() - lightness(pixels / 4095)).max() < 0.02
    assert photo.tagged


def test_cmyk_in_planes_of_tiles(tmp_path, scene):
    pixels = np.asarray(Image.fromarray((scene() * 255).astype(np.uint8)).convert("CMYK"))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="separated")
    tifffile.imwrite(
        tmp_path / "b.tif", np.moveaxis(pixels, -1, 0), photometric="separated", planarconfig="separate", tile=(16, 16)
    )
    assert (read(tmp_path / "a.tif").plane == read(tmp_path / "b.tif").plane).all()


def tags_of(photometric, channels, bits=8):
    return {256: [16], 257: [16], 258: [bits] * channels, 259: [1], 262: [photometric], 277: [channels], 278: [16]}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (tags_of(4, 1), r"holds a mask, .* convert it to gray or RGB first"),
        (tags_of(10, 3), r"holds fax colours \(ITU-T T\.42\)"),
        (tags_of(32844, 1), "holds SGI LogL,"),
        (tags_of(32845, 3), "holds SGI LogLuv,"),
        (tags_of(51177, 1), "holds distances,"),
        (tags_of(999, 1), r"colours of an unknown kind \(photometric 999\)"),
        (tags_of(32803, 1), "is a camera raw file, .* develop it"),
        (tags_of(34892, 3), "is a camera raw file, .* develop it"),
        (tags_of(5, 4) | {332: [2]}, "inks other than cyan, magenta, yellow and black"),
        (tags_of(5, 3), "inks other than cyan, magenta, yellow and black"),
        (tags_of(5, 6) | {334: [6], 332: [2]}, "inks other than cyan"),
        (tags_of(1, 3), "has 3 channels: convert it to gray, RGB or CMYK first"),
        (tags_of(3, 2), "has 2 channels"),
        (tags_of(3, 1, 16), "with a palette of 16 bits"),
        (tags_of(2, 3) | {258: [5, 6, 5]}, "whose channels have different depths"),
        (tags_of(6, 3, 16), "YCbCr in 3 channels of 16 bits"),
        (tags_of(1, 1, 12) | {317: [2], 259: [5]}, "12-bit samples packed by their differences"),
    ],
)
def test_what_would_be_taken_for_another_is_refused_by_name(tags, message):
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, [bytes(16 * 16 * 12)])
    with pytest.raises(UnsupportedPhoto, match=message):
        read(data)


NAMES = {6: "old-style JPEG", 9: "JBIG", 32809: "ThunderScan", 32909: "PixarLog", 34661: "JBIG", 34887: "LERC"}
NAMES |= {34892: "lossy JPEG", 34934: "JPEG XR", 12345: r"an unknown method \(number 12345\)"}


@pytest.mark.parametrize("number", NAMES)
def test_compression_that_is_not_read_is_named_in_words(number):
    tags = tags_of(1, 1) | {259: [number]}
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, [bytes(256)])
    with pytest.raises(UnsupportedPhoto, match=f"compressed with {NAMES[number]}.*: save it with deflate or LZW"):
        read(data)


def test_void_samples_are_whole_numbers(scene):
    pixels = (scene()[..., 1] * 255).astype(np.uint8)
    tags = {256: [83], 257: [60], 258: [8], 259: [1], 262: [1], 277: [1], 278: [60], 339: [4]}
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, [pixels.tobytes()])
    assert (read(data).plane == pixels).all()


INFRARED = "without a channel that is neither colour nor transparency (a scanner's infrared, or a mask)"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_infrared_of_a_scanner_is_not_transparency(tmp_path, scene, kind):
    top = np.iinfo(kind).max
    pixels = (scene() * top).astype(kind)
    infrared = np.full((60, 83, 1), top // 3, kind)
    for color in (pixels, pixels[..., 1:2]):
        stored = np.concatenate([color, infrared], -1)
        options = {"photometric": "rgb" if color.shape[2] == 3 else "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(tmp_path / "rgbi.tif", stored, extrasamples=["unspecified"], **options)
        photo = read(tmp_path / "rgbi.tif")
        assert photo.alpha is None
        assert np.abs(photo.lightness() - lightness_of(color.squeeze())).max() < 0.002
        assert photo.notes == (f"{tmp_path / 'rgbi.tif'} was read {INFRARED}",)


def test_the_transparency_is_found_behind_the_infrared(tmp_path, scene):
    pixels = (scene() * 255).astype(np.uint8)
    alpha = np.linspace(0, 255, 60 * 83).astype(np.uint8).reshape(60, 83)
    stored = np.dstack([pixels, pixels[..., 0], alpha])
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["unspecified", "unassalpha"])
    photo = read(tmp_path / "a.tif")
    assert (photo.alpha == alpha).all()
    assert np.abs(photo.lightness() - lightness_of(pixels)).max() < 0.002
    ink = np.dstack([np.asarray(Image.fromarray(pixels).convert("CMYK")), pixels[..., 0], alpha])
    tifffile.imwrite(tmp_path / "b.tif", ink, photometric="separated", extrasamples=["unspecified", "unassalpha"])
    assert (read(tmp_path / "b.tif").alpha == alpha).all()


def test_a_fourth_channel_that_nothing_is_said_of_is_transparency(scene):
    # As old programs write it, and as Pillow reads it.
    pixels = np.dstack([(scene() * 255).astype(np.uint8), np.full((60, 83), 90, np.uint8)])
    tags = {256: [83], 257: [60], 258: [8] * 4, 259: [1], 262: [2], 277: [4], 278: [60]}
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, [pixels.tobytes()])
    assert Image.open(io.BytesIO(data)).mode == "RGBA"
    assert (read(data).alpha == 90).all()


@pytest.mark.parametrize("tag", [256, 257])
def test_a_page_without_pixels(tag):
    tags = tags_of(6, 3) | {tag: [0]}
    with pytest.raises(UnreadablePhoto, match="has no pixels"):
        read(tiff({number: (SHORT, items) for number, items in tags.items()}, [bytes(800)]))


def test_inks_that_run_from_full_to_none(scene):
    ink = np.asarray(Image.fromarray((scene() * 255).astype(np.uint8)).convert("CMYK"))
    tags = {256: [83], 257: [60], 258: [8] * 4, 259: [1], 262: [5], 277: [4], 278: [60]}
    plain, turned = (
        read(tiff({tag: (SHORT, items) for tag, items in (tags | more).items()}, [pixels.tobytes()]))
        for pixels, more in ((ink, {}), (255 - ink, {336: [255, 0]}))
    )
    assert (plain.plane == turned.plane).all()


@pytest.mark.parametrize("photometric", ["ycbcr", "cielab"])
def test_samples_of_every_kind_are_turned_upright(tmp_path, scene, photometric):
    pixels = (scene() * 255).astype(np.uint8)
    files = []
    for orientation in (1, 6):
        path = tmp_path / f"{orientation}.tif"
        tags = [(274, 3, 1, orientation, True), (271, 2, 6, "Kodak", True)]
        tifffile.imwrite(
            path, pixels, photometric=photometric, subsampling=(1, 1), extratags=tags, resolution=(300, 200)
        )
        files.append(read(path))
    plain, turned = files
    assert (turned.plane == np.rot90(plain.plane, -1)).all()
    assert turned.metadata.dpi[0] < turned.metadata.dpi[1]
    assert b"Kodak" in turned.metadata.exif


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_every_depth(bits):
    rng = np.random.default_rng(bits)
    table = rng.integers(0, 256, (3, 2**bits))
    codes = rng.integers(0, 2**bits, (21, 33, 1))
    tags = {256: [33], 257: [21], 258: [bits], 259: [1], 262: [3], 277: [1], 278: [21]}
    tags[320] = (table * 257).ravel().tolist()
    data = tiff({tag: (SHORT, items) for tag, items in tags.items()}, [packed(codes, bits)])
    expected = lightness_of(table.T[codes[..., 0]].astype(np.uint8))
    assert np.abs(read(data).lightness() - expected).max() < 0.002
