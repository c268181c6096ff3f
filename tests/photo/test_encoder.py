"""With one thread, whoever makes the rows and the encoder take turns; the file does not depend on the threads."""

import io
import threading
import time

import numpy as np
import pytest

from tintype.photo import WRITABLE, encoder, from_array, read, write
from tintype.photo.plan import plan_of


class Counting:
    """A file that counts how often something is written to it."""

    def __init__(self):
        self.writes, self.bytes = 0, b""

    def write(self, data):
        self.writes += 1
        self.bytes += bytes(data)
        return len(data)


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_one_thread_makes_rows_while_the_encoder_rests(format, monkeypatch):
    # A JPEG of this size would be encoded as a whole.
    monkeypatch.setattr(encoder, "_AT_ONCE", 4_000_000)
    noise = np.random.default_rng(0).integers(0, 256, (1600, 900, 3), np.uint8)
    photo = from_array(noise[..., 0])
    file = Counting()
    while_made = []

    def rows():
        for top in range(0, 1600, 100):
            # A write that had begun before may end now.
            time.sleep(0.005)
            before = file.writes
            time.sleep(0.02)
            while_made.append(file.writes - before)
            yield noise[top : top + 100]

    encoder.encode(plan_of(photo, format, None, None), rows(), file, 1)
    assert while_made == [0] * 16
    assert file.writes > 50
    assert read(file.bytes).plane.shape == (1600, 900)


@pytest.mark.parametrize("format", WRITABLE)
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_the_bytes_do_not_depend_on_the_threads(scene, coloured, format, depth):
    pixels = scene(301, 200)[..., 1]
    pixels = pixels.astype(np.float32) if depth == 32 else (pixels * (2**depth - 1)).astype(f"u{depth // 8}")
    photo = from_array(np.stack([pixels, pixels], -1) if format != "jpeg" else pixels)
    results = []
    for threads in (1, 2, 5):
        target = io.BytesIO()
        write(photo, coloured(photo), target, format=format, threads=threads)
        results.append(target.getvalue())
    assert results[0] == results[1] == results[2]


def test_the_bytes_of_a_jpeg_do_not_depend_on_whether_its_pixels_are_encoded_as_a_whole(scene, coloured, monkeypatch):
    photo = from_array((scene(301, 200)[..., 1] * 255).astype(np.uint8))
    results = []
    for most in (0, 1_000_000):
        monkeypatch.setattr(encoder, "_AT_ONCE", most)
        target = io.BytesIO()
        write(photo, coloured(photo), target, format="jpeg", threads=1)
        results.append(target.getvalue())
    assert results[0] == results[1]


def test_a_tiff_file_is_packed_by_as_many_threads_as_are_given():
    pixels = np.zeros((4000, 1000, 3), np.uint8)
    photo = from_array(pixels[..., 0])
    most = {}
    for threads in (1, 3):
        counts = []

        def rows(counts=counts):
            for top in range(0, 4000, 50):
                counts.append(threading.active_count())
                yield pixels[top : top + 50]

        before = threading.active_count()
        write(photo, rows(), io.BytesIO(), format="tiff", threads=threads)
        most[threads] = max(counts) - before
    assert most == {1: 0, 3: 3}
