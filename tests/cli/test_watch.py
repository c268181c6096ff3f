"""--watch and --since: scans are coloured as they arrive, none is lost, and the run ends cleanly."""

import json
import os
import signal
import subprocess
import time

import pytest

from running import command_of, errors_of, tintype

WAIT = 120


class Watched:
    """A run that watches, in a process of its own; its lines as they come."""

    def __init__(self, tmp_path, model, *options):
        self.output = (tmp_path / "lines").open("w+b")
        paths = tmp_path / "in", "-o", tmp_path / "out"
        command = command_of("colorize", *paths, "--watch", "--settle", "0.6", "--json", *options, model=model)
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    @property
    def lines(self):
        self.output.seek(0)
        return [json.loads(line) for line in self.output.read().split(b"\n")[:-1]]

    def wait_for(self, *wanted):
        """Until photographs have come to (name, status)."""
        end = time.monotonic() + WAIT
        while not set(wanted) <= {(os.path.basename(line["input"]), line["status"]) for line in self.lines}:
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, self.lines
            time.sleep(0.05)

    def stop(self, number):
        self.process.send_signal(number)
        errors = self.process.communicate(timeout=WAIT)[1].decode()
        lines = self.lines
        self.output.close()
        return self.process.returncode, errors, lines


@pytest.mark.skipif(os.name != "posix", reason="the run is stopped by a signal of POSIX systems")
def test_scans_are_coloured_as_they_arrive_and_none_is_lost(photograph, tmp_path, tiny):
    (tmp_path / "in").mkdir()
    scans = [photograph(f"elsewhere/{name}.png", 200, 200) for name in "abcd"]
    run = Watched(tmp_path, tiny, "--keep-times")
    try:
        # One comes whole, one in two parts with a pause that is too long, and with the date of an older file.
        (tmp_path / "in" / "a.png").write_bytes(scans[0].read_bytes())
        run.wait_for(("a.png", "coloured"))
        data = scans[1].read_bytes()
        cut = tmp_path / "in" / "1931" / "b.png"
        cut.parent.mkdir()
        cut.write_bytes(data[: len(data) // 2])
        run.wait_for(("b.png", "failed"))
        with cut.open("ab") as file:
            file.write(data[len(data) // 2 :])
        os.utime(cut, (10**9, 10**9))
        run.wait_for(("b.png", "coloured"))
    finally:
        code, errors, lines = run.stop(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in errors
    assert "waiting for new photographs" in errors
    summary = lines[-1]["summary"]
    assert (summary["coloured"], summary["failed"]) == (2, 0)  # The one that failed at first is done.
    assert (tmp_path / "out/1931/b.png").stat().st_mtime == 10**9
    # What arrives while nobody watches is found at the next start, and what is done is done.
    (tmp_path / "in" / "c.png").write_bytes(scans[2].read_bytes())
    run = Watched(tmp_path, tiny, "--keep-times")
    try:
        run.wait_for(("c.png", "coloured"), ("a.png", "skipped"), ("b.png", "skipped"))
        scans[3].rename(tmp_path / "in" / "d.png")
        run.wait_for(("d.png", "coloured"))
    finally:
        code, errors, lines = run.stop(signal.SIGTERM)
    assert code == 143
    assert lines[-1]["summary"]["coloured"] == 2
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    results = [name for name in found if not name.startswith(".tintype/") and name != ".tintype"]
    assert results == ["1931/b.png", "a.png", "c.png", "d.png"]


def test_only_files_that_were_changed_since(photograph, tmp_path, tiny):
    old, new = photograph("in/old.jpg"), photograph("in/new.jpg")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    for since, names in (("30m", {"new.jpg"}), ("2h", {"new.jpg", "old.jpg"}), ("1999-12-31", {"new.jpg", "old.jpg"})):
        out = tmp_path / f"out-{since}"
        done = tintype("colorize", tmp_path / "in", "-o", out, "--since", since, "--json", model=tiny, check=0)
        assert {name for name in os.listdir(out) if not name.startswith(".")} == names
        assert json.loads(done.stdout.splitlines()[-1])["summary"]["older"] == 2 - len(names)
    done = tintype("colorize", new, "-o", tmp_path / "b.jpg", "--since", "0s", model=tiny, check=0)
    assert "1 left out by --since" in errors_of(done)[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["in", "--since", "yesterday"], "--since takes a date such as 2026-05-31, a date and time"),
        (["in", "--since", "9999-01-01"], "which is not in the future"),
        (["in", "--since", "-3d"], "--since"),
        (["in", "--wait-for-space", "long"], "--wait-for-space takes a duration such as 30s, 90m, 12h, 7d or 2w"),
        (["in", "--watch", "--dry-run"], "--watch waits for photographs, and --dry-run does nothing"),
        (["in/a.jpg", "--watch"], "Only folders can be watched, and in/a.jpg is none"),
        (["nowhere", "--watch"], "Only folders can be watched, and nowhere is none"),
        (["-", "--watch"], "--watch and --since are for folders"),
        (["-", "--since", "1d"], "--watch and --since are for folders"),
    ],
)
def test_what_these_options_cannot_mean(arguments, sentence, photograph, tmp_path, tiny):
    photograph("in/a.jpg")
    done = tintype("colorize", *arguments, model=tiny, check=2, cwd=tmp_path)
    assert sentence in errors_of(done)[0]
