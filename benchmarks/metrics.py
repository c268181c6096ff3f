"""The tables of docs/metrics.md, from the records of the metrics: `python -m benchmarks.metrics`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import page
from tintype.evaluation.figures import documented

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def main() -> None:
    page.update(PAGE, documented())


if __name__ == "__main__":
    sys.exit(main())
