"""Reading: every format, mode and depth that other libraries write comes in whole and with its lightness."""

import io
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.color.lab import lightness, rgb_to_lab
from tintype.errors import TooManyPixels, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import at_most, from_array, is_marked, read, write


def lightness_of(pixels):
    """L* of sRGB-encoded integer codes, gray or RGB."""
    values = np.asarray(pixels) / np.iinfo(pixels.dtype).max
    return lightness(np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values)


def test_a_16_bit_gray_scan_keeps_all_of_its_65536_levels(tmp_path):
    scan = np.random.default_rng(0).permutation(65536).astype(np.uint16).reshape(256, 256)
    tifffile.imwrite(tmp_path / "scan.tif", scan, photometric="minisblack")
    cv2.imwrite(str(tmp_path / "scan.png"), scan)
    for name in ("scan.tif", "scan.png"):
        photo = read(tmp_path / name)
        assert (photo.depth, photo.bits) == (16, 16)
        assert (photo.plane == scan).all()
        assert len(np.unique(photo.lightness())) == 65536
        assert np.abs(photo.lightness() - lightness_of(scan)).max() < 1e-4


def test_8_bit_gray_is_exact_at_every_level(encoded):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    photo = read(encoded(ramp, "PNG"))
    # CIE L* of sRGB gray 128 is 53.585 in any table.
    assert photo.lightness()[8, 0] == pytest.approx(53.585, abs=5e-4)
    assert np.abs(photo.lightness() - rgb_to_lab(np.repeat(ramp[..., None], 3, -1) / 255)[..., 0]).max() < 1e-5


MODES = {  # that Pillow writes
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "WEBP": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"),
    "AVIF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"),
    "JPEG": ("1", "L", "RGB", "CMYK"),
}


@pytest.mark.parametrize(("format", "mode"), [(format, mode) for format in MODES for mode in MODES[format]])
def test_every_mode_of_every_format(scene, encoded, format, mode):
    image = Image.fromarray((scene() * 255).astype(np.uint8)).convert("L" if mode in ("1", "LA") else "RGB")
    image = image.convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(np.arange(60 * 83, dtype=np.uint8).reshape(60, 83)))
    options = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}
    options["JPEG"] = {"quality": 100}
    data = encoded(image, format, **options.get(format, {}))
    photo = read(data)
    decoded = Image.open(io.BytesIO(data))
    assert (photo.width, photo.height, photo.depth) == (83, 60, 8)
    assert photo.format == format.lower()
    reference = lightness_of(np.asarray(decoded.convert("RGB")))
    # Two decoders of JPEG may differ by a code or two per channel.
    tolerance = {"JPEG": 1.5, "AVIF": 1.0}.get(format, 0.01)
    assert np.abs(photo.lightness() - reference).max() < tolerance
    if "A" in decoded.mode:
        assert np.abs(photo.alpha.astype(int) - np.asarray(decoded.convert("RGBA"))[..., 3]).max() <= 1
    else:
        assert photo.alpha is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"tile": (32, 48)},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw", "rowsperstrip": 7},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"compression": "packbits", "tile": (16, 16)},
    ],
    ids=str,
)
def test_tiff_of_every_layout(tmp_path, scene, kind, photometric, alpha, layout):
    top = np.iinfo(kind).max
    pixels = (scene() * top).astype(kind)
    if photometric != "rgb":
        pixels = pixels[..., 1]
    extra = {}
    stored = pixels
    if alpha:
        extra = {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
        opacity = np.linspace(0, top, 60 * 83).astype(kind).reshape(60, 83)
        stored = np.concatenate([np.atleast_3d(pixels), opacity[..., None]], -1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=photometric, **extra, **layout)
    photo = read(tmp_path / "a.tif")
    expected = lightness_of(top - pixels if photometric == "miniswhite" else pixels)
    assert photo.depth == 8 * np.dtype(kind).itemsize
    assert np.abs(photo.lightness() - expected).max() < 0.002
    if alpha:
        assert (photo.alpha == opacity).all()


def test_tiff_in_planes_and_with_premultiplied_alpha(tmp_path, scene):
    pixels = (scene() * 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "planes.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate")
    assert np.abs(read(tmp_path / "planes.tif").lightness() - lightness_of(pixels)).max() < 0.002
    half = np.full((60, 83, 1), 128, np.uint8)
    premultiplied = np.concatenate([pixels * (128 / 255), half], -1).round().astype(np.uint8)
    tifffile.imwrite(tmp_path / "pre.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = read(tmp_path / "pre.tif")
    assert (photo.alpha == 128).all()
    assert np.abs(photo.lightness() - lightness_of(pixels)).mean() < 0.5


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb"])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_float_tiff_is_srgb_encoded_from_0_to_1(tmp_path, scene, photometric, kind):
    pixels = scene().astype(kind)
    if photometric != "rgb":
        pixels = pixels[..., 1]
    tifffile.imwrite(tmp_path / "f.tif", pixels, photometric=photometric)
    photo = read(tmp_path / "f.tif")
    shown = abs((photometric == "miniswhite") - pixels.astype(np.float64))
    expected = lightness(shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1))
    assert (photo.depth, photo.plane.dtype) == (32, np.float32)
    assert np.abs(photo.lightness() - expected).max() < 1e-3


@pytest.mark.parametrize("values", [[0, 255.0], [-3.0, 1], [0, np.nan], [0, np.inf]])
def test_floats_of_another_range_are_refused(tmp_path, values):
    tifffile.imwrite(tmp_path / "f.tif", np.resize(np.float32(values), (8, 8)))
    with pytest.raises(UnreadablePhoto, match=r"f\.tif holds values from .* to .*: bring floats to the range 0 to 1"):
        read(tmp_path / "f.tif")


@pytest.mark.parametrize("kind", [np.int16, np.uint64, np.int8, np.float64, np.complex64])
def test_other_sample_types_are_refused_by_name(tmp_path, kind):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), kind), photometric="minisblack")
    with pytest.raises(UnsupportedPhoto, match=r"a\.tif holds \d+-bit .*: convert it"):
        read(tmp_path / "a.tif")


