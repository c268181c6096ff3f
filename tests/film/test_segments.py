"""What is kept of a film from run to run."""

import pytest

from tintype.errors import FolderInUse, UnwritableFile
from tintype.film.segments import Segments

MAKING = {"source": "1", "settings": "size=256"}


@pytest.fixture
def begun(tmp_path):
    """A film of which two segments are done, from frame 10 on."""
    with Segments(tmp_path / "a.mp4", MAKING, 10) as segments:
        for stop in (20, 35):
            segments.path(stop).write_bytes(b"frames")
            segments.finish(stop, f"after {stop}".encode())
    return tmp_path / "a.mp4"


def test_a_run_goes_on_where_the_last_one_ended(begun):
    (begun.parent / "a.mp4.parts" / ".tintype-0123456789abcdef.part").write_bytes(b"half")
    (begun.parent / "a.mp4.parts" / "00000035-00000050.nut").write_bytes(b"complete, but in no record")
    with Segments(begun, MAKING, 10) as segments:
        assert (segments.stop, segments.state, segments.others) == (35, b"after 35", ())
        assert [path.read_bytes() for path in segments.paths] == [b"frames", b"frames"]
        assert len(list(segments.folder.glob("*.nut"))) == 2
        assert not list(segments.folder.glob(".*part"))
        with pytest.raises(FolderInUse), Segments(begun, MAKING, 10):
            pass
        segments.clear()
    assert not segments.folder.exists()


@pytest.mark.parametrize("name", MAKING)
def test_what_was_made_otherwise_is_removed_and_named(begun, name):
    with Segments(begun, MAKING | {name: "2"}, 10) as segments:
        assert (segments.stop, segments.paths, segments.others) == (10, [], (name,))
        assert not list(segments.folder.glob("*.nut"))
    with Segments(begun, MAKING | {name: "2"}, 10) as segments:
        assert segments.others == ()


def test_without_its_files_a_record_is_nothing(begun):
    next(begun.parent.glob("a.mp4.parts/*.nut")).unlink()
    with Segments(begun, MAKING, 10) as segments:
        assert (segments.stop, segments.state) == (10, b"")


def test_a_damaged_record_is_none(begun):
    (begun.parent / "a.mp4.parts" / "record.json").write_text('{"making": 3, "stops"', encoding="utf-8")
    with Segments(begun, MAKING, 10) as segments:
        assert (segments.stop, segments.others) == (10, ())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "a.mp4.parts").write_bytes(b"a file")
    with pytest.raises(UnwritableFile, match=r"a\.mp4\.parts cannot be written"), Segments(tmp_path / "a.mp4", MAKING):
        pass
