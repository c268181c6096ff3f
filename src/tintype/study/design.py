"""What a study is: its pictures, its protocol, and what each participant is shown.

A study is a folder that `tintype.study.make` writes and nothing changes afterwards:

STUDY/study.json          the protocol, the photographs, and a digest over all of it and every picture
STUDY/pictures/NAME.png   8-bit RGB squares; no name tells what a picture shows, nor how it was made
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tintype.errors import StudyError

FILE = "study.json"
PICTURES = "pictures"

FORMAT = 3
"""Of the file that is written. Of those of format 1, which know no consent and no recruitment, and of format 2, which
know neither the grid of the truth nor what models have seen, all is read too."""

TRUTH, RANDOM = "truth", "random"
"""Beside the methods each photograph has its own colours, and those of another one, which catch the inattentive."""

MIXED = "mixed"
"""What `method_of` says where a participant meets all methods."""

_BLOCKS, _DECKS, _TRIALS = range(3)
"""Streams of random numbers, one for each thing that is drawn."""


Kind = Literal["practice", "test", "catch"]
"""Of trials."""


@dataclass(frozen=True)
class Photograph:
    """A photograph of a study."""

    name: str
    """As it was found: path below its folder, or in its archive."""
    sha256: str
    """Of its square's pixels, as the protocol of an evaluation at that size has it."""
    pictures: Mapping[str, str]
    """TRUTH, RANDOM and each method -> name in PICTURES, without suffix."""


@dataclass(frozen=True)
class Known:
    """What a model knows of a study's photographs."""

    hashes: int
    """Perceptual hashes of photographs that it learned from, with which they were compared."""
    photographs: int
    """That it learned from in all."""
    alike: tuple[str, ...]
    """Photographs of the study that look like one of those."""


@dataclass(frozen=True)
class Study:
    """A study as study.json has it."""

    folder: Path
    title: str
    seed: int
    size: int
    """Side of the pictures, in pixels."""
    exposure: float
    """Seconds that two pictures are shown."""
    practice: int
    """Trials with feedback, which come first and do not count."""
    trials: int
    """Trials after those, catch trials among them."""
    catch: float
    """Share of the trials that show the colours of another photograph."""
    assignment: Literal["one", "mixed"]
    """Whether a participant meets one method, or all."""
    methods: tuple[str, ...]
    photographs: tuple[Photograph, ...]
    about: Mapping[str, str]
    """Method -> SHA-256 of the model's file, or the name of the folder that its predictions came from."""
    digest: str
    consent: str = ""
    """What the researcher has to say before people take part: paragraphs with empty lines between them."""
    researcher: str = ""
    """Who asks."""
    contact: str = ""
    """An e-mail address, a web address or anything else."""
    completion: str = ""
    """The https address of the recruitment site for those who have finished; {code} in it becomes their code."""
    participant_code: str = ""
    """The parameter of the study's address in which the recruitment site sends a participant's code."""
    truth_grid: int | None = None
    """The photographs' own colours were averaged to a grid of so many places each way, and enlarged as a machine's
    are; None: they are as they were."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """Model -> what it knows of the photographs. Methods whose photographs nobody listed are missing."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What the pages say, where it is not in English: as `texts.read_texts`."""

    @property
    def catches(self) -> int:
        """Catch trials of a participant."""
        return round(self.catch * self.trials)

    def picture(self, photograph: int, method: str) -> Path:
        """The file of a photograph as a method, TRUTH or RANDOM coloured it."""
        return self.folder / PICTURES / f"{self.photographs[photograph].pictures[method]}.png"


@dataclass(frozen=True)
class Trial:
    """Two pictures of one photograph: its own colours and those of a method."""

    number: int
    """From 0, the practice trials first."""
    kind: Kind
    photograph: int
    """Index in `Study.photographs`."""
    method: str
    machine_left: bool
    """Whether the picture of the method is the left one."""


def read_study(folder: str | os.PathLike[str], check: bool = False) -> Study:
    """The study in a folder.

    Args:
        check: whether every picture is read too, and must be what it was when the study was made.
    Raises:
        StudyError: there is none, its file is broken, or it was changed.
    """
    folder = Path(folder)
    path = folder / FILE
    try:
        described = json.loads(path.read_bytes())
        if described["format"] not in (1, 2, FORMAT):
            raise StudyError(f"{path} has format {described['format']}, which this version of tintype does not read")
        study = Study(
            folder=folder,
            methods=tuple(described["methods"]),
            photographs=tuple(Photograph(**photograph) for photograph in described["photographs"]),
            **{key: described[key] for key in _PLAIN},
            **{key: described[key] for key in _ADDED if key in described},
            known={label: _known(**one) for label, one in described.get("known", {}).items()},
        )
        names = sorted(name for photograph in study.photographs for name in photograph.pictures.values())
        if any(set(photograph.pictures) != {TRUTH, RANDOM, *study.methods} for photograph in study.photographs):
            raise ValueError("not every photograph has a picture by each method")
    except FileNotFoundError:
        raise StudyError(f"{folder} contains no study: make one with tintype study make -o {folder}") from None
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StudyError(f"{path} is broken: put back the file that tintype study make wrote") from None
    if check and digest(described, (folder / PICTURES / f"{name}.png" for name in names)) != study.digest:
        raise StudyError(f"{folder} was changed after it was made: put back its files, or make a new study")
    return study


