"""Runs on a real cluster of three nodes on this machine, and what it leaves when a node and an actor are killed."""

import json
import subprocess
from collections import Counter

import pytest

from clusters import BAD, actors, hashes, kill, three_nodes, write_photographs
from running import command_of, tintype
from stores import SSHD, s3_server, sftp_server
from tintype import album, cluster
from tintype.album import Ledger, Making
from tintype.cluster import Rows, store_of

MINI = {"model": "tintype.mini"}
COUNT = 60


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Servers of S3 (an imitation) and of sftp (OpenSSH, where it is installed), whose keys every process has."""
    home = tmp_path_factory.mktemp("home")
    with s3_server("scans", "colour") as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        if SSHD is None:
            yield None
            return
        with sftp_server(home) as address:
            patch.setenv("HOME", str(home))
            yield f"{address}{home}"


@pytest.fixture(scope="module")
def nodes(stores):
    with three_nodes() as found:
        yield found


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    write_photographs(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def expected(scans, tmp_path_factory):
    """The results of a local run: those of a cluster are the same, byte for byte."""
    folder = tmp_path_factory.mktemp("local")
    list(album.run([scans], folder, colorizer=MINI))
    found = hashes(folder)
    assert len(found) == COUNT
    return found


def check(outcomes, records, expected):
    """Every good file was coloured once, every bad one is named, and the rows say the same."""
    assert Counter(outcome.status for outcome in outcomes) == {"coloured": len(expected), "failed": len(BAD)}
    said = {outcome.input.name: outcome.message for outcome in outcomes if outcome.status == "failed"}
    for name, message in BAD.items():
        assert message in said[name.rpartition("/")[2]]
    states = {record.output: record.state for record in records}
    assert len(states) == len(records)
    assert states == dict.fromkeys(expected, "done") | dict.fromkeys(BAD, "failed")


def test_a_node_and_an_actor_are_killed(nodes, scans, expected, tmp_path):
    out, before, killed = tmp_path / "out", hashes(scans), []
    cluster_of_three, last = nodes
    outcomes = []
    for outcome in cluster.run([scans], out, colorizer=MINI):
        outcomes.append(outcome)
        if len(outcomes) == 5:
            killed += [process for process in actors()[:1] if kill(process)]
        if len(outcomes) == 15:
            cluster_of_three.remove_node(last, allow_graceful=False)
    assert killed
    check(outcomes, list(Rows(store_of(out))), expected)
    assert hashes(out) == expected
    assert hashes(scans) == before
    assert not [path for path in out.rglob("*") if path.suffix == ".part"]
    with Ledger(out, read_only=True) as ledger:
        assert {record.output for record in ledger} == {*expected, *BAD}
        assert ledger.runs[-1].counts == {"coloured": COUNT, "failed": len(BAD)}
    # The same command once more has nothing to do, here as on the cluster.
    for again in (cluster.run([scans], out, colorizer=MINI), album.run([scans], out, colorizer=MINI)):
        assert Counter(outcome.why for outcome in again) == {"done": COUNT, "failed": len(BAD)}


def test_the_command_from_one_bucket_to_another(nodes, scans, expected, tmp_path):
    bucket = store_of("s3://scans/1931")
    for place in hashes(scans):
        bucket.put(scans / place, place)
    words = ["s3://scans/1931/", "-o", "s3://colour/1931/", "--engine", "ray", "--address", nodes[0].address, "--json"]
    command = command_of("colorize", *words, model="tintype.mini")
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=600)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert lines[-1]["summary"]["coloured"] == COUNT
    assert lines[-1]["summary"]["failed"] == len(BAD)
    # Nothing else is on the terminal: the sentences of a local run, with addresses in the place of paths.
    said = done.stderr.decode().splitlines()
    assert len(said) == len(BAD) + 1, said
    assert "tintype: s3://scans/1931/empty.jpg is empty: there is no photograph in it" in said
    assert said[-1].startswith(f"tintype: {COUNT} coloured, in s3://colour/1931; {len(BAD)} failed (")
    results = store_of("s3://colour/1931")
    for place in expected:
        results.fetch(place, tmp_path / place.replace("/", "-"))
    assert hashes(tmp_path) == {place.replace("/", "-"): digest for place, digest in expected.items()}
    records = list(Rows(results))
    assert {record.output: record.state for record in records} == dict.fromkeys(expected, "done") | dict.fromkeys(
        BAD, "failed"
    )
    assert {record.input for record in records} == {f"s3://scans/1931/{place}" for place in hashes(scans)}

    told = tintype("runs", "s3://colour/1931/", "--json", check=0).stdout.decode().splitlines()
    assert [json.loads(line) for line in told[:-1]] == [json.loads(json.dumps(record.json())) for record in records]
    assert [run["counts"] for run in json.loads(told[-1])["runs"]] == [{"coloured": COUNT, "failed": len(BAD)}]

    # What is changed is made again, and what is done is skipped by its row. Nobody else is at work there.
    bucket.put(scans / "p0003.jpg", "p0000.jpg")
    again = list(cluster.run(["s3://scans/1931"], "s3://colour/1931", colorizer=MINI, making=Making(retry_failed=True)))
    assert Counter((outcome.status, outcome.why) for outcome in again) == {
        ("skipped", "done"): COUNT - 1,
        ("coloured", "again"): 1,
        ("failed", ""): len(BAD),
    }
    assert len(list(Rows(results))) == COUNT + len(BAD)
    assert not [entry for entry in results.files(".tintype") if "at-work" in entry.place]


@pytest.mark.skipif(SSHD is None, reason="needs an OpenSSH server: apt-get install openssh-server")
def test_from_one_folder_of_a_server_to_another(nodes, stores, scans, expected, tmp_path):
    address = f"{stores}/scans"
    server = store_of(address)
    few = [place for place in hashes(scans) if place.startswith("p000") or place in BAD]
    for place in few:
        server.put(scans / place, place)
    results = store_of(f"{stores}/colour")
    results.write(b"a file of somebody else", "p0000.jpg")
    outcomes = list(cluster.run([address], f"{stores}/colour", colorizer=MINI))
    kept = [outcome for outcome in outcomes if outcome.why == "kept"]
    assert [outcome.message for outcome in kept] == [
        f"{stores}/colour/p0000.jpg exists, but does not say that tintype made it: --overwrite replaces it"
    ]
    check(
        [outcome for outcome in outcomes if outcome not in kept],
        list(Rows(results)),
        [place for place in few if place not in BAD and place != "p0000.jpg"],
    )
    assert not [entry.place for entry in results.files() if entry.place.endswith(".part")]
    for place in (place for place in few if place in expected and place != "p0000.jpg"):
        results.fetch(place, tmp_path / place)
    assert hashes(tmp_path).items() <= expected.items()