def test_one_bit_and_palette_tiff(tmp_path):
    bits = np.random.default_rng(0).random((40, 51)) > 0.5
    tifffile.imwrite(tmp_path / "bits.tif", bits, photometric="minisblack")
    photo = read(tmp_path / "bits.tif")
    assert (photo.bits, photo.depth) == (1, 8)
    assert (photo.lightness() == np.where(bits, 100, 0)).all()
    colours = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16) * 257
    indices = np.random.default_rng(2).integers(0, 256, (40, 51), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "palette.tif", indices, photometric="palette", colormap=colours)
    expected = lightness_of((colours >> 8).astype(np.uint8).T[indices])
    assert np.abs(read(tmp_path / "palette.tif").lightness() - expected).max() < 0.002


def test_16_bit_rgb_png_interlaced_png_and_gray_with_a_transparent_level(scene, encoded):
    pixels = (scene() * 65535).astype(np.uint16)
    photo = read(bytes(imagecodecs.png_encode(pixels)))
    assert photo.depth == 16
    assert np.abs(photo.lightness() - lightness_of(pixels)).max() < 0.002
    import pyvips

    eight = (scene() * 255).astype(np.uint8)
    interlaced = pyvips.Image.new_from_array(eight).pngsave_buffer(interlace=True)
    assert interlaced[28] == 1
    assert np.abs(read(interlaced).lightness() - lightness_of(eight)).max() < 0.002
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    photo = read(encoded(gray, "PNG", transparency=7))
    assert (photo.alpha == np.where(gray == 7, 0, 255)).all()


def test_bmp_with_the_header_of_os2(scene):
    pixels = (scene() * 255).astype(np.uint8)
    body = b"".join(row[:, ::-1].tobytes().ljust(252, b"\0") for row in pixels[::-1])
    data = b"BM" + struct.pack("<IHHIIHHHH", 26 + len(body), 0, 0, 26, 12, 83, 60, 1, 24) + body
    assert np.abs(read(data).lightness() - lightness_of(pixels)).max() < 0.002


def test_a_bmp_of_more_pixels_than_are_read():
    head = b"BM" + struct.pack("<IHHIIiiHH", 1000, 0, 0, 54, 40, 40_000, -40_000, 1, 24) + bytes(24)
    with pytest.raises(UnsupportedPhoto, match="40000 x 40000 pixels, and more than 1000 megapixels are not read"):
        read(head)


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "bmp", "avif", "jp2"])
def test_fewer_pixels_may_be_allowed_and_are_counted_of_the_page_that_is_read(format):
    pages = [Image.fromarray(np.full((height, 50), 90, np.uint8)) for height in (40, 60)]
    memory = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if format == "tiff" else {}
    pages[0].convert("RGB" if format in ("webp", "avif") else "L").save(
        memory, "JPEG2000" if format == "jp2" else format, **more
    )
    with at_most(2000):
        assert read(memory, page=1).height == 40
    if format == "tiff":
        with at_most(2400), pytest.raises(TooManyPixels, match="50 x 60 pixels"):
            read(memory, page=2)
    with at_most(1999), pytest.raises(TooManyPixels):
        read(memory, page=1)
    assert read(memory, page=1).width == 50


