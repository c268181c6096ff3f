"""Writing: what the file held comes out again, with the lightness it had; whole or not at all."""

import io
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.errors import UnwritablePhoto
from tintype.photo import WRITABLE, from_array, is_marked, mark_of, output_format, read, write
from tintype.version import __version__

SUFFIX = {"jpeg": "jpg", "tiff": "tif"}


def round_trip(tmp_path, photo, strips, format=None, **options):
    path = tmp_path / f"out.{SUFFIX.get(format or photo.format, format or photo.format)}"
    write(photo, strips, path, format=format, **options)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".part")] == []
    return path, read(path)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("format", WRITABLE)
def test_depth_alpha_and_lightness_are_kept(tmp_path, scene, coloured, mark, format, kind, alpha):
    top = 1 if kind == np.float32 else np.iinfo(kind).max
    pixels = (scene()[..., 1:2] * top).astype(kind)
    if alpha:
        pixels = np.concatenate([pixels, np.linspace(0, top, 60 * 83).astype(kind).reshape(60, 83, 1)], -1)
    photo = from_array(pixels)
    if alpha and format == "jpeg":
        with pytest.raises(UnwritablePhoto, match="transparent, and jpeg cannot keep that"):
            write(photo, coloured(photo), tmp_path / "a.jpg")
        return
    path, result = round_trip(tmp_path, photo, coloured(photo), format, mark=mark)
    holds = {"jpeg": 8, "webp": 8, "png": min(photo.depth, 16), "avif": min(photo.depth, 16), "tiff": photo.depth}
    assert (result.format, result.depth) == (format, holds[format])
    assert (result.width, result.height) == (83, 60)
    error = np.abs(result.lightness() - photo.lightness())
    # Lossless: the bounds of the project; AVIF and JPEG are lossy.
    mean, worst = {"jpeg": (1, 9), "avif": (1, 9)}.get(format, (0.01, 0.6) if result.depth > 8 else (0.15, 0.6))
    assert error.mean() <= mean
    assert error.max() <= worst
    if alpha:
        wanted = photo.alpha.astype(float) / top
        found = result.alpha / (1 if result.depth == 32 else 2**result.depth - 1)
        assert np.abs(wanted - found).max() <= {"avif": 0.06}.get(
            format, 0.51 / 255 if result.depth == 8 else 0.51 / 65535
        )
    assert is_marked(path)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_other_libraries_read_the_very_pixels(tmp_path, scene, kind):
    top = 1 if kind == np.float32 else np.iinfo(kind).max
    colour = (scene() * top).astype(kind)
    photo = from_array(colour[..., 0])
    path, _ = round_trip(tmp_path, photo, [colour], "tiff")
    assert (tifffile.imread(path) == colour).all()
    assert (cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1] == colour).all()
    if kind == np.float32:
        return
    path, _ = round_trip(tmp_path, photo, [colour], "png")
    assert (cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1] == colour).all()
    if kind == np.uint8:
        path, _ = round_trip(tmp_path, photo, [colour], "webp")
        assert (np.asarray(Image.open(io.BytesIO(path.read_bytes()))) == colour).all()
        assert (np.asarray(Image.open(tmp_path / "out.tif")) == colour).all()


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_large_tiff_is_a_bigtiff_that_others_read(tmp_path, monkeypatch, scene, kind, alpha):
    from tintype.photo import tiff

    monkeypatch.setattr(tiff, "_CLASSIC", 1000)
    monkeypatch.setattr(tiff, "_PACKED", 4000)
    top = 1 if kind == np.float32 else np.iinfo(kind).max
    colour = (scene() * top).astype(kind)
    gray = np.concatenate([colour[..., :1]] * (2 if alpha else 1), -1)
    path, _ = round_trip(tmp_path, from_array(gray), [colour[:7], colour[7:]], "tiff")
    assert path.read_bytes()[:4] == b"II+\0"
    assert (tifffile.imread(path)[..., :3] == colour).all()


@pytest.mark.parametrize("format", WRITABLE)
def test_the_bytes_do_not_depend_on_strips_or_threads(tmp_path, scene, mark, format):
    script = (
        "import sys, numpy as np\n"
        "from tintype.photo import from_array, write, Mark\n"
        "pixels = np.random.default_rng(5).integers(0, 256, (300, 210, 3), dtype=np.uint8)\n"
        "rows = int(sys.argv[1])\n"
        "strips = (pixels[top : top + rows] for top in range(0, 300, rows))\n"
        "write(from_array(pixels[..., 0]), strips, sys.argv[2], mark=Mark('tintype', '1', 'm'))\n"
    )
    files = []
    for rows, threads in ((300, "1"), (7, "4")):
        path = tmp_path / f"{threads}.{SUFFIX.get(format, format)}"
        environment = os.environ | {"VIPS_CONCURRENCY": threads}
        subprocess.run([sys.executable, "-c", script, str(rows), str(path)], env=environment, check=True)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_a_stream_and_a_path_receive_the_same(tmp_path, scene, coloured, mark):
    photo = from_array((scene()[..., 1] * 255).astype(np.uint8))
    for format in WRITABLE:
        path, _ = round_trip(tmp_path, photo, coloured(photo), format, mark=mark)
        stream = io.BytesIO()
        write(photo, coloured(photo), stream, format=format, mark=mark)
        assert stream.getvalue() == path.read_bytes()


