"""The pipeline from Python: the same kind out as in, colours that follow from the model's, and refusals."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import tintype
from tintype import Colorizer, colorize
from tintype.color.lab import lab_to_rgb, rgb_to_lab
from tintype.colours import network_size
from tintype.errors import (
    HintError,
    ModelError,
    OptionError,
    TintypeError,
    TintypeWarning,
    UnreadablePhoto,
    UnwritablePhoto,
)
from tintype.models import load
from tintype.photo import read
from tintype.photo.results import beside

HINT = {"x": 16, "y": 16, "color": "#ff0000", "radius": 12}


@pytest.fixture(scope="module")
def colorizer(tiny):
    return Colorizer(tiny)


def ramp(height=96, width=128, kind=np.uint8):
    values = np.linspace(0.1, 0.9, height * width).reshape(height, width)
    return values.astype(kind) if np.dtype(kind).kind == "f" else (values * np.iinfo(kind).max).astype(kind)


def lab_of(rgb):
    top = 1 if rgb.dtype.kind == "f" else np.iinfo(rgb.dtype).max
    return rgb_to_lab(rgb.astype(np.float64) / top)


def test_colours_are_those_of_the_model_at_the_lightness_of_the_photograph(colorizer):
    gray = np.full((64, 64), 128, np.uint8)
    lightness = 53.585  # CIE L* of sRGB gray 128
    rgb = colorizer(gray)
    expected = lab_to_rgb(np.array([lightness, 0.2 * lightness + 10, 20 - 0.4 * lightness])) * 255
    np.testing.assert_allclose(rgb, np.broadcast_to(expected, rgb.shape), atol=0.51)


@pytest.mark.parametrize(
    ("kind", "mean", "worst"),
    [(np.uint8, 0.15, 0.6), (np.uint16, 0.01, 0.05), (np.float32, 0.01, 0.01), (np.float64, 0.01, 0.01)],
)
def test_arrays_keep_dtype_size_and_lightness(kind, mean, worst, colorizer):
    gray = ramp(kind=kind)
    rgb = colorizer(gray)
    assert rgb.dtype == kind
    assert rgb.shape == (96, 128, 3)
    lost = np.abs(lab_of(rgb)[..., 0] - lab_of(np.stack([gray] * 3, axis=-1))[..., 0])
    assert lost.mean() <= mean
    assert lost.max() <= worst
    assert np.ptp(rgb.astype(float), axis=2).max() > 0


def test_arrays_of_any_channels(colorizer):
    gray = ramp()
    plain = colorizer(gray)
    np.testing.assert_array_equal(colorizer(gray[..., None]), plain)
    np.testing.assert_array_equal(colorizer(np.stack([gray, 255 - gray], axis=-1)), plain)
    # The lightness of colours is rounded to 16 bits, so a code may fall to the other side.
    np.testing.assert_allclose(colorizer(np.stack([gray] * 3, axis=-1)), plain.astype(int), atol=1)
    assert colorizer(gray > 128).dtype == np.uint8


def test_a_colour_photograph_is_treated_by_its_lightness(colorizer):
    rng = np.random.default_rng(3)
    color = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    lightness = rgb_to_lab(color / 255)[..., 0]
    gray = lab_to_rgb(np.stack([lightness, 0 * lightness, 0 * lightness], axis=-1))
    first, second = colorizer(color), colorizer(gray.clip(0, 1))
    assert np.abs(first / 255 - second).max() < 0.01


def test_paths_in_paths_out(tmp_path, tiny):
    photo = tmp_path / "a.jpg"
    Image.fromarray(ramp()).save(photo)
    before = photo.read_bytes()
    assert colorize(photo, model=tiny) == tmp_path / "a.color.jpg"
    assert colorize(str(photo), tmp_path / "b.png", model=tiny) == tmp_path / "b.png"
    assert colorize(photo, format="webp", model=tiny) == tmp_path / "a.color.webp"
    for result in ("a.color.jpg", "b.png", "a.color.webp"):
        with Image.open(tmp_path / result) as image:
            assert image.size == (128, 96)
            assert np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).max() > 5
    assert photo.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.color.jpg", "a.color.webp", "a.jpg", "b.png"]


def test_bytes_in_bytes_out(colorizer):
    buffer = io.BytesIO()
    Image.fromarray(ramp()).save(buffer, "PNG")
    for data in (buffer.getvalue(), bytearray(buffer.getvalue())):
        assert Image.open(io.BytesIO(colorizer(data))).format == "PNG"
    assert Image.open(io.BytesIO(colorizer(buffer.getvalue(), format="jpeg"))).format == "JPEG"


def test_open_files_in_bytes_out(colorizer, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(ramp()).save(path)
    expected = colorizer(path.read_bytes())
    with open(path, "rb") as file:
        assert colorizer(file) == expected
    buffer = io.BytesIO()
    Image.fromarray(ramp()).save(buffer, "PNG")
    # It stands at its end, as everybody leaves it who has just written it.
    assert colorizer(buffer) == expected
    assert Image.open(io.BytesIO(colorizer(buffer, format="webp"))).format == "WEBP"
    for source in (buffer, path.read_bytes()):
        written = colorizer(source, tmp_path / "out.png")
        assert written == tmp_path / "out.png"
        assert written.read_bytes() == expected
    with open(path, encoding="latin-1") as file, pytest.raises(UnreadablePhoto, match="open it as a binary file"):
        colorizer(file)


def test_an_address_is_no_path(colorizer):
    address = "https://example.org/archive/picture.jpg?size=large"
    with pytest.raises(UnreadablePhoto) as refused:
        colorizer(address, "out.jpg")
    assert str(refused.value) == (
        f"{address} is an address, not a file: download it first, or pipe it to -, as in: "
        "curl -s ADDRESS | tintype colorize - > coloured.jpg"
    )


def test_a_negative_is_coloured_as_the_photograph_that_it_shows(colorizer, tmp_path):
    lightness = np.linspace(5, 95, 96 * 128).reshape(96, 128)
    positive, negative = (
        (lab_to_rgb(np.stack([L, 0 * L, 0 * L], axis=-1)).mean(axis=-1) * 65535 + 0.5).astype(np.uint16)
        for L in (lightness, 100 - lightness)
    )
    expected = lab_of(colorizer(positive))
    assert np.abs(lab_of(colorizer(negative, negative=True)) - expected).max() < 0.1
    cv2.imwrite(str(tmp_path / "n.png"), negative)
    path = colorizer(tmp_path / "n.png", negative=True)
    result = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert np.abs(lab_of(result) - expected).max() < 0.1
    assert b"negative=yes" in path.read_bytes()
    image = Image.fromarray((negative >> 8).astype(np.uint8))
    assert np.abs(lab_of(np.asarray(colorizer(image, negative=True))) - expected).mean() < 1
    floats = (negative / 65535).astype(np.float32)
    assert np.abs(lab_of(colorizer(floats, negative=True)) - expected).max() < 0.1


def test_a_faded_photograph_is_coloured_with_its_contrast_raised(colorizer, tmp_path):
    lightness = np.tile(np.linspace(35, 75, 128), (96, 1))
    faded = (lab_to_rgb(np.stack([lightness, 0 * lightness, 0 * lightness], axis=-1))[..., 0] * 65535).astype(np.uint16)
    expected = tintype.from_array(faded).stretched().lightness()
    assert np.ptp(expected) > 80
    assert np.abs(lab_of(colorizer(faded, faded=True))[..., 0] - expected).max() < 0.1
    cv2.imwrite(str(tmp_path / "f.png"), faded)
    path = colorizer(tmp_path / "f.png", faded=True)
    assert np.abs(lab_of(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1])[..., 0] - expected).max() < 0.1
    assert b"faded=yes" in path.read_bytes()
    image = colorizer(Image.fromarray((faded >> 8).astype(np.uint8)), faded=True)
    assert np.abs(lab_of(np.asarray(image))[..., 0] - expected).mean() < 1


def test_what_a_file_has_lost_stays_gray(colorizer, tmp_path):
    pixels = np.random.default_rng(0).integers(60, 200, (300, 400), dtype=np.uint8)
    for orientation in (1, 3, 6, 8):
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
        data = (tmp_path / "a.png").read_bytes()
        broken = data[: len(data) // 2]
        with pytest.raises(UnreadablePhoto):
            colorizer(broken)
        with pytest.warns(TintypeWarning, match=r"lacks 1\d\d of its 300 rows, which were left gray"):
            coloured = np.asarray(Image.open(io.BytesIO(colorizer(broken, format="png", salvage=True))))
        gray = (coloured == 119).all(axis=2)  # L* 50
        missing = read(broken, salvage=True).missing
        assert gray[missing].all()
        gray[missing] = False
        assert gray.mean() < 0.01


@pytest.mark.parametrize(
    ("mode", "out"), [("L", "RGB"), ("RGB", "RGB"), ("LA", "RGBA"), ("RGBA", "RGBA"), ("1", "RGB")]
)
def test_pillow_in_pillow_out(mode, out, colorizer):
    image = Image.fromarray(ramp()).convert(mode)
    result = colorizer(image)
    assert (result.mode, result.size) == (out, image.size)
    if mode == "L":
        np.testing.assert_array_equal(np.asarray(result), colorizer(ramp()))


def test_a_pillow_image_of_16_bits_keeps_its_lightness(colorizer):
    gray = ramp(kind=np.uint16)
    result = np.asarray(colorizer(Image.fromarray(gray)))
    lost = np.abs(lab_of(result)[..., 0] - lab_of(np.stack([gray] * 3, axis=-1))[..., 0])
    assert lost.mean() < 0.15


def test_blend_and_vividness_scale_the_colour(tiny):
    gray = np.full((64, 64), 128, np.uint16) * 257
    model = load(tiny)

    def ab(**settings):
        return lab_of(Colorizer(model, **settings)(gray))[32, 32, 1:]

    full = ab()
    np.testing.assert_allclose(ab(blend=0.5), full / 2, atol=0.02)
    np.testing.assert_allclose(ab(vividness=1.5), full * 1.5, atol=0.02)
    np.testing.assert_allclose(ab(temperature=0.5), full / 2, atol=0.02)
    for settings in ({"blend": 0}, {"vividness": 0}):
        gone = Colorizer(model, **settings)(gray)
        np.testing.assert_array_equal(gone, np.stack([gray] * 3, axis=-1))


def test_hints_colour_their_place(colorizer):
    gray = np.full((64, 64), 128, np.uint8)
    plain, guided = lab_of(colorizer(gray)), lab_of(colorizer(gray, hints=[HINT]))
    moved = guided - plain
    assert moved[16, 16, 1] > 30
    assert np.abs(moved[60, 60]).max() < 1
    np.testing.assert_array_equal(colorizer(gray, hints=[]), colorizer(gray))


def test_hints_are_refused_where_they_cannot_be(colorizer, build_model):
    gray = ramp()
    with pytest.raises(HintError, match="takes no hints"):
        Colorizer(build_model())(gray, hints=[HINT])
    with pytest.raises(HintError, match="outside the photograph"):
        colorizer(gray, hints=[HINT | {"x": 128}])
    with pytest.raises(OptionError, match="no temperature"):
        Colorizer(build_model(), temperature=0.5)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"size": 0}, "size"),
        ({"size": 2.5}, "size"),
        ({"size": True}, "size"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"vividness": -0.1}, "vividness"),
        ({"vividness": "much"}, "vividness"),
        ({"blend": 1.1}, "blend"),
        ({"threads": 0}, "threads"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, what, tiny):
    with pytest.raises(OptionError, match=f"The .*{what} must be") as caught:
        Colorizer(tiny, **settings)
    assert isinstance(caught.value, tintype.TintypeError)


def test_what_cannot_be_done_is_refused(colorizer, tmp_path):
    photo = tmp_path / "a.jpg"
    Image.fromarray(ramp()).save(photo)
    with pytest.raises(UnwritablePhoto, match="written over itself"):
        colorizer(photo, photo)
    with pytest.raises(OptionError, match="names no format"):
        colorizer(photo, tmp_path / "a.xyz")
    with pytest.raises(OptionError, match="format must be one of"):
        colorizer(photo, format="gif")
    with pytest.raises(OptionError, match="quality must be"):
        colorizer(photo, quality=101)
    with pytest.raises(OptionError, match="only for an image file"):
        colorizer(ramp(), tmp_path / "a.png")
    with pytest.raises(OptionError, match="not list"):
        colorizer([1, 2])
    with pytest.raises(UnreadablePhoto, match=r"none\.jpg does not exist"):
        colorizer(tmp_path / "none.jpg")
    with pytest.raises(TintypeError):
        colorizer(np.full((8, 8), 300.0))
    with pytest.raises(ModelError):
        Colorizer(tmp_path / "none.onnx")
    assert os.listdir(tmp_path) == ["a.jpg"]


def test_what_progress_raises_leaves_nothing_behind(colorizer, tmp_path):
    photo = tmp_path / "a.png"
    Image.fromarray(ramp(1200, 1200)).save(photo)
    shares = []

    def stop(share):
        shares.append(share)
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        colorizer.file(photo, tmp_path / "b.png", progress=stop)
    assert os.listdir(tmp_path) == ["a.png"]
    assert 0.3 < shares[-1] < 1


@pytest.mark.parametrize(
    ("size", "short", "expected"),
    [
        ((256, 256), 256, (256, 256)),
        ((3000, 4000), 256, (256, 352)),
        ((4000, 3000), 256, (352, 256)),
        ((100, 80), 256, (320, 256)),
        ((1000, 20000), 256, (64, 1024)),
        ((1, 100000), 256, (32, 1024)),
        ((1, 1), 1, (32, 32)),
    ],
)
def test_network_size_keeps_the_aspect_and_bounds_panoramas(size, short, expected):
    assert network_size(size, short, 32) == expected


def test_results_lie_beside_the_photograph():
    assert beside("x/a.b.JPG") == Path("x/a.b.color.JPG")
    assert beside("a.bmp") == Path("a.color.png")
    assert beside("scan") == Path("scan.color.png")
    assert beside("a.jpg", "tiff") == Path("a.color.tif")
    assert beside("a.jpeg", "jpeg") == Path("a.color.jpeg")


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3)])
def test_the_smallest_photographs(shape, colorizer):
    assert colorizer(np.full(shape, 128, np.uint8)).shape == (*shape, 3)


def test_bytes_are_the_same_for_any_number_of_threads(tmp_path):
    photo = tmp_path / "a.jpg"
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (700, 900), dtype=np.uint8)).save(photo)
    results = {Colorizer(threads=threads)(photo.read_bytes()) for threads in (1, 2, 3, 8)}
    assert len(results) == 1
