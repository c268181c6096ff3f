"""The private folder: nobody else reads it, nothing stays in it, and it has a bound."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tintype.errors import OptionError
from tintype.server.folder import File, Folder, private_folder
from tintype.server.problems import Full

MB = 1 << 20


def written(folder: Folder, content: bytes) -> File:
    file = folder.file()
    file.write(content)
    file.close()
    return file


@pytest.mark.skipif(os.name != "posix", reason="needs modes")
def test_only_its_user_can_read_it(tmp_path):
    before = os.umask(0)
    try:
        with private_folder(tmp_path, MB) as folder:
            file = folder.file()
            file.write(b"grandmother")
            file.close()
            assert folder.path.stat().st_mode & 0o777 == 0o700
            assert file.path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_it_is_empty_afterwards_and_temporary_files_lie_in_it(tmp_path):
    before = tempfile.gettempdir()
    with private_folder(tmp_path, MB) as folder:
        written(folder, b"grandmother")
        with tempfile.NamedTemporaryFile(delete=False) as part:
            assert Path(part.name).parent == folder.path
        Path(tempfile.mkdtemp(), "deep").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []
    assert tempfile.gettempdir() == before


def test_two_servers_have_folders_of_their_own(tmp_path):
    with private_folder(tmp_path, MB) as first:
        file = written(first, b"grandmother")
        with private_folder(tmp_path, MB) as second:
            assert second.path != first.path
            assert file.path.read_bytes() == b"grandmother"


KILLED = """
import os, sys
from tintype.server.folder import private_folder
with private_folder(sys.argv[1], 1 << 20) as folder:
    folder.file().write(b"grandmother")
    os._exit(1)
"""


def test_what_a_killed_server_left_goes_when_the_next_begins(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=120)
    [left] = tmp_path.iterdir()
    assert [path.read_bytes() for path in left.iterdir() if path.name != "in-use"] == [b"grandmother"]
    with private_folder(tmp_path, MB) as folder:
        assert [path.name for path in folder.path.iterdir()] == ["in-use"]


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_that_somebody_left_there_is_not_followed(tmp_path):
    target = tmp_path / "album"
    target.mkdir()
    (target / "photograph.jpg").write_bytes(b"precious")
    place = tmp_path / "place"
    place.mkdir()
    (place / f"tintype-serve-{os.getuid()}-1").symlink_to(target)
    with private_folder(place, MB) as folder:
        assert folder.path.resolve() != target
    assert [path.name for path in target.iterdir()] == ["photograph.jpg"]


def test_it_takes_no_more_than_its_bound(tmp_path):
    with private_folder(tmp_path, 100) as folder:
        file = written(folder, b"a" * 60)
        other = folder.file()
        with pytest.raises(Full):
            other.write(b"a" * 60)
        other.remove()
        file.remove()
        file.remove()
        assert folder.taken == 0
        written(folder, b"a" * 100)


def test_a_place_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OptionError, match=r"--folder .*file.* cannot be used"),
        private_folder(tmp_path / "file" / "a", MB),
    ):
        pass
