"""Refusals: what cannot be read whole is refused in one sentence that names it."""

import io
import os
import struct
import subprocess
import sys
import zlib
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import MOST_PIXELS, is_marked, read


def refusal(source, error=PhotoError, **options):
    with pytest.raises(error) as caught:
        read(source, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
FOREIGN = {
    "a PDF document": b"%PDF-1.7\n",
    "an SVG drawing": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a camera raw file (CR2)": b"II*\0\x10\0\0\0CR\2\0",
    "a camera raw file (CR3)": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "a camera raw file (RAF)": b"FUJIFILMCCD-RAW 0201",
    "a camera raw file (CRW)": b"II\x1a\0\0\0HEAPCCDR\2\0",
    "a camera raw file (MRW)": b"\0MRM\0\1\2\3",
    "a camera raw file (ORF)": b"IIRO\x08\0\0\0",
    "a camera raw file (RW2)": b"IIU\0\x18\0\0\0",
    "a Netpbm picture of an unusual kind (PAM or floats)": b"Pf\n2 2\n-1\n\0\0\0\0",
    "a zip archive": b"PK\3\4",
    "a video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "an animation (HEIF sequence)": b"\0\0\0\x18ftyphevc\0\0\0\0hevcmsf1",
    "an animation (AVIF sequence)": b"\0\0\0\x18ftypavis\0\0\0\0avifmif1",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_other_kinds_are_refused_by_name(what):
    text = refusal(FOREIGN[what], UnsupportedPhoto, name="x.jpg")
    assert text.startswith(f"x.jpg is {what}, which tintype does not read: ")


def test_what_messages_call_bytes_and_which_formats_they_list():
    text = refusal(bytes(5000), UnreadablePhoto)
    assert text.startswith("the given file is not a photograph that tintype knows: it reads JPEG, ")
    assert text.count(",") <= 4


def test_what_is_no_picture(tmp_path):
    assert "empty" in refusal(b"", UnreadablePhoto)
    assert "text file" in refusal("Liebe Großmutter,\n".encode() * 400, UnreadablePhoto)
    assert "web page" in refusal(b"\n<!DOCTYPE html><html>", UnreadablePhoto)
    assert "not a photograph" in refusal(bytes(5000), UnreadablePhoto)
    assert "is a folder" in refusal(tmp_path, UnreadablePhoto)
    assert "does not exist" in refusal(tmp_path / "none.jpg", UnreadablePhoto)
    assert "none.jpg" in refusal(tmp_path / "none.jpg")
    refusal("a\0b.jpg", UnreadablePhoto)


def test_a_stream_that_cannot_be_read(tmp_path):
    with open(tmp_path / "closed.jpg", "wb") as stream:
        assert "closed.jpg cannot be read (" in refusal(stream, UnreadablePhoto)
    assert "closed.jpg cannot be read (" in refusal(stream, UnreadablePhoto)


def test_animations_pages_and_further_photographs_are_never_first_page_only(tmp_path, encoded):
    frames = [Image.new("RGB", (16, 12), color) for color in ("red", "green")]
    options = {"save_all": True, "append_images": frames[1:]}
    for format in ("WEBP", "PNG"):
        assert "animation" in refusal(encoded(frames[0], format, **options), UnsupportedPhoto)
    assert "2 pages" in refusal(encoded(frames[0], "TIFF", **options), UnsupportedPhoto)
    assert "2 photographs (MPO)" in refusal(encoded(frames[0], "MPO", **options), UnsupportedPhoto)
    assert "AVIF sequence" in refusal(encoded(frames[0], "AVIF", **options), UnsupportedPhoto)
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 8, 9), np.uint8), imagej=True)
    assert "5 pages" in refusal(tmp_path / "stack.tif", UnsupportedPhoto)


def test_a_preview_beside_the_photograph_is_not_another_photograph(encoded):
    big, small = Image.new("L", (64, 48), 100), Image.new("L", (16, 12), 100)
    photo = read(encoded(big, "MPO", save_all=True, append_images=[small]))
    assert (photo.width, photo.height) == (64, 48)


@pytest.mark.parametrize("first", ["full", "reduced"])
def test_pyramids_are_one_photograph_and_the_full_size_is_read(tmp_path, first):
    full = np.random.default_rng(0).integers(0, 65536, (64, 80), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "chain.tif") as file:
        levels = [(full, 0), (full[::2, ::2], 1), (full[::4, ::4], 1)]
        for level, kind in levels if first == "full" else levels[::-1]:
            file.write(level, subfiletype=kind, photometric="minisblack", metadata=None)
    assert (read(tmp_path / "chain.tif").plane == full).all()
    with tifffile.TiffWriter(tmp_path / "subifds.tif") as file:
        file.write(full, subifds=2, tile=(16, 16), photometric="minisblack")
        file.write(full[::2, ::2], subfiletype=1, tile=(16, 16), photometric="minisblack")
        file.write(full[::4, ::4], subfiletype=1, tile=(16, 16), photometric="minisblack")
    assert (read(tmp_path / "subifds.tif").plane == full).all()


def test_camera_raw_in_tiff_clothes(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.dng",
        np.zeros((8, 8), np.uint16),
        photometric="cfa",
        extratags=[(50706, 1, 4, (1, 4, 0, 0), True)],
    )
    assert "camera raw" in refusal(tmp_path / "a.dng", UnsupportedPhoto)