def test_progressive_and_subsampled_jpeg(scene, encoded):
    pixels = (scene(64, 96) * 255).astype(np.uint8)
    for options in ({"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}):
        data = encoded(pixels, "JPEG", quality=95, **options)
        reference = lightness_of(np.asarray(Image.open(io.BytesIO(data))))
        assert np.abs(read(data).lightness() - reference).mean() < 0.1


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_of_more_than_8_bits_is_16_bits_and_its_white_is_white(bits):
    codes = np.repeat(np.linspace(0, 2**bits - 1, 64).astype(np.uint16)[None, :, None], 3, 2).repeat(64, 0)
    data = bytes(imagecodecs.avif_encode(codes, level=100, bitspersample=bits))
    photo = read(data)
    assert (photo.depth, photo.bits) == (16, bits)
    expected = lightness((codes / (2**bits - 1)).astype(np.float64))
    assert np.abs(photo.lightness() - expected).max() < 0.2
    assert photo.lightness()[0, -1] == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_orientation_is_turned_upright_once(scene, encoded, orientation, format):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(format, {})
    data = encoded((scene()[..., 1] * 255).astype(np.uint8), format, exif=exif, **options)
    from PIL import ImageOps

    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L"))
    photo = read(data)
    assert (photo.height, photo.width) == upright.shape
    assert np.abs(photo.lightness() - lightness_of(upright)).max() < 0.6
    assert Image.open(io.BytesIO(encoded(upright, "PNG", exif=photo.metadata.exif or b""))).getexif().get(274, 1) == 1


def test_avif_that_turns_itself_is_not_turned_again(scene, encoded):
    exif = Image.Exif()
    exif[274] = 6
    data = encoded(Image.fromarray((scene() * 255).astype(np.uint8)), "AVIF", exif=exif, quality=95)
    upright = np.asarray(Image.open(io.BytesIO(data)))
    photo = read(data)
    if Image.open(io.BytesIO(data)).getexif().get(274, 1) != 1:
        upright = np.rot90(upright, -1)
    assert (photo.height, photo.width) == (83, 60)
    assert np.abs(photo.lightness() - lightness_of(np.ascontiguousarray(upright))).mean() < 0.6


def test_path_bytes_and_stream_give_the_same(tmp_path, scene, encoded):
    data = encoded((scene() * 255).astype(np.uint8), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    photos = [read(tmp_path / "a.jpg"), read(str(tmp_path / "a.jpg")), read(data), read(io.BytesIO(data))]
    assert all((photo.plane == photos[0].plane).all() for photo in photos)
    assert read(data, name="the wedding").name == "the wedding"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_named_pipe_gives_its_photograph(tmp_path, scene, encoded):
    data = encoded((scene() * 255).astype(np.uint8), "TIFF")
    os.mkfifo(tmp_path / "pipe.tif")
    with ThreadPoolExecutor(1) as pool:
        pool.submit((tmp_path / "pipe.tif").write_bytes, data)
        assert (read(tmp_path / "pipe.tif").plane == read(data).plane).all()


def test_photographs_are_read_and_written_side_by_side(tmp_path, scene, encoded, coloured, mark):
    sources = []
    for i, format in enumerate(["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP"] * 3):
        pixels = (scene(90 + i, 120) * 255).astype(np.uint8)
        path = tmp_path / f"{i}.{format.lower()}"
        path.write_bytes(encoded(pixels, format))
        sources.append(path)

    def colour(path):
        photo = read(path)
        result = io.BytesIO()
        write(photo, coloured(photo), result, mark=mark)
        return result.getvalue()

    alone = [colour(path) for path in sources]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(colour, sources)) == alone


def test_content_decides_and_not_the_suffix(tmp_path, scene, encoded):
    (tmp_path / "a.png").write_bytes(encoded((scene() * 255).astype(np.uint8), "JPEG"))
    assert read(tmp_path / "a.png").format == "jpeg"


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_not_utf_8_and_names_with_brackets(tmp_path, scene, encoded, coloured, mark):
    data = encoded((scene() * 255).astype(np.uint8), "JPEG")
    for name in (b"caf\xe9.jpg", b"a[page=1].jpg", "großmutter 🎞.jpg".encode()):
        path = os.fsdecode(os.path.join(os.fsencode(tmp_path), name))
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError:
            pytest.skip("this file system takes only Unicode names")
        photo = read(path)
        photo.name.encode()
        write(photo, coloured(photo), path, mark=mark)
        assert is_marked(path)


def test_arrays_of_every_shape_and_pillow_images(scene):
    picture = scene()
    for kind, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1), (">u2", 65535)):
        pixels = (picture * top).astype(kind)
        expected = lightness(pixels.astype(np.float64) / top)
        assert np.abs(from_array(pixels).lightness() - expected).max() < 0.002
        gray = from_array(pixels[..., 1])
        assert np.abs(from_array(pixels[..., 1:2]).lightness() - gray.lightness()).max() == 0
        assert from_array(np.concatenate([pixels, pixels[..., :1]], -1)).alpha.shape == (60, 83)
        assert from_array(pixels[..., :2]).alpha is not None
    image = Image.fromarray((picture * 255).astype(np.uint8))
    assert np.abs(from_array(image).lightness() - lightness_of(np.asarray(image))).max() < 0.002
    deep = Image.fromarray(np.arange(65536, dtype=np.uint16).reshape(256, 256))
    assert len(np.unique(from_array(deep).lightness())) == 65536


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB"]
)
def test_pillow_images_of_every_mode(mode):
    image = Image.new(mode, (5, 4), 1 if mode == "1" else None)
    photo = from_array(image)
    assert (photo.width, photo.height, photo.depth) == (5, 4, 8)
    assert (photo.alpha is not None) == (mode[-1] in "Aa")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_pillow_images_are_turned_upright_once(scene, encoded, format):
    exif = Image.Exif()
    exif[274] = 6
    data = encoded((scene()[..., 1] * 255).astype(np.uint8), format, exif=exif)
    photo, expected = from_array(Image.open(io.BytesIO(data))), read(data)
    assert (photo.width, photo.height) == (60, 83)
    assert np.abs(photo.lightness() - expected.lightness()).mean() < 0.6


