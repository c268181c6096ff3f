"""How many participants the server of a study can handle: `python -m benchmarks.study`.

A real server process with a new study of noise, over loopback. Each simulated participant comes within the first
seconds, takes every page, plate and picture that a browser would, one after the other on one connection, sees each pair
for --exposure after a cross of 0.7 s, thinks for a while (exponential, --thinking on average) and answers. Told are the
times from a request to the last byte of its response, by kind, and whether the database holds every answer that was
acknowledged exactly once, as it was given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from tintype.study.make import make

CROSS = 0.7
"""Seconds, as in the page."""


class Browser:
    """One connection, and one cookie; `times` takes the seconds of each request by its kind."""

    def __init__(self, host: str, times: dict[str, list[float]]):
        self.host, self.times, self.cookie = host, times, ""

    async def open(self) -> None:
        host, port = self.host.rsplit(":", 1)
        self.reader, self.writer = await asyncio.open_connection(host, int(port), limit=1 << 20)

    async def ask(self, kind: str, path: str, body: bytes | None = None) -> bytes:
        method = "GET" if body is None else "POST"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Cookie: {self.cookie}"]
        if body is not None:
            lines += [f"Origin: http://{self.host}", f"Content-Length: {len(body)}"]
        begun = time.perf_counter()
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:])}
        content = await self.reader.readexactly(int(fields["content-length"]))
        self.times[kind].append(time.perf_counter() - begun)
        status = int(head[0].split()[1])
        if status not in (200, 303):
            raise RuntimeError(f"{path}: {status} {content[:200]!r}")
        if "set-cookie" in fields:
            self.cookie = fields["set-cookie"].partition(";")[0]
        return content


async def participate(host: str, trials: int, options: argparse.Namespace, times: dict, given: dict) -> None:
    """One participant from consent to thanks; `given` takes (code, trial) -> whether the left one was chosen."""
    chance = random.Random()
    await asyncio.sleep(chance.uniform(0, options.arrive))
    browser = Browser(host, times)
    await browser.open()
    await browser.ask("page", "/")
    await browser.ask("begin", "/begin", b"")
    await browser.ask("page", "/vision")
    for number in range(4):
        await browser.ask("plate", f"/plate/{number}")
    await asyncio.sleep(4 * options.thinking)
    await browser.ask("page", "/vision", b"plate0=7")
    await browser.ask("page", "/trial")
    for name in ("page.css", "study.css", "trial.js"):
        await browser.ask("page", f"/static/{name}")
    for number in range(trials):
        for side in ("left", "right") if number == 0 else ():
            await browser.ask("picture", f"/picture/{number}/{side}")
        await asyncio.sleep(CROSS + options.exposure)
        for side in ("left", "right") if number + 1 < trials else ():
            await browser.ask("picture", f"/picture/{number + 1}/{side}")
        await asyncio.sleep(chance.expovariate(1 / options.thinking))
        left = chance.random() < 0.5
        said = {
            "trial": number,
            "left": left,
            "exposure_ms": 1000,
            "refresh_hz": 60,
            "reaction_ms": 1,
            "input": "mouse",
        }
        await browser.ask("answer", "/answer", json.dumps(said).encode())
        given[browser.cookie.partition("=")[2].partition(".")[0], number] = left
    await browser.ask("page", "/thanks")
    browser.writer.close()


async def all_of_them(host: str, options: argparse.Namespace, times: dict, given: dict) -> None:
    people = (participate(host, options.trials, options, times, given) for _ in range(options.people))
    await asyncio.gather(*people)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--exposure", type=float, default=1.0)
    parser.add_argument("--thinking", type=float, default=1.0, help="seconds, on average")
    parser.add_argument("--arrive", type=float, default=20.0, help="seconds within which all have begun")
    options = parser.parse_args(arguments)
    times: dict[str, list[float]] = defaultdict(list)
    given: dict[tuple[str, int], bool] = {}
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder, "study")
        _make(Path(folder), study, options.trials)
        command = [sys.executable, "-m", "tintype", "study", "serve", str(study), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            host = urlsplit(server.stdout.readline().split()[-1]).netloc
            before, begun = os.getloadavg()[0], time.perf_counter()
            asyncio.run(all_of_them(host, options, times, given))
            lasted, after = time.perf_counter() - begun, os.getloadavg()[0]
            server.send_signal(signal.SIGTERM)
        with sqlite3.connect(study / "answers.sqlite") as database:
            rows = database.execute(
                "SELECT code, number, chosen_left FROM answers JOIN participants ON id = participant"
            )
            kept = [((code, number), bool(left)) for code, number, left in rows]
    print("| request | count | p50, ms | p99, ms | most, ms |\n|---|---|---|---|---|")
    for kind, seconds in times.items():
        p50, p99, most = 1000 * np.quantile(seconds, [0.5, 0.99, 1])
        print(f"| {kind} | {len(seconds)} | {p50:.1f} | {p99:.1f} | {most:.1f} |")
    rate = sum(map(len, times.values())) / lasted
    print(f"{rate:.0f} requests a second for {lasted:.0f} s; load average {before:.1f} before, {after:.1f} after")
    lost, doubled = len(given.keys() - dict(kept).keys()), len(kept) - len(dict(kept))
    changed = sum(given.get(key) != left for key, left in kept)
    print(f"{len(given)} answers acknowledged, {len(kept)} kept: {lost} lost, {doubled} doubled, {changed} changed")


def _make(folder: Path, study: Path, trials: int) -> None:
    """A study of noise, by one method, without practice."""
    noise = np.random.default_rng(0)
    for place in ("photographs", "method"):
        (folder / place).mkdir()
        for number in range(trials):
            codes = noise.integers(0, 256, (256, 256, 3), np.uint8)
            Image.fromarray(codes).save(folder / place / f"{number}.png", compress_level=0)
    make(folder / "photographs", [], [folder / "method"], study, practice=0, trials=trials)


if __name__ == "__main__":
    main()
