"""A server of the page and the API in a process of its own, as users start it."""

import io
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from running import command_of

TOKEN = "open-sesame"
PATIENCE = 120
"""Seconds within which anything must have happened."""


def picture(width=96, height=64, format="JPEG", seed=0) -> bytes:
    stream = io.BytesIO()
    slope = np.add.outer(np.arange(height), np.arange(width) + 37 * seed)
    Image.fromarray((slope % 256).astype(np.uint8)).save(stream, format)
    return stream.getvalue()


class Served:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen, folder: Path):
        self.process, self.folder, self.lines = process, folder, []
        for line in process.stdout:
            self.lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        self.address = self.lines[0].split()[1].partition("?")[0].rstrip("/")
        self.port = int(self.address.rpartition(":")[2])
        self.client = httpx.Client(
            base_url=self.address, headers={"authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE
        )

    def add(self, content: bytes, name="photograph.jpg", **fields) -> httpx.Response:
        return self.client.post("/v1/photos", files={"photo": (name, content)}, data=fields)

    def files(self) -> list[Path]:
        """What lies in its private folder."""
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name != "in-use"]

    def raw(self, request: bytes) -> bytes:
        """What is answered to these very bytes, to the end of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
            client.sendall(request)
            answer = b""
            while part := client.recv(1 << 16):
                answer += part
        return answer

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextmanager
def served(folder: Path, *options: str):
    command = command_of("serve", "--port", "0", "--token", TOKEN, "--folder", str(folder), *options)
    with (
        (folder.parent / f"{folder.name}.errors").open("wb") as errors,
        subprocess.Popen(
            [*command, "--model", "tintype.mini"], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as run,
    ):
        try:
            server = Served(run, folder)
            yield server
            server.client.close()
        finally:
            run.send_signal(signal.SIGKILL)


def sentence(response: httpx.Response, *statuses: int) -> str:
    """The sentence of a refusal, which must be of one of these kinds."""
    assert response.status_code in statuses, (response.status_code, response.text[:300])
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() >= {"type", "title", "status", "detail"}
    assert problem["status"] == response.status_code
    assert problem["detail"].isprintable()
    return problem["detail"]


def until(condition) -> None:
    waited = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < waited, "it does not happen"
        time.sleep(0.02)


@contextmanager
def page_at(model: str | None = None):
    """The address of the page of a server that everybody on this machine may use, as `tintype serve` gives it."""
    command = command_of("serve", "--port", "0", **({} if model is None else {"model": model}))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