def test_the_format_follows_the_wish_then_the_suffix_then_the_photograph(scene, encoded):
    pixels = (scene() * 255).astype(np.uint8)
    jpeg, bmp = read(encoded(pixels, "JPEG")), read(encoded(pixels, "BMP"))
    assert output_format(jpeg) == "jpeg"
    assert output_format(jpeg, "a.PNG") == "png"
    assert output_format(jpeg, "a.png", "tif") == "tiff"
    assert output_format(jpeg, "a") == "jpeg"
    # BMP has no place for the mark, an array no format; floats fit only TIFF.
    assert output_format(bmp) == output_format(from_array(pixels)) == "png"
    assert output_format(from_array(pixels.astype(np.float32) / 255)) == "tiff"
    for bad in ("a.bmp", "a.gif"):
        with pytest.raises(UnwritablePhoto):
            output_format(jpeg, bad)
    with pytest.raises(UnwritablePhoto, match="BMP cannot say that colour was added"):
        output_format(jpeg, None, "bmp")


def test_what_a_format_cannot_hold(tmp_path, coloured):
    wide = from_array(np.zeros((1, 17000), np.uint8))
    with pytest.raises(UnwritablePhoto, match="webp holds 16383 a side: use png or tiff"):
        write(wide, coloured(wide), tmp_path / "a.webp")
    with pytest.raises(UnwritablePhoto, match="quality 0 is out of range"):
        write(wide, coloured(wide), tmp_path / "a.jpg", quality=0)
    assert list(tmp_path.iterdir()) == []


class Stop(BaseException):
    pass


@pytest.mark.parametrize("format", WRITABLE)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError, Stop])
def test_what_the_strips_raise_is_passed_on_and_nothing_is_left(tmp_path, scene, coloured, format, error):
    photo = from_array((scene(700, 300)[..., 1] * 255).astype(np.uint8))
    path = tmp_path / f"a.{SUFFIX.get(format, format)}"
    path.write_bytes(b"the old result")

    def strips():
        for i, strip in enumerate(coloured(photo)):
            if i == 30:
                raise error("from the strips")
            yield strip

    with pytest.raises(error, match="from the strips"):
        write(photo, strips(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"the old result"
    assert threading.active_count() == 1 or all("tintype" not in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("format", WRITABLE)
def test_strips_that_do_not_add_up(tmp_path, format):
    photo = from_array(np.zeros((20, 10), np.uint8))
    path = tmp_path / f"a.{SUFFIX.get(format, format)}"
    for rows, width in ((19, 10), (21, 10), (20, 9)):
        with pytest.raises(ValueError, match=r"rows|a strip of shape"):
            write(photo, [np.zeros((rows, width, 3), np.uint8)], path)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no limits on file size there")
@pytest.mark.parametrize("format", WRITABLE)
def test_a_full_disk(tmp_path, format):
    script = (
        "import resource, sys, numpy as np\n"
        "from tintype.errors import UnwritablePhoto\n"
        "from tintype.photo import from_array, write\n"
        "noise = np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: write(from_array(noise[..., 0]), iter(np.split(noise, 70)), sys.argv[1])\n"
        "except UnwritablePhoto as error: print(error)\n"
    )
    path = tmp_path / f"a.{SUFFIX.get(format, format)}"
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert result.stdout == f"{path} cannot be written (File too large): free some space on the disk\n"
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no limits on file size there")
@pytest.mark.parametrize("format", WRITABLE)
def test_a_full_disk_on_the_way_to_a_stream(format):
    # A result that is small enough to wait in a buffer as a whole.
    script = (
        "import io, resource, sys, numpy as np\n"
        "from tintype.errors import UnwritablePhoto\n"
        "from tintype.photo import from_array, write\n"
        "noise = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try: write(from_array(noise[..., 0]), [noise], io.BytesIO(), format=sys.argv[1])\n"
        "except UnwritablePhoto as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", script, format], capture_output=True, text=True, check=True)
    assert result.stdout == "the given stream cannot be written (File too large): free some space on the disk\n"


@pytest.mark.skipif(os.name == "nt", reason="signals work another way there")
def test_an_interrupt_is_heard_while_the_encoder_works(tmp_path):
    script = (
        "import os, signal, sys, time, numpy as np\n"
        "from tintype.photo import from_array, write\n"
        "noise = np.random.default_rng(0).integers(0, 256, (800, 700, 3), dtype=np.uint8)\n"
        "def strips():\n"
        "    yield noise[:400]\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(30)\n"
        "try: write(from_array(noise[..., 0]), strips(), sys.argv[1])\n"
        "except KeyboardInterrupt: print(os.listdir(os.path.dirname(sys.argv[1])))\n"
    )
    path = tmp_path / "a.jpg"
    result = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, timeout=20
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_folders_that_take_no_file(tmp_path, coloured):
    photo = from_array(np.zeros((4, 4), np.uint8))
    for path, reason in ((tmp_path / "none" / "a.png", "check the folder"), (tmp_path, "is a folder: give")):
        with pytest.raises(UnwritablePhoto, match=reason):
            write(photo, coloured(photo), path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnwritablePhoto, match="check the folder"):
        write(photo, coloured(photo), tmp_path / "file" / "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path, coloured):
    photo = from_array(np.zeros((4, 4), np.uint8))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnwritablePhoto, match=r"pipe\.png is a pipe or a device: give the name of a file"):
        write(photo, coloured(photo), tmp_path / "pipe.png")
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_fifo()] == ["pipe.png"]


def test_a_raw_stream_that_takes_a_part_at_a_time_receives_everything(scene, coloured):
    class Slow(io.RawIOBase):
        taken = b""

        def writable(self):
            return True

        def write(self, data):
            self.taken += bytes(data[:1000])
            return min(len(data), 1000)

    photo = from_array((scene()[..., 1] * 255).astype(np.uint8))
    slow, whole = Slow(), io.BytesIO()
    for stream in (slow, whole):
        write(photo, coloured(photo), stream, format="png")
    assert len(slow.taken) > 1000
    assert slow.taken == whole.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="permissions work another way there")
