"""Hostile files: a few kilobytes that ask for gigabytes or minutes end in a result or one sentence, within bounds."""

import os
import subprocess
import sys

import pytest

from hostile_files import FILES

MEGABYTES, SECONDS = 500, 5
"""What one file may take of memory and of a processor, everything together."""

SCRIPT = """
import io, os, resource, sys, time
import numpy as np
from tintype.errors import PhotoError
from tintype.photo import Mark, is_marked, read, write

path, format = sys.argv[1:]
begin = time.process_time()
marked = is_marked(path)
try:
    photo = read(path, "it")
    strips = [np.zeros((photo.height, photo.width, 3), np.uint8)]
    stream = io.BytesIO()
    notes = (*photo.notes, *write(photo, strips, stream, format=format or None, mark=Mark("tintype", "1", "model")))
    again = read(stream.getvalue())
    assert (again.width, again.height) == (photo.width, photo.height)
except PhotoError as error:
    notes = (str(error),)
print(marked)
print(time.process_time() - begin)
if os.path.exists("/proc/self/status"):
    # Not by getrusage, which begins with the memory of the process that started this one.
    status = open("/proc/self/status").read()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
for note in notes:
    print(note)
"""


@pytest.mark.skipif(os.name == "nt", reason="memory is measured another way there")
@pytest.mark.parametrize("what", FILES)
def test_it_ends_within_bounds(tmp_path, what):
    path = tmp_path / "it"
    path.write_bytes(FILES[what]())
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), ""], capture_output=True, text=True, timeout=100, check=True
    )
    marked, seconds, megabytes, *notes = run.stdout.splitlines()
    assert run.stderr == ""
    assert marked == "False"
    assert float(seconds) < SECONDS
    assert float(megabytes) < MEGABYTES
    for note in notes:
        assert note.startswith("it")
        assert note.isprintable()
