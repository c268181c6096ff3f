import os
from pathlib import Path

import pytest

from stores import SSHD, s3_server, sftp_server
from tintype.cluster import store_of
from tintype.errors import OptionError, StoreError

needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs an OpenSSH server: apt-get install openssh-server")


@pytest.fixture(scope="module")
def s3():
    with s3_server("scans") as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield "s3://scans/1931"


@pytest.fixture(scope="module")
def sftp(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with sftp_server(home) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        yield f"{address}{home}/1931"


@pytest.fixture(params=["folder", "s3", pytest.param("sftp", marks=needs_sshd)])
def store(request, tmp_path):
    address = tmp_path / "1931" if request.param == "folder" else request.getfixturevalue(request.param)
    return store_of(address)


def test_what_is_put_into_a_store_is_found_and_comes_back(store, tmp_path):
    assert list(store.files()) == []
    (tmp_path / "page.tif").write_bytes(b"II*\0" * 1000)
    store.put(tmp_path / "page.tif", "march/page 1%.tif")
    store.write(b"{}", "rows/a.json")
    store.write(b"[1]", "rows/a.json")  # in place of the other
    found = {entry.place: entry for entry in store.files()}
    assert {place: entry.size for place, entry in found.items()} == {"march/page 1%.tif": 4000, "rows/a.json": 3}
    assert all(entry.modified > 1.7e18 and entry.stamp for entry in found.values())
    assert [entry.place for entry in store.files("rows")] == ["rows/a.json"]
    store.fetch("march/page 1%.tif", tmp_path / "back.tif")
    assert (tmp_path / "back.tif").read_bytes() == b"II*\0" * 1000
    assert store.read("rows/a.json") == b"[1]"
    assert store.renames
    for place in found:
        store.remove(place)
        store.remove(place)  # Nothing is there any more.
    assert list(store.files()) == []


@pytest.mark.parametrize("kind", ["s3", pytest.param("sftp", marks=needs_sshd)])
def test_what_is_not_there_is_one_sentence(kind, request):
    address = request.getfixturevalue(kind)
    with pytest.raises(StoreError) as error:
        store_of(address).read("no.tif")
    assert str(error.value) == f"{address}/no.tif does not exist: check the address"


@needs_sshd
def test_a_computer_that_is_not_known_is_not_trusted(sftp, monkeypatch, tmp_path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(Path(os.environ["HOME"], ".ssh", "id_ed25519").read_bytes())
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreError, match=r"cannot be searched \(Host key is not trusted.*\): check the address"):
        list(store_of(sftp).files())


@needs_sshd
def test_a_write_that_fails_leaves_what_was_there(sftp, tmp_path):
    store = store_of(sftp)
    store.write(b"old", "page.tif")
    with pytest.raises(OSError, match="gone"):
        store.put(tmp_path / "gone", "page.tif")
    assert store.read("page.tif") == b"old"
    assert [entry.place for entry in store.files()] == ["page.tif"]
    store.remove("page.tif")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://", "names no bucket"),
        ("sftp://anna:secret@scans.example.org/1931", "must hold no password, as that of scans.example.org does"),
    ],
)
def test_addresses_that_can_be_none(address, message):
    with pytest.raises(OptionError, match=message) as error:
        store_of(address)
    assert "secret" not in str(error.value)
