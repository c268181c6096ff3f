"""Who a request comes from."""

import pytest

pytest.importorskip("starlette", reason="starlette is not installed")
from starlette.requests import Request

from tintype.web.guard import caller


@pytest.mark.parametrize(
    ("host", "found"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1", "2001:db8::/64"),
     ("2001:db8:0:1::1", "2001:db8:0:1::/64"), ("::ffff:192.0.2.7", "192.0.2.7"), ("testclient", "testclient")],
)  # fmt: skip
def test_clients_of_one_network_of_ipv6_are_one(host, found):
    assert caller(Request({"type": "http", "client": (host, 1), "headers": []})) == found
