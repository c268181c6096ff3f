"""A server that strangers cannot use up: by slow clients, by many connections, by cookies, by what the log says."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="starlette is not installed")
import httpx
import uvicorn

from running import command_of
from tintype.study.answers import Store
from tintype.study.site import application
from tintype.web import limits
from tintype.web.listening import listen
from written_studies import write_study

PATIENCE = 60
"""Seconds within which anything must have happened."""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "study", size=200)


@contextmanager
def running(config, listening):
    """The port of a server that runs in a thread."""
    server = limits.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served(study, path, most=limits.CONNECTIONS, patience=limits.PATIENCE, idle=60):
    """The port of a server in this process, with limits of its own."""
    store = Store(path, study.digest)
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            application(study, store, "open-sesame"), http=limits.protocol(most, patience), ws="none", log_config=None,
            timeout_keep_alive=idle, timeout_graceful_shutdown=1,
        )  # fmt: skip
        with running(config, listening) as port:
            yield port


def connected(stack: ExitStack, port: int) -> socket.socket:
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
    return client


def ended(client: socket.socket, say: bytes = b"", every: float = 0.05) -> bool:
    """Whether the server closes a connection on which `say` is sent again and again."""
    client.settimeout(every)
    waited = time.monotonic() + PATIENCE
    while time.monotonic() < waited:
        try:
            if say:
                client.sendall(say)
            if client.recv(1 << 16) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"a"),
        (b"POST /begin HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 4000\r\n\r\n", b"a"),
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX-A: ", b"a"),
    ],
)
def test_clients_that_send_slowly_are_dropped(begun, more, study, tmp_path):
    with served(study, tmp_path / "a.sqlite", patience=0.5) as port, ExitStack() as stack:
        client = connected(stack, port)
        client.sendall(begun)
        assert ended(client, more)
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200


@contextmanager
def taking(patience, piece):
    """The port of a server that reads bodies of any length and answers how long they were."""

    async def application(scope, receive, send):
        length, more = 0, True
        while more:
            message = await receive()
            length, more = length + len(message.get("body", b"")), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"%d" % length})

    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(application, http=limits.protocol(10, patience, piece), log_config=None, lifespan="off")
        with running(config, listening) as port:
            yield port


def test_a_long_body_may_take_its_time_and_a_slow_one_may_not():
    with taking(patience=3, piece=1000) as port, ExitStack() as stack:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12000\r\n\r\n"
        slow, steady = connected(stack, port), connected(stack, port)
        for client in (slow, steady):
            client.sendall(head)
        for _ in range(6):
            steady.sendall(bytes(2000))
            time.sleep(0.6)
        assert b"\r\n12000\r\n" in steady.recv(1 << 16)
        assert ended(slow, b"a")


def test_clients_that_never_read_are_dropped(study, tmp_path):
    with served(study, tmp_path / "a.sqlite", idle=1) as port, ExitStack() as stack:
        client = stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        request = b"GET /plate/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client.settimeout(PATIENCE)
        dropped = False
        for _ in range(200_000):
            try:
                client.sendall(request)
            except OSError:
                dropped = True
                break
            time.sleep(0.001)
        assert dropped


def test_a_request_in_time_is_answered_whatever_the_pieces(study, tmp_path):
    with served(study, tmp_path / "a.sqlite") as port, ExitStack() as stack:
        client = connected(stack, port)
        for _ in range(2):
            for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":
                client.sendall(bytes([byte]))
            answer = b""
            while b"</html>" not in answer:
                answer += client.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_new_client_is_answered_however_many_others_hold_connections(study, tmp_path):
    with served(study, tmp_path / "a.sqlite", most=10) as port, ExitStack() as stack:
        idle = [connected(stack, port) for _ in range(60)]
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        assert ended(idle[0])
        assert ended(idle[30])


@contextmanager
def process(study, *options, files=None):
    """A server in a process of its own, which may open so many files: its address, its number, and what it says."""
    command = [*command_of("study", "serve", str(study.folder), "--port", "0", *options)]
    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    errors = study.folder.parent / f"errors-{os.urandom(4).hex()}"
    with errors.open("wb") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as running:
        try:
            yield running.stdout.readline().split()[-1].rstrip("/"), running.pid, errors
        finally:
            running.send_signal(signal.SIGKILL)


@pytest.fixture
def own(tmp_path):
    return write_study(tmp_path / "own")


@pytest.mark.skipif(os.name != "posix", reason="needs ulimit")
def test_more_connections_than_files_do_neither_stop_it_nor_fill_the_log(own):
    with process(own, files=110) as (address, _, errors), ExitStack() as stack:
        port = int(address.rpartition(":")[2])
        for number in range(400):
            client = connected(stack, port)
            if number % 2:
                client.sendall(b"GET / HT" if number % 4 == 1 else b"\0\0\r\n\r\n")
        for _ in range(3):
            assert httpx.get(address, timeout=PATIENCE).status_code == 200
        time.sleep(1)
        assert len(errors.read_bytes()) < 2000
        assert errors.read_bytes().count(b"\n") <= 3


OUT_OF_FILES = """
import socket, sys
import uvicorn
from tintype.web import limits
async def application(scope, receive, send):
    pass
