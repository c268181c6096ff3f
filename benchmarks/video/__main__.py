"""What films take and give, measured: `python -m benchmarks.video SECTION [OPTIONS]`.

quality   how steady colours are, and whether cuts are found (see benchmarks/video/quality.py)
lightness how well the lightness of the source is kept (see benchmarks/video/lightness.py)
speed     frames per second, processor time by stage, memory (see benchmarks/video/speed.py)
"""

import sys
from importlib import import_module

SECTIONS = ("quality", "lightness", "speed")


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in SECTIONS:
        raise SystemExit(__doc__)
    import_module(f"benchmarks.video.{sys.argv[1]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