def test_too_many_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 7), np.uint8), photometric="minisblack", planarconfig="contig")
    assert "7 channels" in refusal(tmp_path / "a.tif", UnsupportedPhoto)
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((8, 8, 4), np.float32), photometric="separated")
    assert "CMYK in floats" in refusal(tmp_path / "c.tif", UnsupportedPhoto)


def bombs():
    side = 65535
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    yield "png", b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    small = io.BytesIO()
    Image.new("L", (8, 8)).save(small, "JPEG")
    data = bytearray(small.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    yield "jpeg", bytes(data)
    entries = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 8)]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    yield "tiff", b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 0, 0, 0, 0, 0, 0)
    yield "bmp", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(100)


@pytest.mark.parametrize(("kind", "data"), list(bombs()), ids=lambda value: value if isinstance(value, str) else "")
def test_bombs_are_refused_by_their_header(kind, data):
    assert MOST_PIXELS < 65535**2
    text = refusal(data, UnsupportedPhoto, name=f"bomb.{kind}")
    assert text.startswith(f"bomb.{kind} says that it has 65535 x 65535 pixels")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.97])
def test_a_photograph_cut_short_is_refused_and_never_half_read(scene, encoded, format, kept):
    picture = Image.fromarray((scene(300, 400) * 255).astype(np.uint8))
    data = encoded(picture, format, **({"compression": "tiff_lzw"} if format == "TIFF" else {}))
    refusal(data[: int(len(data) * kept)], UnreadablePhoto)


@pytest.mark.parametrize("layout", [{"tile": (16, 16)}, {"rowsperstrip": 8}, {}], ids=str)
@pytest.mark.parametrize("compression", ["zlib", "lzw", None])
def test_a_tiff_that_has_lost_its_last_pixels(tmp_path, layout, compression):
    noise = np.random.default_rng(0).integers(50, 255, (100, 100), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise, compression=compression, metadata=None, **layout)
    data = (tmp_path / "a.tif").read_bytes()
    assert (read(data).plane == noise).all()
    refusal(data[:-40], UnreadablePhoto)
    refusal(data[: len(data) // 2], UnreadablePhoto)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP"])
def test_noise_behind_a_true_signature(encoded, format):
    data = encoded(Image.new("RGB", (64, 64), "gray"), format)
    noise = np.random.default_rng(3).bytes(4000)
    for keep in (4, 12, 40):
        refusal(data[:keep] + noise, PhotoError)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_damaged_bytes_end_in_a_photograph_or_a_sentence(scene, encoded, format):
    exif = Image.Exif()
    exif[271], exif[274] = "Kodak", 6
    exif.get_ifd(0x8769)[0x9003] = "1931:05:06 12:00:00"
    data = encoded((scene() * 255).astype(np.uint8), format, exif=exif.tobytes(), dpi=(300, 300))
    random = np.random.default_rng(11)
    for _ in range(80):
        damaged = bytearray(data)
        for place in [*random.integers(0, 200, 3), *random.integers(0, len(data), 2)]:
            damaged[place] = random.integers(256)
        with suppress(PhotoError):
            photo = read(bytes(damaged))
            assert photo.lightness().shape == (photo.height, photo.width)


def test_messages_of_a_decoder_may_hold_any_bytes(encoded):
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "AVIF"))
    # An essential property under an unknown name: the decoder repeats the name in its complaint.
    at = data.index(b"pixi")
    data[at : at + 4] = b"ir\xa4t"
    flags = data.index(b"ipma") + 15
    data[flags : flags + 4] = bytes(code | 0x80 for code in data[flags : flags + 4])
    text = refusal(bytes(data), UnreadablePhoto)
    assert "ir\ufffdt" in text
    # And the next failure does not find it again.
    assert "\ufffd" not in refusal(encoded(Image.new("RGB", (99, 99)), "PNG")[:90], UnreadablePhoto)


def test_no_pixels():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 5, 8, 0, 0, 0, 0))
    refusal(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""), UnreadablePhoto)
    table = b"".join(struct.pack("<HHII", tag, 4, 1, 0) for tag in (256, 257))
    refusal(b"II*\0\x08\0\0\0\x02\0" + table + bytes(4), UnreadablePhoto)
    refusal(b"II*\0\0\0\0\0", UnreadablePhoto)


@pytest.mark.skipif(os.name == "nt", reason="permissions work another way there")
def test_a_file_without_permission(tmp_path, encoded):
    path = tmp_path / "secret.jpg"
    path.write_bytes(encoded(Image.new("L", (8, 8)), "JPEG"))
    path.chmod(0)
    tmp_path.chmod(0o755)
    script = (
        "import os, sys\n"
        "from tintype.photo import read\n"
        "from tintype.errors import UnreadablePhoto\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: read(sys.argv[1])\n"
        "except UnreadablePhoto as error: print(error)\n"
    )
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        if "pytest" in folder.name:
            folder.chmod(0o755)
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert result.stdout == f"{path} cannot be read: check its permissions\n"
    assert result.stderr == ""


def test_is_marked_says_no_to_what_is_no_photograph(tmp_path):
    assert not is_marked(tmp_path)
    assert not is_marked(tmp_path / "none")
    for name, data in (("a", b""), ("b", b"text"), ("c", HEIC), ("d", b"\xff\xd8\xff"), ("e", b"II*\0\0\0\0\0")):
        (tmp_path / name).write_bytes(data)
        assert not is_marked(tmp_path / name)


def test_lossless_jpeg():
    data = bytes(imagecodecs.jpeg_encode(np.zeros((16, 16), np.uint8), lossless=True))
    assert "lossless JPEG" in refusal(data, UnsupportedPhoto)
