"""The parts of DeOldify's generators against numpy, and the whole in the run-time library."""

import numpy as np
import torch

from exported_networks import exported
from tintype.color.lab import gray, rgb_to_lab
from tintype.networks.published.deoldify import Attention, Config, Enlarged, Network


def test_enlarging_lays_channels_out_as_pixels_and_takes_the_mean_of_each_four():
    made = Enlarged(4, 1, norm=False)
    with torch.no_grad():
        made.conv[0].weight.copy_(torch.eye(4)[:, :, None, None])
        made.conv[0].bias.zero_()
        # One pixel of four channels, one of them below zero, is four pixels: 1 2 / 0 4.
        found = made(torch.tensor([1.0, 2.0, -3.0, 4.0]).view(1, 4, 1, 1))
    # With the first row and column repeated: 1 1 2 / 1 1 2 / 0 0 4.
    assert found[0, 0].tolist() == [[1.0, 1.5], [0.5, 1.75]]


def test_attention_is_what_the_paper_says():
    torch.manual_seed(0)
    made = Attention(16).double()
    x = torch.randn(2, 16, 3, 5, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(made(x), x)
        made.gamma.fill_(0.7)
        found = made(x).numpy()
    query, key, value = (layer.weight.detach().numpy()[:, :, 0] for layer in (made.query, made.key, made.value))
    for seen, told in zip(x.numpy().reshape(2, 16, 15), found.reshape(2, 16, 15), strict=True):
        f, g, h = query @ seen, key @ seen, value @ seen
        for j in range(15):
            share = np.exp([f[:, i] @ g[:, j] for i in range(15)])
            expected = 0.7 * sum(share[i] / share.sum() * h[:, i] for i in range(15)) + seen[:, j]
            assert np.allclose(told[:, j], expected, atol=1e-12)


def test_the_colours_keep_u_and_v_and_take_y_from_the_photograph():
    torch.manual_seed(0)
    made = Network(Config(depths=(1, 1, 1, 1), width=4)).eval()
    lightness = torch.rand(1, 1, 32, 32) * 60 + 20
    with torch.no_grad():
        made.layers[11][0].bias.copy_(torch.tensor([0.6, 0.1, -0.3]))
        codes = gray(lightness)
        rgb = made.rgb(codes)[0].permute(1, 2, 0).double().numpy()
        found = made(lightness)[0].permute(1, 2, 0).numpy()
    y = rgb @ [0.299, 0.587, 0.114]
    u, v = 0.492 * (rgb[..., 2] - y), 0.877 * (rgb[..., 0] - y)
    assert np.ptp(u) + np.ptp(v) > 0
    y = codes[0, 0].double().numpy()
    red, blue = y + v / 0.877, y + u / 0.492
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    assert np.allclose(found, rgb_to_lab(np.stack([red, green, blue], -1).clip(0, 1))[..., 1:], atol=2e-3)


def test_their_files_agree_with_torch_at_any_size():
    for wide in (False, True):
        torch.manual_seed(0)
        made = Network(Config(depths=(1, 1, 1, 1), width=4, wide=wide, decoder=0.125 if wide else 1.5)).eval()
        lightness = torch.rand(2, 1, 32, 64) * 100
        with torch.no_grad():
            assert np.allclose(exported(made)(lightness), made(lightness), atol=0.02)
