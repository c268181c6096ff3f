"""Mutants of metadata end in a result or in one sentence. By hand for an hour: python -m benchmarks.mutations."""

import json
import os

import pytest

from benchmarks.mutations import Mutator, run


@pytest.mark.skipif(os.name == "nt", reason="memory is measured another way there")
def test_every_mutant_ends_in_a_result_or_in_one_sentence():
    found = run(seed=22, count=400)
    assert not found["faults"], json.dumps(found["faults"], indent=1).replace("\\n", "\n")
    assert found["mutants"] == 400
    # Most of the mutants are still photographs, or the test would try nothing but refusals.
    assert found["outcomes"]["read"] + found["outcomes"]["read, with notes"] > found["mutants"] / 3


def test_a_mutant_is_the_same_every_time_and_every_kind_of_file_is_tried():
    one, other = Mutator(5), Mutator(5)
    assert [one.mutant(number)[:2] for number in range(60)] == [other.mutant(number)[:2] for number in range(60)]
    assert {one.mutant(number)[0] for number in range(120)} == set(one.seeds)


def test_the_sound_files_are_sound():
    from tintype.photo import read

    for name, data in Mutator(0).seeds.items():
        photo = read(data)
        assert photo.notes == (), name
        if name not in ("gif", "bmp"):
            assert photo.metadata.exif, name
            assert photo.metadata.xmp, name
        assert name in ("avif", "gif", "bmp", "psd") or (photo.width, photo.height) == (48, 64), name
