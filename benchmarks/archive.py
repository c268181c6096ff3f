"""What an archive costs: `tintype colorize` on many photographs, beside libvips on the same files.

    python -m benchmarks.archive                         1 000 JPEGs of one megapixel and 40 of twelve, each model
    python -m benchmarks.archive --small 100 --large 4   the same with fewer files
    python -m benchmarks.archive --memory                over 10 000 small files, and of scans of 100 and 400 megapixels

The photographs are made first, gray, of the examples with the grain of film, no two alike. Beside `tintype colorize`
stands a process that only decodes the same files and encodes them again by libvips, with a thread per processor and
the quality of our results:

    as RGB     three equal channels, not subsampled, as our results are: the fair one, though channels without colour
               are quicker to encode than those of our results
    as gray    one channel, a third of what our results hold

Neither waits for the disk; we do, as a result is on the disk before it has its name. CPU seconds are those of the
process and its children, user and system, its start and the opening of the model among them. The share of the
processors that is busy is these seconds, divided by those of the clock and by the number of processors. One run each:
the machine must be quiet for the clock.

Everything lies in FOLDER: photographs that are there are not made again, and what FOLDER/archive.json holds is not
measured again, so that a run that was ended goes on; --again measures all anew. At the end the tables are printed, as
Markdown for docs/archives.md. Needs a POSIX system, the curve Linux and matplotlib.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tintype.models.catalog import DEFAULT
from tintype.threads import available_threads

ROOT = Path(__file__).parents[1]
MODELS = (DEFAULT, "tintype.mini")
SIZES = {"small": (1152, 864), "large": (4000, 3000)}
MANY = (320, 240)
SCANS = {100: (11600, 8700), 400: (23200, 17400)}
WORDS = {"small": "of 1 megapixel", "large": "of 12 megapixels"}
WAYS = {"rgb": "decode, encode as RGB", "gray": "decode, encode as gray"}

WATCHER = """
import os, subprocess, sys, time
begin = time.perf_counter()
child = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(child.pid, 0)
seconds = time.perf_counter() - begin
peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print("measured", seconds, usage.ru_utime, usage.ru_stime, peak, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process that watches another: a child counts the memory of whoever started it as its own peak."""

FLOOR = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import pyvips
folder, out, workers, quality, way = sys.argv[1:]
pyvips.cache_set_max(0)
def work(name):
    image = pyvips.Image.new_from_file(os.path.join(folder, name), access="sequential")
    if way == "rgb":
        image = image.bandjoin([image, image]).copy(interpretation="srgb")
    image.jpegsave(os.path.join(out, name), Q=int(quality), subsample_mode="off", keep="none")
with ThreadPoolExecutor(int(workers)) as pool:
    list(pool.map(work, sorted(os.listdir(folder))))
"""


@dataclass
class Cost:
    """What a process took: seconds of the clock, of the processors for the user and the system; peak memory, MB."""

    wall: float
    user: float
    system: float
    peak: float

    @property
    def cpu(self) -> float:
        return self.user + self.system


class Measured:
    """The figures, kept in a file as they come."""

    def __init__(self, file: Path, again: bool) -> None:
        self._file = file
        self._known: dict[str, dict] = {} if again or not file.exists() else json.loads(file.read_text("utf-8"))

    def get(self, key: str, measure: Callable[[], dict]) -> dict:
        if key in self._known:
            print(f"{key}: known already", file=sys.stderr)
            return self._known[key]
        found = self._known[key] = measure()
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(self._known, indent=1) + "\n", "utf-8")
        part.replace(self._file)
        print(f"{key}: {found}"[:160], file=sys.stderr, flush=True)
        return found


def measured(*command: object, threads: int | None = None) -> Cost:
    """What a Python process takes that must succeed. threads: those of libvips for one picture."""
    environment = os.environ | ({} if threads is None else {"VIPS_CONCURRENCY": str(threads)})
    call = [sys.executable, "-c", WATCHER, sys.executable, *map(str, command)]
    done = subprocess.run(call, stdout=subprocess.PIPE, check=True, text=True, env=environment, cwd=ROOT)
    return Cost(*map(float, done.stdout.rsplit("measured", 1)[1].split()))


