"""The hint sampler against FACTS of the paper (Zhang et al. 2017, section 3.2 and the released code)."""

import itertools

import numpy as np
import torch

from tintype.training.hints import draw_hints

SIDE, CELL = 128, 4
AB = torch.arange(2 * 32 * 32, dtype=torch.float32).reshape(2, 32, 32) / 10


def draw(seed):
    hints = torch.zeros(3, SIDE, SIDE)
    return hints, draw_hints(hints, AB, np.random.default_rng(seed))


def test_how_many_there_are():
    counts = []
    generator = np.random.default_rng(1)
    ab = torch.zeros(2, 4, 4)
    for _ in range(2500):
        counts.append(draw_hints(torch.zeros(3, 16, 16), ab, generator))
    counts = np.array(counts)
    # Geometric: mean 7, standard deviation 7.5, none in one of eight; bounds of four standard errors.
    assert abs(counts.mean() - 7) < 4 * 7.5 / np.sqrt(len(counts))
    assert abs((counts == 0).mean() - 1 / 8) < 4 * np.sqrt(1 / 8 * 7 / 8 / len(counts))


def test_sides_are_uniform_from_1_to_9_and_places_centred():
    sides, places = [], []
    # Where there is only one patch, its extent shows.
    alone = (seed for seed in itertools.count() if np.random.default_rng(seed).geometric(1 / 8) == 2)
    for seed in itertools.islice(alone, 500):
        hints, count = draw(seed)
        assert count == 1
        rows, columns = (hints[2].any(dim=1 - axis).nonzero()[:, 0] for axis in (0, 1))
        assert len(rows) == len(columns) == hints[2].sum().sqrt()
        sides.append(len(rows))
        places.append((float(rows.float().mean()), float(columns.float().mean())))
    shares = np.bincount(sides, minlength=10) / len(sides)
    assert shares[0] == 0
    assert len(shares) == 10
    assert np.abs(shares[1:] - 1 / 9).max() < 4 * np.sqrt(1 / 9 * 8 / 9 / len(sides))
    centre, spread = np.mean(places, axis=0), np.std(places, axis=0)
    assert np.abs(centre - SIDE / 2).max() < 4 * 31 / np.sqrt(len(sides))
    # Normal with a quarter of the room as deviation, cut at the edges.
    assert np.all((spread > 26) & (spread < 32))


def test_mask_and_value_agree():
    for seed in range(40):
        hints, count = draw(seed)
        given = hints[2] == 1
        assert torch.all(given | (hints[2] == 0))
        assert given.any() == (count > 0)
        assert torch.all(hints[:2, ~given] == 0)
        if count == 1:
            rows, columns = (given.any(dim=1 - axis).nonzero()[:, 0] for axis in (0, 1))
            cells = AB[:, rows[0] // CELL : rows[-1] // CELL + 1, columns[0] // CELL : columns[-1] // CELL + 1]
            expected = cells.mean(dim=(1, 2))
            assert torch.allclose(hints[:2, given], expected[:, None].expand(-1, int(given.sum())), atol=1e-4)


def test_the_same_generator_draws_the_same():
    assert torch.equal(draw(5)[0], draw(5)[0])
