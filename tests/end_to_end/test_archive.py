"""An archive on a bad night, at a small size: every sound file is coloured once and whole, every broken one is named.

At full size, and with figures: python -m benchmarks.faults
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.faults import scenes
from benchmarks.faults.night import User, ordinary_user

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL, links and modes of files there")


@pytest.fixture(scope="module")
def user():
    """Somebody to whom files may be forbidden."""
    return ordinary_user()


@pytest.fixture
def folder():
    """A folder that others can reach; pytest keeps its own to their owner, again with each run that begins."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "night"


def superuser(user):
    if os.geteuid() != 0 or user is None:
        pytest.skip("only a superuser can run this as others, who must be able to start Python")


def check(found):
    assert not found.faults, "\n".join(found.faults)


def test_runs_that_are_killed_hindered_and_started_twice(folder, user):
    found = scenes.killed(folder, files=150, kills=5, seed=26, user=user or User())
    check(found)
    assert int(found.figures["runs"].split()[-4]) >= 4, "most kills came too late"


def test_files_that_arrive_while_the_watcher_is_killed(folder, user):
    check(scenes.watched(folder, files=60, kills=1, seed=30, user=user or User()))


def test_a_disk_that_is_full_for_a_while(folder, user):
    superuser(user)
    check(scenes.full_disk(folder, files=60, seed=27, user=user))


def test_two_users_share_a_folder(folder, user):
    superuser(user)
    check(scenes.shared_folder(folder, files=20, kills=1, seed=28, user=user))


def test_a_folder_of_another_user(folder, user):
    superuser(user)
    check(scenes.foreign_folder(folder, seed=29, user=user))