_PLAIN = ("title", "seed", "size", "exposure", "practice", "trials", "catch", "assignment", "about", "digest")
_ADDED = ("consent", "researcher", "contact", "completion", "participant_code", "texts", "truth_grid")


def _known(hashes: int, photographs: int, alike: Iterable[str]) -> Known:
    return Known(hashes, photographs, tuple(alike))


def digest(described: Mapping[str, Any], pictures: Iterable[Path]) -> str:
    """SHA-256 over all that study.json says but its digest, and over the files of the pictures in their order.

    Raises:
        StudyError: a picture cannot be read.
    """
    words = {key: value for key, value in described.items() if key != "digest"}
    sha256 = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for path in pictures:
        try:
            sha256.update(path.read_bytes())
        except OSError as error:
            raise StudyError(f"{path} cannot be read ({error.strerror}): put back the study's pictures") from None
    return sha256.hexdigest()


def method_of(study: Study, participant: int) -> str:
    """The method that a participant (from 0) meets, or MIXED.

    Of as many participants in a row as there are methods, counted from the first, each meets another one.
    """
    if study.assignment == MIXED:
        return MIXED
    block, place = divmod(participant, len(study.methods))
    return study.methods[int(_random(study, _BLOCKS, block).permutation(len(study.methods))[place])]


def plan(study: Study, participant: int, method: str) -> list[Trial]:
    """What a participant (from 0) is shown: practice, then the test with its catch trials; always the same.

    No photograph is shown twice. The machine's picture is on the left in half of the practice and in half of the test,
    give or take one. Over the participants of a method all photographs are shown equally often, give or take one; with
    one method to each, the participants of a block of `method_of` see the same photographs, so that differences
    between methods are not those between photographs.

    Args:
        method: what `method_of` says.
    """
    random = _random(study, _TRIALS, participant)
    hand = participant if study.assignment == MIXED else participant // len(study.methods)
    photographs = random.permutation(_dealt(study, hand))
    catches = study.catches
    kinds: list[Kind] = ["practice"] * study.practice
    kinds += random.permutation(np.repeat(["catch", "test"], [catches, study.trials - catches])).tolist()
    methods = study.methods if study.assignment == MIXED else (method,)
    turns = {kind: iter(_even(random, kinds.count(kind), len(methods))) for kind in ("practice", "test")}
    left = np.concatenate([_even(random, study.practice, 2), _even(random, study.trials, 2)]) == 1
    return [
        Trial(
            number,
            kind,
            int(photographs[number]),
            RANDOM if kind == "catch" else methods[next(turns[kind])],
            bool(left[number]),
        )
        for number, kind in enumerate(kinds)
    ]


def _random(study: Study, stream: int, index: int = 0) -> np.random.Generator:
    return np.random.default_rng([study.seed, stream, index])


def _even(random: np.random.Generator, count: int, choices: int) -> NDArray[np.int_]:
    """`count` of the numbers below `choices` in random order, each equally often, give or take one."""
    return random.permutation(np.resize(random.permutation(choices), count))


def _dealt(study: Study, hand: int) -> NDArray[np.intp]:
    """The photographs of one hand, practice + trials of them: a shuffled deck is dealt to its end, then another."""
    size, random = study.practice + study.trials, _random(study, _DECKS)
    deck = np.empty(0, np.intp)
    for _ in range(hand + 1):
        dealt, deck = deck[:size], deck[size:]
        if len(dealt) < size:
            deck = random.permutation(len(study.photographs))
            # What the last deck gave already waits in this one for the next hand.
            fresh = _without(deck, dealt)[: size - len(dealt)]
            deck = _without(deck, fresh)
            dealt = np.concatenate([dealt, fresh])
    return dealt


def _without(deck: NDArray[np.intp], some: NDArray[np.intp]) -> NDArray[np.intp]:
    """A whole deck without some of its photographs, in its order."""
    keep = np.ones(len(deck), bool)
    keep[some] = False
    rest: NDArray[np.intp] = deck[keep[deck]]
    return rest