def test_a_pillow_image_that_is_cut_short(scene, encoded):
    data = encoded((scene() * 255).astype(np.uint8), "PNG")
    with pytest.raises(UnreadablePhoto, match="the image is broken or cut short"):
        from_array(Image.open(io.BytesIO(data[: len(data) // 2])))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_pillow_images_with_a_transparent_level(encoded, mode):
    image = Image.fromarray(np.tile(np.uint8([[0, 255]]), (4, 3))).convert(mode)
    level = {"1": 0, "L": 0, "P": 0, "RGB": (0, 0, 0)}[mode]
    photo = from_array(Image.open(io.BytesIO(encoded(image, "PNG", transparency=level))))
    assert (photo.alpha == np.tile([[0, 255]], (4, 3))).all()


@pytest.mark.parametrize(
    "array",
    [np.ones((4, 4, 5)), np.ones(4), np.ones((4, 4), np.int64), np.zeros((0, 4), np.uint8), np.full((4, 4), 99.0)],
)
def test_arrays_that_are_no_photograph(array):
    with pytest.raises((UnsupportedPhoto, UnreadablePhoto), match=r"^the array h"):
        from_array(array)


OPTIONS = {"JPEG": {}, "PNG": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}, "AVIF": {}}


@pytest.mark.parametrize(
    ("mode", "format"),
    [(mode, format) for mode in ("L", "RGB") for format in OPTIONS]
    + [("RGBA", format) for format in OPTIONS if format != "JPEG"]
    + [("CMYK", "JPEG"), ("CMYK", "TIFF")],
)
def test_what_is_read_does_not_depend_on_the_threads(scene, encoded, mode, format):
    image = Image.fromarray((scene(700, 500) * 255).astype(np.uint8)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.arange(350_000).reshape(700, 500).astype(np.uint8)))
    data = encoded(image, format, **OPTIONS[format])
    alone, together = read(data, threads=1), read(data, threads=3)
    assert np.array_equal(alone.plane, together.plane)
    assert (alone.alpha is None) == (together.alpha is None) == (mode != "RGBA")
    if mode == "RGBA":
        assert np.array_equal(alone.alpha, together.alpha)
    assert alone.in_colour == together.in_colour


LIBVIPS_THREADS = """
import os, sys
from pathlib import Path
from tintype.photo import read
names = lambda: [Path(f"/proc/self/task/{task}/comm").read_text() for task in os.listdir("/proc/self/task")]
before = len(names())
read(sys.argv[1], threads=int(sys.argv[2]))
print(len(names()) - before)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="only Linux lists the threads of a process there")
@pytest.mark.parametrize(("name", "options"), [("a.jpg", {}), ("a.png", {}), ("a.tif", {"compression": "tiff_lzw"})])
def test_one_thread_is_the_callers_own(tmp_path, scene, name, options):
    """libvips keeps the threads that it has begun for a while."""
    Image.fromarray((scene(1000, 800) * 255).astype(np.uint8)).save(tmp_path / name, **options)
    begun = [
        int(subprocess.check_output([sys.executable, "-c", LIBVIPS_THREADS, str(tmp_path / name), threads]))
        for threads in ("1", "2")
    ]
    assert begun[0] == 0 < begun[1]