def test_a_folder_without_permission(tmp_path):
    script = (
        "import os, sys, numpy as np\n"
        "from tintype.errors import UnwritablePhoto\n"
        "from tintype.photo import from_array, write\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: write(from_array(np.zeros((4, 4), np.uint8)), [np.zeros((4, 4, 3), np.uint8)], sys.argv[1])\n"
        "except UnwritablePhoto as error: print(error)\n"
    )
    path = tmp_path / "a.png"
    tmp_path.chmod(0o555)
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    tmp_path.chmod(0o755)
    assert result.stdout == f"{path} cannot be written (Permission denied): check the folder and its permissions\n"


def test_a_pipe_that_nobody_reads(coloured):
    photo = from_array(np.zeros((400, 400), np.uint8))
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(UnwritablePhoto, match="nobody reads it any more"), os.fdopen(writing, "wb", 0) as stream:
        write(photo, coloured(photo), stream, format="tiff")


def test_new_files_have_ordinary_permissions(tmp_path, coloured):
    photo = from_array(np.zeros((4, 4), np.uint8))
    write(photo, coloured(photo), tmp_path / "a.png")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (8, 8)])
@pytest.mark.parametrize("format", WRITABLE)
def test_the_smallest_photographs(tmp_path, coloured, shape, format):
    photo = from_array(np.full(shape, 120, np.uint8))
    _, result = round_trip(tmp_path, photo, coloured(photo), format)
    assert (result.height, result.width) == shape
    assert np.abs(result.lightness() - photo.lightness()).max() < 2


def test_tiff_stays_packed_as_it_was(tmp_path, scene, coloured):
    gray = (scene()[..., 1] * 65535).astype(np.uint16)
    for compression, expected in ((None, 1), ("zlib", 8), ("lzw", 8)):
        tifffile.imwrite(tmp_path / "in.tif", gray, compression=compression)
        photo = read(tmp_path / "in.tif")
        path, _ = round_trip(tmp_path, photo, coloured(photo))
        with tifffile.TiffFile(path) as file:
            assert file.pages[0].compression == expected
            assert file.pages[0].shape == (60, 83, 3)
            assert file.pages[0].dtype == np.uint16


def test_webp_is_lossless_where_the_input_was_and_a_quality_makes_it_lossy(tmp_path, scene, encoded, coloured):
    pixels = (scene() * 255).astype(np.uint8)
    for data, options, lossless in (
        (encoded(pixels, "WEBP", lossless=True), {}, True),
        (encoded(pixels, "WEBP", quality=80), {}, False),
        (encoded(pixels, "PNG"), {}, True),
        (encoded(pixels, "PNG"), {"quality": 80}, False),
        (encoded(pixels, "JPEG"), {}, False),
    ):
        photo = read(data)
        _, result = round_trip(tmp_path, photo, coloured(photo), "webp", **options)
        assert (result.compression == "lossless") == lossless


def test_a_result_says_by_itself_that_a_machine_coloured_it(tmp_path, coloured):
    photo = from_array(np.full((8, 8), 120, np.uint8))
    write(photo, coloured(photo), tmp_path / "a.png")
    assert mark_of(tmp_path / "a.png").version == __version__
    write(photo, coloured(photo), tmp_path / "b.png", mark=None)
    assert mark_of(tmp_path / "b.png") is None
