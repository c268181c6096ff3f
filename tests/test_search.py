"""Which photographs lie in folders: what patterns mean, and what a NAS or a photo manager keeps for itself."""

import os
from pathlib import PurePosixPath

import pytest

from tintype.errors import OptionError
from tintype.search import Patterns, Search, expanded


def filled(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def found(folder, search=None, **patterns):
    search = search or Search(**patterns)
    return [path.relative_to(folder).as_posix() for path in search.folder(folder)]


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*.tif", ["a.tif", "deep/A.TIF"], ["a.tiff", "tif"]),
        ("a?.jpg", ["ab.jpg", "x/ab.jpg"], ["a.jpg", "abc.jpg"]),
        ("[ab]1.jpg", ["a1.jpg", "B1.jpg"], ["c1.jpg", "[ab]1.jpg"]),
        ("[!ab]1.jpg", ["c1.jpg"], ["a1.jpg"]),
        ("drafts", ["drafts/a.jpg", "x/Drafts/y/a.jpg", "drafts"], ["drafts2/a.jpg", "my drafts/a.jpg"]),
        ("drafts/", ["drafts/a.jpg", "x/drafts/a.jpg"], []),
        ("x/drafts", ["x/drafts/a.jpg", "x/drafts/y/b.jpg"], ["drafts/a.jpg", "z/x/drafts/a.jpg"]),
        ("1920/*.jpg", ["1920/a.jpg"], ["1920/b/a.jpg", "x/1920/a.jpg"]),
        ("1920/**", ["1920/a.jpg", "1920/b/a.jpg"], ["x/1920/a.jpg"]),
        ("**/b/*.jpg", ["b/a.jpg", "x/y/b/a.jpg"], ["bb/a.jpg"]),
        ("a.b+(c).jpg", ["a.b+(c).jpg"], ["axb+(c).jpg"]),
        ("[.jpg", ["[.jpg"], ["a.jpg"]),
        ("Großmutter*", ["großmutter.jpg"], []),
    ],
)
def test_patterns(pattern, fits, fits_not):
    for name in fits:
        assert Patterns([pattern]).fit(PurePosixPath(name)), name
    for name in fits_not:
        assert not Patterns([pattern]).fit(PurePosixPath(name)), name


def test_what_patterns_leave_out_is_counted(tmp_path):
    filled(tmp_path, "a.jpg", "b.tif", "drafts/c.jpg", "drafts/d.jpg", "x/a.jpg")
    search = Search(exclude=["drafts", "*.tif"])
    assert found(tmp_path, search) == ["a.jpg", "x/a.jpg"]
    assert search.excluded == {"folder": 1, "photograph": 1}
    search = Search(include=["x", "b.*"])
    assert found(tmp_path, search) == ["b.tif", "x/a.jpg"]
    assert search.excluded == {"photograph": 3}
    assert found(tmp_path, include=["*.jpg"], exclude=["x/**"]) == ["a.jpg", "drafts/c.jpg", "drafts/d.jpg"]
    # A file that is named is held against the patterns by its name.
    assert list(Search(exclude=["*.tif"]).file(tmp_path / "b.tif")) == []
    assert list(Search(include=["*.tif"]).file(tmp_path / "b.tif")) == [tmp_path / "b.tif"]


def test_folders_of_a_nas_or_a_photo_manager_are_not_searched_but_counted(tmp_path):
    managed = ["@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", ".Trash-1000", ".Trashes", ".@__thumb", ".thumbnails",
               "Catalog Previews.lrdata", "__MACOSX", "System Volume Information", "lost+found"]  # fmt: skip
    filled(tmp_path, "1920/a.jpg", *(f"1920/{name}/deep/a.jpg" for name in managed))
    search = Search()
    assert found(tmp_path, search) == ["1920/a.jpg"]
    assert search.managed == dict.fromkeys(managed, 1)
    # One that is named is searched, and a photograph may be called so.
    assert found(tmp_path / "1920/#recycle") == ["deep/a.jpg"]
    filled(tmp_path, "2/@eadir.jpg", "2/#recycle.jpg")
    assert len(found(tmp_path / "2")) == 2


@pytest.mark.parametrize("library", ["Family.photoslibrary", "Old.photolibrary", "Pro.aplibrary"])
def test_of_a_photo_library_the_originals_are_taken_and_nothing_derived(tmp_path, library):
    filled(tmp_path, f"{library}/originals/0/a.jpg", f"{library}/Masters/2010/b.jpg",
           f"{library}/resources/derivatives/0/a_1_105_c.jpeg", f"{library}/Previews/b.jpg",
           f"{library}/Thumbnails/b.jpg", f"{library}/database/c.jpg")  # fmt: skip
    search = Search()
    expected = ["Masters/2010/b.jpg", "originals/0/a.jpg"]
    assert found(tmp_path, search) == [f"{library}/{name}" for name in expected]
    assert search.managed.total() == 4
    assert found(tmp_path / library) == expected


def test_pictures_that_are_not_read_are_counted_apart(tmp_path):
    filled(tmp_path, "a.jpg", "b.cr2", "c.NEF", "d.txt", "e")
    search = Search()
    assert found(tmp_path, search) == ["a.jpg"]
    assert search.unread == {".cr2": 1, ".nef": 1}
    assert search.passed_over == {".txt": 1, "": 1}


def test_patterns_that_a_shell_left_are_expanded(tmp_path, monkeypatch):
    monkeypatch.chdir(filled(tmp_path, "a.jpg", "b.jpg", "c.tif", "[1] a.jpg", "d*.jpg", ".e.jpg"))
    assert [str(path) for path, _ in expanded(["?.jpg"])] == ["a.jpg", "b.jpg"]
    assert [str(path) for path, _ in expanded(["[1]*.jpg"])] == ["[1] a.jpg"]
    assert [(str(path), pattern) for path, pattern in expanded(["d*.jpg", "*.png"])] == [
        ("d*.jpg", False),  # It is there.
        ("*.png", True),
    ]
    with pytest.raises(OptionError, match="download it first, or pipe it to -"):
        expanded(["HTTPS://example.org/a.jpg?size=2"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_what_is_called_as_a_photograph_and_is_none_is_named(tmp_path):
    filled(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.jpg").symlink_to("away.jpg")
    (tmp_path / "gone.txt").symlink_to("away.txt")
    (tmp_path / "old.tif").symlink_to("away.tif")
    search = Search(exclude=["*.tif"])
    assert found(tmp_path, search) == ["a.jpg"]
    assert dict(search.failed) == {
        tmp_path / "gone.jpg": f"{tmp_path}/gone.jpg is a link to a file that is not there",
        tmp_path / "pipe.jpg": f"{tmp_path}/pipe.jpg is a pipe or a device: give a file",
    }
