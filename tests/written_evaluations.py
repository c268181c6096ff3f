"""Small evaluations as `tintype evaluate` leaves them, without a network: models that fade, shift or blur the truth."""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.color.bins import published_bins, published_prior
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.evaluation import metrics

PHOTOS = ("beach", "market", "roses/red", "street")
MODELS = {"pale": 0.5, "vivid": 1.3}
"""What each model multiplies the true chroma by, beside some noise."""

SURE = "vivid"
"""The model of MODELS that also has a distribution."""


def photograph(number: int, side: int = 32) -> np.ndarray:
    """Smooth colours that differ from photograph to photograph, uint8 [side, side, 3]."""
    chance = np.random.default_rng(number)
    rows, columns = np.mgrid[0:side, 0:side] / side
    waves = chance.uniform(1, 6, (3, 2))
    phases = chance.uniform(0, 2 * np.pi, 3)
    plane = [np.sin(down * rows + across * columns + at) for (down, across), at in zip(waves, phases, strict=True)]
    reach = 60 + 20 * (number % 3)
    return np.clip(128 + reach * np.stack(plane, axis=-1) + chance.normal(0, 4, (side, side, 3)), 0, 255).astype(
        "uint8"
    )


def write_evaluation(
    folder: Path,
    models: Mapping[str, float] = MODELS,
    photos: Sequence[str] = PHOTOS,
    *,
    side: int = 32,
    seed: int = 0,
    first: int = 0,
    areas: bool = True,
    **changes,
) -> Path:
    """Write a run of `photos` with the rows gray, prior-mean and random before the models; returns its folder.

    Args:
        seed: of the models' noise.
        first: number of the first photograph; other numbers are other photographs.
        areas: without them the models lack what the areas under the curve and the density are made of.
        changes: keys of the protocol that shall be otherwise.
    """
    truths = [photograph(first + number, side) for number in range(len(photos))]
    coloured = {
        "gray": [_paint(truth, np.zeros(2)) for truth in truths],
        "prior-mean": [_paint(truth, published_prior() @ published_bins()) for truth in truths],
        "random": [
            _paint(truth, _lab(other)[..., 1:]) for truth, other in zip(truths, truths[1:] + truths[:1], strict=True)
        ],
    }
    chance = np.random.default_rng(seed)
    for model, gain in models.items():
        noise = chance.normal(0, 3, (len(truths), 2))
        coloured[model] = [
            _paint(truth, gain * _lab(truth)[..., 1:] + shift) for truth, shift in zip(truths, noise, strict=True)
        ]
    for photo, truth in zip(photos, truths, strict=True):
        _picture(folder / "truth" / f"{photo}.png", truth)
    measured = {"truth": _truth(truths)}
    for model, pictures in coloured.items():
        for photo, picture in zip(photos, pictures, strict=True):
            _picture(folder / "predictions" / model / f"{photo}.png", picture)
        measured[model] = _measured(pictures, truths)
        measured[model]["seconds"] = np.full(len(photos), 0.001 if model in coloured else 0.05) + 0.001 * len(measured)
        if model == SURE:
            measured[model] |= _reliability(pictures, truths)
    (folder / "measured").mkdir()
    for model, arrays in measured.items():
        if not areas and model != "truth":
            arrays = {name: values for name, values in arrays.items() if name not in ("areas", "bins")}
        np.savez_compressed(folder / "measured" / f"{model}.npz", key=f"{model} {seed}", photos=list(photos), **arrays)
    _write_csv(folder / "metrics.csv", measured, photos)
    protocol = {
        "photographs": {
            "source": "painted",
            "list": [
                {"name": photo, "sha256": hashlib.sha256(truth).hexdigest(), "height": side, "width": side}
                for photo, truth in zip(photos, truths, strict=True)
            ],
        },
        "side": side,
        "crop": "centre square",
        "gray": "CIE L*",
        "models": {model: {"sha256": hashlib.sha256(model.encode()).hexdigest(), "size": side} for model in models},
        "metrics": {"psnr": "RGB, mean of the photographs' dB", "ssim": "data range 255"},
        "versions": {
            "tintype": "1.0",
            "python": "3.11",
            "numpy": "2.0",
            "onnxruntime": "1.20",
            "pyvips": "3.0",
            "libvips": "8.16",
        },
    }
    (folder / "protocol.json").write_text(json.dumps(protocol | changes, indent=1))
    return folder


