"""The parts of DDColor against torch's own and numpy, and the whole in the run-time library."""

import math

import numpy as np
import torch
from torch import nn

from exported_networks import exported
from tintype.networks.published import ddcolor
from tintype.networks.published.ddcolor import Attention, Block, Config, Network, places

SMALL = Config(depths=(1, 1, 1, 1), widths=(8, 8, 16, 16), decoder=32, queries=5, layers=3, hidden=16)


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(32, ddcolor.HEADS)
    ours = Attention(32)
    ours.load_state_dict(theirs.state_dict())
    queries, keys, values = (torch.randn(2, n, 32) for n in (3, 7, 7))
    with torch.no_grad():
        expected = theirs(queries.transpose(0, 1), keys.transpose(0, 1), values.transpose(0, 1))[0].transpose(0, 1)
        assert torch.allclose(ours(queries, keys, values), expected, atol=1e-6)


def test_a_block_of_convnext_is_what_the_paper_says():
    torch.manual_seed(0)
    made = Block(3).double()
    with torch.no_grad():
        made.gamma.copy_(torch.tensor([0.5, -1.0, 2.0]))
        x = torch.randn(1, 3, 5, 4, dtype=torch.float64)
        found = made(x)[0].numpy()
    weights = {name: value.numpy() for name, value in made.state_dict().items()}
    padded = np.pad(x[0].numpy(), ((0, 0), (3, 3), (3, 3)))
    for row in range(5):
        for column in range(4):
            near = padded[:, row : row + 7, column : column + 7]
            seen = (weights["dwconv.weight"][:, 0] * near).sum(axis=(1, 2)) + weights["dwconv.bias"]
            seen = (seen - seen.mean()) / np.sqrt(seen.var() + 1e-6) * weights["norm.weight"] + weights["norm.bias"]
            wide = weights["pwconv1.weight"] @ seen + weights["pwconv1.bias"]
            wide = [value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in wide]
            added = weights["gamma"] * (weights["pwconv2.weight"] @ wide + weights["pwconv2.bias"])
            assert np.allclose(found[:, row, column], x[0, :, row, column].numpy() + added, atol=1e-9)


def test_places_are_told_by_waves_of_row_and_column():
    found = places(torch.zeros(1, 8, 2, 3))[0].reshape(2, 3, 8)
    for row in range(2):
        for column in range(3):
            y, x = (row + 1) / 2 * 2 * math.pi, (column + 1) / 3 * 2 * math.pi
            expected = [f(v / w) for v in (y, x) for w in (1, 100) for f in (math.sin, math.cos)]
            assert torch.allclose(found[row, column], torch.tensor(expected), atol=1e-5)


def test_the_last_layer_mixes_the_products_of_queries_and_features_with_the_picture():
    torch.manual_seed(0)
    made = Network(SMALL).eval()
    seen = {}
    for part in ("last_shuf", "color_decoder"):
        made.decoder.get_submodule(part).register_forward_hook(
            lambda module, inputs, output, part=part: seen.update({part: output})
        )
    made.encoder.arch.register_forward_pre_hook(lambda module, inputs: seen.update(picture=inputs[0]))
    with torch.no_grad():
        found = made(torch.rand(1, 1, 32, 64) * 100)
        products = torch.einsum("nqc,nchw->nqhw", seen["color_decoder"], seen["last_shuf"])
        expected = made.refine_net(torch.cat([products, seen["picture"]], dim=1))
    assert expected.std() > 0.01
    assert torch.allclose(found, expected, atol=1e-5)


def test_colours_beyond_any_of_srgb_are_cut_and_keep_their_hue():
    made = Network(SMALL).eval()
    with torch.no_grad():
        made.refine_net[0][0].weight.zero_()
        made.refine_net[0][0].bias.copy_(torch.tensor([-170.0, -85.0]))
        a, b = made(torch.full((1, 1, 32, 32), 50.0))[0, :, 0, 0].tolist()
    assert math.isclose(math.hypot(a, b), ddcolor.REACH, rel_tol=1e-5)
    assert math.isclose(a / b, 2, rel_tol=1e-5)


def test_its_file_agrees_with_torch_at_any_size():
    torch.manual_seed(0)
    made = Network(SMALL).eval()
    lightness = torch.rand(2, 1, 64, 96) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-3)
