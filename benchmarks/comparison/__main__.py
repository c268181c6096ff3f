from __future__ import annotations

import argparse
import sys
from glob import glob
from pathlib import Path

from benchmarks import comparison
from tintype.errors import TintypeError
from tintype.threads import available_threads


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.comparison",
        description=comparison.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = parser.add_subparsers(dest="part", required=True)

    part = parts.add_parser("export", help="runs to models")
    part.add_argument("runs", type=Path, nargs="+", help="folders of complete runs")
    part.add_argument("-o", "--output", type=Path, required=True)
    part.add_argument("--size", nargs="+", default=None, help="SIZE or PATTERN=SIZE; default: 128 cnn10.*=32")
    part.add_argument("--figures", type=Path, help="a folder of `measure`, whose figures the cards are to hold")
    part.add_argument("--protocol", default="", help="what the cards say of how the figures were measured")

    part = parts.add_parser("measure", help="models on photographs, to figures")
    part.add_argument("models", type=Path, nargs="+", help=".onnx files")
    part.add_argument("--photographs", type=Path, required=True, help="a .tar")
    part.add_argument("--limit", type=int)
    part.add_argument("--side", type=int, default=256, help="centre square of the photographs; 0: as they are")
    part.add_argument("--training", default="../shared/data/train/train-0[0-8].tar", help="shards for the prior")
    part.add_argument("--temperatures", default="0,0.14,0.58,1", help="further ones, for those that claims ask it of")
    part.add_argument("--jobs", type=int, default=available_threads())
    part.add_argument("-o", "--output", type=Path, required=True)

    part = parts.add_parser(
        "page", help="figures, and what others found decided by them, into the page that tells of it"
    )
    part.add_argument("folder", type=Path, help="of `measure`")
    part.add_argument("--runs", type=Path, default=Path("runs/comparison"), help="the folder of the runs' folders")
    part.add_argument("--again", type=Path, nargs=2, metavar=("FOLDER", "RUNS"), help="the same of another seed")
    part.add_argument("--page", type=Path, default=Path("docs/comparison.md"))

    part = parts.add_parser("pictures", help="sheets of methods x photographs, and of temperatures")
    part.add_argument("models", type=Path, nargs="+", help=".onnx files, in the order of the sheets")
    part.add_argument("-o", "--output", type=Path, required=True)
    part.add_argument("--data", type=Path, default=Path("../shared/data"))
    part.add_argument("--seen", type=Path, default=Path("coloured/comparison"), help="where what must stay local goes")
    return parser


def main(given: list[str] | None = None) -> str | None:
    o = arguments().parse_args(given)
    if o.part == "export":
        from benchmarks.comparison import release

        figures = release.measured(o.figures, o.protocol) if o.figures else None
        wrong = release.release_all(o.runs, o.output, o.size or release.SIZES, figures)
        return "\n".join(wrong) or None
    if o.part == "measure":
        from benchmarks.comparison import measure

        constants = measure.constants([Path(path) for path in sorted(glob(o.training))], o.output)
        temperatures = [float(t) for t in o.temperatures.split(",") if t]
        ways = measure.ways_of(o.models, constants, temperatures)
        photos = measure.Set(str(o.photographs), o.limit, o.side or None)
        measure.measure(ways, photos, o.output, o.jobs)
        measure.costs(ways, photos, o.output)
    elif o.part == "page":
        from benchmarks.comparison import claims, page, seeds, table

        again = tuple(o.again) if o.again else None
        parts = {"figures": table.tables(o.folder, o.runs), "claims": claims.decide(o.folder, o.runs, again)}
        if again:
            parts["seeds"] = seeds.seeds(o.folder, again[0])
        page.update(o.page, parts)
    else:
        from benchmarks.comparison import pictures

        pictures.draw(o.models, o.output, o.seen, o.data)
    return None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TintypeError as error:
        sys.exit(str(error))
