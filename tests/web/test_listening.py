"""Where a server listens, and who reaches it there."""

import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from tintype.web.listening import is_loopback, names_of, shown_address


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.9.10", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.7", False), ("photographs.example.org", False), ("127.0.0.1.example.org", False)],
)  # fmt: skip
def test_only_this_machine_reaches_loopback(host, alone):
    assert is_loopback(host) is alone


def test_a_server_is_known_by_what_its_addresses_name():
    assert {"0.0.0.0", "photographs.example.org"} <= names_of("0.0.0.0", ["https://photographs.example.org:8443/"])
    assert shown_address("::1", 80) == "http://[::1]:80/"
