from __future__ import annotations

import argparse
import sys
from glob import glob
from pathlib import Path

from benchmarks import comparison
from tintype.errors import TintypeError
from tintype.threads import available_threads

ROOT = Path("runs/comparison")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.comparison",
        description=comparison.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = parser.add_subparsers(dest="part", required=True)

    part = parts.add_parser("train", help="every method with the seeds that its claims need; to continue, repeat it")
    part.add_argument("-o", "--output", type=Path, default=ROOT, help="ROOT")
    _training(part)
    part.add_argument("--try", dest="trial", action="store_true", help="only try each method on a few batches")

    part = parts.add_parser("export", help="runs to models")
    part.add_argument("runs", type=Path, nargs="*", help="folders of complete runs; default: all complete ones of ROOT")
    part.add_argument("-o", "--output", type=Path, default=ROOT, help="a folder for the models of RUNS, or ROOT")
    _export(part)

    part = parts.add_parser("measure", help="models on photographs, to figures")
    part.add_argument("models", type=Path, nargs="*", help=".onnx files; default: those of all seeds of ROOT")
    part.add_argument("-o", "--output", type=Path, default=ROOT, help="a folder for the figures of MODELS, or ROOT")
    _measure(part)

    part = parts.add_parser("page", help="figures and verdicts of all seeds, into findings.json and the pages")
    part.add_argument("root", type=Path, nargs="?", default=ROOT)
    _page(part)

    part = parts.add_parser("pictures", help="sheets of methods x photographs, of temperatures and cars, and plots")
    part.add_argument("models", type=Path, nargs="+", help=".onnx files, in the order of the sheets")
    part.add_argument("-o", "--output", type=Path, required=True)
    part.add_argument("--data", type=Path, default=Path("../shared/data"))
    part.add_argument("--seen", type=Path, default=Path("coloured/comparison"), help="where what must stay local goes")
    part.add_argument("--cars", type=Path, help="a photograph whose cars have one strong colour")

    part = parts.add_parser("all", help="train, export, measure and page, each skipping what is done")
    part.add_argument("-o", "--output", type=Path, default=ROOT, help="ROOT")
    for add in (_training, _export, _measure, _page):
        add(part)
    return parser


def _export(part: argparse.ArgumentParser) -> None:
    part.add_argument("--size", nargs="+", default=None, help="SIZE or PATTERN=SIZE; default: 128 cnn10.*=32")
    part.add_argument("--figures", type=Path, help="a folder of `measure`, whose figures the cards are to hold")
    part.add_argument("--protocol", default="", help="what the cards say of how the figures were measured")


def _measure(part: argparse.ArgumentParser) -> None:
    part.add_argument("--photographs", type=Path, required=True, help="a .tar")
    part.add_argument("--limit", type=int)
    part.add_argument("--side", type=int, default=256, help="centre square of the photographs; 0: as they are")
    part.add_argument("--training", default="../shared/data/train/train-0[0-8].tar", help="shards for the prior")
    part.add_argument("--temperatures", default="0,0.14,0.58,1", help="further ones, for those that claims ask it of")
    part.add_argument("--camvid", help="a folder with CamVid, for the figures by kind of region")
    part.add_argument("--drawn", help="a folder with the photographs of our own masks, for the same")
    part.add_argument("--cars", type=Path, help="a photograph whose cars have one strong colour, for the example")
    part.add_argument("--jobs", type=int, default=available_threads())


def _page(part: argparse.ArgumentParser) -> None:
    part.add_argument("--findings", type=Path, default=Path("benchmarks/comparison/findings.json"))
    part.add_argument(
        "--pages", type=Path, nargs="+", help="default: docs/comparison.md and docs/comparison-figures.md"
    )


def train(o: argparse.Namespace) -> list[str]:
    """What was left out, a sentence each."""
    from benchmarks.comparison import train

    return train.run(o)


def export(o: argparse.Namespace) -> list[str]:
    """What went wrong, a sentence each."""
    from benchmarks.comparison import release, seeds

    figures = release.measured(o.figures, o.protocol) if o.figures else None
    sizes = o.size or release.SIZES
    if runs := getattr(o, "runs", None):
        return release.release_all(runs, o.output, sizes, figures)
    wrong = []
    for folder in seeds.folders(o.output).values():
        models = folder / seeds.MODELS
        missing = [
            run
            for run in sorted((folder / seeds.RUNS).glob("*"))
            if run.is_dir() and not (models / f"{run.name}.onnx").is_file()
        ]
        wrong += release.release_all(missing, models, sizes, figures)
    return wrong


