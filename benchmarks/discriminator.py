"""A measure, not a judge: how often a small network takes made colours for the true ones.

    python -m benchmarks.discriminator --models tintype.v2,eccv16.rebalanced -o runs/discriminator

For each method, a new discriminator is trained on pairs of a photograph and its recoloured version. None of our models
was trained on these photographs (the validation shard). It then sees other pairs, and says which picture of each is the
recoloured one. It is fooled if it names the true one. 50 % is chance; `random` (the colours of another photograph) and
`gray` show what it finds easy. It sees what a network can notice, such as a missing hue or colour that crosses an edge.
People notice other things: for them there is the study.

The network: five 3x3 convolutions of stride 2 over CIE Lab, a mean over the picture, one number. Its loss is the
logistic loss of the difference within a pair, which is the question that it has to answer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tintype import Colorizer
from tintype.color.gamut import fit_chroma
from tintype.color.lab import gray, lab_to_rgb, lightness, rgb_to_lab
from tintype.data.shards import Photographs
from tintype.models import DEFAULT
from tintype.training.batches import Augmentation, crop

SIDE = 128
ASKED = 0.25
"""Share of the photographs that the discriminator is tested on; it is trained on the others."""
BATCH = 32


class Discriminator(nn.Module):
    """Lab [n, 3, h, w], each channel of about unit size, to [n]: the higher, the truer the colours look."""

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for outside in (32, 64, 96, 128, 128):
            layers += [nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.LeakyReLU(0.2)]
            inside = outside
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(inside, 1)

    def forward(self, lab: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(lab).mean(dim=(2, 3)))[:, 0]


def fooled(truth: np.ndarray, made: np.ndarray, epochs: int, seed: int = 0) -> np.ndarray:
    """For each pair of the last quarter, whether the discriminator that was trained on the others is fooled.

    Args:
        truth, made: uint8 [n, h, w, 3], sRGB: the photographs, and what a method makes of their gray.
    Returns:
        float [n / 4]: 1 fooled, 0 not, 0.5 where it sees no difference.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    count = round(len(truth) * (1 - ASKED))
    network = Discriminator()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01)
    steps = epochs * (count // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=max(steps, 2))
    for epoch in range(epochs):
        order = generator.permutation(count)[: count // BATCH * BATCH].reshape(-1, BATCH)
        for places in order:
            real, fake = _tensor(truth[places]), _tensor(made[places])
            if (epoch + int(places[0])) % 2:
                real, fake = real.flip(3), fake.flip(3)
            scores = network(torch.cat([real, fake]))
            loss = functional.softplus(scores[BATCH:] - scores[:BATCH]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        real, fake = (torch.cat([network(_tensor(part)) for part in _parts(v[count:])]) for v in (truth, made))
    return np.where(fake > real, 1.0, np.where(fake == real, 0.5, 0.0))


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    return (values[first : first + BATCH] for first in range(0, len(values), BATCH))


def _tensor(rgb: np.ndarray) -> torch.Tensor:
    lab = rgb_to_lab(torch.from_numpy(np.ascontiguousarray(rgb)).float().permute(0, 3, 1, 2) / 255, axis=1)
    return (lab - lab.new_tensor([50.0, 0.0, 0.0]).view(1, 3, 1, 1)) / lab.new_tensor([50.0, 40.0, 40.0]).view(
        1, 3, 1, 1
    )


def squares(photographs: Photographs, side: int = SIDE) -> np.ndarray:
    """Centre squares, uint8 [n, side, side, 3]."""
    generator = np.random.default_rng(0)
    return np.stack([crop(photographs[i], side, Augmentation(), generator) for i in range(len(photographs))])


def recoloured(method: str, truth: np.ndarray, size: int | None = None) -> np.ndarray:
    """What a method makes of the CIE L* of photographs, as 8-bit RGB; its temperature and size are its card's."""
    labs = rgb_to_lab(truth / np.float32(255))
    grays = np.rint(255 * gray(labs[..., 0])).astype(np.uint8)
    if method == "gray":
        return np.repeat(grays[..., None], 3, axis=3)
    if method == "random":
        made = []
        for i, plane in enumerate(grays):
            light = lightness(np.repeat(plane[..., None], 3, axis=2) / np.float32(255))
            lab = fit_chroma(np.dstack([light, labs[i - 1, ..., 1:]]).astype(np.float32))
            made.append(np.rint(255 * lab_to_rgb(lab).clip(0, 1)))
        return np.stack(made).astype(np.uint8)
    colorize = Colorizer(method, size=size)
    return np.stack([colorize(plane) for plane in grays])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=DEFAULT, help="names or files, with commas between them")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train/train-09.tar"))
    parser.add_argument("--limit", type=int, help="photographs, of which three in four train the discriminator")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=1, help="discriminators per method, whose answers are averaged")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file")
    options = parser.parse_args(arguments)
    truth = squares(Photographs.read([options.data], limit=options.limit))
    rows = {}
    print(
        f"{len(truth)} photographs, {SIDE} px, {options.epochs} epochs, {options.seeds} discriminators; chance is 50 %"
    )
    for method in ["gray", "random", *filter(None, options.models.split(","))]:
        made = recoloured(method, truth)
        answers = np.mean([fooled(truth, made, options.epochs, seed) for seed in range(options.seeds)], axis=0)
        weights = np.random.default_rng(0).dirichlet(np.ones(len(answers)), 4000)
        low, high = np.quantile(weights @ answers, (0.025, 0.975))
        rows[Path(method).stem if "/" in method else method] = row = [float(answers.mean()), float(low), float(high)]
        print(f"{method:<40} fooled {100 * row[0]:5.1f} % [{100 * low:.1f}, {100 * high:.1f}]", flush=True)
    options.output.write_text(
        json.dumps({"photographs": len(truth), "epochs": options.epochs, "fooled": rows}, indent=1)
    )


if __name__ == "__main__":
    main()
