"""Names and folders that went wrong in other programs, by their public reports, tried with `tintype colorize`."""

import json
import os
import shutil
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from running import errors_of, tintype


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    """The bytes of a small gray photograph."""
    path = tmp_path_factory.mktemp("photograph") / "a.png"
    Image.fromarray(np.arange(320, dtype=np.uint16).reshape(16, 20).astype(np.uint8)).save(path)
    return path.read_bytes()


@pytest.fixture
def album(tmp_path, png):
    """`album("a.png", "b/c.jpg")` makes photographs of these names and returns their folder."""

    def make(*names):
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png)
        return tmp_path / "in"

    return make


def run(*arguments, model, check=0):
    """The outcome of each photograph, by its name: (status, output)."""
    done = tintype("colorize", *arguments, "--json", model=model, check=check)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["input"]: (line["status"], line["output"]) for line in lines if "input" in line}


def files(folder: Path) -> list[str]:
    found = [
        os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names
    ]
    return sorted(name.replace(os.sep, "/") for name in found if not name.startswith(".tintype"))


def is_result(path) -> bool:
    with Image.open(path) as image:
        return image.mode == "RGB" and b"tintype" in image.info.get("XML:com.adobe.xmp", "").encode()


def test_names_in_all_letters(album, tmp_path, tiny):
    """n00mkrad/cupscale#29, TencentARC/GFPGAN#438, ImageMagick/ImageMagick#6007: names beyond ASCII fail."""
    names = [
        "Großmutter żółć.png",
        "祖母.png",
        "бабушка.png",
        "💍😔.png",
        "  space  .png",
        "-x.png",
        "a%20b.png",
        "[1].png",
    ]
    names += ["dots...png", "a'b\"c.png" if os.name != "nt" else "a'b.png", "a&b;c$d.png", "#1.png"]
    folder = album(*names)
    assert {status for status, _ in run(folder, "-o", tmp_path / "out", model=tiny).values()} == {"coloured"}
    assert files(tmp_path / "out") == sorted(names)
    run(folder, model=tiny)
    assert sum(name.endswith(".color.png") for name in files(folder)) == len(names)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
def test_names_that_are_no_text(album, tmp_path, png, tiny):
    """ranger/ranger#1703, karlch/vimiv#66, jjjake/internetarchive#284: a name in Latin-1 ends the whole program."""
    folder = album("b.png")
    with open(os.fsencode(folder) + b"/Jaime Mu\xf1oz\n.png", "wb") as file:
        file.write(png)
    outcomes = run(folder, "-o", tmp_path / "out", model=tiny)
    assert [status for status, _ in outcomes.values()] == ["coloured"] * 2
    assert os.listdir(os.fsencode(tmp_path / "out")).count(b"Jaime Mu\xf1oz\n.png") == 1


def test_composed_and_decomposed_letters(album, tmp_path, png, tiny):
    """ebaumann/jphototagger#5, owncloud/core#21365: a Mac's way of writing ü doubles or loses a photograph."""
    folder = album(unicodedata.normalize("NFD", "Müller.png"))
    (folder / unicodedata.normalize("NFC", "Müller.png")).write_bytes(png)
    count = len(os.listdir(folder))  # 1 on a file system that takes both for the same
    outcomes = run(folder, "-o", tmp_path / "out", model=tiny)
    assert [status for status, _ in outcomes.values()] == ["coloured"] * count
    assert len({output for _, output in outcomes.values()}) == count
    assert len(files(tmp_path / "out")) == count


def test_endings_in_capitals(album, tmp_path, tiny):
    """upscayl/upscayl#687, AUTOMATIC1111/stable-diffusion-webui#14877: IMAGE1.JPG is passed over in a folder."""
    folder = album("IMAGE1.JPG", "IMAGE2.Jpeg", "IMAGE3.PNG", "IMAGE4.TIFF")
    assert len(run(folder, "-o", tmp_path / "out", model=tiny)) == 4
    assert files(tmp_path / "out") == files(folder)


