"""The API against those who wish it ill, and those who are slow, broken or gone: over the network, as they come."""

import io
import json
import os
import re
import signal
import socket
import stat
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
import httpx

from hostile_files import FILES, png_header, strip
from serving import PATIENCE, TOKEN, picture, sentence, served, until
from tintype.errors import PhotoError
from tintype.photo import read

UPLOAD = 8
"""MB of an upload at most, here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server") / "folder"
    with served(folder, "--max-upload", str(UPLOAD), "--max-megapixels", "30", "--max-photographs", "60") as server:
        yield server
        assert server.client.get("/health").status_code == 200
    # Whatever was tried, it never failed.
    assert "Traceback" not in (folder.parent / "folder.errors").read_text()


@pytest.fixture(autouse=True)
def nothing_stays(server):
    """Whatever a test does, no file of it stays."""
    before = set(server.files())
    yield
    until(lambda: set(server.files()) <= before)


@pytest.fixture
def photo(server):
    """The id of a photograph that is kept."""
    id = server.add(picture()).json()["id"]
    yield id
    server.client.delete(f"/v1/photos/{id}")


# Files


HOSTILE = (
    "XMP nested 1000 deep in PNG",
    "XMP with 100 000 attributes",
    "XMP with a DOCTYPE in UTF-16",
    "raw profile of line feeds",
    "TIFF of entries that claim the same megabyte",
    "overlapping directories in TIFF",
    "TIFF of 60 000 directories",
    "JPEG with 20 000 components",
    "PNG with columns of 16 777 021 pixels",
    "progressive JPEG of 992 megapixels",
    "lossless WebP of 268 megapixels",
    "GIF whose frame has 1600 megapixels",
    "TIFF strip of 992 megapixels, LZW",
    "TIFF of one row of 992 megapixels",
)
"""Of the files that tests/photo/test_hostile.py reads, those that are small and differ most."""


def zip_of_death() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photograph.jpg", bytes(9 << 20))
    return stream.getvalue()


def broken() -> dict[str, bytes]:
    whole = picture(600, 400)
    return {
        "empty": b"",
        "text": b"not a photograph",
        "half a JPEG": whole[: len(whole) // 2],
        "zip": zip_of_death(),
        "PNG of 3600 megapixels": png_header(60_000, 60_000, pixels=zlib.compress(bytes(1000))),
        "TIFF of 3600 megapixels": strip(60_000, 60_000, 8, zlib.compress(bytes(1000))),
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "PDF": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
        **{name: FILES[name]() for name in HOSTILE},
    }


def test_files_that_ask_for_too_much_are_refused_with_the_sentence_of_the_command(server):
    refused = 0
    for number, (what, content) in enumerate(broken().items()):
        try:
            read(content, "it")
            expected = None
        except PhotoError as error:
            expected = str(error)
        if number % 2:
            answer = server.client.post("/v1/colorize", files={"photo": ("it", content)})
        else:
            answer = server.add(content, "it")
        if answer.is_success:
            assert expected is None, what
        else:
            said = sentence(answer, 413, 415, 422)
            # Those of more megapixels than this server takes are refused earlier here.
            assert expected is None or said == expected or "megapixels" in said, what
        refused += expected is not None
        if answer.status_code == 201:
            assert server.client.delete(answer.headers["location"]).status_code == 204
    assert refused > 10


def test_an_upload_of_more_than_is_taken_ends_before_it_has_arrived(server):
    head = (
        f"POST /v1/photos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
    )
    part = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    # By what it announces, and by what comes.
    announced = server.raw(f"{head}Content-Length: 100000000000\r\nConnection: close\r\n\r\n".encode() + part)
    assert announced.startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        client.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        for _ in range(UPLOAD):
            client.sendall(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413")


# Names and paths


NAMES = {
    "../../../etc/passwd.jpg": "passwd.jpg",
    "..\\..\\windows\\system.jpg": "system.jpg",
    "/etc/cron.d/job.jpg": "job.jpg",
    "..": None,
    "": None,
    "a" * 5000 + ".jpg": None,
    "\u202egpj.exe": "gpj.exe",
    'q";x="y.jpg': None,
    "new\r\nSet-Cookie: a=b\r\n\r\nline.jpg": None,
    "new%0D%0ASet-Cookie: a=b.jpg": None,
    "nul\0.jpg": None,
    "café ☕.jpg": "café ☕.jpg",
}
"""What a file is called -> what the photograph is called then, where that is certain."""


def multipart(name: bytes, content: bytes) -> tuple[dict[str, str], bytes]:
    """A form whose file has a name of any bytes, which clients that follow the rules do not send."""
    body = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="%s"\r\n\r\n%s\r\n--x--\r\n' % (
        name,
        content,
    )
    return {"content-type": "multipart/form-data; boundary=x"}, body


def test_names_are_only_names(server):
    ids = []
    for given, expected in NAMES.items():
        headers, body = multipart(given.encode(), picture(16, 16))
        answer = server.client.post("/v1/photos", headers=headers, content=body)
        if answer.status_code != 201:
            sentence(answer, 400, 415, 422)
            continue
        ids.append(answer.json()["id"])
        name = answer.json()["name"]
        assert expected is None or name == expected
        assert name not in ("", ".", "..")
        assert name.isprintable()
        assert not set(name) & set("/\\")
        assert len(name.encode()) <= 1000
        result = server.client.get(f"/v1/photos/{ids[-1]}/result")
        assert result.status_code == 200
        assert "set-cookie" not in result.headers
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.~%!#$&+^`|-]+", result.headers["content-disposition"])
    assert len(ids) >= 6
    archive = server.client.post("/v1/archive", json={"photos": ids})
    assert archive.status_code == 200
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        assert files.testzip() is None
        inside = files.namelist()
    assert len(set(inside)) == len(inside) == len(ids)
    for name in inside:
        assert not set(name) & set("/\\\0")
        assert name.strip(".")
    for id in ids:
        server.client.delete(f"/v1/photos/{id}")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../application.py", "/static/..%2fapplication.py", "/static/%2e%2e/%2e%2e/version.py",
        "/static//etc/passwd", "/static/..\\application.py", "/static/%00", "/static/", "/static/index.html%00.css",
        "/v1/photos/..%2f..%2fetc%2fpasswd", "/v1/photos/../../health/x", "/v1/photos/%00/preview",
        "/v1/photos/" + "a" * 5000, "/v1/photos/in-use/result", "//evil.example/", "/../../etc/passwd",
        "/v1/photos/\xff\xfe/preview",
    ],
)  # fmt: skip
def test_paths_lead_nowhere(server, path):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    head, _, body = server.raw(request.encode("latin-1")).partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (400|404|422) ", head), head
    assert b"root:" not in body
    assert b"import" not in body


def test_ids_of_others_cannot_be_guessed_from_ones_own(server, photo):
    other = photo[:-1] + ("A" if photo[-1] != "A" else "B")
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("GET", "/preview"), ("GET", "/result"), ("GET", "/doubts"),
        ("GET", "/alternatives"),
    ):  # fmt: skip
        sentence(server.client.request(method, f"/v1/photos/{other}{path}"), 404)
    sentence(server.client.patch(f"/v1/photos/{other}", json={"vividness": 2}), 404)
    sentence(server.client.put(f"/v1/photos/{other}/hints", json=[]), 404)
    assert len(photo) >= 22  # 128 bits and more
    assert server.client.get(f"/v1/photos/{photo}").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_uploads_lie_where_nobody_else_looks(server, photo):
    files = server.files()
    assert files
    for path in (*files, *{file.parent for file in files}):
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.is_file() else 0o700)
        assert "photograph" not in path.name


# Who may ask


def test_nobody_is_answered_without_the_token(server, photo):
    with httpx.Client(base_url=server.address, timeout=PATIENCE) as stranger:
        assert stranger.get("/health").status_code == 200
        for path in ("/", "/v1/models", "/openapi.json", f"/v1/photos/{photo}", f"/v1/photos/{photo}/preview"):
            sentence(stranger.get(path), 401)
            for wrong in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer é"):
                assert stranger.get(path, headers={"authorization": wrong.encode()}).status_code == 401
        sentence(stranger.get(f"/v1/photos/{photo}?token={TOKEN}"), 401)
        assert stranger.get("/?token=wrong-token").status_code == 401
        assert not stranger.cookies
        opened = stranger.get(f"/?token={TOKEN}")
        assert opened.status_code in (302, 303)
        assert opened.headers["location"] == "/"
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert stranger.get("/").status_code == 200
        assert stranger.get(f"/v1/photos/{photo}").status_code == 200
        # With a cookie, which a browser adds by itself, what changes something must come from the page.
        change = {"json": {"vividness": 2}}
        evil = {"origin": "http://evil.example"}
        sentence(stranger.patch(f"/v1/photos/{photo}", **change, headers=evil), 403)
        own = {"origin": server.address}
        assert stranger.patch(f"/v1/photos/{photo}", **change, headers=own).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example:80", "", "localhost@evil.example",
     "localhost, evil.example", "[::1", "0x7f.1"],
)  # fmt: skip
def test_a_name_of_another_site_that_leads_here_is_refused(server, host):
    sentence(server.client.get("/v1/models", headers={"host": host}), 400, 421)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost", "http://127.0.0.1:1", "file://"])
def test_a_page_of_another_site_changes_nothing(server, photo, origin):
    """By scripts, and by forms, which need no leave to be sent."""
    other = {"origin": origin}
    client, at = server.client, f"/v1/photos/{photo}"
    answers = [
        client.post("/v1/photos", files={"photo": ("a.jpg", picture())}, headers=other),
        client.post("/v1/colorize", files={"photo": ("a.jpg", picture())}, headers=other),
        client.post("/v1/archive", data={"photos": photo}, headers=other),
        client.patch(at, json={"vividness": 2}, headers=other),
        client.put(f"{at}/hints", content=b"[]", headers=other | {"content-type": "text/plain"}),
        client.delete(at, headers=other),
    ]
    for answer in answers:
        sentence(answer, 403)
    assert client.get(at).json()["version"] == 1


# Broken and slow clients


HEAD = f"POST /v1/photos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
FORM = "Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        f"{HEAD}{FORM}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        f"{HEAD}{FORM}Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        f"{HEAD}{FORM}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\nabc\r\n",
        f"{HEAD}{FORM}Transfer-Encoding: chunked\r\nContent-Length: 3\r\nConnection: close\r\n\r\n0\r\n\r\n",
        f"{HEAD}{FORM}Content-Length: -1\r\n\r\n",
        f"{HEAD}{FORM}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        f"{HEAD}Content-Type: multipart/form-data\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        f"{HEAD}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        f"{HEAD}{FORM}Content-Length: 3\r\nConnection: close\r\n\r\nabc",
        f"{HEAD}{FORM}Content-Length: 9\r\nConnection: close\r\n\r\n--x--\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "\x16\x03\x01\x02\0\x01\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + "a" * 100_000 + "\r\n\r\n",
        "GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
    ids=range(17),
)  # fmt: skip
def test_broken_requests_are_refused(server, request_):
    try:
        answer = server.raw(request_.encode("latin-1"))
    except ConnectionResetError:
        answer = b""
    assert re.match(rb"HTTP/1.1 4\d\d |$", answer), answer[:200]


def test_bodies_of_other_shapes_are_refused_in_one_sentence(server, photo):
    at = f"/v1/photos/{photo}"
    deep = b"[" * 100_000 + b"]" * 100_000
    many = json.dumps([{"x": 1, "y": 1, "color": "#ffffff", "radius": 1}] * 20_000).encode()
    as_json = {"content-type": "application/json"}
    for method, path, content in [
        ("PATCH", at, b"{"), ("PATCH", at, b"[]"), ("PATCH", at, b'{"vividness": 1e999}'), ("PATCH", at, b"\xff\xfe"),
        ("PATCH", at, b'{"vividness": NaN}'), ("PATCH", at, b'{"model": "../../etc/passwd"}'), ("PATCH", at, deep),
        ("PATCH", at, b'{"model": "' + b"a" * 100_000 + b'"}'), ("PATCH", at, b'{"page": 99999999999999999999999}'),
        ("PUT", f"{at}/hints", deep), ("PUT", f"{at}/hints", many), ("PUT", f"{at}/hints", b'{"x": 1}'),
        ("PUT", f"{at}/hints", b'[{"x": 1e308, "y": -1e308, "color": "#000000", "radius": 1e308}]'),
        ("PUT", f"{at}/hints", b'[{"x": 1, "y": 1, "color": "javascript:", "radius": 1}]'),
        ("POST", "/v1/archive", b'{"photos": []}'), ("POST", "/v1/archive", b'{"photos": ["../x"]}'),
        ("POST", "/v1/archive", deep),
    ]:  # fmt: skip
        answer = server.client.request(method, path, content=content, headers=as_json)
        said = sentence(answer, 400, 404, 413, 415, 422)
        assert len(said) < 500
    assert server.client.get(at).json()["version"] == 1


def begun(server, content: bytes, share: float) -> tuple[socket.socket, bytes]:
    """A connection on which a share of an upload was sent, and the rest of it."""
    request = httpx.Request("POST", f"{server.address}/v1/colorize", files={"photo": ("a.jpg", content)})
    body = request.read()
    head = [f"{name}: {value}" for name, value in request.headers.items()]
    sent = "\r\n".join(["POST /v1/colorize HTTP/1.1", *head, f"authorization: Bearer {TOKEN}", "connection: close"])
    whole = sent.encode() + b"\r\n\r\n" + body
    cut = len(whole) - len(body) + int(share * len(body))
    client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    client.sendall(whole[:cut])
    return client, whole[cut:]


def test_clients_that_leave_take_their_files_with_them(server, photo):
    large, before = picture(2000, 1500), len(server.files())
    for share in (0.2, 0.9, 1):  # in the middle of the upload, near its end, and while it is coloured
        clients = [begun(server, large, share)[0] for _ in range(4)]
        if share < 1:
            until(lambda: len(server.files()) > before)
        for client in clients:
            client.close()
        until(lambda: len(server.files()) == before)
    # And in the middle of a result.
    id = server.add(large).json()["id"]
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.sendall(
                f"GET /v1/photos/{id}/result?format=png HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    until(lambda: len(server.files()) == before + 1)
    assert server.client.get(f"/v1/photos/{id}/preview").status_code == 200
    assert server.client.get(f"/v1/photos/{photo}/preview").status_code == 200
    server.client.delete(f"/v1/photos/{id}")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_500_at_once_are_answered_or_refused_and_leave_nothing_open(server, photo):
    request = (
        f"GET /v1/photos/{photo}/preview?size=64 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    server.client.get("/health")
    before = server.descriptors()
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(500)]
    for client in clients:
        client.sendall(request)
    statuses = []
    for client in clients:
        answer = b""
        while part := client.recv(1 << 16):
            answer += part
        client.close()
        statuses.append(int(answer[9:12]))
        assert statuses[-1] == 200 or re.search(rb"(?i)\r\nretry-after: \d+\r\n", answer)
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
    until(lambda: server.descriptors() <= before + 2)


# Start and stop


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_killed_it_leaves_nothing_for_long_and_asked_to_end_it_answers_all_20_uploads(tmp_path):
    folder = tmp_path / "folder"
    with served(folder) as server:
        server.add(picture())
        server.process.kill()
        server.process.wait(PATIENCE)
        assert server.files()
    large = picture(1200, 900)
    with served(folder, "--jobs", "2") as server:
        # What the killed one left is gone when the next begins.
        assert server.files() == []
        uploads = [begun(server, large, 1 if number % 2 else 0.5) for number in range(20)]
        silent, _ = begun(server, large, 0.5)  # whose rest never comes
        until(lambda: len(server.files()) >= 20)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        answers = []
        for client, rest in uploads:
            with suppress(OSError):  # It may be refused before that.
                client.sendall(rest)
            answer = b""
            with client:
                while part := client.recv(1 << 16):
                    answer += part
            answers.append(answer)
        assert server.process.wait(PATIENCE) == 143
        silent.close()
    statuses = []
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        statuses.append(int(head[9:12]))
        if statuses[-1] == 200:
            assert f"content-length: {len(body)}".encode() in head.lower()
            assert Image.open(io.BytesIO(body)).size == (1200, 900)
        else:
            problem = json.loads(body)
            assert problem["status"] == statuses[-1]
            assert "stopping" in problem["detail"]
    assert set(statuses) <= {200, 503}
    assert not folder.is_dir() or not any(folder.iterdir())
    assert "Traceback" not in (tmp_path / "folder.errors").read_text()