def _lab(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb / np.float32(255))


def _paint(truth: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """The lightness of a photograph with other colours, [h, w, 2] or one for all."""
    lightness = _lab(truth)[..., 0]
    ab = np.broadcast_to(ab, (*lightness.shape, 2)).astype(np.float32)
    return render(lightness, np.ascontiguousarray(np.moveaxis(ab, -1, 0)))


def _picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _areas(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the areas of each true bin's pixels, float32 [313], and its pixels, int32 [313]."""
    found = metrics.Areas()
    found.add(prediction, truth)
    return np.cumsum(found.errors[:, :-1], axis=1).mean(axis=1).astype(np.float32), found.errors.sum(axis=1).astype(
        "int32"
    )


def _truth(truths: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    pixels = np.stack([_areas(_lab(truth)[..., 1:], _lab(truth)[..., 1:])[1] for truth in truths])
    return {
        "colorfulness": np.array([metrics.colorfulness(truth) for truth in truths]),
        "colorfulness_absolute": np.array([metrics.colorfulness_absolute(truth) for truth in truths]),
        "bins": pixels,
        "areas": pixels.astype(np.float32),
    }


def _measured(pictures: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    rows = [metrics.measure(picture, truth) for picture, truth in zip(pictures, truths, strict=True)]
    arrays = {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}
    colours = [(_lab(picture)[..., 1:], _lab(truth)[..., 1:]) for picture, truth in zip(pictures, truths, strict=True)]
    arrays["areas"] = np.stack([_areas(ours, theirs)[0] for ours, theirs in colours])
    arrays["bins"] = np.stack([_areas(ours, ours)[1] for ours, _ in colours])
    return arrays


def _reliability(pictures: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Of a distribution that is 30 to 90 % sure of the painted colour's bin."""
    rows = []
    for number, (picture, truth) in enumerate(zip(pictures, truths, strict=True)):
        ours, theirs = (metrics.nearest_bin(_lab(x)[..., 1:].reshape(-1, 2)) for x in (picture, truth))
        sure = np.random.default_rng(number).uniform(0.3, 0.9, len(ours))
        probabilities = np.repeat((1 - sure)[:, None] / 312, 313, axis=1)
        probabilities[np.arange(len(ours)), ours] = sure
        found = metrics.Reliability()
        found.add(probabilities, theirs)
        rows.append((found.confident, found.right, found.pixels))
    return dict(zip(("confidence", "right", "sure"), map(np.stack, zip(*rows, strict=True)), strict=True))


def _write_csv(path: Path, measured: Mapping[str, Mapping[str, np.ndarray]], photos: Sequence[str]) -> None:
    names = ("areas", "bins", "seconds", "confidence", "right", "sure")
    true = measured["truth"]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("model", "photo", "metric", "value"))
        for model, arrays in measured.items():
            for metric, values in arrays.items():
                if metric in names:
                    continue
                some = np.isfinite(values)
                rows = [(photo, value) for photo, value, is_there in zip(photos, values, some, strict=True) if is_there]
                rows += [("(set)", values[some].mean())] if some.any() else []
                table.writerows((model, photo, metric, f"{value:.6g}") for photo, value in rows)
            if model != "truth":
                auc = 100 * arrays["areas"].sum() / true["bins"].sum()
                dcf = arrays["colorfulness"].mean() - true["colorfulness"].mean()
                table.writerows(
                    (model, "(set)", metric, f"{value:.6g}") for metric, value in (("auc", auc), ("dcf", dcf))
                )