def measure(o: argparse.Namespace) -> None:
    from benchmarks.comparison import by_region, cars, measure, samples, seeds

    training = [Path(path) for path in sorted(glob(o.training))]
    temperatures = [float(t) for t in o.temperatures.split(",") if t]
    photos = measure.Set(str(o.photographs), o.limit, o.side or None)
    given = getattr(o, "models", None)
    if given:
        folders = [(o.output, given)]
    else:
        folders = [
            (folder / seeds.FIGURES, sorted((folder / seeds.MODELS).glob("*.onnx")))
            for folder in seeds.folders(o.output).values()
        ]
    source = by_region.Source(o.camvid, o.drawn)
    if o.cars and not given:
        constants = measure.constants(training, folders[0][0])
        cars.example(cars.read(o.cars), constants[measure.MEAN], o.output / cars.FOLDER)
    for folder, models in folders:
        constants = measure.constants(training, folder)
        ways = measure.ways_of(models, constants, temperatures)
        measure.measure(ways, photos, folder, o.jobs)
        measure.costs(ways, photos, folder)
        samples.measure(models, photos, folder / samples.FOLDER, o.jobs)
        if o.camvid or o.drawn:
            plain = [way for way in ways if way.temperature is None and way.label != "another's colours"]
            by_region.measure(plain, source, folder / by_region.FOLDER, o.jobs)
            if not given:
                cars.measure(source, constants[measure.MEAN], o.output / cars.FOLDER)


def page(root: Path, o: argparse.Namespace) -> None:
    from benchmarks.comparison import methods, page, plots

    short = {name: why for name, why in methods.undertrained(root).items() if why}
    found = page.find(root, short)
    page.write(found, o.findings)
    parts = page.parts(o.findings)
    for path in o.pages or page.PAGES:
        page.update(path, parts)
    if not o.pages:
        plots.draw(found)


def _training(part: argparse.ArgumentParser) -> None:
    """The options of `train`, which `all` has too."""
    part.add_argument("--methods", nargs="+", help="default: all, in the order of their worth")
    part.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    part.add_argument("--samples", type=int, default=300_000, help="that each network learns from")
    part.add_argument(
        "--budgets",
        nargs="*",
        choices=("half", "double", "held"),
        default=["half"],
        help="runs that tell whether a method was trained for long enough",
    )
    part.add_argument("--data", default="data/comparison", help="a set; default: data/comparison")
    part.add_argument("--train", default="train-*.tar", help="pattern of the shards to train on")
    part.add_argument("--validation", default="validation-*.tar", help="pattern of the shards to validate on")
    part.add_argument("--first", type=int, help="take only the first so many photographs of each part")
    part.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="KEY=FILE",
        help="files for the methods that need them: loss.vgg, loss.lpips_network, loss.lpips_weights, "
        "network.encoder, network.semantic",
    )
    part.add_argument("--precision", default="auto")
    part.add_argument("--threads", type=int, default=available_threads())
    part.add_argument("--nice", type=int, default=10, help="added to the niceness of the process, where there is one")
    part.add_argument("--max-minutes", type=float, help="stop after so many minutes, with a checkpoint")
    part.set_defaults(trial=False)


def main(given: list[str] | None = None) -> str | None:
    o = arguments().parse_args(given)
    if o.part == "train":
        return "\n".join(train(o)) or None
    if o.part == "export":
        return "\n".join(export(o)) or None
    if o.part == "measure":
        measure(o)
    elif o.part == "page":
        page(o.root, o)
    elif o.part == "all":
        wrong = train(o) + export(o)
        measure(o)
        page(o.output, o)
        return "\n".join(wrong) or None
    else:
        from benchmarks.comparison import pictures

        pictures.draw(o.models, o.output, o.seen, o.data)
        if o.cars:
            pictures.draw_cars(o.cars, o.output)
    return None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TintypeError as error:
        sys.exit(str(error))
