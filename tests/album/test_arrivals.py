"""Which scans are complete: told from listings and a clock, and from folders in which things happen."""

import os
import sys
from pathlib import Path

import pytest

from tintype.album import plan
from tintype.album.arrivals import EMPTY, Arrivals, arriving, is_local, is_written

A, B = Path("in/a.tif"), Path("in/deep/b.tif")


def test_a_file_is_complete_when_it_stayed_the_same_for_so_long():
    arrivals = Arrivals(settle=10)
    assert arrivals.look({A: (100, 1)}, 0) == []
    assert arrivals.look({A: (200, 2)}, 9) == []
    assert arrivals.look({A: (200, 3)}, 18) == []  # Only the time changed: something was written over.
    assert arrivals.awaited == (A,)
    assert arrivals.look({A: (200, 3)}, 27.9) == []
    assert arrivals.look({A: (200, 3), B: (5, 5)}, 28) == [A]
    assert arrivals.take(A, (200, 3), 28)
    assert arrivals.awaited == (B,)
    # It is given once, whatever comes beside it.
    assert arrivals.look({A: (200, 3), B: (5, 5)}, 40) == [B]


def test_a_file_that_grows_after_it_was_taken_is_taken_again():
    arrivals = Arrivals(settle=10)
    arrivals.look({A: (100, 1)}, 0)
    assert arrivals.look({A: (100, 1)}, 10) == [A]
    assert arrivals.take(A, (100, 1), 10)
    assert arrivals.look({A: (150, 1)}, 12) == []
    assert arrivals.look({A: (150, 1)}, 22) == [A]


@pytest.mark.parametrize("state", [(101, 2), None])
def test_a_file_that_is_written_when_its_turn_comes_is_waited_for_again(state):
    arrivals = Arrivals(settle=10)
    arrivals.look({A: (100, 1)}, 0)
    assert arrivals.look({A: (100, 1)}, 10) == [A]
    assert not arrivals.take(A, state, 15)
    now = state or (100, 1)
    assert arrivals.look({A: now}, 24) == []
    assert arrivals.look({A: now}, 25) == [A]


def test_an_empty_file_is_given_more_time_and_not_for_ever():
    arrivals = Arrivals(settle=2)
    arrivals.look({A: (0, 1)}, 0)
    assert arrivals.look({A: (0, 1)}, 2 * EMPTY - 1) == []
    assert arrivals.look({A: (0, 1)}, 2 * EMPTY) == [A]


def test_what_is_gone_is_forgotten_unless_its_folder_could_not_be_looked_into():
    arrivals = Arrivals(settle=1)
    both = {A: (1, 1), B: (2, 2)}
    arrivals.look(both, 0)
    for path in arrivals.look(both, 1):
        arrivals.take(path, both[path], 1)
    # A share that is away for a moment does not make all of its photographs new.
    assert arrivals.look({A: (1, 1)}, 2, unseen=[Path("in/deep")]) == []
    assert arrivals.look(both, 4) == []
    assert arrivals.look({}, 5, unseen=[Path("in")]) == []
    assert arrivals.look(both, 7) == []
    # What was taken out and put back is new.
    arrivals.look({A: (1, 1)}, 8)
    arrivals.look(both, 9)
    assert arrivals.look(both, 10) == [B]


def test_of_what_is_there_at_first_older_files_are_left_until_they_change():
    arrivals = Arrivals(settle=1, since=1_000)
    old, new = (5, 999 * 10**9), (5, 1_001 * 10**9)
    arrivals.look({A: old, B: new}, 0)
    assert arrivals.look({A: old, B: new}, 1) == [B]
    assert arrivals.older == 1
    # What arrives later has arrived since, with whatever date.
    later = {A: (6, 500), B: new, Path("in/c.tif"): old}
    arrivals.look(later, 2)
    assert arrivals.look(later, 3) == [A, B, Path("in/c.tif")]


