"""Profiles: lightness comes in through them, an RGB profile stays, others become sRGB."""

import io
import struct

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from tintype.color.lab import lightness
from tintype.photo import icc, read, write


def profile(primaries=None, gamma=2.2, gray=False, parametric=False):
    """A small ICC profile made by hand: primaries as XYZ (D50) columns, or gray."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    if parametric:
        values = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
        curve = b"para" + bytes(4) + struct.pack(">HH5i", 3, 0, *(round(value * 65536) for value in values))
    curve = curve.ljust(-(-len(curve) // 4) * 4, b"\0")

    def xyz(values):
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    if gray:
        return assembled({b"kTRC": curve}, b"GRAY")
    tags = {}
    for letter, column in zip((b"r", b"g", b"b"), np.array(primaries).T, strict=True):
        tags[letter + b"XYZ"], tags[letter + b"TRC"] = xyz(column), curve
    return assembled(tags)


def scanner(primaries, gamma):
    """A profile of tables, from RGB to XYZ and not back, as scanners have: a curve for each channel, then 2 x 2 x 2."""
    curve = np.linspace(0, 1, 4096) ** gamma * 65535
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1) @ np.array(primaries).T * 32768
    numbers = np.concatenate([[4096, 2], curve, curve, curve, corners.reshape(-1), [0, 65535] * 3])
    identity = np.eye(3, dtype=">i4") * 65536
    table = b"mft2" + bytes(4) + bytes([3, 3, 2, 0]) + identity.astype(">i4").tobytes()
    return assembled({b"A2B0": table + numbers.round().astype(">u2").tobytes()})


def assembled(tags, space=b"RGB "):
    text = b"text" + bytes(4) + b"none\0\0\0\0"
    tags = tags | {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79), b"cprt": text}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    table, data = b"", b""
    for tag, body in tags.items():
        body = body.ljust(-(-len(body) // 4) * 4, b"\0")
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(body))
        data += body
    size = 132 + len(table) + len(data)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + data


ADOBE = [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
PROPHOTO = [[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]]
PROFILES = {
    "Adobe RGB": profile(ADOBE, 2.2),
    "ProPhoto": profile(PROPHOTO, 1.8),
    "P3": bytes(pyvips.Image.profile_load("p3")),
}


def seen(pixels, source):
    """8-bit codes through a profile to sRGB, by Little CMS."""
    image = Image.fromarray(pixels)
    target = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, io.BytesIO(source), target, renderingIntent=1, outputMode="RGB"))


@pytest.mark.parametrize("name", PROFILES)
def test_lightness_through_a_profile_agrees_with_little_cms(scene, encoded, name):
    # Muted colours, which sRGB holds: beyond them the reference would clip.
    pixels = (scene() * 60 + 90).astype(np.uint8)
    photo = read(encoded(pixels, "PNG", icc_profile=PROFILES[name]))
    expected = lightness(seen(pixels, PROFILES[name]) / 255)
    assert np.abs(photo.lightness() - expected).max() < 0.6
    assert np.abs(photo.lightness() - expected).mean() < 0.15
    assert photo.profile == PROFILES[name]


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("name", PROFILES)
def test_an_rgb_profile_stays_and_so_does_lightness(tmp_path, scene, coloured, name, format, kind, gray):
    pixels = (scene() * np.iinfo(kind).max).astype(kind)
    if gray:
        pixels[:] = pixels[..., 1:2]
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", iccprofile=PROFILES[name])
    photo = read(tmp_path / "in.tif")
    path = tmp_path / f"out.{format}"
    write(photo, coloured(photo), path, format=format)
    assert Image.open(io.BytesIO(path.read_bytes())).info["icc_profile"] == PROFILES[name]
    result = read(path)
    error = np.abs(result.lightness() - photo.lightness())
    mean, worst = (0.15, 0.6) if kind == np.uint8 else (0.01, 0.6)
    assert error.mean() <= mean
    assert error.max() <= worst
    if kind == np.uint8:
        # A viewer that honours the profile sees the colour that was rendered, as near as 8 bits allow.
        wanted = np.concatenate(list(coloured(photo))).astype(int)
        assert np.abs(seen(np.asarray(Image.open(io.BytesIO(path.read_bytes()))), PROFILES[name]) - wanted).mean() < 1


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif"])
def test_every_format_carries_a_profile(tmp_path, scene, encoded, coloured, format):
    photo = read(encoded((scene() * 255).astype(np.uint8), "PNG", icc_profile=PROFILES["Adobe RGB"]))
    write(photo, coloured(photo), tmp_path / f"a.{format}", format=format)
    assert Image.open(io.BytesIO((tmp_path / f"a.{format}").read_bytes())).info["icc_profile"] == PROFILES["Adobe RGB"]
    assert np.abs(read(tmp_path / f"a.{format}").lightness() - photo.lightness()).mean() < 1


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_gray_profile_is_converted_through(tmp_path, coloured, kind):
    top = np.iinfo(kind).max
    ramp = np.linspace(0, top, 4096).astype(kind).reshape(64, 64)
    tifffile.imwrite(tmp_path / "in.tif", ramp, photometric="minisblack", iccprofile=profile(gamma=1.8, gray=True))
    photo = read(tmp_path / "in.tif")
    light = (ramp / top) ** (round(1.8 * 256) / 256)
    expected = np.where(light > (6 / 29) ** 3, 116 * np.cbrt(light) - 16, light * (29 / 3) ** 3)
    assert np.abs(photo.lightness() - expected).max() < 1e-3
    assert photo.profile is None
    write(photo, coloured(photo), tmp_path / "out.tif")
    result = read(tmp_path / "out.tif")
    assert np.abs(result.lightness() - photo.lightness()).mean() < (0.15 if kind == np.uint8 else 0.01)
    # The result says that it is sRGB, because the input said what it was.
    assert icc.is_srgb(result.profile)


def test_a_cmyk_profile_is_converted_through(scene, encoded, coloured):
    cmyk = bytes(pyvips.Image.profile_load("cmyk"))
    image = Image.fromarray((scene() * 255).astype(np.uint8)).convert("CMYK")
    photo = read(encoded(image, "TIFF", icc_profile=cmyk))
    transform = ImageCms.profileToProfile(
        image, io.BytesIO(cmyk), ImageCms.createProfile("sRGB"), renderingIntent=1, outputMode="RGB"
    )
    expected = lightness(np.asarray(transform) / 255)
    assert np.abs(photo.lightness() - expected).mean() < 0.3
    stream = io.BytesIO()
    write(photo, coloured(photo), stream)
    result = Image.open(io.BytesIO(stream.getvalue()))
    assert result.mode == "RGB"
    assert icc.is_srgb(result.info["icc_profile"])


def test_cmyk_without_a_profile_is_what_a_press_prints(tmp_path, scene):
    """Inks with black among them come from a separation for print; the reference is Little CMS."""
    inks = np.dstack([(scene() * 180).astype(np.uint8), np.linspace(0, 160, 83).astype(np.uint8)[None].repeat(60, 0)])
    tifffile.imwrite(tmp_path / "ink.tif", inks, photometric="separated")
    photo = read(tmp_path / "ink.tif")
    press = bytes(pyvips.Image.profile_load("cmyk"))
    assert b"Released into the public domain" in press
    expected = ImageCms.profileToProfile(
        Image.fromarray(inks, "CMYK"), io.BytesIO(press), ImageCms.createProfile("LAB"), 1, outputMode="LAB"
    )
    assert np.abs(photo.lightness() - np.asarray(expected)[..., 0] * (100 / 255)).max() < 3
    assert photo.notes == (
        f"{tmp_path}/ink.tif is CMYK without a profile, and its lightness is that of a usual printing press",
    )
    # Half of the black ink prints darker than half of the light: dots of ink grow on paper.
    half = np.zeros((8, 8, 4), np.uint8)
    half[..., 3] = 128
    tifffile.imwrite(tmp_path / "half.tif", half, photometric="separated")
    assert read(tmp_path / "half.tif").lightness().mean() == pytest.approx(57, abs=1)


def test_cmyk_without_black_and_without_a_profile_goes_back_to_the_rgb_that_it_was(scene, encoded):
    image = Image.fromarray((scene() * 255).astype(np.uint8))
    photo = read(encoded(image.convert("CMYK"), "TIFF"))
    assert np.abs(photo.lightness() - lightness(np.asarray(image) / 255)).max() < 0.01
    assert photo.notes == ()


def idle(primaries):
    """A profile with tables both ways, of which the way back does nothing, as the XYB profile of JPEG encoders."""
    forth = scanner(primaries, 2.2)
    numbers = np.concatenate([[2, 2], [0, 65535] * 3, np.indices((2, 2, 2)).reshape(3, 8).T.reshape(-1) * 65535])
    table = b"mft2" + bytes(4) + bytes([3, 3, 2, 0]) + (np.eye(3) * 65536).astype(">i4").tobytes()
    table += np.concatenate([numbers, [0, 65535] * 3]).astype(">u2").tobytes()
    start, size = (int.from_bytes(forth[at : at + 4], "big") for at in (136, 140))
    assert forth[132:136] == b"A2B0"
    return assembled({b"A2B0": forth[start : start + size], b"B2A0": table})


def test_a_profile_that_does_not_give_colours_back_is_replaced_by_srgb(scene, encoded, coloured):
    """libvips/libvips#4360: an XYB JPEG, written back with its profile, comes out near black."""
    given = idle(ADOBE)
    assert icc.usable(given)
    # Taken into it, a light gray is another one.
    codes = icc.from_srgb(np.full((1, 1, 3), 185, np.uint8), given, 8)
    assert np.abs(seen(codes, given).astype(int) - 185).max() > 20
    assert not icc.takes_colour(given)
    assert all(icc.takes_colour(PROFILES[name]) for name in PROFILES)
    pixels = (scene() * 120 + 60).astype(np.uint8)
    photo = read(encoded(pixels, "PNG", icc_profile=given))
    result = io.BytesIO()
    write(photo, coloured(photo, a=0, b=0), result)
    image = Image.open(io.BytesIO(result.getvalue()))
    assert icc.is_srgb(image.info["icc_profile"])
    shown = lightness(np.asarray(image.convert("RGB")) / 255)
    assert np.abs(shown - photo.lightness()).max() < 0.5


