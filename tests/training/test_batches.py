"""What a network is fed: the film's lightness and the light's colour."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from small_sets import picture, write_set
from tintype.color.film import expose
from tintype.color.lab import gray, lightness, rgb_to_lab, srgb_decode, srgb_encode
from tintype.data.shards import Photographs
from tintype.training.batches import CELL, Augmentation, Batches, OnDevice, crop, make_batch

ALL = Augmentation(smallest_crop=0.5, mirror=0.5, film=0.6, fade=0.5, grain=0.5, blur=0.5, border=0.5, hints=0.8)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = write_set(tmp_path_factory.mktemp("set"), 10, 1)
    return Photographs.read([folder / "train-00.tar"])


def generators(count, seed=0):
    return [np.random.default_rng([seed, i]) for i in range(count)]


def lab_of_cells(rgb):
    """Lab of the light averaged over cells of 4x4 pixels, [h, w, 3]."""
    light = srgb_decode(rgb / 255.0)
    height, width = (extent // CELL for extent in rgb.shape[:2])
    return rgb_to_lab(srgb_encode(light.reshape(height, CELL, width, CELL, 3).mean(axis=(1, 3))))


def test_without_augmentation_it_is_the_photograph():
    rgb = np.stack([picture(i, 64, 64) for i in range(3)])
    batch = make_batch(rgb, Augmentation(), generators(3))
    assert batch.lightness.shape == (3, 1, 64, 64)
    assert batch.ab.shape == (3, 2, 16, 16)
    for i in range(3):
        assert np.abs(batch.lightness[i, 0].numpy() - rgb_to_lab(rgb[i] / 255)[..., 0]).max() < 1e-3
        assert np.abs(np.moveaxis(batch.ab[i].numpy(), 0, -1) - lab_of_cells(rgb[i])[..., 1:]).max() < 2e-3
    assert not batch.hints.any()


def test_the_centre_is_cut_out(photographs):
    square = crop(photographs[0], 80, Augmentation(), np.random.default_rng(0))
    assert np.array_equal(square, picture(0)[:, 8:88])


def test_mirrored():
    rgb = picture(1, 64, 64)
    turned = crop(rgb, 64, Augmentation(mirror=1.0), np.random.default_rng(0))
    assert np.array_equal(turned, rgb[:, ::-1])
    straight, mirrored = (make_batch(x[None], Augmentation(), generators(1)) for x in (rgb, turned))
    assert torch.equal(straight.lightness.flip(-1), mirrored.lightness)
    assert torch.allclose(straight.ab.flip(-1), mirrored.ab, atol=1e-3)


def test_crops_are_squares_within_their_limits(photographs):
    augmentation = Augmentation(smallest_crop=0.5)
    draws = [crop(photographs[2], 32, augmentation, generator) for generator in generators(30)]
    assert all(draw.shape == (32, 32, 3) for draw in draws)
    assert len({draw.tobytes() for draw in draws}) == 30


def test_a_tensor_is_cropped_like_an_array(photographs):
    for i, generator in enumerate(generators(10)):
        twin = np.random.default_rng([0, i])
        array = crop(photographs[i], 48, ALL, generator)
        tensor = crop(torch.tensor(photographs[i]), 48, ALL, twin)
        difference = np.abs(array.astype(int) - tensor.numpy())
        # Pillow rounds between its two passes, and uses 8-bit weights.
        assert difference.max() <= 2
        assert difference.mean() < 0.3


def test_orthochromatic_film_darkens_red():
    red, blue = (200, 30, 30), (30, 30, 200)

    def tones(rgb, augmentation):
        crops = np.full((200, 8, 8, 3), rgb, np.uint8)
        return make_batch(crops, augmentation, generators(200)).lightness.mean(dim=(1, 2, 3)).numpy()

    seen_red, seen_blue = tones(red, Augmentation())[0], tones(blue, Augmentation())[0]
    drawn_red, drawn_blue = tones(red, Augmentation(film=1.0)), tones(blue, Augmentation(film=1.0))
    # Among the exposures are those of orthochromatic film, without a filter, as the colour room defines it.
    ortho = np.abs(drawn_red - float(expose(np.array(red) / 255, "orthochromatic"))).argmin()
    assert drawn_red[ortho] == pytest.approx(float(expose(np.array(red) / 255, "orthochromatic")), abs=0.01)
    assert drawn_blue[ortho] == pytest.approx(float(expose(np.array(blue) / 255, "orthochromatic")), abs=0.01)
    assert drawn_red[ortho] < seen_red - 10
    assert drawn_blue[ortho] > seen_blue + 10


def test_the_true_colour_does_not_depend_on_the_film():
    rgb = np.stack([picture(i, 64, 64) for i in range(4)])
    aged = Augmentation(film=1.0, fade=1.0, grain=1.0, blur=1.0)
    plain, old = make_batch(rgb, Augmentation(), generators(4)), make_batch(rgb, aged, generators(4))
    assert torch.equal(plain.ab, old.ab)
    assert float((plain.lightness - old.lightness).abs().mean()) > 2
    assert 0 <= float(old.lightness.min()) <= float(old.lightness.max()) <= 100


def test_soft_photographs_lose_their_detail_and_keep_their_tone():
    rgb = np.stack([picture(i, 64, 64) for i in range(8)])
    sharp = make_batch(rgb, Augmentation(), generators(8))
    soft = make_batch(rgb, Augmentation(soft=1.0), generators(8))

    def detail(batch):
        return (batch.lightness[..., 1:] - batch.lightness[..., :-1]).abs().mean(dim=(1, 2, 3))

    assert (detail(soft) < 0.95 * detail(sharp)).all()
    means = [batch.lightness.mean(dim=(1, 2, 3)) for batch in (sharp, soft)]
    assert torch.allclose(*means, atol=3)
    assert torch.equal(sharp.ab, soft.ab)


def test_soft_is_a_gaussian_of_half_a_pixel_to_four():
    point = np.zeros((30, 65, 65, 3), np.uint8)
    point[:, 32, 32] = 255
    spread = make_batch(point, Augmentation(soft=1.0), generators(30)).lightness[:, 0].numpy()
    # Of L*, which is blurred, the second moment about the point is the variance of the kernel.
    x = np.arange(65) - 32.0
    sigmas = np.sqrt((spread.sum(axis=1) * x**2).sum(axis=1) / spread.sum(axis=(1, 2)))
    assert 0.45 < sigmas.min() < 0.8
    assert 3 < sigmas.max() < 4.05


def test_jpeg_is_what_pillow_makes_of_the_gray():
    rgb = np.stack([picture(i, 64, 64) for i in range(4)])
    seen = make_batch(rgb, Augmentation(jpeg=1.0), generators(4)).lightness[:, 0].numpy()
    for plane, photo in zip(seen, rgb, strict=True):
        codes = np.rint(255 * gray(lightness(photo / 255))).astype(np.uint8)
        distances = []
        for quality in range(10, 71):
            memory = io.BytesIO()
            Image.fromarray(codes).save(memory, "jpeg", quality=quality)
            again = np.asarray(Image.open(memory))[..., None].repeat(3, axis=2)
            distances.append(np.abs(lightness(again / 255) - plane).mean())
        assert min(distances) < 0.1


def test_stronger_grain_is_drawn_only_where_it_is_asked_for():
    flat = np.full((40, 32, 32, 3), 128, np.uint8)
    deviations = [
        make_batch(flat, Augmentation(grain=1.0, grain_strength=most), generators(40)).lightness.std(dim=(1, 2, 3))
        for most in (6.0, 12.0)
    ]
    assert float(deviations[0].max()) < 7 < float(deviations[1].max()) < 14


def test_plain_surfaces_have_no_colour_and_little_contrast():
    rgb = np.stack([picture(i, 64, 64) for i in range(40)])
    untouched = make_batch(rgb, Augmentation(), generators(40))
    batch = make_batch(rgb, Augmentation(plain=1.0), generators(40))
    cells = batch.lightness[:, 0].unfold(1, CELL, CELL).unfold(2, CELL, CELL)
    bare = (batch.ab == 0).all(dim=1)
    # What is not bare is the photograph, untouched.
    same = (cells == untouched.lightness[:, 0].unfold(1, CELL, CELL).unfold(2, CELL, CELL)).all(dim=(-1, -2))
    assert torch.equal(bare, ~same)
    assert torch.equal(batch.ab.movedim(1, -1)[~bare], untouched.ab.movedim(1, -1)[~bare])
    empty = bare.all(dim=(1, 2))
    assert 10 < int(empty.sum()) < 30
    ranges = [float(plane[b].max() - plane[b].min()) for plane, b in zip(cells, bare, strict=True)]
    assert np.median(ranges) < 20
    tones = cells[empty].mean(dim=(1, 2, 3, 4))
    assert float(tones.min()) < 60
    assert float(tones.max()) > 90


def test_borders_have_no_colour_and_one_tone():
    rgb = np.full((40, 64, 64, 3), (180, 120, 60), np.uint8)
    batch = make_batch(rgb, Augmentation(border=1.0), generators(40))
    framed = (batch.ab == 0).all(dim=1)
    assert framed.any(dim=(1, 2)).float().mean() > 0.5
    assert not framed.all(dim=(1, 2)).any()
    wide = framed.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2)
    inside = float(rgb_to_lab(rgb[0, 0, 0] / 255)[0])
    for i in range(40):
        assert torch.allclose(batch.lightness[i, 0][~wide[i]], torch.tensor(inside), atol=1e-3)
        tones = batch.lightness[i, 0][wide[i]]
        assert len(tones.unique()) <= 1
        assert torch.all((tones <= 12) | (tones >= 80))


def test_hints_tell_the_truth():
    rgb = np.full((20, 64, 64, 3), (180, 120, 60), np.uint8)
    batch = make_batch(rgb, Augmentation(hints=1.0), generators(20))
    given = batch.hints[:, 2:] == 1
    assert given.any(dim=(1, 2, 3)).sum() > 10
    ab = batch.ab[0, :, 0, 0].view(1, 2, 1, 1)
    assert torch.allclose(batch.hints[:, :2], ab * given, atol=1e-4)


def test_batches_do_not_depend_on_threads(photographs, tmp_path):
    def made(source, threads):
        return list(Batches(source, 4, 32, ALL, seed=3, threads=threads).stream(2, 7))

    stored = Photographs([write_set(tmp_path / "set", 10, 1) / "train-00.tar"])
    once = made(photographs, 1)
    assert len(once) == 5
    for other in (made(photographs, 3), made(stored, 2)):
        for a, b in zip(once, other, strict=True):
            assert all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("lightness", "hints", "ab"))
    assert not torch.equal(once[0].lightness, once[1].lightness)
    alone = Batches(photographs, 4, 32, ALL, seed=3).batch(6)
    assert torch.equal(alone.lightness, once[4].lightness)
    assert not torch.equal(alone.lightness, Batches(photographs, 4, 32, ALL, seed=4).batch(6).lightness)


def test_photographs_on_a_device_are_the_same(photographs):
    moved = OnDevice(photographs, "cpu")
    assert moved.names == photographs.names
    assert all(torch.equal(moved[i], torch.tensor(photographs[i])) for i in range(len(photographs)))
    one, other = (Batches(source, 4, 64, Augmentation()).batch(0) for source in (photographs, moved))
    assert torch.allclose(one.ab, other.ab, atol=0.5)


def test_an_epoch_meets_each_photograph_once(photographs):
    batches = Batches(photographs, 4, 32, Augmentation(), seed=1)
    places = [place for step in range(5) for place in batches.indices(step)]
    for epoch in (0, 1):
        assert sorted(index for e, index in places if e == epoch) == list(range(10))
    assert [i for e, i in places if e == 0] != [i for e, i in places if e == 1]


def test_once_goes_through_the_set_in_order(photographs):
    batches = list(Batches(photographs, 4, 64, Augmentation()).once())
    assert [len(batch.ab) for batch in batches] == [4, 4, 2]
    expected = make_batch(
        crop(photographs[9], 64, Augmentation(), np.random.default_rng(0))[None], Augmentation(), generators(1)
    )
    assert torch.allclose(batches[2].lightness[1], expected.lightness[0], atol=1e-3)


def test_a_batch_is_never_larger_than_the_set(photographs):
    assert Batches(photographs, 64, 32, Augmentation()).size == 10
