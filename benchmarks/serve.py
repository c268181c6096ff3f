"""How fast and how steady `tintype serve` is: `python -m benchmarks.serve [SECTION ...]`.

    alone     one person by the API, on 12-megapixel JPEG files: from the upload to the first coloured preview of 1024
              pixels, from a hint to the new preview, and the full-size file, with a hint
    browser   the first two in Chromium: from the choice of the file, and from a click on a colour, to the picture on
              the screen
    people    four people at once by the API, each on photographs of their own: the same three, and whether each got
              what was asked for, in order
    memory    2 000 photographs, each uploaded, looked at, corrected and downloaded, and none of them deleted: what the
              server's process holds, drawn into docs/img/serve-memory.png. The first 40 have 12 megapixels, so that the
              server's caches are full early; the others are small, and tintype.mini colours them, to have so many in
              minutes

Each figure stands beside the same work done in Python in this process, in turns with the server, so that the factor
holds on other machines, too. The server, this program and the browser share the processors. Needs the extra serve and
httpx; for the browser selenium, Chromium and chromedriver; for the picture matplotlib.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

import tintype

ROOT = Path(__file__).parents[1]
SECTIONS = ("alone", "browser", "people", "memory")
PEOPLE = 4
PREVIEW = 1024
"""Long side of the previews that the page shows, in pixels."""

LARGE = 40
"""Photographs of 12 megapixels with which the section memory begins."""

AIMS = {"first": 1500.0, "hint": 150.0, "download": 1200.0}
"""Milliseconds, of the 95th percentile."""

COLOURS = ("#8b2a2b", "#2b4c8b", "#3f7a3a", "#b08d57", "#6a4a7d")


def scene(number: int, width: int = 4000, height: int = 3000) -> bytes:
    """The JPEG file of a gray photograph: a part of one of the examples, enlarged, with the grain of film."""
    chance = np.random.default_rng(number)
    examples = sorted((ROOT / "examples" / "photographs").glob("*.jpg"))
    with Image.open(examples[number % len(examples)]) as example:
        share = chance.uniform(0.7, 0.95)
        wide = int(min(example.width, example.height * width / height) * share)
        high = int(wide * height / width)
        left, top = (int(chance.integers(0, room + 1)) for room in (example.width - wide, example.height - high))
        part = example.convert("L").resize(
            (width, height), Image.Resampling.BILINEAR, (left, top, left + wide, top + high)
        )
    grain = chance.standard_normal((height, width), np.float32)
    codes = np.clip(np.asarray(part) + 4 * grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(codes).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def hint(number: int, width: int, height: int) -> dict[str, object]:
    """One of many places and colours."""
    chance = np.random.default_rng(1000 + number)
    x, y = (int(chance.integers(side // 8, side - side // 8)) for side in (width, height))
    return {"x": x, "y": y, "color": COLOURS[number % len(COLOURS)], "radius": max(width, height) // 80}


# The server


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Address and process of a server with the defaults of the command, or with options."""
    command = [sys.executable, "-m", "tintype", "serve", "--port", "0", "--folder", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[-1].rstrip("/"), server.pid
        finally:
            server.terminate()


class Person:
    """Somebody who works on photographs by the API."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=600)
        self.photo: dict = {}

    def ask(self, method: str, path: str, **options) -> httpx.Response:
        while (answer := self.client.request(method, path, **options)).status_code == 429:
            time.sleep(float(answer.headers["retry-after"]))
        answer.raise_for_status()
        return answer

    def preview(self) -> bytes:
        size = min(PREVIEW, max(self.photo["width"], self.photo["height"]))
        at = f"/v1/photos/{self.photo['id']}/preview?size={size}&version={self.photo['version']}"
        picture = self.ask("GET", at).content
        Image.open(io.BytesIO(picture)).load()
        return picture

    def first(self, content: bytes) -> bytes:
        self.photo = self.ask("POST", "/v1/photos", files={"photo": ("scene.jpg", content)}).json()
        return self.preview()

    def hint(self, given: dict[str, object]) -> bytes:
        before = self.photo["version"]
        self.photo = self.ask("PUT", f"/v1/photos/{self.photo['id']}/hints", json=[given]).json()
        assert self.photo["version"] == before + 1, "an answer out of order"
        return self.preview()

    def download(self) -> bytes:
        return self.ask("GET", f"/v1/photos/{self.photo['id']}/result").content

    def delete(self) -> None:
        self.ask("DELETE", f"/v1/photos/{self.photo['id']}")


# The same in this process


@dataclass
class Here:
    """The same work in Python, without a server."""

    colorizer: tintype.Colorizer
    content: bytes = b""
    colours: tintype.Colours | None = None
    given: list[tintype.Hint] = field(default_factory=list)

    def first(self, content: bytes) -> None:
        self.content = content
        self.colours = self.colorizer.look(tintype.read(content)).reduced(PREVIEW)
        self._paint(self.colours)

    def hint(self, given: dict[str, object]) -> None:
        self.given = [tintype.Hint(**given)]
        assert self.colours is not None
        self._paint(self.colours.with_hints(self.given))

    def _paint(self, colours: tintype.Colours) -> None:
        rows = np.concatenate(list(colours.paint(size=PREVIEW, depth=8)))
        Image.fromarray(rows).save(io.BytesIO(), "JPEG", quality=90)

    def download(self) -> None:
        self.colorizer.file(self.content, io.BytesIO(), name="scene.jpg", hints=self.given)


# Times


Times = dict[str, list[float]]


def timed(times: list[float], work: Callable[[], object]) -> object:
    begun = time.perf_counter()
    result = work()
    times.append(1000 * (time.perf_counter() - begun))
    return result


def told(what: str, times: list[float], here: list[float] | None = None, aim: float | None = None) -> None:
    """A row of the table."""
    p50, p95 = np.quantile(times, [0.5, 0.95])
    factor = "" if not here else f"{p50 / np.median(here):.2f} x"
    verdict = "" if aim is None else f"{aim:.0f}" + ("" if p95 <= aim else ": **missed**")
    print(f"| {what} | {len(times)} | {p50:.0f} | {p95:.0f} | {verdict} | {factor} |", flush=True)


def alone(address: str, runs: int, hints: int) -> Times:
    """One person by the API, in turns with the same work in this process."""
    person, here = Person(address), Here(tintype.Colorizer())
    times: Times = defaultdict(list)
    for number in range(-1, runs):
        content = scene(number + 1)
        # The first round does not count.
        keep = times if number >= 0 else defaultdict(list)
        timed(keep["first"], lambda content=content: person.first(content))
        timed(keep["first here"], lambda content=content: here.first(content))
        for turn in range(-(-hints // runs)):
            given = hint(turn, person.photo["width"], person.photo["height"])
            timed(keep["hint"], lambda given=given: person.hint(given))
            timed(keep["hint here"], lambda given=given: here.hint(given))
        timed(keep["download"], person.download)
        timed(keep["download here"], here.download)
        person.delete()
    return times


def together(address: str, runs: int, hints: int) -> tuple[Times, int, int]:
    """Four people, each doing the same at the same time as the others: first all upload, then all give hints, then all
    download. Also: pictures that were compared with those that one person alone gets, and how many differ."""
    each = -(-runs // PEOPLE)
    people = [Person(address) for _ in range(PEOPLE)]
    contents = [scene(100 + number) for number in range(PEOPLE)]
    expected: dict[tuple[int, object], bytes] = {}
    for number, (person, content) in enumerate(zip(people, contents, strict=True)):
        expected[number, "first"] = person.first(content)
        for turn in range(len(COLOURS)):
            expected[number, turn] = person.hint(hint(turn, 4000, 3000))
        expected[number, "download"] = person.download()
        person.delete()
    times: Times = defaultdict(list)
    wrong, compared = [], []
    barrier = threading.Barrier(PEOPLE)

    def check(number: int, what: object, picture: object) -> None:
        compared.append(what)
        if picture != expected[number, what]:
            wrong.append((number, what))

    def work(number: int) -> None:
        person, content = people[number], contents[number]
        for turn in range(each):
            barrier.wait()
            check(number, "first", timed(times["first"], lambda: person.first(content)))
            if turn + 1 < each:
                person.delete()
        barrier.wait()
        for turn in range(-(-hints // PEOPLE)):
            turn %= len(COLOURS)
            given = hint(turn, 4000, 3000)
            check(number, turn, timed(times["hint"], lambda given=given: person.hint(given)))
        person.hint(hint(len(COLOURS) - 1, 4000, 3000)) if turn != len(COLOURS) - 1 else None
        barrier.wait()
        for _ in range(each):
            check(number, "download", timed(times["download"], person.download))
        person.delete()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(compared), len(wrong)


# The browser


DRAWN = """
// When a preview from the server is on the screen: in the frame after the one in which it was drawn.
const tagged = new WeakMap();
window.drawn = [];
const ask = window.fetch;
window.fetch = async (path, ...rest) => {
  const response = await ask(path, ...rest);
  if (/\\/preview\\?/.test(path) && !/gray=1|box=/.test(path)) {
    const blob = response.blob.bind(response);
    response.blob = async () => { const made = await blob(); tagged.set(made, path); return made; };
  }
  return response;
};
const bitmap = window.createImageBitmap;
window.createImageBitmap = async (source, ...rest) => {
  const made = await bitmap(source, ...rest);
  if (tagged.has(source)) tagged.set(made, tagged.get(source));
  return made;
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
  draw.call(this, source, ...rest);
  const path = tagged.get(source);
  if (!path || window.drawn.some((one) => one.path === path)) return;
  const entry = { path, at: null };
  window.drawn.push(entry);
  requestAnimationFrame(() => setTimeout(() => { entry.at = performance.now(); }));
};
document.addEventListener("change", (event) => {
  if (event.target.type === "file") window.begun = performance.now();
}, true);
"""

ONCE_DRAWN = """
const [count, done] = arguments;
const look = () => {
  const ready = window.drawn.filter((one) => one.at !== null);
  if (ready.length > count) done(ready.at(-1).at - window.begun); else setTimeout(look, 2);
};
look();
"""

CHOOSE = """
const [number, done] = arguments;
const swatches = [...document.querySelectorAll("#tools .panel .swatch, .panel .swatch")];
const free = swatches.filter((one) => one.getAttribute("aria-pressed") !== "true");
const count = window.drawn.filter((one) => one.at !== null).length;
window.begun = performance.now();
free[number % free.length].click();
const look = () => {
  const ready = window.drawn.filter((one) => one.at !== null);
  if (ready.length > count) done(ready.at(-1).at - window.begun); else setTimeout(look, 2);
};
look();
"""


def in_browser(address: str, folder: Path, runs: int, hints: int) -> Times:
    """From the choice of a file, and from a click on a colour, to the picture on the screen."""
    sys.path.insert(0, str(ROOT / "tests"))
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    from browsing import chromium, show

    times: Times = defaultdict(list)
    with chromium(folder / "profile") as browser:
        browser.set_script_timeout(600)
        show(browser, 1280, 900)
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": DRAWN})
        for number in range(-1, runs):
            (folder / f"{number}.jpg").write_bytes(scene(200 + number))
            browser.get(f"{address}/health")
            browser.execute_script("sessionStorage.clear()")
            browser.get(f"{address}/")
            while not browser.execute_script("return 'ready' in document.body.dataset"):
                time.sleep(0.05)
            browser.find_element(By.ID, "files").send_keys(str(folder / f"{number}.jpg"))
            took = browser.execute_async_script(ONCE_DRAWN, 0)
            (folder / f"{number}.jpg").unlink()
            if number >= 0:
                times["first"].append(took)
        time.sleep(1)
        ActionChains(browser).move_to_element(browser.find_element(By.ID, "stage")).click().perform()
        while len(browser.find_elements(By.CSS_SELECTOR, ".panel .swatch")) < 4:
            time.sleep(0.05)
        for number in range(-3, hints):
            took = browser.execute_async_script(CHOOSE, number + 3)
            if number >= 0:
                times["hint"].append(took)
    return times


# Memory


def resident(process: int) -> float:
    """Megabytes of memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def memory(address: str, process: int, photographs: int, picture: Path | None) -> None:
    """Photograph after photograph, none of them deleted; what the server holds after every ten."""
    person, chance = Person(address), np.random.default_rng(0)
    held: list[tuple[int, float]] = []
    for number in range(photographs):
        width = 4000 if number < LARGE else int(chance.integers(300, 600))
        person.first(scene(number, width, width * 3 // 4))
        person.hint(hint(number, person.photo["width"], person.photo["height"]))
        person.download()
        if number % 10 == 9:
            held.append((number + 1, resident(process)))
    counts, megabytes = zip(*held, strict=True)
    half = len(megabytes) // 2
    slope = np.polyfit(counts[half:], megabytes[half:], 1)[0] * 1000
    quarters = [np.median(part) for part in np.array_split(megabytes, 4)]
    files = len(os.listdir(f"/proc/{process}/fd"))
    print(f"Memory of {photographs} photographs, MB: median of each quarter {', '.join(f'{x:.0f}' for x in quarters)};")
    print(
        f"the most {max(megabytes):.0f}; {slope:+.1f} MB per 1 000 photographs in the second half; {files} open files"
    )
    if picture is not None:
        from tintype.plots.figure import COLOURS as INKS
        from tintype.plots.figure import new, save, style

        with style():
            figure = new(6.4, 2.8)
            axes = figure.subplots()
            axes.plot(counts, megabytes, color=INKS[0])
            axes.set(xlabel="photographs", ylabel="memory of the server, MB", xlim=(0, photographs))
            axes.set_ylim(0, 1.15 * max(megabytes))
        save(figure, picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--runs", type=int, default=30, help="uploads and downloads (default 30)")
    parser.add_argument("--hints", type=int, default=200, help="hints (default 200)")
    parser.add_argument("--photographs", type=int, default=2000, help="of the section memory (default 2000)")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "img" / "serve-memory.png")
    options = parser.parse_args()
    sections = tuple(options.sections) or SECTIONS
    if unknown := set(sections) - set(SECTIONS):
        parser.error(f"unknown: {', '.join(unknown)}")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        if set(sections) - {"memory"}:
            with serving(Path(place, "served")) as (address, _):
                times_of(address, Path(place), sections, options)
        if "memory" in sections:
            with serving(Path(place, "served"), "--model", "tintype.mini") as (address, process):
                memory(address, process, options.photographs, options.picture)
    print(f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after")


def times_of(address: str, folder: Path, sections: tuple[str, ...], options: argparse.Namespace) -> None:
    """All sections but memory."""
    runs, hints = options.runs, options.hints
    print("| | times | p50, ms | p95, ms | aim | against Python |\n|---|---|---|---|---|---|")
    one = alone(address, runs, hints)
    for what in AIMS:
        told(what, one[what], one[f"{what} here"], AIMS[what])
        told(f"{what}, in Python", one[f"{what} here"])
    if "browser" in sections:
        for what, times in in_browser(address, folder, runs, hints).items():
            told(f"{what}, in Chromium", times, one[f"{what} here"], AIMS[what])
    if "people" in sections:
        many, compared, wrong = together(address, runs, hints)
        for what in AIMS:
            aim = PEOPLE * float(np.quantile(one[what], 0.95))
            told(f"{what}, {PEOPLE} people at once", many[what], one[f"{what} here"], aim)
        print(f"\n{compared} pictures of {PEOPLE} people compared with those of one alone: {wrong} differ\n")


if __name__ == "__main__":
    main()