def test_srgb_by_any_name_is_srgb_and_its_pixels_stay_as_rendered(tmp_path, scene, encoded, coloured):
    for source in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), icc.srgb()):
        assert icc.is_srgb(source)
        photo = read(encoded((scene() * 255).astype(np.uint8), "PNG", icc_profile=source))
        write(photo, coloured(photo), tmp_path / "a.png")
        result = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
        assert (np.asarray(result) == np.concatenate(list(coloured(photo)))).all()
        assert result.info["icc_profile"] == source
    assert not any(icc.is_srgb(other) for other in PROFILES.values())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_lightness_comes_through_the_tables_of_a_scanner_and_the_result_is_srgb(tmp_path, scene, coloured, kind):
    pixels = (scene() * np.iinfo(kind).max).astype(kind)
    tifffile.imwrite(tmp_path / "same.tif", pixels, photometric="rgb", iccprofile=profile(ADOBE, 2.2))
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", iccprofile=scanner(ADOBE, round(2.2 * 256) / 256))
    photo = read(tmp_path / "in.tif")
    assert np.abs(photo.lightness() - read(tmp_path / "same.tif").lightness()).mean() < 0.05
    assert photo.profile is None
    write(photo, coloured(photo), tmp_path / "out.tif")
    result = read(tmp_path / "out.tif")
    assert icc.is_srgb(result.profile)
    assert np.abs(result.lightness() - photo.lightness()).mean() < (0.15 if kind == np.uint8 else 0.01)


