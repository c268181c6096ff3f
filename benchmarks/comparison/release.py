"""Runs become released models, each with a card that says what it is and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.methods import METHODS
from tintype.errors import ConfigError, ModelError, TintypeError
from tintype.evaluation.bootstrap import interval
from tintype.evaluation.protocol import TRUTH
from tintype.training import checkpoint
from tintype.training.export import export, read_card_file

CONFIGS = Path("configs/comparison")
COLLECTIONS = Path("configs/tintype.v1.card.toml")
"""Its list of collections counts the photographs of train-00 to train-08, on which the comparison is trained too."""

LARGEST = 850_000
"""Bytes that a model may have whose size is not what it tests: all that ship must stay below 16 MB together."""

SIZES = ("128", "cnn10.*=32")

FIGURES = ("psnr", "colorfulness", "auc", "auc_balanced")

VGG = {"name": "ImageNet-1k (through the loss: features of VGG16, Oxford, CC BY 4.0)"}
LPIPS = {"name": "ImageNet-1k and the judgements of BAPPS (through the loss: LPIPS of VGG16, BSD-2-Clause)"}
RESNET = {"name": "ImageNet-1k (through its encoder: ResNet-18, torchvision, BSD-3-Clause)"}
SQUEEZENET = {"name": "ImageNet-1k (through what it sees: SqueezeNet 1.0, BSD)"}
PRIOR = {"name": "ImageNet-1k (through the published prior of its colours, BSD-2-Clause, which weighs the loss)"}


def release(
    run: Path, folder: Path, size: int, figures: Sequence[Mapping[str, Any]] = (), configs: Path = CONFIGS
) -> Path:
    """Export the averaged weights of a run's last step (`last.pt`) to FOLDER/NAME.onnx.

    The last step, not the best one of the validation, so that all methods have seen the same number of photographs.

    Raises:
        TintypeError: the run is not complete, or its file would be larger than LARGEST.
    """
    last = run / "last.pt"
    state = checkpoint.load(last)
    config, step = state["config"], state["step"]
    name = config["name"]
    if step < config["steps"]:
        raise ConfigError(f"{name}: stands at step {step} of {config['steps']}; complete the run, then export it")
    seen = f"{step * config['batch']} samples of {config['data']['side']} pixels"
    if critic := (state.get("adversary") or {}).get("learnt", 0):
        seen += f", and {critic * config['batch']} for the critic"
    path = folder / f"{name}.onnx"
    export(
        last,
        path,
        version="1",
        description=f"{said_of(name, configs)} {seen}; averaged weights of the last step.",
        licence="Apache-2.0",
        training_data=training_data(config),
        figures=figures,
        size=size,
    )
    method = METHODS.get(name)
    if (found := path.stat().st_size) > LARGEST and (method is None or method.sized):
        path.unlink()
        raise ModelError(f"{name}: its file has {found} bytes, more than {LARGEST}; make the network narrower")
    return path


def said_of(name: str, configs: Path = CONFIGS) -> str:
    """What the first line of a method's configuration says of it."""
    path = configs / f"{name}.toml"
    try:
        first = path.read_text(encoding="utf-8").split("\n")[0]
    except OSError as error:
        raise ConfigError(f"{path}: the method's configuration cannot be read ({error.strerror})") from None
    if not first.startswith("# "):
        raise ConfigError(f"{path}: begin it with a comment that says what the method is")
    return first.removeprefix("# ")


def training_data(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The collections of photographs, and ImageNet where something made from it took part in the loss."""
    rows = [row for row in read_card_file(COLLECTIONS)["training_data"] if "photographs" in row]
    loss = config["loss"]
    if loss["cross_entropy"] and loss["uniform"] < 1 and loss["prior"] == "published":
        rows.insert(0, PRIOR)
    if loss["perceptual"]:
        rows.insert(0, VGG)
    if loss.get("lpips"):
        rows.insert(0, LPIPS)
    for key, row in (("encoder", RESNET), ("semantic", SQUEEZENET)):
        if config.get("network", {}).get(key):
            rows.insert(0, row)
    return rows


def size_of(name: str, sizes: Sequence[str]) -> int:
    """The network size of a method: that of the last PATTERN=SIZE that fits its name, else the bare SIZE."""
    chosen = None
    for entry in sizes:
        pattern, _, number = entry.rpartition("=")
        if not number.isdigit():
            raise ConfigError(f"--size {entry}: give SIZE or PATTERN=SIZE, such as 128 or cnn10.*=32")
        if fnmatch(name, pattern or "*"):
            chosen = int(number)
    if chosen is None:
        raise ConfigError(f"{name}: no --size fits it; give one without a pattern")
    return chosen


def measured(folder: Path, protocol: str) -> dict[str, list[dict[str, Any]]]:
    """What the cards say was measured, by method.

    Args:
        folder: of `measure`.
        protocol: how, in words.
    """
    if not protocol:
        raise ConfigError("figures without a protocol say nothing: give --protocol, such as the set, the size and T")
    figures = Resampled(folder)
    cards = {}
    for label in figures.ways:
        rows = [(metric, figures.figure(metric, label)) for metric in FIGURES] if label != TRUTH else []
        cards[label] = [
            {
                "metric": metric,
                "value": round(float(figure[0]), 2),
                "interval": [round(bound, 2) for bound in interval(figure)],
                "protocol": protocol,
            }
            for metric, figure in rows
        ]
    return cards


def release_all(
    runs: Sequence[Path],
    folder: Path,
    sizes: Sequence[str] = SIZES,
    figures: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[str]:
    """Export the runs one after the other; what was wrong with those that were not, a sentence each."""
    wrong = []
    for run in runs:
        try:
            path = release(run, folder, size_of(run.name, sizes), (figures or {}).get(run.name, ()))
            print(f"{path}  {path.stat().st_size / 1e6:.3f} MB", flush=True)
        except TintypeError as error:
            wrong.append(str(error))
    return wrong
