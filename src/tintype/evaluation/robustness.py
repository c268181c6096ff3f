"""How well models cope when the gray photograph comes from another film, or is damaged: one run per condition.

A condition is written KIND=LEVEL, such as film=blue or noise=10, and its run of `evaluate` lies in a folder of that
name. What is compared is the gain: how far `auc_balanced` of a model lies above that of plain gray, in points, and how
many per cent of the gain on photographs as they are is kept.

Real plates are conditions too: each of the three exposures of an aligned negative is a genuine old gray photograph
(plate=blue, plate=green, plate=red) of a scene whose true colours the three give together. What is kept there is
compared with the same scenes coloured from the lightness of these colours (plate=lightness).
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tintype import prokudin
from tintype.errors import DataError, OptionError, PhotoError, UnwritableFile
from tintype.evaluation import damage as damages
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.methods import Method, Picture, plan
from tintype.evaluation.photographs import Photographs
from tintype.evaluation.protocol import FILE, TRUTH
from tintype.evaluation.results import read_run
from tintype.evaluation.run import FILMS, SIDE, evaluate
from tintype.files import whole_file
from tintype.photo import SUFFIXES, read

LEVELS: dict[str, tuple[str, ...]] = {
    "film": FILMS,
    "noise": ("2", "5", "10", "20", "40"),
    "blur": ("0.5", "1", "2", "4", "8"),
    "fading": ("0.2", "0.4", "0.6", "0.8"),
    "jpeg": ("80", "50", "30", "15", "5"),
    "size": ("64", "128", "256", "512", "1024"),
}
"""Which levels of which kinds are tried; the units are those of `damage.KINDS`."""

UNDAMAGED = ("film", "cie")
"""What the other conditions are compared with."""

PLATE, LIGHTNESS = "plate", "lightness"
EXPOSURES = ("blue", "green", "red")

TABLE = "robustness.csv"
COLUMNS = ("condition", "level", "model", "metric", "value")

Condition = tuple[str, str]
"""Kind and level."""

Watch = Callable[[str, int, int], None]
"""Is told which condition is worked on, how many are finished, and how many there are."""


def conditions(words: Sequence[str] = ()) -> list[Condition]:
    """The conditions that words ask for, UNDAMAGED first.

    Args:
        words: kinds of LEVELS, for all their levels, or single conditions such as noise=7; none: all of LEVELS.
    Raises:
        OptionError: a word is neither.
    """
    asked = [UNDAMAGED]
    for word in words or LEVELS:
        kind, _, level = word.partition("=")
        if word in LEVELS:
            asked += [(word, level) for level in LEVELS[word]]
        elif kind == "film" and level in FILMS:
            asked.append((kind, level))
        elif kind in damages.KINDS and level:
            asked.append((kind, str(damages.parse(word)).partition("=")[2]))
        else:
            raise OptionError(
                f"{word!r} is not a known damage: choose from {', '.join(LEVELS)}, or give one level such as "
                "noise=7 or film=blue"
            )
    return list(dict.fromkeys(asked))


def damaged(
    models: Sequence[str],
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    words: Sequence[str] = (),
    *,
    side: int | None = SIDE,
    limit: int | None = None,
    jobs: int | None = None,
    watch: Watch = lambda condition, done, count: None,
) -> list[str]:
    """Evaluate models under each condition; see `run.evaluate` for what it takes. A repeated call continues.

    Args:
        folder: gets a run for each condition, in a folder of its name.
        words: the conditions, for `conditions`.
    Returns:
        what went wrong, a sentence each.
    Raises:
        as `run.evaluate`; OptionError too where a model is a folder, whose predictions no damage reaches.
    """
    asked = conditions(words)
    _only_models(models)
    problems = []
    for number, (kind, level) in enumerate(asked):
        name = f"{kind}={level}"
        watch(name, number, len(asked))
        film, damage = (level, None) if kind == "film" else ("cie", name)
        failed = evaluate(
            models, data, Path(folder) / name, side=side, limit=limit, jobs=jobs, film=film, damage=damage
        )
        problems += [f"{name}: {problem}" for problem in failed]
    watch("", len(asked), len(asked))
    return problems


def plates(
    models: Sequence[str],
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    limit: int | None = None,
    jobs: int | None = None,
    watch: Watch = lambda condition, done, count: None,
) -> list[str]:
    """Colour each exposure of three-filter negatives, and compare with the colours that the three give aligned.

    Args:
        data: a folder of negatives, for `prokudin.align`.
        folder: gets a run for the lightness and one for each exposure, and in `plates` the aligned photographs, their
            exposures and how they were coloured.
    Returns:
        what went wrong, a sentence each; a negative that cannot be aligned is left out.
    Raises:
        DataError: there is no negative, or none can be aligned. Else as `damaged`.
    """
    folder = Path(folder)
    methods = _only_models(models)
    problems = _align(Path(data), folder / "plates", limit, partial(watch, "aligning"))
    true = folder / "plates" / "true"
    watch(f"{PLATE}={LIGHTNESS}", 0, 1 + len(EXPOSURES))
    failed = evaluate(models, true, folder / f"{PLATE}={LIGHTNESS}", side=None, jobs=jobs)
    problems += [f"{PLATE}={LIGHTNESS}: {problem}" for problem in failed]
    photographs = Photographs(true)
    for number, exposure in enumerate(EXPOSURES, 1):
        name = f"{PLATE}={exposure}"
        watch(name, number, 1 + len(EXPOSURES))
        coloured = []
        for method in methods:
            coloured.append(folder / "plates" / "coloured" / exposure / method.label)
            paint = method.open()
            for index, photo in enumerate(photographs.names):
                gray = np.asarray(Image.open(folder / "plates" / exposure / f"{photo}.png"))
                picture = Picture(photo, photographs[index], gray, other=partial(photographs.__getitem__, index))
                _write_png(coloured[-1] / f"{photo}.png", paint(picture).rgb)
        made = f"{exposure} exposure of the plate"
        failed = evaluate([os.fspath(path) for path in coloured], true, folder / name, side=None, gray=made, jobs=jobs)
        problems += [f"{name}: {problem}" for problem in failed]
    watch("", 1 + len(EXPOSURES), 1 + len(EXPOSURES))
    return problems


def write_table(folder: str | os.PathLike[str]) -> Path:
    """Write RUN/robustness.csv of all conditions whose runs are finished; its path.

    Columns COLUMNS. Metrics are those of the set in each run (the truth's too), and for each model `gain` and
    `gain_kept` (in %, where the gain on photographs as they are is sure to be above 0), with the 95 % bootstrap
    interval over photographs as `gain_low`, `gain_high`, `gain_kept_low` and `gain_kept_high`.

    Raises:
        DataError: no run is there, or one is broken. UnwritableFile: the table cannot be written.
    """
    folder = Path(folder)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    count = 0
    for row in _rows(folder):
        table.writerow((*row[:-1], f"{row[-1]:.6g}"))
        count += 1
    if not count:
        raise DataError(f"{folder} contains no runs: make them with tintype robustness -o {folder}")
    with whole_file(folder / TABLE) as file:
        file.write(text.getvalue().encode())
    return folder / TABLE


def fewest(folder: str | os.PathLike[str]) -> int:
    """Of how many photographs the smallest run of a condition is.

    Raises:
        DataError: no run is there, or one is broken.
    """
    folder = Path(folder)
    counts = [len(read_run(folder / "=".join(condition)).photos) for condition in _finished(folder)]
    if not counts:
        raise DataError(f"{folder} holds no run of a condition: make them with tintype robustness -o {folder}")
    return min(counts)


def _rows(folder: Path) -> Iterator[tuple[str, str, str, str, float]]:
    """Of the table, in its columns."""
    runs = {condition: read_run(folder / "=".join(condition)) for condition in _finished(folder)}
    sets = {condition: Resampled(run) for condition, run in runs.items()}
    for (kind, level), run in runs.items():
        undamaged = (PLATE, LIGHTNESS) if kind == PLATE else UNDAMAGED
        comparable = undamaged in runs and runs[undamaged].photos == run.photos
        for model in (TRUTH, *run.models):
            for metric, value in run.figures(model).items():
                yield kind, level, model, metric, value
            if model in (TRUTH, "gray"):
                continue
            figures = {"gain": sets[kind, level].difference("auc_balanced", model, "gray")}
            if comparable and model in runs[undamaged].models:
                before = sets[undamaged].difference("auc_balanced", model, "gray")
                if interval(before)[0] > 0:
                    figures["gain_kept"] = 100 * figures["gain"] / before
            for metric, figure in figures.items():
                low, high = interval(figure)
                yield kind, level, model, metric, float(figure[0])
                yield kind, level, model, f"{metric}_low", low
                yield kind, level, model, f"{metric}_high", high


def _finished(folder: Path) -> list[Condition]:
    """The conditions that a folder holds runs of, in the order of LEVELS, each from little to much."""
    kinds = (*LEVELS, PLATE)
    names = [path.parent.name.partition("=") for path in folder.glob(f"*=*/{FILE}")]
    order = {"film": FILMS, PLATE: (LIGHTNESS, *EXPOSURES)}

    def place(condition: Condition) -> tuple[int, float]:
        kind, level = condition
        return kinds.index(kind), order[kind].index(level) if kind in order else float(level)

    return sorted([(kind, level) for kind, _, level in names if kind in kinds], key=place)


def _only_models(models: Sequence[str]) -> list[Method]:
    """Raises OptionError when one of them is a folder of predictions."""
    methods = plan(models)
    for method in methods:
        if method.kind == "folder":
            raise OptionError(
                f"{method.source} contains predictions, which were not made from the damaged gray: give models, by "
                "name or as .onnx files"
            )
    return methods


def _align(data: Path, folder: Path, limit: int | None, watch: Callable[[int, int], None]) -> list[str]:
    """Write the aligned photographs of negatives as FOLDER/true, their exposures as FOLDER/blue, green and red."""
    try:
        paths = sorted(path for path in data.iterdir() if path.suffix.lower() in SUFFIXES)[:limit]
    except OSError as error:
        raise DataError(f"{data} cannot be read ({error.strerror}): give a folder of three-filter negatives") from None
    stems = [path.stem for path in paths]
    for stem in stems:
        if stems.count(stem) > 1:
            raise DataError(
                f"{data}: two negatives are called {stem}; rename one, because results are named after them"
            )
    problems = []
    _make(folder / "true", *(folder / exposure for exposure in EXPOSURES))
    for number, path in enumerate(paths):
        watch(number, len(paths))
        name = f"{path.stem}.png"
        try:
            plate = read(path)
            aligned = prokudin.align(plate)
        except PhotoError as error:
            problems.append(f"{str(error).rstrip('.')}; it is left out")
            continue
        grays = {exposure: folder / exposure / name for exposure in EXPOSURES}
        prokudin.write(aligned, plate, folder / "true" / name, grays)
    if len(problems) == len(paths):
        raise DataError(problems[0] if problems else f"{data} contains no photographs: give a folder of negatives")
    return problems


def _make(*folders: Path) -> None:
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableFile(f"{error.filename} cannot be made ({error.strerror}): choose another folder") from None


def _write_png(path: Path, rgb: np.ndarray) -> None:
    memory = io.BytesIO()
    Image.fromarray(rgb).save(memory, "png")
    _make(path.parent)
    with whole_file(path) as file:
        file.write(memory.getvalue())