def test_gray_with_an_rgb_profile_is_read_through_it(encoded, coloured):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    # libpng leaves such a profile behind, other formats keep it.
    photo = read(encoded(ramp, "TIFF", icc_profile=PROFILES["Adobe RGB"]))
    expected = lightness(seen(np.repeat(ramp[..., None], 3, -1), PROFILES["Adobe RGB"]) / 255)
    assert np.abs(photo.lightness() - expected).max() < 0.4
    stream = io.BytesIO()
    write(photo, coloured(photo), stream)
    assert Image.open(io.BytesIO(stream.getvalue())).info["icc_profile"] == PROFILES["Adobe RGB"]


def with_curve(curve):
    """The Adobe profile with another curve for all three channels."""
    data = bytearray(PROFILES["Adobe RGB"])
    place = len(data)
    for entry in range(132, 132 + 12 * data[131], 12):
        if data[entry + 1 : entry + 4] == b"TRC":
            data[entry + 4 : entry + 12] = struct.pack(">II", place, len(curve))
    return struct.pack(">I", place + len(curve)) + bytes(data[4:]) + curve


def parametric(kind, *values):
    return b"para" + bytes(4) + struct.pack(f">HH{len(values)}i", kind, 0, *(round(value * 65536) for value in values))


@pytest.mark.parametrize(
    "curve",
    [
        parametric(1, 2.2, 0, 0.1),
        parametric(2, 2.2, 0, 0.1, 0.2),
        parametric(0, -1),
        b"curv",
        b"curv" + bytes(4) + struct.pack(">I", 1),
        b"curv" + bytes(4) + struct.pack(">I", 2**31) + bytes(8),
        b"curv" + bytes(4) + struct.pack(">IHH", 2, 0, 0),
        b"curv" + bytes(4) + struct.pack(">IHH", 1, 0, 0),
    ],
    ids=["1/0", "1/0 and constant", "falling", "empty", "without gamma", "endless", "black", "white"],
)
def test_a_profile_whose_curve_is_none_is_left_behind(scene, encoded, curve):
    pixels = (scene() * 255).astype(np.uint8)
    photo = read(encoded(pixels, "TIFF", icc_profile=with_curve(curve)))
    assert photo.profile is None
    assert np.abs(photo.lightness() - read(encoded(pixels, "TIFF")).lightness()).max() < 1e-6


def test_profiles_that_are_broken_or_of_another_space_are_left_behind(scene, encoded, coloured):
    pixels = (scene() * 255).astype(np.uint8)
    plain = read(encoded(pixels, "PNG")).lightness()
    adobe = PROFILES["Adobe RGB"]
    dark = profile(np.zeros((3, 3)))
    for bad in (b"x", adobe[:100], adobe[:128] + bytes(400), adobe[:300], profile(gray=True), dark):
        photo = read(encoded(pixels, "PNG", icc_profile=bad))
        assert np.abs(photo.lightness() - plain).max() < 1e-6
        assert photo.profile is None
        write(photo, coloured(photo), io.BytesIO())
