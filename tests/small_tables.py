"""Small tables of free photographs, and a server that has their files."""

import csv
import hashlib
import http.server
import io
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from tintype.evaluation.free import Free


class Server(http.server.ThreadingHTTPServer):
    """Gives files by path, and counts who asks."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked = files, Counter()
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked[self.path] += 1
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(files):
    """A server of files, path -> bytes, while the block runs."""
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def write_table(path: Path, files: dict[str, bytes], address: str) -> Path:
    """A table of the files of a server."""
    rows = []
    for place, content in files.items():
        picture = Image.open(io.BytesIO(content))
        rows.append(
            Free(
                file=place.rpartition("/")[2],
                kind="nature",
                title="A test",
                author="",
                licence="CC0 1.0",
                page="",
                statement=f"{address}/LICENSE",
                address=address + place,
                sha256=hashlib.sha256(content).hexdigest(),
                width=picture.width,
                height=picture.height,
                fingerprint="0" * 16,
            )
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    return path
