"""Steadiness of films: carried along the motion against frame by frame, with the same model, at equal colourfulness.

    python -m benchmarks.video quality known      along motion that is known: photographs that move
    python -m benchmarks.video quality drift      a thousand frames of a camera that comes back again and again
    python -m benchmarks.video quality cuts       shot boundaries of films joined from known shots
    python -m benchmarks.video quality real       along motion that is estimated, on the clips of --clips
    python -m benchmarks.video quality pictures   a strip of frames, and a column of pixels over time

Each prints Markdown. **Warp error**: the mean distance in a*b* between a place in a frame and the same place in the
next one, over all places seen in both; both planes are enlarged linearly to the size of the film. **Known motion**:
shots over photographs, SHOT frames of 480 x 360 each: pans, zooms and rotations, with two cut-outs of other
photographs moving in front; every other shot on damaged film. **Estimated motion**: Farneback's, on the lightness of
the true colours at the size of the clip; it is not the method by which colours are carried. Places that do not come
back within a pixel do not count. **Equal colourfulness**: the chroma of the carried colours is multiplied by one
factor per clip, such that the mean Hasler-Suesstrunk colourfulness of each EACH-th frame is that of frame by frame.
PSNR (RGB) and `auc_balanced` (over all pixels of all clips): of those frames, painted at the true lightness, against
the true colours. Both ways see the damaged film, and both are compared with the sound one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.video import cutting, scenes
from tintype.color.enlarge import Edges, Enlarger
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.colours import network_size
from tintype.evaluation.metrics import Areas, colorfulness, psnr
from tintype.film.carry import Carried, carry
from tintype.models import DEFAULT, Model, load

SHOT = 48
"""Frames of a shot."""

EACH = 6
"""Frames from one that is painted to the next."""

PASSAGE = 120

LOOP = 100
"""Frames after which the camera of `drift` is back."""

# Photographs for development come first by name; what is reported is of the others.
TUNED = 7


class Film:
    """A clip as a network sees it, coloured both ways."""

    def __init__(self, grays: Sequence[np.ndarray], model: Model, short: int, *, alone: bool = True) -> None:
        """grays: uint8 [h, w]. short: side of the network's size. alone: colour each frame by itself as well."""
        size = network_size(grays[0].shape[:2], short, model.card.stride)
        self.seen = [cutting.seen_of(gray, size) for gray in grays]
        start = time.process_time()
        self.alone = [model.predict(seen).ab for seen in self.seen] if alone else []
        self.seconds_alone = time.process_time() - start
        self.looks, self.seconds_network = 0, 0.0
        self.carried: list[np.ndarray] = []
        start = time.process_time()
        state: Carried | None = None
        for first in range(0, len(grays), PASSAGE):

            def look(index, hints, first=first):
                begin = time.process_time()
                said = model.predict(self.seen[first + index], logits=model.card.bins is not None)
                self.looks += 1
                self.seconds_network += time.process_time() - begin
                return said

            part, state = carry(self.seen[first : first + PASSAGE], look, state)
            self.carried += part
        self.seconds = time.process_time() - start - self.seconds_network


