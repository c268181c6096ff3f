"""A run with a ledger: what is done is not opened again, what failed is remembered, and every change is seen."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype import album
from tintype.album import Ledger, Making
from tintype.errors import FolderInUse, OptionError


def gray(path, level=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 60), level, np.uint8)).save(path)


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """The working directory, with three photographs in scans/."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a.png", "b.png", "1931/c.png")):
        gray(Path("scans") / name, 90 + number)
    return Path("scans")


@pytest.fixture
def run(tiny):
    """`run(inputs, ...)`: what became of each photograph, by its name."""

    def do(inputs="scans", output="out", settings=None, pages=None, dry_run=False, **making):
        inputs = [inputs] if isinstance(inputs, (str, Path)) else inputs
        asked = {"model": tiny, **(settings or {})}
        outcomes = album.run(
            inputs, output, colorizer=asked, making=Making(**making), pages=pages, dry_run=dry_run, jobs=2
        )
        return {outcome.input.name: outcome for outcome in outcomes}

    return do


def statuses(outcomes):
    return Counter((outcome.status, outcome.why) for outcome in outcomes.values())


def spoil(path):
    """Other bytes of the same length and date, which only a look into the file would tell."""
    times = os.stat(path)
    Path(path).write_bytes(b"x" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def records(folder="out"):
    with Ledger(folder, read_only=True) as book:
        return {record.output: record for record in book}


def test_a_repeated_run_opens_neither_photographs_nor_results(scans, run):
    assert statuses(run()) == {("coloured", ""): 3}
    kept = records()
    assert sorted(kept) == ["1931/c.png", "a.png", "b.png"]
    record = kept["1931/c.png"]
    assert (record.input, record.state, record.width, record.height) == ("scans/1931/c.png", "done", 60, 40)
    assert record.origin.startswith(f"{os.path.getsize('scans/1931/c.png')}-")
    assert record.result_size == os.path.getsize("out/1931/c.png")
    for path in ("scans/a.png", "out/b.png"):
        spoil(path)
    again = run()
    assert statuses(again) == {("skipped", "done"): 3}
    assert again["a.png"].message == "out/a.png exists"
    assert records() == kept
    # A dry run asks the ledger, too, and leaves no trace in it.
    assert statuses(run(dry_run=True)) == {("skipped", "done"): 3}
    with Ledger("out", read_only=True) as book:
        assert [(run.state, run.counts) for run in book.runs] == [
            ("finished", {"coloured": 3}),
            ("finished", {"skipped": 3}),
        ]


def test_everything_that_was_changed_is_made_again_and_said(scans, run):
    run()
    gray(scans / "a.png", 200)
    os.remove("out/b.png")
    changed = run()
    assert statuses(changed) == {("coloured", "again"): 1, ("coloured", ""): 1, ("skipped", "done"): 1}
    assert changed["a.png"].message == "out/a.png is made again: the photograph was changed since"
    assert statuses(run()) == {("skipped", "done"): 3}
    other = run(settings={"vividness": 2})
    assert {outcome.message for outcome in other.values()} == {
        f"out/{name} is made again: its vividness was 1" for name in ("a.png", "b.png", "1931/c.png")
    }
    assert records()["a.png"].message == "out/a.png is made again: its vividness was 1"
    assert statuses(run(settings={"vividness": 2})) == {("skipped", "done"): 3}
    assert statuses(run(overwrite=True, settings={"vividness": 2})) == {("coloured", "again"): 3}
    assert statuses(run(skip_existing=True)) == {("skipped", "done"): 3}


def test_a_result_that_somebody_edited_stays_and_is_known_from_then_on(scans, run):
    run()
    before = records()["a.png"]
    with Image.open("out/a.png") as image:
        about = image.info["XML:com.adobe.xmp"]
    data = Path("out/a.png").read_bytes()
    edited = data[:-12] + b"\0\0\0\4tEXtedit" + bytes(4) + data[-12:]  # a chunk more, as an editor may add
    Path("out/a.png").write_bytes(edited)
    assert "tintype" in about
    assert statuses(run()) == {("skipped", "done"): 3}
    assert Path("out/a.png").read_bytes() == edited
    after = records()["a.png"]
    assert (after.result_size, after.width, after.origin) == (len(edited), before.width, before.origin)
    spoil("out/a.png")
    assert statuses(run()) == {("skipped", "done"): 3}


def test_photographs_that_failed_are_tried_again_only_on_request_or_when_something_changed(scans, run):
    (scans / "bad.jpg").write_bytes(b"\xff\xd8\xff no more")
    first = run()
    assert first["bad.jpg"].status == "failed"
    kept = records()["bad.jpg"]
    assert (kept.state, kept.message, kept.transient) == ("failed", first["bad.jpg"].message, False)
    again = run()
    assert statuses(again) == {("skipped", "done"): 3, ("skipped", "failed"): 1}
    assert again["bad.jpg"].message == f"{kept.message} (in an earlier run; --retry-failed tries it again)"
    for options in ({"retry_failed": True}, {"overwrite": True}, {"settings": {"blend": 0.5}}, {"salvage": True}):
        assert run(**options)["bad.jpg"].status == "failed"
    gray(scans / "bad.jpg")
    assert run()["bad.jpg"].status == "coloured"
    assert records()["bad.jpg"].state == "done"


def test_what_failed_for_a_reason_outside_the_photograph_is_tried_again(scans, run):
    Path("out").mkdir()
    Path("out/1931").write_text("a file where a folder should be")
    assert run()["c.png"].status == "failed"
    assert records()["1931/c.png"].transient
    assert run()["c.png"].status == "failed"
    os.remove("out/1931")
    assert run()["c.png"].status == "coloured"


def test_what_could_not_be_found_is_named_until_the_next_run(scans, run):
    assert run(["scans/a.png", "scans/none.png"])["none.png"].status == "failed"
    with Ledger("out", read_only=True) as book:
        assert [(record.input, record.state, record.output) for record in book] == [
            ("scans/a.png", "done", "a.png"),
            ("scans/none.png", "failed", ""),
        ]
    run(["scans/a.png", "scans/b.png"])
    assert sorted(records()) == ["a.png", "b.png"]


def test_folders_may_be_moved_and_runs_started_elsewhere(scans, run, tmp_path, monkeypatch):
    run()
    Path("elsewhere").mkdir()
    shutil.move("scans", "elsewhere/scans")
    shutil.move("out", "elsewhere/out")
    monkeypatch.chdir("elsewhere")
    spoil("out/a.png")
    assert statuses(run()) == {("skipped", "done"): 3}
    # From another place the same files have other names.
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert statuses(run("../elsewhere/scans", "../elsewhere/out")) == {("skipped", "done"): 3}
    monkeypatch.chdir(tmp_path / "elsewhere")
    os.rename("out", "colour")
    assert statuses(run(output="colour")) == {("skipped", "done"): 3}


def test_another_photograph_of_the_same_name_size_and_date_is_not_taken_for_the_first(tmp_path, monkeypatch, run):
    for number, folder in enumerate(("1931", "1932")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "a.bmp"
        gray(path, 90 + number)
        os.utime(path, (1_500_000_000, 1_500_000_000))
    monkeypatch.chdir(tmp_path / "1931")
    assert run(".", "../out")["a.bmp"].status == "coloured"
    monkeypatch.chdir(tmp_path / "1932")
    first = Path("../out/a.png").read_bytes()
    outcome = run(".", "../out")["a.bmp"]
    assert (outcome.status, outcome.output) == ("coloured", Path("../out/a.bmp.png"))
    assert Path("../out/a.png").read_bytes() == first != outcome.output.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_a_photograph_of_two_names_is_taken_once_and_a_hard_link_is_another(scans, run):
    (scans / "link.png").symlink_to("a.png")
    os.link(scans / "a.png", scans / "second.png")
    assert sorted(run()) == ["a.png", "b.png", "c.png", "second.png"]
    assert sorted(records()) == ["1931/c.png", "a.png", "b.png", "second.png"]
    assert statuses(run()) == {("skipped", "done"): 4}
    # By its other name alone it is the same file with another result.
    assert statuses(run("scans/link.png", "out/")) == {("coloured", ""): 1}


def test_pages_have_a_row_each(scans, run):
    pages = [Image.fromarray(np.full((40, 60), level, np.uint8)) for level in (50, 90, 130)]
    pages[0].save(scans / "pages.tif", save_all=True, append_images=pages[1:])
    run("scans/pages.tif", "out/", pages="all")
    assert {(record.output, record.page) for record in records().values()} == {
        ("pages.tif", 1),
        ("pages.p2.tif", 2),
        ("pages.p3.tif", 3),
    }
    spoil("out/pages.p2.tif")
    assert statuses(run("scans/pages.tif", "out/", pages="all")) == {("skipped", "done"): 1}  # of one name
    assert len(records()) == 3


def test_colour_photographs_that_are_left_alone_are_remembered(scans, run):
    y, x = np.mgrid[0:200, 0:300]
    colours = np.stack([x * 255 // 300, y * 255 // 200, 255 - x * 255 // 300], -1).astype(np.uint8)
    Image.fromarray(colours).save(scans / "colour.png")
    assert run(skip_colour=True)["colour.png"].why == "colour"
    assert (records()["colour.png"].state, records()["colour.png"].colour) == ("left", True)
    spoil(scans / "colour.png")
    again = run(skip_colour=True)["colour.png"]
    assert (again.why, again.colour, again.message) == ("colour", True, "scans/colour.png is a colour photograph")
    Image.fromarray(colours).save(scans / "colour.png")
    assert run()["colour.png"].status == "coloured"


def test_dates_are_mended_where_that_is_asked_for(scans, run):
    run()
    os.utime(scans / "a.png", (1_500_000_000, 1_500_000_000))
    assert statuses(run(keep_times=True)) == {("skipped", "done"): 3}
    assert os.stat("out/a.png").st_mtime_ns == 1_500_000_000 * 10**9
    spoil("out/a.png")
    assert statuses(run(keep_times=True)) == {("skipped", "done"): 3}


def test_leaving_a_run_ends_it_and_the_next_goes_on(scans, run, tiny):
    outcomes = album.run(["scans"], "out", colorizer={"model": tiny}, jobs=1)
    next(outcomes)
    with pytest.raises(FolderInUse, match="out is in work by another run"):
        run()
    outcomes.close()
    with Ledger("out", read_only=True) as book:
        assert [run.state for run in book.runs] == ["stopped"]
    done = run()
    assert 1 <= statuses(done)["skipped", "done"] < 3
    assert statuses(run()) == {("skipped", "done"): 3}


def test_the_run_tells_what_it_will_do_and_how_far_it_is(scans, tiny):
    events = []
    outcomes = album.run(["scans"], "out", colorizer={"model": tiny}, on_event=events.append)
    (planned,) = events
    assert [task.input.name for task in planned.plan.tasks] == ["c.png", "a.png", "b.png"]
    list(outcomes)
    moved = [event for event in events if isinstance(event, album.Moved)]
    assert {event.task for event in moved} == set(planned.plan.tasks)
    assert max(event.share for event in moved) == 1
    assert events == [planned, *moved]


def test_only_a_folder_of_results_has_a_ledger(scans, run, tiny):
    run("scans/a.png", "a.png")
    run("scans", None)
    list(album.colorize_all(album.plan(["scans"], "out").tasks, album.engine.Colorizer(tiny)))
    assert not list(Path().rglob(".tintype"))
    with pytest.raises(OptionError, match="--hints are for one photograph"):
        run(hints=[])