def test_a_file_that_shows_that_it_is_written(tmp_path):
    photo = tmp_path / "a b.jpg"
    photo.write_bytes(b"whole")
    assert not is_written(photo)
    other = tmp_path / "a b.jpg.part"
    other.touch()
    assert is_written(photo)
    other.unlink()
    assert not is_written(photo)


def test_a_file_that_a_program_has_open(tmp_path):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"half")
    if not (sys.platform == "linux" and is_local(photo)):
        pytest.skip("the file system does not tell who has a file open")
    with photo.open("rb"):
        assert not is_written(photo)
    with photo.open("ab"):
        assert is_written(photo)
    assert not is_written(photo)


class Folder:
    """A folder that is watched, with a clock that goes on by a second at each question."""

    def __init__(self, path, output, **options):
        self.path, self.now, self.plans, self.waits = path, 0.0, [], []
        self.tasks = arriving(
            lambda choose: plan([path], output, choose=choose, **options),
            Arrivals(settle=5),
            planned=self.plans.append,
            waiting=self.waits.append,
            clock=self.clock,
        )

    def clock(self):
        self.now += 1
        return self.now

    def next(self, steps=40):
        """The places of the photographs that are given out in so many steps."""
        found = [next(self.tasks) for _ in range(steps)]
        return [task.input.relative_to(self.path).as_posix() for task in found if task is not None]


def test_a_folder_in_which_things_happen(tmp_path):
    inside, other = tmp_path / "in", tmp_path / "other"
    inside.mkdir()
    other.mkdir()
    folder = Folder(inside, tmp_path / "out")
    assert folder.next() == []
    assert folder.waits == [()]
    (inside / "a.jpg").write_bytes(b"a")
    (inside / "deep").mkdir()
    (inside / "deep" / "b.jpg").write_bytes(b"b")
    (inside / "notes.txt").write_bytes(b"no photograph")
    assert folder.next() == ["a.jpg", "deep/b.jpg"]
    assert folder.waits == [(), (inside / "a.jpg", inside / "deep" / "b.jpg"), ()]
    # A program puts a file together elsewhere, or under a hidden name, and renames it.
    (inside / ".c.jpg.x1").write_bytes(b"c")
    (other / "d.jpg").write_bytes(b"d")
    assert folder.next() == []
    (inside / ".c.jpg.x1").rename(inside / "c.jpg")
    (other / "d.jpg").rename(inside / "d.jpg")
    assert folder.next() == ["c.jpg", "d.jpg"]
    # One goes before it is complete, one is replaced.
    (inside / "e.jpg").write_bytes(b"e")
    (other / "a.jpg").write_bytes(b"another a")
    (other / "a.jpg").rename(inside / "a.jpg")
    folder.next(3)
    (inside / "e.jpg").unlink()
    assert folder.next() == ["a.jpg"]
    assert sum(len(found.tasks) for found in folder.plans) == 5


def test_the_results_beside_photographs_are_no_arrivals(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    folder = Folder(tmp_path, None, suffix="-colour")
    assert folder.next() == ["a.jpg"]
    (tmp_path / "a-colour.jpg").write_bytes(b"result")
    assert folder.next() == []


def test_a_folder_that_cannot_be_searched_is_said_once(tmp_path):
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    folder = Folder(tmp_path, None)
    assert folder.next() == ["gone.jpg"]
    (tmp_path / "a.jpg").write_bytes(b"a")
    assert folder.next() == ["a.jpg"]


def test_pages_of_a_file_that_changes_between_them_wait(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"a")
    folder = Folder(tmp_path, None, pages=[1, 2, 3])
    found = []
    while not found:
        found = [task for task in [next(folder.tasks)] if task is not None]
    (tmp_path / "a.tif").write_bytes(b"longer")
    later = folder.next()
    assert later == ["a.tif"] * 5  # the two that were left, and then all three once more


if os.name == "nt":
    pytestmark = pytest.mark.skip(reason="links and open files are other things there")