limits.log()
listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
print(listening.getsockname()[1], flush=True)
limits.Server(uvicorn.Config(application, http=limits.protocol(), log_config=None, lifespan="off")).run([listening])
"""


@pytest.mark.skipif(os.name != "posix", reason="needs ulimit")
def test_a_process_out_of_files_says_so_in_one_line(tmp_path):
    """With a limit on connections far above that on files, as no server of ours has it."""
    command = ["sh", "-c", 'ulimit -n 60; exec "$@"', "sh", sys.executable, "-c", OUT_OF_FILES]
    with (
        (tmp_path / "errors").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as running,
    ):
        try:
            port = int(running.stdout.readline())
            with ExitStack() as stack:
                for _ in range(300):
                    connected(stack, port)
                time.sleep(3)
        finally:
            running.kill()
    [line] = (tmp_path / "errors").read_text().splitlines()
    assert line == "tintype: there are too many connections; new ones wait until others have ended"


def resident(pid: int) -> int:
    """Megabytes of memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs /proc")
def test_cookies_that_were_not_given_here_take_no_memory(own):
    with process(own) as (address, pid, _), httpx.Client(base_url=address) as client:
        name = f"study-{own.digest[:12]}"
        for number in range(1500):
            cookie = f"{name}={number:06}" + "a" * 50_000
            if number == 100:
                before = resident(pid)
            assert client.get("/trial", headers={"cookie": cookie}).status_code == 303
        assert resident(pid) - before < 25


@pytest.mark.parametrize(
    ("options", "last"), [((), 429), (("--proxy", "127.0.0.1"), 404), (("--proxy", "10.0.0.0/8"), 429)]
)
def test_what_a_client_says_of_its_address_is_believed_of_a_proxy_alone(options, last, own):
    with process(own, *options) as (address, *_), httpx.Client(base_url=address) as client:
        for number in range(45):
            response = client.get(f"/mine/guess{number}.json", headers={"x-forwarded-for": f"203.0.113.{number}"})
        assert response.status_code == last


def test_the_address_that_is_given_is_shown_and_answered(own):
    with process(own, "--address", "https://study.example.org,http://other.example:81") as (shown, pid, _):
        assert shown == "https://study.example.org"
        # The port is told nowhere then, but by the system.
        [port] = listening(pid)
        for host, status in {"study.example.org": 200, "other.example:81": 200, "evil.example": 421}.items():
            assert httpx.get(f"http://127.0.0.1:{port}/", headers={"host": host}).status_code == status


def listening(pid: int) -> list[int]:
    """Ports on which a process takes connections."""
    if not Path("/proc/net/tcp").is_file():
        pytest.skip("needs /proc")
    sockets = {
        os.readlink(link)[8:-1] for link in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(link).startswith("socket")
    }
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in sockets]


def test_the_log_says_each_thing_once_a_minute():
    now = [0.0]
    sparse = limits.Sparse(clock=lambda: now[0])

    def passes(message: str, *arguments) -> bool:
        return sparse.filter(logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, message, arguments, None))

    assert [passes("%s is invalid", number) for number in range(3)] == [True, False, False]
    assert passes("another thing")
    now[0] = 61.0
    assert [passes("%s is invalid", number) for number in range(3)] == [True, False, False]
