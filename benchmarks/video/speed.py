"""How fast films are coloured, and how much memory that takes: `python -m benchmarks.video speed`.

    film      the whole command at 480p, 720p and 1080p: frames per second, processor seconds per frame, peak memory
    stages    processor time per frame of each thing that is done, in one thread: decoding for the scout, small frames,
              cuts, the network's looks, carrying, decoding once more, painting, encoding
    presets   presets of x264 on the same coloured frames: processor time per frame, bits per pixel, and the PSNR of
              the luma, at two qualities
    memory    a long film, whose small frames take little time: the memory of the process as it goes on

The clips are made here: photographs of examples/photographs under a camera that pans, zooms and turns, with grain, a
cut every five seconds, in H.264 at 24 frames per second. The command runs on at most two processors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
PROCESSORS = 2
RATE = 24
SHOT = 120
SECTIONS = ("film", "stages", "presets", "memory")
LOOKS = "looks per frame"
FRAMES = {"480p": 600, "720p": 360, "1080p": 240}


def grays(count: int, size: tuple[int, int], seed: int = 0) -> Iterator[np.ndarray]:
    """Frames uint8 [h, w] of a film of that (width, height)."""
    rng = np.random.default_rng(seed)
    width, height = size
    paths = sorted(PHOTOGRAPHS.glob("*.jpg"))
    grain = rng.normal(0, 3, (height + 64, width + 64)).astype(np.float32)
    for number in range(count):
        shot, place = divmod(number, SHOT)
        if place == 0:
            with Image.open(paths[shot % len(paths)]) as photograph:
                still = np.asarray(photograph.convert("L"))
            fit = max(width / still.shape[1], height / still.shape[0])
            drift, turn, growth = rng.uniform(-0.15, 0.15, 2), rng.uniform(-3, 3), rng.uniform(1.0, 1.25)
        along = place / SHOT
        matrix = cv2.getRotationMatrix2D(
            (still.shape[1] / 2, still.shape[0] / 2), turn * along, fit * (1.35 + (growth - 1) * along)
        )
        matrix[:, 2] += [width / 2 - still.shape[1] / 2, height / 2 - still.shape[0] / 2]
        matrix[:, 2] += along * drift * [width, height]
        frame = cv2.warpAffine(still, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        top, left = rng.integers(0, 64, 2)
        yield np.clip(frame + grain[top : top + height, left : left + width], 0, 255).astype(np.uint8)


def clip(path: Path, count: int, size: tuple[int, int]) -> Path:
    """A film of such frames."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "17", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, gray in enumerate(grays(count, size)):
            planes = np.full((height * 3 // 2, width), 128, np.uint8)
            planes[:height] = (16 + gray * (219 / 255)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def looped(path: Path, source: Path, times: int) -> Path:
    """The same film so many times one after the other; its packets are copied."""
    with av.open(str(path), "w") as out, av.open(str(source)) as first:
        stream = out.add_stream_from_template(first.streams.video[0])
        begin = 0
        for _ in range(times):
            with av.open(str(source)) as part:
                taken = part.streams.video[0]
                end = 0
                for packet in part.demux(taken):
                    if packet.dts is None:
                        continue
                    end = max(end, packet.pts + packet.duration)
                    packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
                    packet.stream = stream
                    out.mux(packet)
                begin += end
    return path


def command(film: Path, output: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "tintype", "video", str(film), "-o", str(output), "--quiet", *options]


def film(folder: Path, sizes: list[str], share: float, options: list[str]) -> None:
    """The whole command."""
    print(
        f"{'film':<7}{'frames':>7}{'frames/s':>10}{'CPU s/frame':>13}{'busy':>7}{'peak MB':>9}{'MB out':>8}", flush=True
    )
    for name in sizes:
        count = max(48, round(share * FRAMES[name]))
        source, output = clip(folder / f"{name}.mp4", count, SIZES[name]), folder / f"{name}.color.mp4"
        output.unlink(missing_ok=True)
        words = command(source, output, "--json", *options)
        begin = time.perf_counter()
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            summary = json.loads(process.stdout.read().splitlines()[-1])["summary"]
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = status
        seconds = time.perf_counter() - begin
        cpu = used.ru_utime + used.ru_stime
        rate = count / summary["seconds"]
        print(
            f"{name:<7}{count:>7}{rate:>10.2f}{cpu / count:>13.3f}{cpu / seconds:>7.2f}"
            f"{used.ru_maxrss / 1024:>9.0f}{output.stat().st_size / 1e6:>8.1f}",
            flush=True,
        )


class Clock:
    """Processor seconds of this process, by what they were spent on."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def __call__(self, what: str, work: Callable, *arguments):
        begin = time.process_time()
        try:
            return work(*arguments)
        finally:
            self.spent[what] += time.process_time() - begin

    def each(self, what: str, items: Iterator) -> Iterator:
        items = iter(items)
        while (item := self(what, next, items, None)) is not None:
            yield item


def stages(folder: Path, sizes: list[str], share: float, model: str) -> None:
    """Processor seconds of each stage, with the encoder's own threads counted to it."""
    from tintype.film import colorizer_of
    from tintype.film.carry import carry
    from tintype.film.cuts import Cuts
    from tintype.film.form import form_of
    from tintype.film.paint import Painter
    from tintype.film.passages import Scouted, Small, passages
    from tintype.film.reader import open_film
    from tintype.film.writer import SegmentWriter

    colorizer = colorizer_of(model, None, None, 1.0, 1.0, 1, "cpu")
    logits = colorizer.model.card.bins is not None
    rows: dict[str, dict[str, float]] = {}
    for name in sizes:
        count = max(24, round(share * 48))
        clock, looks = Clock(), 0
        with open_film(clip(folder / f"{name}.stages.mp4", count, SIZES[name])) as source:
            form = form_of(source, folder / "stages.mp4")
            painter = Painter(source, form, vividness=1.0, blend=1.0, threads=1)
            small = Small(source.tones, colorizer.network_size((source.height, source.width)))
            cuts = Cuts()
            seen = []
            for frame in clock.each("decode", source.frames()):
                seen.append(clock("small frames", small, frame.gray))
                clock("cuts", cuts.push, seen[-1])
            (passage,) = passages([Scouted(index, plane, index == 0) for index, plane in enumerate(seen)])

            def look(index, hints, kept=passage.seen, clock=clock):
                nonlocal looks
                looks += 1
                return clock("looks", lambda: colorizer.model.predict(kept[index], logits=logits))

            ab, _ = clock("carry", carry, passage.seen, look)
            clock.spent["carry"] -= clock.spent["looks"]
            with SegmentWriter(folder / "stages.nut", source, form) as writer:
                for frame, plane in zip(clock.each("decode again", source.frames()), ab, strict=True):
                    writer_planes = clock("paint", painter, frame, plane)
                    clock("encode", writer.write, frame, writer_planes)
                clock("encode", writer._container.mux, [])
                before = time.process_time()
            clock.spent["encode"] += time.process_time() - before
        rows[name] = {what: spent / count for what, spent in clock.spent.items()} | {LOOKS: looks / count}
    heads = list(next(iter(rows.values())))
    print(f"\n{'CPU ms per frame':<18}" + "".join(f"{name:>9}" for name in rows))
    for head in heads:
        unit = 1 if head == LOOKS else 1000
        print(f"{head:<18}" + "".join(f"{unit * row[head]:>9.{1 if unit > 1 else 2}f}" for row in rows.values()))
    total = {name: 1000 * sum(part for what, part in row.items() if what != LOOKS) for name, row in rows.items()}
    print(f"{'all':<18}" + "".join(f"{value:>9.1f}" for value in total.values()), flush=True)


def presets(folder: Path, size: str, model: str) -> None:
    """What x264 makes of the same coloured frames, by preset."""
    from tintype.film import Steady

    width, height = SIZES[size]
    coloured = list(Steady(model=model)(islice(grays(72, SIZES[size]), 48)))
    frames = [av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p") for rgb in coloured]
    lumas = [np.asarray(frame.to_ndarray()[:height], np.float32) for frame in frames]
    print(f"\n{'x264, ' + size:<20}{'crf':>5}{'CPU ms/frame':>14}{'bits/pixel':>12}{'PSNR of Y':>11}")
    for preset in ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium"):
        for crf in (14, 18):
            path = folder / "preset.mp4"
            begin = time.process_time()
            with av.open(str(path), "w") as container:
                stream = container.add_stream(
                    "libx264", rate=RATE, options={"crf": f"{crf}", "preset": preset, "threads": "2"}
                )
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                for number, frame in enumerate(frames):
                    frame.pts, frame.time_base = number, Fraction(1, RATE)
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            spent = (time.process_time() - begin) / len(frames)
            with av.open(str(path)) as container:
                error = np.mean(
                    [
                        np.mean((frame.to_ndarray()[:height] - luma) ** 2)
                        for frame, luma in zip(container.decode(video=0), lumas, strict=True)
                    ]
                )
            bits = 8 * path.stat().st_size / (len(frames) * width * height)
            psnr = 10 * np.log10(255**2 / error)
            print(f"{preset:<20}{crf:>5}{1000 * spent:>14.1f}{bits:>12.3f}{psnr:>11.2f}", flush=True)


def memory(folder: Path, count: int, model: str) -> None:
    """The memory of the process while a long film is coloured, from its first tenth to its end."""
    part = 240
    source = looped(folder / "long.mp4", clip(folder / "part.mp4", part, (160, 120)), -(-count // part))
    output = folder / "long.color.mp4"
    output.unlink(missing_ok=True)
    print(f"\n{'frames':>8}{'seconds':>9}{'MB':>7}", flush=True)
    seen = []
    words = command(source, output, "--json", "--model", model, "--size", "64")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        due = 0
        for line in process.stdout:
            told = json.loads(line)
            if "summary" in told or told["done"] < due:
                continue
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            seen.append((told["done"], pages * resource.getpagesize() / 2**20))
            print(f"{told['done']:>8}{told['seconds']:>9.0f}{seen[-1][1]:>7.0f}", flush=True)
            due = told["done"] + count // 20
        assert process.wait() == 0
    late = np.array([pair for pair in seen if pair[0] >= count / 10])
    slope = np.polyfit(late[:, 0], late[:, 1], 1)[0]
    print(
        f"after the first tenth: {late[:, 1].min():.0f} to {late[:, 1].max():.0f} MB, slope {1000 * slope:+.3f} MB "
        f"per 1000 frames: {slope * 3600 * RATE:+.0f} MB in an hour of film at {RATE} frames/s",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video speed", description=__doc__.split("\n")[0])
    parser.add_argument("sections", nargs="*", default=SECTIONS, help=", ".join(SECTIONS))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--share", type=float, default=1.0, help="of the frames that are measured otherwise")
    parser.add_argument("--frames", type=int, default=4000, help="of the long film")
    parser.add_argument("--model", default="tintype.v2")
    given = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for section in given.sections:
            if section == "film":
                film(folder, given.sizes, given.share, ["--model", given.model])
            elif section == "stages":
                stages(folder, given.sizes, given.share, given.model)
            elif section == "presets":
                presets(folder, given.sizes[0], given.model)
            elif section == "memory":
                memory(folder, given.frames, given.model)
            else:
                parser.error(f"there is no section {section}")
