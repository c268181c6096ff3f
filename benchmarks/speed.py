"""How fast it is, side by side with what else could be done, in one run: `python -m benchmarks.speed [SECTION ...]`.

    network   the networks of the two models that ship for use against those of ECCV16 and SIGGRAPH17 at 256 x 256:
              torch against torch and onnxruntime against onnxruntime, there in turns and each alone
    photo     a 12-megapixel JPEG with the model loaded, open file to closed file, against decoding it and encoding
              the coloured pixels as RGB 4:4:4 alone, each to a file
    steps     look and paint apart, at 1, 12 and 100 megapixels; previews, and hints given to what was looked at
    command   the whole command on that file against a process that imports the same libraries and does only that
    start     from nothing to a coloured 1-megapixel file; `tintype --help`
    memory    time and peak memory of the whole command: a 100-megapixel 16-bit TIFF; 24 megapixels as baseline and
              progressive JPEG, plain and interlaced PNG, and a rotated JPEG

Figures are medians of runs that alternate, on at most two processors. Times hold for this machine, the factors
between them say more. Needs torch and onnx (the extra train), and a POSIX system.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from tintype.models.catalog import DEFAULT

PROCESSORS = 2
SIDE = 256
ROOT = Path(__file__).parents[1]
OURS = (DEFAULT, "tintype.mini")
SECTIONS = ("network", "photo", "steps", "command", "start", "memory")


class Table:
    """The figures, printed as they come."""

    def __init__(self):
        self.rows: list[dict] = []

    def add(self, section: str, what: str, value: float, unit: str, against: str = "", factor: float | None = None):
        row = {"section": section, "what": what, "value": round(value, 4), "unit": unit}
        text = f"{section:<8} {what:<58} {value:>9.4g} {unit}"
        if factor is not None:
            row |= {"factor": round(factor, 3), "against": against}
            text += f"   {factor:.2f} x {against}"
        self.rows.append(row)
        print(text, flush=True)


def alternate(runs: int, **tasks: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each task, as the task says or by the clock; they take turns, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(runs + 1):
        for name, task in tasks.items():
            begin = time.perf_counter()
            told = task()
            if turn:
                seconds[name].append(told[0] if isinstance(told, tuple) else time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def network(table: Table, runs: int, folder: Path) -> None:
    import numpy as np
    import torch

    from benchmarks.peers import ECCV16, SIGGRAPH17, check
    from tintype.models.catalog import card_of, shipped
    from tintype.models.runtime import Session
    from tintype.training.config import read
    from tintype.training.norms import fold

    torch.set_num_threads(PROCESSORS)
    lightness, hints = torch.rand(1, 1, SIDE, SIDE) * 100, torch.zeros(1, 3, SIDE, SIDE)
    nets = {"eccv16": (check(ECCV16()), (lightness,)), "siggraph17": (check(SIGGRAPH17()), (lightness, hints))}
    cards = [card_of(name) for name in OURS]
    for card in cards:
        # As released, with the normalisation folded; the file of pretrained weights changes no time.
        config = read(f"configs/{card.name}.toml", ["network.encoder="])
        own = fold(config.make_network(len(card.bins)))
        table.add("network", f"parameters of {card.name}", sum(p.numel() for p in own.parameters()) / 1e6, "M")
        nets[card.name] = own, (lightness, hints)
    for net, _ in nets.values():
        net.to(memory_format=torch.channels_last)  # the faster one for all
    with torch.inference_mode():
        times = alternate(
            runs, **{name: (lambda net=net, inputs=inputs: net(*inputs)) for name, (net, inputs) in nets.items()}
        )
    _compare(table, "torch", times)

    files, feeds = {}, {}
    for name, (net, inputs) in nets.items():
        if name in OURS:
            continue
        names = ["lightness", "hints"][: len(inputs)]
        files[name] = (folder / f"{name}.onnx").as_posix()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, of its successor
            torch.onnx.export(net, inputs, files[name], input_names=names, opset_version=17, dynamo=False)
        feeds[name] = None, {key: value.numpy() for key, value in zip(names, inputs, strict=True)}
    for card in cards:
        files[card.name] = shipped()[card.name].read_bytes()
        temperature = np.asarray(card.temperature, np.float32)
        feeds[card.name] = ["ab"], {"lightness": lightness.numpy(), "hints": hints.numpy(), "temperature": temperature}

    def session(name: str, spinning: bool) -> Callable[[], object]:
        opened = Session(files[name], PROCESSORS, spinning)
        return lambda: opened.run(*feeds[name])

    # In turns, threads that wait for their network's next turn would take the processors from the one whose turn it is.
    _compare(table, "onnxruntime in turns", alternate(runs, **{name: session(name, False) for name in files}))
    # As tintype runs its own: alone, with threads that wait for work.
    alone = {name: alternate(runs, **{name: session(name, True)})[name] for name in files}
    _compare(table, "onnxruntime alone", alone)


def _compare(table: Table, runtime: str, times: dict[str, float]) -> None:
    for name in OURS:
        table.add("network", f"{name}, {runtime}, {SIDE} x {SIDE}", times[name] * 1e3, "ms")
    for peer in (name for name in times if name not in OURS):
        for name in OURS:
            table.add("network", f"{peer}, {runtime}", times[peer] * 1e3, "ms", name, times[peer] / times[name])


def photo(table: Table, runs: int, folder: Path) -> None:
    import pyvips

    from tintype import Colorizer
    from tintype.photo import read

    source, result = scene(folder / "12.jpg", 4000, 3000, Q=90), folder / "12.color.jpg"
    colorizer = Colorizer(threads=PROCESSORS)
    colorizer(source)
    quality = read(result).quality
    pixels = pyvips.Image.new_from_file(str(result)).copy_memory()
    pixels.write_to_file(str(folder / "12.v"))

    def floor():
        pyvips.Image.new_from_file(str(source)).write_to_memory()
        pixels.jpegsave(str(folder / "floor.jpg"), Q=quality, subsample_mode="off")

    times = alternate(runs, ours=lambda: colorizer(source), floor=floor)
    table.add("photo", f"decode 12 MP, encode RGB 4:4:4 at quality {quality}", times["floor"] * 1e3, "ms")
    table.add("photo", "colour it, file to file", times["ours"] * 1e3, "ms", "that", times["ours"] / times["floor"])


def steps(table: Table, runs: int, folder: Path) -> None:
    from tintype import Colorizer, read

    colorizer = Colorizer(threads=PROCESSORS)
    for megapixels, width, height in ((1, 1152, 864), (12, 4000, 3000), (100, 11600, 8700)):
        picture = read(scene(folder / f"{megapixels}.tif", width, height))
        colours = colorizer.look(picture)
        hint = {"x": width / 2, "y": height / 2, "color": "#8b5a2b", "radius": height / 50}
        guided = colours.with_hints([hint])

        def paint(what=colours, **options) -> None:
            for _ in what.paint(**options):
                pass

        def guide(what=colours, one=hint) -> None:
            paint(what.with_hints([one]), size=800)

        times = alternate(
            runs,
            look=lambda picture=picture: colorizer.look(picture),
            paint=paint,
            guided=lambda guided=guided: paint(guided),
            small=lambda paint=paint: paint(size=640),
            large=lambda paint=paint: paint(size=1600),
            hint=guide,
        )
        for name, what in (
            ("look", "look"),
            ("paint", "paint, full size"),
            ("guided", "paint, full size, with a hint"),
            ("small", "paint, a preview of 640 pixels"),
            ("large", "paint, a preview of 1600 pixels"),
            ("hint", "another hint to a preview of 800 pixels"),
        ):
            table.add("steps", f"{megapixels} MP: {what}", times[name] * 1e3, "ms")


def command(table: Table, runs: int, folder: Path) -> None:
    import pyvips

    from tintype import colorize
    from tintype.photo import read

    source, result = scene(folder / "12.jpg", 4000, 3000, Q=90), folder / "12.color.jpg"
    if not (folder / "12.v").exists():
        colorize(source)
        pyvips.Image.new_from_file(str(result)).write_to_file(str(folder / "12.v"))
    floor = (
        "import numpy, tintype.models.runtime, pyvips, cyclopts\n"
        f"pyvips.Image.new_from_file({str(source)!r}).write_to_memory()\n"
        f"pixels = pyvips.Image.new_from_file({str(folder / '12.v')!r})\n"
        f"pixels.jpegsave({str(folder / 'floor.jpg')!r}, Q={read(result).quality}, subsample_mode='off')\n"
    )
    times = alternate(
        runs,
        ours=lambda: process("-m", "tintype", "colorize", source, "--overwrite", "--quiet"),
        floor=lambda: process("-c", floor),
    )
    table.add("command", "a process that imports, decodes and encodes", times["floor"], "s")
    table.add("command", "tintype colorize, 12 MP", times["ours"], "s", "that", times["ours"] / times["floor"])


def start(table: Table, runs: int, folder: Path) -> None:
    source = scene(folder / "1.jpg", 1152, 864, Q=90)
    times = alternate(
        runs,
        cold=lambda: process("-m", "tintype", "colorize", source, "--overwrite", "--quiet"),
        help=lambda: process("-m", "tintype", "--help"),
    )
    table.add("start", "from nothing to a coloured 1-megapixel file", times["cold"], "s")
    table.add("start", "tintype --help", times["help"], "s")


def memory(table: Table, runs: int, folder: Path) -> None:
    large = {"tile": True, "compression": "deflate"}
    files = {
        "100 MP, 16-bit gray TIFF": scene(folder / "100.tif", 11600, 8700, bits=16, **large),
        "24 MP, baseline JPEG": scene(folder / "24.jpg", 6000, 4000, Q=90),
        "24 MP, progressive JPEG": scene(folder / "24p.jpg", 6000, 4000, Q=90, interlace=True),
        "24 MP, JPEG turned by its tag": scene(folder / "24r.jpg", 6000, 4000, turn=True, Q=90),
        "24 MP, plain PNG": scene(folder / "24.png", 6000, 4000, compression=3),
        "24 MP, interlaced PNG": scene(folder / "24i.png", 6000, 4000, compression=3, interlace=True),
    }
    for what, source in files.items():
        seconds, peak = process("-m", "tintype", "colorize", source, "--overwrite", "--quiet")
        table.add("memory", f"{what}: time", seconds, "s")
        table.add("memory", f"{what}: peak memory", peak, "MB")


WATCH = """
import os, subprocess, sys, time
begin = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.perf_counter() - begin, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process that watches another: a child counts the memory of whoever started it as its own peak."""


def process(*arguments) -> tuple[float, float]:
    """Seconds and peak memory in MB of a Python process that must succeed."""
    python = [sys.executable, "-c", WATCH, sys.executable, *map(str, arguments)]
    seconds, peak = subprocess.run(python, stdout=subprocess.PIPE, cwd=ROOT, check=True, text=True).stdout.split()
    return float(seconds), float(peak)


def scene(path: Path, width: int, height: int, bits: int = 8, turn: bool = False, **options) -> Path:
    """A gray photograph of any size: one of the examples, enlarged and with the grain of film."""
    import pyvips

    if path.exists():
        return path
    example = sorted((ROOT / "examples").rglob("*.jpg"))[0]
    image = pyvips.Image.new_from_file(str(example)).colourspace("b-w")
    image = image.resize(width / image.width, vscale=height / image.height, kernel="linear")
    image = image + pyvips.Image.gaussnoise(width, height, sigma=4, mean=0, seed=1)
    image = image.cast("uchar") if bits == 8 else (image * 257).cast("ushort").copy(interpretation="grey16")
    if turn:
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(path), **options)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each thing (default 7)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown: {', '.join(unknown)}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    os.environ["VIPS_CONCURRENCY"] = str(PROCESSORS)
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for section in options.sections or SECTIONS:
            globals()[section](table, options.runs, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(table.rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