def planes(ab: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """ab [2, h', w'] at (height, width) `size`, float32 [h, w, 2]."""
    return cv2.resize(np.moveaxis(ab, 0, -1), size[::-1], interpolation=cv2.INTER_LINEAR)


def warp_error(frames: Sequence[np.ndarray], motion: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean a*b* distance along the motion; frames: ab [2, h', w'] each."""
    sums, count = 0.0, 0
    size = motion[0][1].shape
    old = planes(frames[0], size)
    for (place, seen), after in zip(motion, frames[1:], strict=True):
        new = planes(after, size)
        apart = cv2.remap(new, place, None, cv2.INTER_LINEAR) - old
        sums += float(np.hypot(apart[..., 0], apart[..., 1])[seen].sum())
        count += int(seen.sum())
        old = new
    return sums / count


def painted(ab: np.ndarray, lightness: np.ndarray, edges: Edges | None = None) -> np.ndarray:
    """sRGB uint8 [h, w, 3]; lightness: float32 [h, w], CIE L*."""
    enlarger = Enlarger(np.ascontiguousarray(ab, np.float32), lightness if edges is None else edges, lightness.shape)
    return render(lightness, enlarger.rows(0, lightness.shape[0]), 8)


def measured(name: str, film: Film, true: Sequence[np.ndarray], motion: list, areas: dict[str, Areas]) -> dict:
    """The figures of a clip; true: uint8 [h, w, 3] of each frame."""
    labs = {index: rgb_to_lab(true[index] / np.float32(255)) for index in range(0, len(true), EACH)}

    def shown(frames: Sequence[np.ndarray], factor: float = 1.0) -> dict[int, np.ndarray]:
        return {index: painted(factor * frames[index], lab[..., 0]) for index, lab in labs.items()}

    def colourful(pictures: dict[int, np.ndarray]) -> float:
        return float(np.mean([colorfulness(picture) for picture in pictures.values()]))

    alone, carried = shown(film.alone), shown(film.carried)
    asked, factor = colourful(alone), 1.0
    own = colourful(carried)
    for _ in range(2):
        factor *= asked / colourful(carried)
        carried = shown(film.carried, factor)
    row = {"name": name, "factor": factor, "own": own / asked, "looks": film.looks, "frames": len(true)}
    for way, pictures, frames in (
        ("alone", alone, film.alone),
        ("carried", carried, [factor * ab for ab in film.carried]),
    ):
        row[f"warp {way}"] = warp_error(frames, motion)
        row[f"psnr {way}"] = float(np.mean([psnr(picture, true[index]) for index, picture in pictures.items()]))
        for index, picture in pictures.items():
            ab = rgb_to_lab(picture / np.float32(255))[..., 1:]
            areas[way].add(ab[::2, ::2], labs[index][::2, ::2, 1:])
    row["ms"] = 1000 * film.seconds / len(true)
    return row


def table(rows: Sequence[dict], areas: dict[str, Areas]) -> str:
    head = (
        "| clip | warp error, frame by frame | carried | ratio | PSNR, frame by frame | carried | keyframes of frames |"
    )
    lines = [head, "|---|---|---|---|---|---|---|"]
    total = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "name"}
    looks, frames = (sum(row[key] for row in rows) for key in ("looks", "frames"))
    for row in [*rows, total | {"name": "**all**", "looks": looks, "frames": frames}]:
        ratio = row["warp carried"] / row["warp alone"]
        lines.append(
            f"| {row['name']} | {row['warp alone']:.2f} | {row['warp carried']:.2f} | {ratio:.2f} | "
            f"{row['psnr alone']:.2f} | {row['psnr carried']:.2f} | {row['looks']:.0f} of {row['frames']:.0f} |"
        )
    balanced = {way: found.auc_balanced() for way, found in areas.items()}
    lines.append(
        f"\n`auc_balanced`: frame by frame {balanced['alone']:.2f}, carried {balanced['carried']:.2f}. Colourfulness "
        f"of the carried colours before it is made equal: {total['own']:.3f} of that of frame by frame. Carrying "
        f"takes {total['ms']:.0f} ms of processor time per frame without the network."
    )
    return "\n".join(lines)


def known(options: argparse.Namespace) -> None:
    """Along known motion."""
    photos = scenes.photographs(options.data / "large")[TUNED:]
    model = load(options.model, threads=1)
    rows, areas = [], {"alone": Areas(), "carried": Areas()}
    for number in range(options.count):
        damaged = number % 2 == 1
        shot = scenes.scene(photos, number % len(photos), SHOT, 500 + number, damaged=damaged)
        film = Film(list(scenes.grays(shot)), model, options.size)
        motion = [shot.motion(index) for index in range(SHOT - 1)]
        true = [shot.frame(index) for index in range(SHOT)]
        name = f"shot {number + 1}{', damaged' if damaged else ''}"
        rows.append(measured(name, film, true, motion, areas))
        print(rows[-1], flush=True)
    print(table(rows, areas))


def drift(options: argparse.Namespace) -> None:
    """Colours of a place after a thousand frames."""
    photo = scenes.photographs(options.data / "large")[TUNED + options.number]
    shot = scenes.loop([scenes.gray_of(photo)], 0, options.count + 1, 7)
    model = load(options.model, threads=1)
    film = Film(list(scenes.grays(shot)), model, options.size, alone=False)
    said = model.predict(film.seen[0]).ab
    size = film.carried[0].shape[1:]

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.hypot(*np.moveaxis(planes(one, size) - planes(other, size), -1, 0)).mean())

    print("| frame | from the colours at frame 0 | from the network's word at frame 0 | chroma |\n|---|---|---|---|")
    for index in range(0, options.count + 1, LOOP):
        ab = film.carried[index]
        chroma = float(np.hypot(*ab).mean())
        print(f"| {index} | {apart(ab, film.carried[0]):.2f} | {apart(ab, said):.2f} | {chroma:.1f} |", flush=True)


def cuts(options: argparse.Namespace) -> None:
    """Shot boundaries."""
    large = [(path, 2.6) for path in sorted((options.data / "large").glob("*.jpg"))]
    historic = [(path, 2.2) for path in sorted((options.data / "historic" / "bw").glob("*.jpg"))]
    half = len(historic) // 2
    sets = {
        "those on which its settings were chosen": (large[:TUNED] + historic[:half], 1, options.count // 4),
        "others": (large[TUNED:] + historic[half:], 2, options.count),
    }
    print("| photographs | frames | joints | told | precision | recall |\n|---|---|---|---|---|---|")
    for name, (paths, seed, shots) in sets.items():
        row = cutting.measure([_gray(path, room) for path, room in paths], shots, seed)
        figures = f"{row['frames']} | {row['joints']} | {row['told']} | {row['precision']:.3f} | {row['recall']:.3f}"
        print(f"| {name} | {figures} |", flush=True)


def _gray(path: Path, room: float) -> np.ndarray:
    """A photograph in gray, uint8 [h, w], `room` times as large as a film over the whole of it needs."""
    photo = Image.open(path).convert("L")
    scale = room * max(scenes.SIZE[0] / photo.height, scenes.SIZE[1] / photo.width)
    size = round(photo.width * scale), round(photo.height * scale)
    return np.asarray(photo.resize(size, Image.Resampling.BOX))


def clip(path: Path, first: int, count: int) -> list[np.ndarray]:
    """Frames of a real clip, uint8 [h, w, 3], at the height of the films made here."""
    import av

    frames = []
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= first:
                rgb = frame.to_ndarray(format="rgb24")
                width = round(rgb.shape[1] * scenes.SIZE[0] / rgb.shape[0])
                frames.append(cv2.resize(rgb, (width, scenes.SIZE[0]), interpolation=cv2.INTER_AREA))
            if len(frames) == count:
                break
    return frames


def estimated(true: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The motion between frames by Farneback's polynomials: places in the next frame, and what comes back."""
    grays = [scenes.gray_of(frame) for frame in true]
    height, width = grays[0].shape
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    result = []
    for old, new in pairwise(grays):
        there, back = (
            cv2.calcOpticalFlowFarneback(one, other, None, 0.5, 5, 15, 3, 7, 1.5, 0)
            for one, other in ((old, new), (new, old))
        )
        place = here + there
        miss = np.linalg.norm(there + cv2.remap(back, place, None, cv2.INTER_LINEAR), axis=-1)
        inside = (place >= 0).all(-1) & (place[..., 0] < width) & (place[..., 1] < height)
        result.append((place, inside & (miss < 1)))
    return result


def real(options: argparse.Namespace) -> None:
    """Along estimated motion."""
    model = load(options.model, threads=1)
    rows, areas = [], {"alone": Areas(), "carried": Areas()}
    for text in options.clips:
        name, path, first = text.split(",")
        true = clip(Path(path), int(first), SHOT)
        film = Film([scenes.gray_of(frame) for frame in true], model, options.size)
        rows.append(measured(name, film, true, estimated(true), areas))
        print(rows[-1], flush=True)
    print(table(rows, areas))


def pictures(options: argparse.Namespace) -> None:
    """A strip of frames, and what a column of pixels shows over time, both ways."""
    # Photographs of which pictures may be published: pop-os/wallpapers, Unsplash of the CC0 years.
    paths = sorted((options.data / "large").glob("pop-*.jpg"))
    photos = [scenes.fitted(Image.open(path).convert("RGB")) for path in paths]
    shot = scenes.scene(photos, options.number, 96, options.seed, things=1, damaged=True, pace=0.5)
    grays = list(scenes.grays(shot))
    model = load(options.model, threads=1)
    film = Film(grays, model, options.size)
    rows, columns = [], []
    for frames in (film.alone, film.carried):
        shown = [painted(ab, cutting.seen_of(gray, gray.shape)) for ab, gray in zip(frames, grays, strict=True)]
        rows.append(np.hstack([shown[index] for index in range(8, 96, 20)]))
        columns.append(np.stack([picture[:, picture.shape[1] // 2] for picture in shown], axis=1).repeat(8, 1))
    for name, parts, size in (("strip", rows, (1200, 360)), ("column", columns, (768, 720))):
        picture = np.vstack(parts)
        Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS).save(
            options.out / f"video-{name}.jpg", quality=82, optimize=True
        )


PARTS = {"known": known, "drift": drift, "cuts": cuts, "real": real, "pictures": pictures}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video quality", description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--count", type=int, help="of shots; for drift, of frames")
    parser.add_argument("--size", type=int, default=256, help="short side of what the network sees")
    parser.add_argument("--number", type=int, default=0, help="of the photograph, for drift and pictures")
    parser.add_argument("--seed", type=int, default=3, help="for pictures")
    parser.add_argument("--clips", nargs="*", default=[], help="NAME,FILE,FIRST-FRAME of each real clip")
    parser.add_argument("--out", type=Path, default=Path("docs/img"), help="folder of the pictures")
    options = parser.parse_args(arguments)
    options.count = options.count or {"known": 6, "drift": 1000, "cuts": 240}.get(options.part, 0)
    cv2.setNumThreads(1)
    PARTS[options.part](options)


if __name__ == "__main__":
    main()