def test_companions_of_a_mac_and_of_windows(album, tmp_path, tiny):
    """upscayl/upscayl#615, fire-eggs/DarkThumbs#36: ._a.jpg, desktop.ini and their like stop the run."""
    folder = album("a.png")
    (folder / "._a.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(60))
    for name in ("desktop.ini", "Thumbs.db", ".DS_Store", "ehthumbs.db"):
        (folder / name).write_bytes(b"\xd0\xcf\x11\xe0" + bytes(60))
    run(folder, "-o", tmp_path / "out", model=tiny)
    assert files(tmp_path / "out") == ["a.png"]


def test_one_name_with_several_endings(album, tmp_path, tiny):
    """nihui/waifu2x-ncnn-vulkan#27, rosell-dk/webp-express#602: one result for two photographs."""
    folder = album("a.png", "a.jpg", "a.tif", "b.png")
    outcomes = run(folder, "-o", tmp_path / "out", "--format", "webp", model=tiny)
    assert {status for status, _ in outcomes.values()} == {"coloured"}
    assert len({output for _, output in outcomes.values()}) == len(files(tmp_path / "out")) == 4
    assert "b.webp" in files(tmp_path / "out")


def test_an_ending_that_is_not_true(album, tmp_path, tiny):
    """mate-desktop/eom#61, strukturag/libheif#907: a PNG named .jpg is refused. What is inside decides."""
    folder = album("a.jpg", "b.tif", "c.webp")
    assert {status for status, _ in run(folder, "-o", tmp_path / "out", model=tiny).values()} == {"coloured"}
    for name, format in (("a.jpg", "JPEG"), ("b.tif", "TIFF"), ("c.webp", "WEBP")):
        # And the result is what its name says.
        with Image.open(tmp_path / "out" / name) as image:
            assert image.format == format


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_links_in_circles(album, tmp_path, tiny):
    """nextcloud/server#20197, wordfence/wordfence-cli#25, thecodrr/fdir#125: a folder that links to itself."""
    folder = album("a.png", "deep/b.png")
    (folder / "here").symlink_to(".")
    (folder / "deep" / "up").symlink_to("..")
    (folder / "self.png").symlink_to("self.png")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "again.png").symlink_to("a.png")
    os.mkfifo(folder / "pipe.png")  # whoever opens it waits for ever
    outcomes = run(folder, "-o", tmp_path / "out", model=tiny, check=1)
    statuses = {os.path.relpath(name, folder): status for name, (status, _) in outcomes.items()}
    # What is called as a photograph and is none is named.
    missed = dict.fromkeys(["self.png", "gone.png", "pipe.png"], "failed")
    assert statuses == {"a.png": "coloured", "deep/b.png": "coloured"} | missed
    for name in ("self.png", "gone.png"):
        done = tintype("colorize", folder / name, model=tiny, check=1)
        assert str(folder / name) in errors_of(done)[0]
        assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_a_result_that_is_a_link(album, tmp_path, png, tiny):
    """microsoft/terminal#10908, atomantic/PortOS#1893: writers differ on whether to follow a link.

    A link is replaced, and only when that is asked for: what it leads to may be another photograph.
    """
    folder = album("a.png", "other.png")
    (folder / "a.color.png").symlink_to("other.png")
    run(folder / "a.png", model=tiny)
    assert (folder / "a.color.png").is_symlink()
    run(folder / "a.png", "--overwrite", model=tiny)
    assert not (folder / "a.color.png").is_symlink()
    assert is_result(folder / "a.color.png")
    assert (folder / "other.png").read_bytes() == png
    # A folder of results may be a link.
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    run(folder / "a.png", "-o", tmp_path / "out", model=tiny)
    assert files(tmp_path / "disk") == ["a.png"]


def test_originals_are_never_touched(album, tmp_path, png, tiny):
    """CompVis/depth-fm#12, photoprism/photoprism#592, jmathai/elodie#37: originals are overwritten or touched."""
    folder = album("a.png", "b/c.png")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    run(folder, "-o", tmp_path / "out", model=tiny)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in [folder, *folder.rglob("*")]} == before
    # The results into the folder of the photographs, by any name.
    for output in (folder, f"{folder}{os.sep}", folder / "b" / ".."):
        run(folder, "-o", output, "--overwrite", model=tiny, check=1)
        assert (folder / "a.png").read_bytes() == (folder / "b/c.png").read_bytes() == png


@pytest.mark.parametrize("years", [30, -60], ids=["2056", "before 1970"])
def test_times_that_cannot_be(album, tmp_path, tiny, years):
    """navidrome/navidrome#499, geimist/synOCR#81: files from the future count as changed at each run.

    TheLastGimbus/GooglePhotosTakeoutHelper#142: times before 1970 are an error.
    """
    folder = album("a.png")
    when = time.time() + years * 365 * 86400
    try:
        os.utime(folder / "a.png", (when, when))
    except (OSError, OverflowError):
        pytest.skip("this file system has no such times")
    assert [status for status, _ in run(folder, "-o", tmp_path / "out", model=tiny).values()] == ["coloured"]
    assert [status for status, _ in run(folder, "-o", tmp_path / "out", model=tiny).values()] == ["skipped"]


def test_long_paths(album, tmp_path, png, tiny):
    """libjxl/libjxl#4369, nomacs/nomacs#142, DeepLabCut/DeepLabCut#195: paths of more than 260 letters fail."""
    long = Path(*["a long name of a folder " * 4] * 4)
    try:
        folder = album(long / "a.png")
    except OSError:
        pytest.skip("this system has no such paths")
    assert len(str(folder / long)) > 300
    run(folder, "-o", tmp_path / "out", model=tiny)
    assert is_result(tmp_path / "out" / long / "a.png")
    run(folder, model=tiny)
    assert is_result(folder / long / "a.color.png")
    shutil.rmtree(tmp_path / "out")
