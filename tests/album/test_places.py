"""A photograph has one result, under one name, whatever arrives beside it and whatever a run leaves out."""

import os

import numpy as np
import pytest
from PIL import Image

from tintype import album
from tintype.colorizer import Settings
from tintype.photo import mark_of


@pytest.fixture
def add(tmp_path):
    def add(*names):
        (tmp_path / "in").mkdir(exist_ok=True)
        for name in names:
            seed = list(os.fsencode(name))
            pixels = np.random.default_rng(seed).integers(60, 200, (40, 60), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "in" / name)

    return add


@pytest.fixture
def run(tmp_path, tiny):
    """Runs over in/, and returns what became of each photograph, and where it lies."""

    def run(**options):
        options = {"output": tmp_path / "out", "colorizer": Settings(model=tiny), "jobs": 1} | options
        outcomes = album.run([tmp_path / "in"], **options)
        return {outcome.input.name: (outcome.status, outcome.output and outcome.output.name) for outcome in outcomes}

    return run


def test_what_has_a_result_keeps_it_when_another_one_arrives(add, run, tmp_path):
    add("a.png", "b.jpg")
    assert run() == {"a.png": ("coloured", "a.png"), "b.jpg": ("coloured", "b.jpg")}
    before = (tmp_path / "out/a.png").read_bytes()
    add("a.bmp", "a.gif")
    expected = {
        "a.bmp": ("coloured", "a.bmp.png"),
        "a.gif": ("coloured", "a.gif.png"),
        "a.png": ("skipped", "a.png"),
        "b.jpg": ("skipped", "b.jpg"),
    }
    assert run() == expected
    assert (tmp_path / "out/a.png").read_bytes() == before
    assert run() == {name: ("skipped", place) for name, (_, place) in expected.items()}
    assert len(os.listdir(tmp_path / "out")) == 5  # and the ledger


def test_no_photograph_takes_the_place_of_one_that_is_left_out(add, run, tmp_path):
    add("a.png", "a.bmp")
    assert run(include=["*.png"]) == {"a.png": ("coloured", "a.png")}
    origin = mark_of(tmp_path / "out/a.png").origin
    os.utime(tmp_path / "in/a.bmp")  # written after that result was made
    assert run(include=["*.bmp"]) == {"a.bmp": ("coloured", "a.bmp.png")}
    assert mark_of(tmp_path / "out/a.png").origin == origin
    # In another format, there are other results.
    assert run(making=album.Making(format="webp")) == {
        "a.bmp": ("coloured", "a.bmp.webp"),
        "a.png": ("coloured", "a.png.webp"),
    }
    assert run() == {"a.bmp": ("skipped", "a.bmp.png"), "a.png": ("skipped", "a.png")}


def test_a_new_name_of_a_photograph_is_free_for_another_one(add, run, tmp_path):
    add("a.png")
    run()
    (tmp_path / "in/a.png").unlink()
    add("a.bmp")
    os.utime(tmp_path / "in/a.bmp")
    # Nothing is there that would miss its result.
    assert run() == {"a.bmp": ("coloured", "a.png")}


def test_places_are_kept_wherever_the_run_is_started(add, run, tmp_path, tiny, monkeypatch):
    add("a.png")
    run()
    add("a.bmp")
    monkeypatch.chdir(tmp_path / "in")
    outcomes = album.run(["."], "../out", colorizer=Settings(model=tiny), jobs=1)
    assert {outcome.input.name: outcome.output.name for outcome in outcomes} == {"a.png": "a.png", "a.bmp": "a.bmp.png"}
