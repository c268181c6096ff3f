"""Which file a result was made of: the same for the same bytes, wherever they lie."""

import io

import numpy as np

from tintype.photo import origin_of, quick_origin_of


def test_the_origin_depends_on_all_bytes_and_the_quick_one_on_both_ends():
    data = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
    same = origin_of(io.BytesIO(data))
    assert same == origin_of(io.BytesIO(data))
    assert same.startswith(f"{len(data)}-")
    for place in (0, 150_000, len(data) - 1):
        other = bytearray(data)
        other[place] ^= 1
        assert origin_of(io.BytesIO(other)) != same
        assert same.startswith(quick_origin_of(io.BytesIO(other))) == (place == 150_000)
    assert origin_of(io.BytesIO(data[:-1])) != same
    assert origin_of(io.BytesIO(b"")).startswith("0-")
