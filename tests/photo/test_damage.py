"""Damage: what has lost pixels is refused, what only troubles a decoder is read, and what is left can be salvaged."""

import io
import itertools
import os
import re
import struct
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile

from tintype.errors import UnreadablePhoto
from tintype.photo import read

EOI = b"\xff\xd9"
KINDS = {"sequential": {}, "progressive": {"progressive": True}, "restarts": {"restart_marker_rows": 2}}


@pytest.fixture(scope="module")
def jpeg(scene, encoded):
    """`jpeg(kind)` -> a grainy photograph of 300 x 400 pixels as JPEG."""
    grain = np.random.default_rng(1).normal(0, 0.05, (300, 400, 1))
    pixels = (np.clip(scene(300, 400) + grain, 0, 1) * 255).astype(np.uint8)
    return lambda kind, **options: encoded(pixels, "JPEG", quality=88, **KINDS[kind], **options)


def gray_of(data):
    """What another decoder, made to go on whatever it meets, shows; uint8 [height, width]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def refusal(data, **options):
    with pytest.raises(UnreadablePhoto) as refused:
        read(data, "p.jpg", **options)
    text = str(refused.value)
    assert text.startswith("p.jpg ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_its_end_marker_is_read_and_says_so(jpeg, kind):
    data = jpeg(kind)
    whole = read(data)
    assert data.endswith(EOI)
    for lost in (1, 2):
        photo = read(data[:-lost], "p.jpg")
        assert (photo.plane == whole.plane).all()
        assert photo.notes == ("p.jpg is not quite whole: it has no end marker, but all of its rows are there",)
    assert whole.notes == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("ended", [False, True], ids=["cut", "cut and ended"])
def test_a_jpeg_that_was_cut_is_refused(jpeg, kind, kept, ended):
    data = jpeg(kind)
    text = refusal(data[: int(len(data) * kept)] + EOI * ended)
    assert "broken or cut short" in text
    assert "--salvage" in text or kept == 0.1


@pytest.mark.parametrize("sampling", ["gray", "4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("height", [289, 300, 304])
def test_a_jpeg_that_lacks_a_part_of_its_last_rows_is_refused(encoded, sampling, height):
    """libvips looks for warnings before it reads rows, never after the last ones."""
    pixels = np.random.default_rng(0).normal(128, 40, (height, 200, 3)).clip(0, 255).astype(np.uint8)
    pixels = pixels[..., 0] if sampling == "gray" else pixels
    options = {} if sampling == "gray" else {"subsampling": sampling}
    data = encoded(pixels, "JPEG", quality=85, **options)
    assert read(data).notes == ()
    whole = gray_of(data)
    # The last blocks may lie beyond the edge of the picture.
    cuts = [data[:-lost] + EOI for lost in (20, 200, 700, 1500)]
    cuts = [cut for cut in cuts if (gray_of(cut) != whole).any()]
    assert cuts
    for cut in cuts:
        refusal(cut)
        photo = read(cut, "p.jpg", salvage=True)
        assert photo.height == height
        assert len(photo.notes) == 1
        assert "damaged from row" in photo.notes[0] or "lacks" in photo.notes[0]


def test_a_progressive_jpeg_that_was_cut_between_two_scans_is_refused(jpeg):
    data = jpeg("progressive")
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 3
    last = data.rindex(b"\xff\xc4", 0, scans[-1])
    # Nothing that decoders complain of: finer detail is not there.
    assert cv2.imdecode(np.frombuffer(data[:last] + EOI, np.uint8), 0).shape == (300, 400)
    assert (gray_of(data[:last] + EOI) != gray_of(data)).any()
    assert "cut short" in refusal(data[:last])


@pytest.mark.parametrize("kind", ["sequential", "restarts"])
@pytest.mark.parametrize("ended", [False, True], ids=["to the end of the file", "with an end marker"])
def test_zeros_in_the_place_of_the_rest_of_a_jpeg(jpeg, kind, ended):
    data = jpeg(kind)
    for kept in (0.3, 0.6, 0.8, 0.9):
        start = int(len(data) * kept)
        blank = data[:start] + bytes(len(data) - start - 2) + (EOI if ended else bytes(2))
        refusal(blank)
        photo = read(blank, "p.jpg", salvage=True)
        rows = photo.missing[0]
        assert rows.stop == 300
        assert abs(rows.start - 300 * kept) < 40
        assert f"lacks {300 - rows.start} of its 300 rows" in photo.notes[0]


def test_zeros_in_the_place_of_a_part_of_a_jpeg(encoded):
    pixels = np.random.default_rng(0).normal(128, 30, (160, 160)).clip(0, 255).astype(np.uint8)
    for options in ({"quality": 75}, {"quality": 75, "optimize": True}, {"quality": 75, "restart_marker_rows": 2}):
        data = encoded(pixels, "JPEG", **options)
        for start in range(2000, 6000, 100):
            for length in (70, 480):
                # Where as many blocks come out as went in, a decoder has nothing to say.
                holed = data[:start] + bytes(length) + data[start + length :]
                refusal(holed)
        photo = read(holed, "p.jpg", salvage=True)
        assert "damaged from row" in photo.notes[0] or "lacks" in photo.notes[0]


def test_zeros_that_are_pixels_or_padding_are_no_damage(encoded):
    # An even bottom and tables of its own: its blocks are zeros bit by bit.
    pixels = np.full((900, 1200), 255, np.uint8)
    pixels[:40] = np.random.default_rng(0).integers(0, 256, (40, 1200))
    data = encoded(pixels, "JPEG", quality=75, optimize=True)
    assert bytes(64) in data
    for file in (data, data[:-2], data[:-2] + bytes(500) + EOI, data[:-2] + bytes(500)):
        assert np.abs(read(file).plane.astype(int) - gray_of(data)).max() <= 2
    grainy = encoded(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8), "JPEG")
    for count in (20, 63, 64, 500):
        assert (read(grainy[:-2] + bytes(count) + EOI).plane == read(grainy).plane).all()


@pytest.mark.parametrize("kind", KINDS)
def test_random_bytes_inside_a_jpeg_are_refused(jpeg, kind):
    data = jpeg(kind)
    random = np.random.default_rng(5)
    for _ in range(40 if kind == "sequential" else 10):
        at = random.integers(1500, len(data) - 4500)
        refusal(data[:at] + random.bytes(4096) + data[at + 4096 :])


@pytest.mark.skipif(os.name == "nt", reason="memory is limited another way there")
def test_a_small_file_that_claims_an_enormous_picture_is_refused_at_once(tmp_path, encoded):
    import resource

    for number, options in enumerate(({}, {"progressive": True})):
        data = bytearray(encoded(Image.new("L", (64, 64), "gray"), "JPEG", **options))
        at = data.index(b"\xff\xc2" if options else b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 32_000, 31_000)
        data[at + 9 :] = data[at + 9 :] + np.random.default_rng(0).bytes(3000 - len(data))
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(data)
        script = "import sys; from tintype.photo import read; read(sys.argv[1], salvage=len(sys.argv) > 2)"
        for more in ([], ["salvage"]):
            begin = time.monotonic()
            run = subprocess.run(
                [sys.executable, "-c", script, path, *more],
                capture_output=True,
                text=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30)),
            )
            assert "UnreadablePhoto" in run.stderr or "Damaged" in run.stderr
            assert time.monotonic() - begin < 20


def spoilt(data, what):
    """Sound pixels with a fault of the kind that cameras, scanners and programs leave."""
    if what == "bytes between segments":
        return data[:20] + b"abcd" + data[20:]
    if what == "revision of JFIF":
        return data[:11] + b"\7" + data[12:]
    if what == "fill bytes before the end":
        return data[:-2] + b"\xff" * 7 + EOI
    if what == "padding before the end":
        return data[:-2] + b"\x20" * 30 + EOI
    if what == "bytes behind the end":
        return data + b"trailer" * 50
    if what == "transform of Adobe":
        return data[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07" + data[20:]
    at = data.index(b"\xff\xda")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[: end - 3] + b"\0\0\0" + data[end:]


HARMLESS = [
    "bytes between segments",
    "revision of JFIF",
    "fill bytes before the end",
    "padding before the end",
    "bytes behind the end",
    "transform of Adobe",
]
"""In a JPEG file of any kind."""


@pytest.mark.parametrize(
    ("kind", "what"),
    # In a progressive scan the parameters mean something.
    [*itertools.product(["sequential", "progressive"], HARMLESS), ("sequential", "parameters of the scan")],
)
def test_harmless_faults_of_a_jpeg_are_read_over(jpeg, kind, what):
    data = jpeg(kind)
    faulty = spoilt(data, what)
    assert faulty != data
    photo = read(faulty)
    assert (photo.plane == read(data).plane).all()
    assert photo.notes == ()
    # Another decoder finds the same picture in it.
    assert (gray_of(faulty) == gray_of(data)).all()


@pytest.mark.parametrize("what", ["bytes between segments", "revision of JFIF"])
def test_a_harmless_fault_does_not_hide_damage(jpeg, what):
    data = spoilt(jpeg("sequential"), what)
    middle = len(data) // 2
    refusal(data[:middle] + EOI)
    refusal(data[:middle] + np.random.default_rng(2).bytes(4096) + data[middle + 4096 :])


def test_searching_for_faults_is_bounded(jpeg):
    data = jpeg("sequential")
    for filler in (b"\xff\x01" * 4_000_000, b"\xff\xd0\0" * 3_000_000, bytes(8_000_000)):
        begin = time.monotonic()
        with pytest.raises(UnreadablePhoto):
            read(data[:2] + filler + data[2 : len(data) // 2])
        assert time.monotonic() - begin < 20


@pytest.mark.parametrize("kind", ["sequential", "restarts"])
def test_salvaging_the_rows_of_a_jpeg_that_are_there(jpeg, kind, monkeypatch):
    data = jpeg(kind)
    whole = read(data)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for kept in (0.25, 0.5, 0.75):
        part = data[: int(len(data) * kept)]
        other = gray_of(part)
        flat = max(row for row in range(300) if len(np.unique(other[row])) > 1) + 1
        for file in (part, part + EOI):
            photo = read(file, "p.jpg", salvage=True)
            rows, columns = photo.missing
            assert (columns, rows.stop) == (slice(0, 400), 300)
            assert abs(rows.start - flat) <= 1
            # What stands before the last, half filled row of blocks is what the whole file shows.
            assert (photo.plane[: rows.start - 32] == whole.plane[: rows.start - 32]).all()
            assert np.abs(photo.lightness(rows.start) - 50).max() < 0.01
            assert photo.notes == (f"p.jpg lacks {300 - rows.start} of its 300 rows, which were left gray",)


def test_salvaging_a_progressive_jpeg_gives_what_detail_there_is(jpeg):
    data = jpeg("progressive")
    photo = read(data[: int(len(data) * 0.7)], "p.jpg", salvage=True)
    assert photo.missing is None
    assert photo.notes == (
        "p.jpg is damaged from its first row on (as the file stores them): what it shows there may be wrong",
    )
    assert np.abs(photo.lightness() - read(data).lightness()).mean() < 8


def test_what_is_sound_is_the_same_when_salvage_is_asked_for(jpeg, encoded):
    for data in (
        jpeg("sequential"),
        encoded(np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8), "PNG"),
    ):
        plain, salvaged = read(data), read(data, salvage=True)
        assert (plain.plane == salvaged.plane).all()
        assert (salvaged.missing, salvaged.notes) == (None, ())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_missing_of_a_turned_photograph_is_turned_with_it(jpeg, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    data = jpeg("sequential", exif=exif)
    photo = read(data[: len(data) // 2], salvage=True)
    gray = np.abs(photo.lightness() - 50) < 0.01
    assert photo.missing is not None
    assert gray[photo.missing].all()
    gray[photo.missing] = False
    assert gray.mean() < 0.1
    assert (photo.height, photo.width)[:: 1 if orientation < 5 else -1] == (300, 400)


def test_the_threads_of_libvips_call_no_python(jpeg, caplog):
    data = jpeg("sequential")
    assert read(data[: len(data) // 2], salvage=True).missing is not None
    assert not [record for record in caplog.records if record.name == "pyvips" and record.levelname == "WARNING"]


@pytest.mark.parametrize("damage", ["cut", "random bytes"])
def test_salvaging_a_png(scene, encoded, damage):
    pixels = (scene(300, 400) * 255).astype(np.uint8)
    data = encoded(pixels, "PNG")
    middle = len(data) // 2
    broken = data[:middle] if damage == "cut" else data[:middle] + b"\x5a" * 200 + data[middle + 200 :]
    assert "--salvage" in refusal(broken)
    photo = read(broken, "p.png", salvage=True)
    start = photo.missing[0].start
    assert 50 < start < 290
    assert (photo.plane[:start] == read(data).plane[:start]).all()
    assert photo.notes == (f"p.png lacks {300 - start} of its 300 rows, which were left gray",)


LAYOUTS = [
    {"tile": (64, 64), "compression": "zlib"},
    {"tile": (64, 64), "compression": "lzw"},
    {"tile": (64, 64), "compression": "jpeg"},
    {"tile": (64, 64), "compression": "zlib", "bigtiff": True},
    {"tile": (64, 64), "compression": "lzw", "byteorder": ">"},
    {"rowsperstrip": 32, "compression": "zlib"},
    {"rowsperstrip": 32, "compression": "lzw"},
    {"rowsperstrip": 32, "compression": "packbits"},
    {"rowsperstrip": 32, "compression": "jpeg"},
]

# Tags that a decoder of TIFF has never heard of, as many programs write them.
UNKNOWN = [(59999, 3, 1, 5, True), (50838, 4, 2, (1, 2), True), (40001, 2, 0, "x", True)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_tiff_whose_strips_or_tiles_are_damaged(tmp_path, layout):
    grain = np.random.default_rng(0).normal(0, 9, (300, 400))
    pixels = np.clip(np.linspace(40, 200, 400) + grain, 0, 255).astype(np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, extratags=UNKNOWN, **layout)
    with tifffile.TiffFile(path) as file:
        chunks = list(zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True))
    data = path.read_bytes()
    # Nothing is refused for its tags, and another decoder sees the same.
    sound = read(path)
    assert np.abs(sound.plane.astype(int) - tifffile.imread(path)).max() <= (
        2 if layout["compression"] == "jpeg" else 0
    )
    step = max(1, len(chunks) // 5)
    for number in range(0, len(chunks), step):
        start, size = chunks[number]
        half = size // 2
        path.write_bytes(data[: start + half] + bytes(size - half) + data[start + size :])
        assert "--salvage" in refusal(path.read_bytes())
        # Another decoder does not get the same pixels of it either.
        try:
            other = tifffile.imread(path)
        except (RuntimeError, ValueError):
            other = None
        assert other is None or (other != pixels).any()
        photo = read(path, salvage=True)
        rows = 64 if "tile" in layout else 32
        first = (number // 7 if "tile" in layout else number) * rows
        if first:
            assert f"is damaged from row {first + 1} of 300 on" in photo.notes[0]
            assert (photo.plane[:first] == sound.plane[:first]).all()
        else:
            assert "is damaged from its first row on" in photo.notes[0]
        # Strips and tiles are packed each for itself: those behind are whole.
        assert (photo.plane[first + rows :] == sound.plane[first + rows :]).all()


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout["compression"] != "jpeg"], ids=str)
def test_salvaging_a_tiff_that_was_cut(tmp_path, layout):
    pixels = np.random.default_rng(0).integers(50, 200, (300, 400), dtype=np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, **layout)
    data = path.read_bytes()
    os.truncate(path, int(len(data) * 0.6))
    assert "is cut short: get a whole copy of it, or colour what is left of it with --salvage" in refusal(
        path.read_bytes()
    )
    photo = read(path, salvage=True)
    start = photo.missing[0].start
    assert 120 <= start <= 180
    assert (photo.plane[:start] == pixels[:start]).all()
    assert photo.notes[0].endswith(f"lacks {300 - start} of its 300 rows, which were left gray")


def test_nothing_left_to_salvage(jpeg, encoded):
    data = jpeg("sequential")
    start = data.index(b"\xff\xda")
    refusal(data[: start - 30], salvage=True)
    refusal(data[:4], salvage=True)
    png = encoded(np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8), "PNG")
    start = png.index(b"IDAT")
    assert "none of its 50 rows can be salvaged" in refusal(png[: start + 20], salvage=True)


def test_one_changed_bit_of_a_progressive_jpeg_is_damage_where_a_decoder_sees_it(jpeg):
    data = jpeg("progressive")
    sound = read(data).lightness()
    random = np.random.default_rng(4)
    refused = 0
    for _ in range(40):
        flipped = bytearray(data)
        flipped[random.integers(800, len(data))] ^= 1 << random.integers(8)
        try:
            read(bytes(flipped))
        except UnreadablePhoto:
            refused += 1
            # What is refused can be had all the same, unless its structure is gone.
            try:
                assert read(bytes(flipped), salvage=True).lightness().shape == sound.shape
            except UnreadablePhoto:
                continue
    assert 5 <= refused <= 30


@pytest.mark.parametrize("kind", [*KINDS, "PNG"])
def test_what_is_damaged_is_told_the_same_by_one_thread(jpeg, scene, encoded, kind):
    """One thread computes rows where it asks for them, several hand them on."""
    pixels = (scene(400, 300) * 255).astype(np.uint8)
    data = jpeg(kind) if kind in KINDS else encoded(pixels, kind)
    cut = data[: len(data) * 3 // 5]
    # What the decoder said, in brackets, is lost at times where libvips itself works with several threads.
    one, two = (re.sub(r" \(.*?\)", "", refusal(cut, threads=threads)) for threads in (1, 2))
    assert one == two
    alone, together = (read(cut, "p.jpg", salvage=True, threads=threads) for threads in (1, 2))
    assert (alone.plane == together.plane).all()
    assert alone.notes == together.notes
    assert alone.missing == together.missing
