"""What lies in a store is found as what lies in a folder."""

from collections import Counter

import pytest

from running import tintype
from stores import s3_server
from tintype.album import plan
from tintype.cluster import store_of
from tintype.cluster.listing import listing
from tintype.errors import OptionError

NAMES = [
    "a.jpg",
    "a.color.jpg",  # a result by its name
    "b.jpg",
    "b.png",  # the same name as b.jpg in one format
    "march/B.jpg",
    "march/deep/c.TIF",
    "march/drafts/d.jpg",
    ".hidden/e.jpg",
    "@eaDir/f.jpg",
    "march/g.dng",
    "letter.txt",
]


@pytest.fixture(scope="module")
def scans():
    with s3_server("scans") as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        store = store_of("s3://scans/1931")
        for name in NAMES:
            store.write(b"x", name)
        yield "s3://scans/1931"


def test_a_store_is_searched_as_a_folder_is(scans, tmp_path):
    for name in NAMES:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    options = {"exclude": ["drafts"], "suffix": "-colour"}
    near = plan([tmp_path / "in"], f"{tmp_path / 'out'}/", "jpeg", **options)
    far = listing([scans], store_of("s3://colour/1931"), "jpeg", **options).plan
    expected = {
        (str(task.input.relative_to(tmp_path / "in")), task.output and str(task.output.relative_to(tmp_path / "out")))
        for task in near.tasks
    }
    found = {
        (str(task.input).removeprefix(f"{scans}/"), task.output and str(task.output).removeprefix("s3://colour/1931/"))
        for task in far.tasks
    }
    assert found == expected
    assert len(found) == 6
    for counter in ("passed_over", "unread", "managed", "excluded"):
        assert Counter(getattr(far, counter)) == getattr(near, counter), counter


def test_single_files_and_results_that_lie_among_the_photographs(scans):
    found = listing([f"{scans}/a.jpg"], store_of("s3://colour")).found
    assert [(str(one.task.input), str(one.task.output)) for one in found] == [(f"{scans}/a.jpg", "s3://colour/a.jpg")]
    # Results in a folder of the same bucket are no photographs of the next run.
    inside = listing([scans], store_of(f"{scans}/march"))
    assert not [one for one in inside.found if one.input.startswith("march/")]
    over = listing([scans], store_of(scans)).plan.tasks
    assert {task.refusal for task in over if task.output is not None} == {
        f"{task.input} would be written over itself: give another output" for task in over if task.output is not None
    }


def test_what_cannot_be_found_together(scans, tmp_path):
    with pytest.raises(OptionError, match="cannot be coloured in one run"):
        listing([scans, tmp_path], store_of("s3://colour"))
    with pytest.raises(OptionError, match="--pages all"):
        listing([scans], store_of("s3://colour"), pages="all")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s3://scans/1931/", "-o", "out"], "s3://scans/1931/ is an address in a store, which only --engine ray reads"),
        (["a.jpg", "-o", "sftp://host/out/"], "sftp://host/out/ is an address in a store, which only --engine ray"),
        (["a.jpg", "--address", "auto"], "--address is that of a cluster: add --engine ray"),
        (["a.jpg", "--engine", "ray"], "A cluster needs a folder or an address for its results: give one with -o"),
        (["a.jpg", "-o", "out/", "--engine", "ray", "--jobs", "2"], "--jobs is not for a cluster"),
        (["-", "--engine", "ray"], "Standard input and output are not for a cluster"),
        (["s3://", "-o", "out/", "--engine", "ray"], "s3:// names no bucket, container or computer"),
    ],
)
def test_requests_that_make_no_sense(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = tintype("colorize", *words, check=2)
    assert message in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"x")
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    done = tintype("colorize", tmp_path / "a.jpg", "-o", f"{tmp_path / 'out'}/", "--engine", "ray", check=1)
    assert done.stderr.decode().splitlines()[0] == (
        "tintype: --engine ray needs ray, which is not installed: in the folder of tintype, run "
        'pip install ".[cluster]"'
    )
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    done = tintype("colorize", "s3://scans/", "-o", "s3://colour/", "--engine", "ray", check=1)
    assert "A store such as s3:// needs fsspec, which is not installed" in done.stderr.decode()


def test_a_cluster_that_is_not_there(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    words = ["-o", f"{tmp_path / 'out'}/", "--engine", "ray", "--address"]
    done = tintype("colorize", tmp_path / "a.jpg", *words, "127.0.0.1:1", check=1)
    said = done.stderr.decode()
    assert said.startswith("tintype: There is no Ray cluster at 127.0.0.1:1 ([Errno 111] Connection refused): give the")
    done = tintype("colorize", tmp_path / "a.jpg", *words, "ray://127.0.0.1:10001", check=2)
    assert "ray://127.0.0.1:10001 is the address of Ray's client" in done.stderr.decode()
