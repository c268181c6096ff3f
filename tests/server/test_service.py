"""Who is let in, and how much is taken."""

import asyncio
import struct
import zlib

import pytest

from tintype.server.application import application
from tintype.server.options import Settings
from tintype.server.photographs import Facts, Photograph, Photographs
from tintype.server.problems import Full, Refused

TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def guarded(serving):
    return serving(token=TOKEN)[1]


def test_a_token_opens_the_api_in_a_header_and_the_page_in_an_address(guarded, refusal):
    assert guarded.get("/health").status_code == 200
    for path in ("/", "/v1/models", "/openapi.json", "/static/page.css"):
        response = guarded.get(path)
        assert refusal(response, 401).startswith("The token is missing or wrong")
        assert response.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/v1/models", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guarded.get("/?token=wrong").status_code == 401
    opened = guarded.get(f"/?token={TOKEN}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    # The client has the cookie now, as a browser has.
    assert guarded.get("/").headers["content-type"] == "text/html; charset=utf-8"
    assert guarded.get("/v1/models").status_code == 200


def test_guessing_tokens_is_slow(serving, refusal):
    _, client = serving(token=TOKEN)
    for number in range(60):
        response = client.get("/v1/models", headers={"authorization": f"Bearer guess{number}"})
    assert refusal(response, 429)
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"origin": "http://localhost"}, 204),
        ({"origin": "http://localhost:81"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 204),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
        ({"host": "127.0.0.1:8750"}, 204),
    ],
)
def test_pages_of_other_sites_change_nothing(headers, status, client, add):
    photo = add()
    response = client.delete(f"/v1/photos/{photo['id']}", headers=headers)
    assert response.status_code == status
    left = client.get(f"/v1/photos/{photo['id']}").status_code
    assert left == (404 if status == 204 else 200)


def test_responses_forbid_what_the_page_does_not_need(client):
    for path in ("/", "/v1/models", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_files_of_the_page_alone_are_served(client):
    assert "text/javascript" in client.get("/static/main.js").headers["content-type"]
    for path in (
        "/static/",
        "/static/../server/process.py",
        "/static/%2e%2e/process.py",
        "/static//etc/passwd",
        "/main.js",
    ):
        assert client.get(path).status_code == 404


def test_an_address_tells_what_it_takes(client, refusal):
    response = client.post("/v1/photos/any")
    assert refusal(response, 405)
    assert response.headers["allow"] == "DELETE, GET, PATCH"


def bomb(width: int, height: int) -> bytes:
    """A PNG file whose head promises so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_large_photographs_are_refused_before_they_are_decoded_or_whole(serving, refusal):
    service, client = serving(upload=20_000, pixels=1_000_000)

    def sent(content: bytes) -> str:
        return refusal(client.post("/v1/photos", files={"photo": ("a.png", content)}), 413)

    assert sent(bomb(2000, 1000)) == (
        "a.png says that it has 2000 x 1000 pixels, and more than 1 megapixels are not read: make it smaller first"
    )
    assert sent(bytes(25_000)).startswith("The photograph has more than 0.02 MB")
    assert sent(bytes(6_000_000)).startswith("The photograph has more than 0.02 MB")
    assert not list(service.folder.path.iterdir())


def test_a_form_that_is_broken_leaves_no_file(serving, refusal, photograph):
    service, client = serving()
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    for content in (head + photograph, b"nothing", head + photograph + b"\r\n--b", head.replace(b"name=", b"nom=")):
        assert refusal(client.post("/v1/photos", content=content, headers=kind), 400)
    assert refusal(client.post("/v1/photos", content=b"", headers={"content-type": "multipart/form-data"}), 415)
    assert not list(service.folder.path.iterdir())
    assert service.folder.taken == 0


def test_a_body_that_is_too_long_is_refused(client, add, refusal):
    at = f"/v1/photos/{add()['id']}/hints"
    assert refusal(client.put(at, content=b" " * 5_000_000, headers={"content-type": "application/json"}), 413)


def test_no_more_photographs_and_bytes_are_kept_than_allowed(serving, photograph, refusal):
    service, client = serving(photographs=2)
    full, narrow = serving(disk=len(photograph) + 100)
    for asked, refused in ((client, 2), (narrow, 1)):
        for _ in range(refused):
            assert asked.post("/v1/photos", files={"photo": ("a.jpg", photograph)}).status_code == 201
        response = asked.post("/v1/photos", files={"photo": ("a.jpg", photograph)})
        assert refusal(response, 429)
        assert int(response.headers["retry-after"]) >= 1
    assert len(list(service.folder.path.iterdir())) == 2
    assert len(list(full.folder.path.iterdir())) == 1


def test_photographs_that_nobody_uses_are_forgotten(service):
    now, forgotten = [0.0], []
    kept = Photographs(2, 60, forgotten.append, clock=lambda: now[0])
    facts = Facts(1, 1, "jpeg", 8, 1, False, False, ())
    used, unused = (Photograph(service.folder.file(), "a.jpg", facts, Settings("tintype.mini")) for _ in range(2))
    kept.add(used)
    kept.add(unused)
    with pytest.raises(Full):
        kept.check_room()
    for now[0] in (30.0, 70.0):
        assert kept.find(used.id) is used
    assert forgotten == [unused]
    assert not unused.file.path.exists()
    with pytest.raises(Refused) as refused:
        kept.find(unused.id)
    assert refused.value.status == 404
    kept.clear()
    assert not used.file.path.exists()


def asked(service, method: str, path: str, body: bytes = b"", kind: str = "text/plain", stays: bool = False) -> list:
    """What is sent to a client that leaves once all was sent, or with `stays` once it has a part of the answer."""
    sent = []

    async def run() -> None:
        answered = asyncio.Event()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            if stays:
                await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if message["type"] == "http.response.body":
                answered.set()
                await asyncio.sleep(0.05)

        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", kind.encode())],
            "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip
        await application(service)(scope, receive, send)

    asyncio.run(run())
    return sent


def test_a_photograph_whose_client_leaves_is_not_kept(serving, photograph):
    service, _ = serving()
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    asked(service, "POST", "/v1/photos", head + photograph + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")
    assert len(service.photographs) == 0
    assert not list(service.folder.path.iterdir())


def test_a_result_whose_client_leaves_is_not_kept(serving, photograph, monkeypatch):
    monkeypatch.setattr("tintype.server.download.BLOCK", 1000)
    service, client = serving()
    id = client.post("/v1/photos", files={"photo": ("a.jpg", photograph)}).json()["id"]
    [upload] = service.folder.path.iterdir()
    sent = asked(service, "GET", f"/v1/photos/{id}/result", stays=True)
    assert sent[0]["status"] == 200
    assert sent[-1].get("more_body")  # it was not sent to its end
    assert list(service.folder.path.iterdir()) == [upload]
    assert service.folder.taken == len(photograph)
