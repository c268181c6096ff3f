"""Many photographs at a time: memory is bounded whatever is asked for, and leaving early leaves nothing."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype import Colorizer, album
from tintype.errors import OptionError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(12):
        side = 300 if number % 3 else 900
        pixels = np.full((side, side), 20 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{number:02}.png")
    return tmp_path / "in"


class Watch:
    """Counts the pixels that are in work at each moment; a task's share of 0 begins it, the end of its file ends it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.working: dict = {}
        self.most = self.most_tasks = 0

    def __call__(self, task, share):
        with self.lock:
            if task.input not in self.working:
                with Image.open(task.input) as image:
                    self.working[task.input] = image.width * image.height
            self.most = max(self.most, sum(self.working.values()))
            self.most_tasks = max(self.most_tasks, len(self.working))

    def run(self, tasks, colorizer, jobs):
        for outcome in album.colorize_all(tasks, colorizer, jobs=jobs, progress=self):
            with self.lock:
                self.working.pop(outcome.input)
            yield outcome


@pytest.mark.parametrize("budget", [1_000_000, 2_000_000, 100_000])
def test_memory_is_bounded_for_any_number_of_jobs(budget, folder, tiny, monkeypatch):
    monkeypatch.setattr(album, "BUDGET", budget)
    monkeypatch.setattr(album, "NETWORK", 0)
    watch = Watch()
    done = list(watch.run(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=50))
    assert [outcome.status for outcome in done] == ["coloured"] * 12
    # A single photograph may be larger than the budget, and is alone then.
    assert watch.most <= max(budget, 900 * 900)
    assert (watch.most_tasks == 1) == (budget < 2 * 300 * 300)


def test_no_more_jobs_than_asked_for(folder, tiny):
    watch = Watch()
    list(watch.run(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=2))
    assert 1 <= watch.most_tasks <= 2


def test_leaving_the_iteration_gives_up_what_is_unfinished(folder, tmp_path, tiny):
    out = tmp_path / "out"
    outcomes = album.colorize_all(album.plan([folder], out).tasks, Colorizer(tiny, threads=1), jobs=2)
    first = next(outcomes)
    outcomes.close()
    assert first.status == "coloured"
    assert first.output.exists()
    left = os.listdir(out)
    assert len(left) < 12
    assert all(name.endswith(".png") and not name.startswith(".") for name in left)


def test_a_broken_file_whose_bytes_are_in_the_message_costs_only_itself(folder, tiny):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "broken.avif", exif=exif)
    data = (folder / "broken.avif").read_bytes()
    # libvips quotes the name of a property that it does not know, which is no text here.
    (folder / "broken.avif").write_bytes(data.replace(b"irot", b"\xff\xff\xff\xff"))
    tasks = album.plan([folder / "broken.avif", folder / "01.png"], folder / "out").tasks
    outcomes = {outcome.input.name: outcome for outcome in album.colorize_all(tasks, Colorizer(tiny, threads=1))}
    assert outcomes["01.png"].status == "coloured"
    assert outcomes["broken.avif"].status == "failed"
    assert "broken.avif is broken or cut short (" in outcomes["broken.avif"].message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_named_pipe_is_coloured(folder, tmp_path, tiny):
    os.mkfifo(tmp_path / "pipe")
    feeding = threading.Thread(
        target=(tmp_path / "pipe").write_bytes, args=[(folder / "01.png").read_bytes()], daemon=True
    )
    feeding.start()
    tasks = album.plan([tmp_path / "pipe"], tmp_path / "a.png").tasks
    (outcome,) = album.colorize_all(tasks, Colorizer(tiny, threads=1))
    assert outcome.status == "coloured"
    assert (tmp_path / "a.png").exists()


def test_results_of_a_folder_above_lie_in_the_output_folder(folder, monkeypatch):
    (folder / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "down")
    tasks = album.plan(["../..", "."], "out").tasks
    assert {task.output.parent for task in tasks} == {Path("out/in")}


def test_nothing_to_do_is_wrong_usage():
    with pytest.raises(OptionError, match="Nothing to colour"):
        album.plan([])