def photograph(path: Path, number: int, width: int, height: int, bits: int = 8) -> None:
    """One of the examples at another size, with grain; another cut and another grain for each number."""
    import pyvips

    if path.exists():
        return
    examples = sorted((ROOT / "examples").rglob("*.jpg"))
    image = pyvips.Image.new_from_file(str(examples[number % len(examples)])).colourspace("b-w")[0]
    scale = 1.1 * max(width / image.width, height / image.height)
    image = image.resize(scale, kernel="linear")
    image = image.crop(7 * number % (image.width - width + 1), 11 * number % (image.height - height + 1), width, height)
    image = image + pyvips.Image.gaussnoise(width, height, sigma=4, mean=0, seed=number)
    part = path.with_name(f"part-{path.name}")
    if bits == 8:
        image.cast("uchar").copy(interpretation="b-w").jpegsave(str(part), Q=90)
    else:
        image = (image * 257).cast("ushort").copy(interpretation="grey16")
        image.tiffsave(str(part), tile=True, compression="deflate")
    part.rename(path)


def photographs(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """A folder with exactly `count` of them."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:05d}.jpg" for number in range(count)]
    for other in {path.name for path in folder.iterdir()} - set(names):
        (folder / other).unlink()
    with ThreadPoolExecutor(available_threads()) as pool:
        list(pool.map(lambda number: photograph(folder / names[number], number, *size), range(count)))
    return folder


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    yield folder
    shutil.rmtree(folder)


def colouring(source: Path, result: Path, model: str, jobs: int | None) -> Cost:
    options = ["--model", model, "--quiet", *(["--jobs", jobs] if jobs else [])]
    return measured("-m", "tintype", "colorize", source, "-o", result, *options)


def group(
    name: str, count: int, models: list[str], workers: int, jobs: int | None, folder: Path, known: Measured
) -> list[tuple[str, Cost]]:
    """What was done with the photographs of one size, and its cost."""
    from tintype import read

    source = photographs(folder / f"{name}-{count}", count, SIZES[name])
    rows = []
    for model in models:

        def colour(model: str = model) -> dict:
            with emptied(folder / "results") as out:
                cost = colouring(source, out, model, jobs)
                results = sorted(out.glob("*.jpg"))
                assert len(results) == count, f"{len(results)} of {count} photographs were coloured"
                return {"cost": asdict(cost), "quality": read(results[0]).quality}

        key = f"{name} {count} {model} jobs={jobs or 'default'} workers={workers}"
        found = known.get(key, colour)
        quality = found["quality"]
        rows.append((f"tintype colorize, {model}", Cost(**found["cost"])))
    for way in WAYS:

        def floor(way: str = way, quality: int = quality) -> dict:
            with emptied(folder / "results") as out:
                return asdict(measured("-c", FLOOR, source, out, workers, quality, way, threads=1))

        rows.append((WAYS[way], Cost(**known.get(f"{name} {count} {way} Q={quality} workers={workers}", floor))))
    return rows


def table(groups: dict[str, tuple[int, list[tuple[str, Cost]]]], workers: int) -> str:
    lines = [
        "| photographs | what | a second | CPU seconds | wall seconds | processors busy | CPU against RGB "
        "| against gray | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (count, rows) in groups.items():
        floors = dict(rows)
        rgb, gray = (floors[WAYS[way]].cpu for way in ("rgb", "gray"))
        for what, cost in rows:
            factors = "| | " if what in WAYS.values() else f"| {cost.cpu / rgb:.1f} x | {cost.cpu / gray:.1f} x "
            lines.append(
                f"| {count} {WORDS[name]} | {what} | {count / cost.wall:.1f} | {cost.cpu:.1f} | {cost.wall:.1f} "
                f"| {cost.cpu / cost.wall / workers:.0%} {factors}| {cost.peak:.0f} |"
            )
    return "\n".join(lines)


def curve(source: Path, result: Path, jobs: int | None) -> list[tuple[int, float]]:
    """(files done, MB in memory) of a run, once a second."""
    command = [sys.executable, "-m", "tintype", "colorize", source, "-o", result, "--model", "tintype.mini", "--json"]
    command += ["--jobs", str(jobs)] if jobs else []
    points: list[tuple[int, float]] = []
    done = 0
    ended = threading.Event()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:

        def sample() -> None:
            page = os.sysconf("SC_PAGE_SIZE") / 1e6
            while not ended.wait(1):
                try:
                    resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    return
                points.append((done, round(resident * page, 1)))

        watch = threading.Thread(target=sample)
        watch.start()
        assert process.stdout is not None
        for line in process.stdout:
            done += "summary" not in json.loads(line)
        ended.set()
        watch.join()
    assert process.returncode == 0, f"tintype colorize ended with {process.returncode}"
    return points


def memory(many: int, scans: list[int], jobs: int | None, folder: Path, known: Measured, picture: Path | None) -> str:
    lines = []
    if many:

        def run() -> dict:
            source = photographs(folder / f"many-{many}", many, MANY)
            with emptied(folder / "results") as out:
                begin = time.perf_counter()
                points = curve(source, out, jobs)
                return {"seconds": time.perf_counter() - begin, "points": points}

        found = known.get(f"memory many {many} jobs={jobs or 'default'}", run)
        points = found["points"]
        fifths = [
            statistics.median([mb for done, mb in points if k * many / 5 <= done < (k + 1) * many / 5] or [0])
            for k in range(5)
        ]
        lines.append(
            f"{many} JPEGs of {MANY[0]} x {MANY[1]} pixels with tintype.mini took {found['seconds']:.0f} s and at most "
            f"{max(mb for _, mb in points):.0f} MB; the medians of the five fifths of the run are "
            f"{', '.join(f'{mb:.0f}' for mb in fifths)} MB."
        )
        if picture is not None:
            _draw(points, picture)
    if scans:
        lines += ["", "| 16-bit TIFF, gray | wall seconds | CPU seconds | peak MB |", "|---|---|---|---|"]
    for megapixels in scans:

        def scan(megapixels: int = megapixels) -> dict:
            source = folder / f"{megapixels}.tif"
            photograph(source, 0, *SCANS[megapixels], bits=16)
            with emptied(folder / "results") as out:
                return asdict(colouring(source, out / "scan.tif", DEFAULT, jobs))

        cost = Cost(**known.get(f"memory {megapixels} MP", scan))
        width, height = SCANS[megapixels]
        lines.append(
            f"| {width} x {height}, {megapixels} megapixels | {cost.wall:.0f} | {cost.cpu:.0f} | {cost.peak:.0f} |"
        )
    return "\n".join(lines)


def _draw(points: list[tuple[int, float]], picture: Path) -> None:
    from tintype.plots.figure import COLOURS, new, save, style

    with style():
        figure = new(6.4, 2.8)
        axes = figure.subplots()
        axes.plot(*zip(*points, strict=True), color=COLOURS[0])
        axes.set(ylim=(0, 1.15 * max(mb for _, mb in points)), xlabel="photographs", ylabel="memory, MB")
        save(figure, picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=1000, help="JPEGs of one megapixel (default 1000; 0: none)")
    parser.add_argument("--large", type=int, default=40, help="JPEGs of twelve megapixels (default 40; 0: none)")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this model; may be given again")
    parser.add_argument("--workers", type=int, default=available_threads(), help="processors (default: all)")
    parser.add_argument("--jobs", type=int, help="--jobs of tintype colorize (default: its own)")
    parser.add_argument("--memory", action="store_true", help="measure memory in place of time")
    parser.add_argument("--many", type=int, default=10_000, help="small files of --memory (default 10000; 0: none)")
    parser.add_argument("--scans", type=int, nargs="*", default=list(SCANS), choices=SCANS, help="megapixels of scans")
    parser.add_argument("--picture", type=Path, help="draw the curve of memory into this PNG file")
    parser.add_argument("--folder", type=Path, help="where photographs and figures stay (default: a temporary folder)")
    parser.add_argument("--again", action="store_true", help="measure all anew")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.workers])
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        known = Measured(folder / "archive.json", options.again)
        if options.memory:
            print(memory(options.many, options.scans, options.jobs, folder, known, options.picture))
            return
        groups = {}
        for name, count in (("small", options.small), ("large", options.large)):
            if count:
                models = options.model or list(MODELS)
                rows = group(name, count, models, options.workers, options.jobs, folder, known)
                groups[name] = count, rows
        print(table(groups, options.workers))


if __name__ == "__main__":
    main()
