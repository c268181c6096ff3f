"""The effect of rebalancing, temperature and vividness: `python -m benchmarks.decoding RUN PHOTOS.tar`.

The averaged weights of a run (or of a checkpoint) give the logits of each photograph once, from its CIE lightness as
8-bit gray at the network's size; every share of the class rebalancing, every temperature and every factor on the chroma
is then read from them, enlarged bilinearly, fitted into sRGB and compared with the truth as 8-bit RGB. The pipeline's
own enlargement follows edges and is a little better; the order of the rows is what is looked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from benchmarks.quality import SHOWN, gray, photographs, table
from tintype.color import lab
from tintype.color.gamut import fit_chroma
from tintype.evaluation.evaluator import gather
from tintype.training import checkpoint, norms
from tintype.training.export import shift_of


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="a run's folder or a checkpoint")
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--rebalancing", default="1,0.9,0.8,0.6,0.4,0")
    parser.add_argument("--temperatures", default="0.2,0.4,0.6,1.0")
    parser.add_argument("--vividness", default="1", help="factors on the chroma")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--size", type=int, default=256, help="of the network")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    state = checkpoint.load(options.run)
    config = checkpoint.config(state, options.run)
    bins = torch.from_numpy(np.asarray(checkpoint.bins(state), np.float32))
    network = config.make_network(len(bins))
    checkpoint.fill(network, state["average"], options.run)
    network = norms.fold(network).eval()
    shares = [float(share) for share in options.rebalancing.split(",")]
    temperatures = [float(temperature) for temperature in options.temperatures.split(",")]
    factors = [float(factor) for factor in options.vividness.split(",")]
    shifts = {share: shift_of(config, state.get("prior"), bins.numpy(), share) for share in shares}

    def paint(name: str, codes: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        yield "gray", gray(codes)
        light = lab.lightness(gray(codes) / np.float32(255)).astype(np.float32)
        seen = torch.from_numpy(light)[None, None]
        if options.size != options.side:
            seen = functional.interpolate(seen, (options.size, options.size), mode="bilinear", antialias=True)
        with torch.no_grad():
            logits = network(seen, torch.zeros(1, 3, options.size, options.size))[0]
        for share, shift in shifts.items():
            moved = logits if shift is None else logits + torch.from_numpy(shift).float().view(-1, 1, 1)
            for temperature in temperatures:
                p = torch.softmax(moved / temperature, dim=0)
                ab = torch.einsum("qhw,qc->chw", p, bins)[None]
                ab = functional.interpolate(ab, truth.shape[:2], mode="bilinear", align_corners=False)[0]
                for factor in factors:
                    made = fit_chroma(np.dstack([light, factor * ab.permute(1, 2, 0).numpy()]))
                    yield (
                        f"rebalancing {share:g}, T = {temperature:g}, vividness {factor:g}",
                        np.rint(255 * lab.lab_to_rgb(made).clip(0, 1)).astype(np.uint8),
                    )

    print(table(gather(photographs(options.photographs, options.limit, options.side), paint, only=SHOWN)))


if __name__ == "__main__":
    main()
