import json

import numpy as np
import pytest

from small_sets import picture, write_set
from tintype.color.bins import count, published_prior, rebalancing_weights
from tintype.color.lab import rgb_to_lab
from tintype.errors import DataError, OptionError
from tintype.plots import priors
from written_runs import write_run


def test_published_is_imagenets():
    prior = priors.load("published")
    assert prior.values.tolist() == published_prior().tolist()


def test_a_prepared_set_brings_its_own(tmp_path):
    values = np.arange(313.0)
    (tmp_path / "set.json").write_text(json.dumps({"prior": (values / values.sum()).tolist()}))
    for source in (tmp_path, tmp_path / "set.json"):
        np.testing.assert_allclose(priors.load(source).values, values / values.sum())
    np.save(tmp_path / "counts.npy", values)
    np.testing.assert_allclose(priors.load(tmp_path / "counts.npy").values, values / values.sum())


def test_shards_are_counted(tmp_path):
    folder = write_set(tmp_path / "data", train=2, validation=1)
    counts = sum(count(rgb_to_lab(picture(seed)[2::8, 2::8].reshape(-1, 3) / 255)[:, 1:]) for seed in (0, 1, 1000))
    np.testing.assert_allclose(priors.load(folder).values, counts / counts.sum())


def test_a_runs_prior_is_that_of_what_it_trains_on(tmp_path):
    folder = write_set(tmp_path / "data", train=3, validation=1)
    data = {"folder": str(folder), "train": "*.tar", "validation": "validation-*.tar", "limit": 2}
    run = write_run(tmp_path / "run", data=data)
    counts = sum(count(rgb_to_lab(picture(seed)[2::8, 2::8].reshape(-1, 3) / 255)[:, 1:]) for seed in (0, 1))
    np.testing.assert_allclose(priors.load(run).values, counts / counts.sum())


def test_a_run_that_takes_some_sources_has_their_prior(tmp_path):
    folder = write_set(tmp_path / "data", train=3, validation=1)
    rows = "".join(f"train-00.tar,{i:03d}.png,{'cats' if i == 1 else 'dogs'}/{i}.png\n" for i in range(3))
    (folder / "manifest.csv").write_text(f"shard,file,source\n{rows}")
    data = {"folder": str(folder), "train": "train-*.tar", "validation": "validation-*.tar", "limit": None}
    run = write_run(tmp_path / "run", data=data | {"sources": ["cats/*"]})
    counts = count(rgb_to_lab(picture(1)[2::8, 2::8].reshape(-1, 3) / 255)[:, 1:])
    np.testing.assert_allclose(priors.load(run).values, counts / counts.sum())


def test_what_is_drawn_are_the_priors_and_their_weights():
    values = np.zeros(313)
    values[:200] = 1 / 200
    first, second = priors.load("published"), priors.Prior("half", values)
    points, above, below, weights = priors.draw(first, second).axes
    # As a ring: the bins that the second never meets.
    assert [len(each.get_offsets()) for each in points.collections] == [200, 113]
    met = points.collections[0].get_offsets()
    np.testing.assert_allclose(met[:, 0], published_prior()[:200])
    np.testing.assert_allclose(met[:, 1], 1 / 200)
    tops = [patch.get_y() + patch.get_height() for patch in above.patches]
    np.testing.assert_allclose(tops, np.sort(published_prior())[::-1], rtol=1e-6)
    assert sum(patch.get_height() > 0 for patch in below.patches) == 200
    drawn = weights.lines[0].get_ydata()
    np.testing.assert_allclose(np.sort(drawn), np.sort(rebalancing_weights(published_prior())))


@pytest.mark.parametrize(
    ("content", "words"),
    [({"prior": [0.5, 0.5]}, "no prior over the 313"), ({}, "no prior over the 313"), (None, "neither shards nor")],
)
def test_a_set_without_a_prior_is_said(tmp_path, content, words):
    if content is not None:
        (tmp_path / "set.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=words):
        priors.load(tmp_path)


def test_wrong_wishes_are_named(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        priors.load(tmp_path / "none")
    with pytest.raises(DataError, match="does not say what the run was trained on"):
        priors.load(write_run(tmp_path / "run"))
    with pytest.raises(OptionError, match="from 0 to 1"):
        priors.draw(priors.load("published"), priors.load("published"), uniform=2)
