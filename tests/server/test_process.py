"""The process that serves: what docs/server.md shows runs against it, and it leaves nothing behind."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("requests", reason="requests is not installed")

from running import command_of, errors_of, tintype

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds within which anything must have happened."""


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no Ctrl-C to a single process")
def test_what_the_page_shows_runs_against_a_server_that_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Image.open(ROOT / "examples" / "photographs" / "migrant-mother-1936.jpg") as photograph:
        small = photograph.convert("L").resize((300, 400))
    for name in ("grandmother.jpg", "street.jpg", "scan.tif"):
        small.save(name)
    private = tmp_path / "private"
    command = command_of("serve", "--port", "0", "--folder", str(private), model="tintype.mini")
    with (
        Path("errors").open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as server,
    ):
        try:
            address = server.stdout.readline().split()[1].rstrip("/")
            here = re.compile("http://127.0.0.1:8750")
            [calls] = [block for block in blocks("sh") if "curl" in block]
            subprocess.run(["bash", "-ec", here.sub(address, calls)], check=True, timeout=PATIENCE)
            names: dict[str, object] = {}
            for block in blocks("python"):
                exec(here.sub(address, block), names)
            # A client keeps its connection, and is not waited for.
            names["requests"].Session().get(f"{address}/health")
            server.send_signal(signal.SIGINT)
            assert server.wait(PATIENCE) == 130
        finally:
            server.kill()
    for name in ("grandmother.color.jpg", "scan.png", "grandmother.png"):
        with Image.open(name) as result:
            assert result.size == (300, 400)
            assert result.mode == "RGB"
    assert names["street"]["hints"] == [names["hint"]]
    assert names["result"].startswith(b"\x89PNG")
    assert names["archive"].startswith(b"PK")
    assert list(private.iterdir()) == []
    assert Path("errors").read_text() == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--token", "abc"], "--token must have 8 or more letters"),
        (["--proxy", "localhost"], "--proxy must be the address of the web server"),
        (["--model", "nothing.v1"], "There is no model named nothing.v1"),
        (["--max-megapixels", "0"], "--max-megapixels takes a number above 0 up to 1000, not 0"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(options, sentence):
    [line] = errors_of(tintype("serve", "--port", "0", *options, check=2))
    assert sentence in line
