"""Every model that ships on tintype-679, as a page: `python -m benchmarks.models -o runs/benchmark`.

It evaluates them (`tintype evaluate`, which goes on where it was stopped) and writes docs/benchmark.md. The photographs
are fetched, or taken from a file: `--data eval.tar`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tintype.errors import TintypeError
from tintype.evaluation.compare import Comparison, compare
from tintype.evaluation.figures import METRICS
from tintype.evaluation.network_metrics import Networks
from tintype.evaluation.protocol import BASELINES, TRUTH
from tintype.evaluation.results import Run, read_run
from tintype.evaluation.run import evaluate
from tintype.models.catalog import DEFAULT, catalog, shipped

SHOWN = ("psnr", "ssim", "ciede2000", "colorfulness", "dcf", "auc", "auc_prior", "auc_balanced", "accuracy_bins")

PARTS = {
    "All photographs": (),
    "The ImageNet-like part": ("imagenet",),
    "BSDS and Kodak": ("bsds", "kodak"),
}
"""Parts of the set, by what the names of their photographs begin with."""

HEAD = """# Benchmark

Every model that ships, and the previous default, measured on one set with one protocol. `python -m benchmarks.models`
writes this page. To measure the same yourself, also for your own model:

```
tintype evaluate --models {model} --data tintype-679 -o run
tintype compare run
```

**Protocol.** {count} photographs of `{source}`, 256 x 256 pixels as 8-bit RGB. The gray input is their CIE L\\* (D65,
sRGB) as 8-bit gray. Each model colours it with its own network size and temperature, and the 8-bit RGB result is
compared with the truth. In brackets are 95 % intervals of the Bayesian bootstrap over photographs. They say nothing
about another training with another seed. [Metrics](metrics.md) defines the figures and says what each of them hides.
[The comparison](comparison.md) says how the small models were made, all in the same way, and what they show. Three
baselines know nothing about the photograph: `gray`, `prior-mean` (one brown for all, the mean colour of ImageNet's
prior) and `random` (the colours of another photograph). FID and LPIPS are missing because we may not ship their
networks; give them with `--inception` and `--lpips`. Published colorizers such as DeOldify and DDColor are missing
because [their weights could not be downloaded here](evaluation.md#published-models). Measured with {versions}."""


def page(run: Run) -> str:
    """The page, as Markdown."""
    versions = ", ".join(f"{name} {version.partition('+')[0]}" for name, version in run.protocol.versions.items())
    head = HEAD.format(model=DEFAULT, count=len(run.photos), source=Path(run.protocol.source).name, versions=versions)
    parts = [head]
    for title, only in PARTS.items():
        if any(photo.startswith(only or "") for photo in run.photos):
            parts.append(f"## {title}\n\n{table(compare([run], SHOWN, only))}")
            if title == "The ImageNet-like part":
                parts[-1] += "\n\n" + semantic(run)
    return "\n\n".join([*parts, f"## Size and time\n\n{costs(run)}"]) + "\n"


def table(found: Comparison) -> str:
    """A line for each model, the best `auc_balanced` first."""
    places = {ranking.metric: {place.model: place for place in ranking.places} for ranking in found.rankings}
    truth = next(ranking.truth for ranking in found.rankings if ranking.metric == "colorfulness")
    heads = [METRICS[metric].heading for metric in SHOWN]
    lines = [
        f"{len(found.protocol.photographs)} photographs; colourfulness of the truth: "
        f"{truth.value:.1f} [{truth.low:.1f}, {truth.high:.1f}].",
        "",
        f"| | {' | '.join(heads)} |",
        "|---" * (1 + len(SHOWN)) + "|",
    ]
    for model in places["auc_balanced"]:
        cells = []
        for metric in SHOWN:
            place, text = places[metric][model], METRICS[metric].text
            cells.append(f"{text(place.value)} [{text(place.low)}, {text(place.high)}]")
        lines.append(f"| {f'*{model}*' if model in BASELINES else model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def semantic(run: Run) -> str:
    """How well a classifier recognises the coloured photographs, where it was used."""
    found = {model: run.figures(model).get("semantic_accuracy") for model in (TRUTH, *run.models)}
    found = {model: value for model, value in found.items() if value is not None}
    if "truth" not in found or "gray" not in found:
        return ""
    gap = found["truth"] - found["gray"]
    lines = [
        "Semantic interpretability: for how many photographs MobileNetV2 names the right one of ImageNet's classes, "
        "and how much of the gap between gray and true colour this closes. Its training may have included them.",
        "",
        "| | right, % | of the gap, % |",
        "|---|---|---|",
    ]
    for model in sorted(found, key=lambda model: -found[model]):
        closed = f"{100 * (found[model] - found['gray']) / gap:.0f}" if gap > 0 else ""
        lines.append(f"| {f'*{model}*' if model in (*BASELINES, TRUTH) else model} | {found[model]:.1f} | {closed} |")
    return "\n".join(lines)


def costs(run: Run) -> str:
    """Size and time of each model, the largest first."""
    files = shipped()
    rows = [
        (
            len(files[model].read_bytes()) / 1e6,
            run.protocol.models[model],
            1000 * np.nanmedian(run.values(model, "seconds")),
            model,
        )
        for model in run.models
        if model in files
    ]
    lines = [
        "Milliseconds are the median time to colour one photograph from array to array on one processor, while other "
        "models were measured on the others. They compare the models only roughly; [speed](speed.md) is more exact.",
        "",
        "| | file, MB | network, px | photograph, ms |",
        "|---|---|---|---|",
    ]
    for size, settings, milliseconds, model in sorted(rows, key=lambda row: (-row[0], row[-1])):
        lines.append(f"| {model} | {size:.2f} | {settings['size']} | {milliseconds:.0f} |")
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> str | None:
    parser = argparse.ArgumentParser("python -m benchmarks.models", description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="tintype-679", help="the photographs, as for tintype evaluate")
    parser.add_argument("--models", help="names with commas between them; default: all that ship")
    parser.add_argument("--classifier", help="weights of MobileNetV2, for semantic interpretability")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--page", type=Path, default=Path("docs/benchmark.md"))
    o = parser.parse_args(given)
    models = o.models.split(",") if o.models else [card.name for card in catalog()]
    problems = evaluate(models, o.data, o.output, networks=Networks(o.classifier), jobs=o.jobs)
    if not problems:
        o.page.write_text(page(read_run(o.output)), encoding="utf-8")
    return "\n".join(problems) or None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TintypeError as error:
        sys.exit(str(error))
