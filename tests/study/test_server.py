"""A study that is served: what it refuses before it takes a connection."""

import socket

import pytest

pytest.importorskip("starlette", reason="starlette is not installed")

from running import errors_of, tintype
from written_studies import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "study")


@pytest.mark.parametrize("command", ["serve", "quiz"])
def test_a_study_that_was_changed_is_not_served(command, study, tmp_path):
    changed = write_study(tmp_path / "changed")
    picture = changed.picture(0, "truth")
    picture.write_bytes(picture.read_bytes()[:-20] + bytes(20))
    [line] = errors_of(tintype("study", command, changed.folder, check=1))
    assert "was changed after it was made" in line


def test_an_address_in_use_is_refused(study):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [line] = errors_of(tintype("study", "serve", study.folder, "--port", str(port), check=2))
    assert "choose another --port" in line
    assert not (study.folder / "quiz.sqlite").exists()


def test_a_token_that_can_be_guessed_is_refused(study):
    [line] = errors_of(tintype("study", "serve", study.folder, "--port", "0", "--token", "abc", check=2))
    assert "--token" in line


@pytest.mark.parametrize(
    ("option", "value"),
    [("--address", "study.example.org"), ("--address", "ftp://x"), ("--address", "https://x/path"),
     ("--address", "http://["), ("--address", "https://a@b"), ("--proxy", "localhost"), ("--proxy", "*"),
     ("--proxy", "1.2.3.4/99"), ("--proxy", "")],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(option, value, study):
    [line] = errors_of(tintype("study", "serve", str(study.folder), "--port", "0", option, value, check=2))
    assert option in line
