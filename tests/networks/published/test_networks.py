"""Published weights compute what the authors' programs compute, from the same inputs."""

import pytest
import torch
from torch.nn import functional as f

from published_weights import hollow_weights, layout, random_weights
from tintype.color.bins import published_bins
from tintype.networks.published.networks import build
from tintype.targets import Ab

STRIDES = {1: 2, 2: 2, 3: 2}


def picture():
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(1, 1, 16, 24, generator=generator) * 100
    hints = torch.zeros(1, 3, 16, 24)
    hints[:, :, 4:8, 6:10] = torch.tensor([40.0, -25.0, 1.0]).view(1, 3, 1, 1)
    return lightness, hints


class Caffe:
    """The layers of a Caffe network, by the names of their blobs."""

    def __init__(self, blobs):
        self.blobs = blobs

    def conv(self, name, x, **more):
        kernel = self.blobs[f"{name}/0"]
        padding = kernel.shape[2] // 2 * more.get("dilation", 1)
        return f.conv2d(x, kernel, self.blobs[f"{name}/1"], padding=padding, **more)

    def up(self, name, x):
        return f.conv_transpose2d(x, self.blobs[f"{name}/0"], self.blobs[f"{name}/1"], stride=2, padding=1)

    def norm(self, name, x):
        mean, variance = (self.blobs[f"{name}/{i}"] / self.blobs[f"{name}/2"] for i in (0, 1))
        return f.batch_norm(x, mean, variance, eps=1e-5)

    def block(self, number, count, x, *, stride=1, dilation=1, first=1):
        for place in range(first, count + 1):
            here = stride if place == count else 1
            x = f.relu(self.conv(f"conv{number}_{place}", x, stride=here, dilation=dilation))
        return self.norm(f"conv{number}_{count}norm", x)


def caffe_weights(name):
    weights = random_weights(layout(name).shapes)
    for blob in weights:
        if "norm/" in blob:  # Sums over 999 batches, as Caffe keeps them.
            weights[blob] = torch.tensor([999.0]) if blob.endswith("/2") else 999 * (weights[blob].abs() + 0.5)
    return weights


def test_eccv16_of_caffe():
    known, weights = layout("eccv16.caffe"), caffe_weights("eccv16.caffe")
    lightness, hints = picture()
    net = Caffe(weights)
    with torch.no_grad():
        x = f.relu(net.conv("bw_conv1_1", lightness - 50))
        x = net.block(1, 2, x, stride=2, first=2)
        x = net.block(3, 3, net.block(2, 2, x, stride=2), stride=2)
        x = net.block(7, 3, net.block(6, 3, net.block(5, 3, net.block(4, 3, x), dilation=2), dilation=2))
        x = f.relu(net.up("conv8_1", x))
        for name in ("conv8_2", "conv8_3"):
            x = f.relu(net.conv(name, x))
        logits = net.conv("conv8_313", x)
        built = build(known, weights)
        found = built.network(lightness, hints)
        assert logits.std() > 0.01
        assert torch.allclose(found, logits, rtol=1e-3, atol=1e-4)
        # The decoding is a softmax of 2.606 times the logits, over the published colours.
        assert built.temperature == pytest.approx(1 / 2.606)
        assert (built.bins == published_bins()).all()
        scaled = build(known, weights | {"conv8_313_rh/0": torch.full((313,), 5.212)}).network(lightness, hints)
        assert torch.allclose(scaled, 2 * logits, rtol=1e-3, atol=1e-4)


def test_siggraph17_of_caffe_with_a_hint():
    weights = caffe_weights("siggraph17.caffe")
    net = Caffe(weights)
    lightness, hints = picture()

    def colours(hints):
        """As the authors' program feeds it: L* - 50, a*b* as they are, and 110 where there is a hint."""
        given = torch.cat([hints[:, :2], 110 * hints[:, 2:]], dim=1)
        x = f.relu(net.conv("bw_conv1_1", lightness - 50) + net.conv("ab_conv1_1", given))
        one = net.block(1, 2, x, first=2)
        two = net.block(2, 2, one[:, :, ::2, ::2])
        three = net.block(3, 3, two[:, :, ::2, ::2])
        x = net.block(4, 3, three[:, :, ::2, ::2])
        x = net.block(7, 3, net.block(6, 3, net.block(5, 3, x, dilation=2), dilation=2))
        x = f.relu(net.up("conv8_1", x) + net.conv("conv3_3_short", three))
        x = net.norm("conv8_3norm", f.relu(net.conv("conv8_3", f.relu(net.conv("conv8_2", x)))))
        x = f.relu(net.up("conv9_1", x) + net.conv("conv2_2_short", two))
        x = net.norm("conv9_2norm", f.relu(net.conv("conv9_2", x)))
        x = f.relu(net.up("conv10_1", x) + net.conv("conv1_2_short", one))
        return 100 * torch.tanh(net.conv("conv10_ab", f.leaky_relu(net.conv("conv10_2", x), 0.2)))

    built = build(layout("siggraph17.caffe"), weights)
    target = Ab(built.scale, built.bounded)
    with torch.no_grad():
        none, one = colours(torch.zeros_like(hints)), colours(hints)
        assert (one - none).abs().max() > 1
        for given, expected in ((torch.zeros_like(hints), none), (hints, one)):
            found = target.ab(built.network(lightness, given)[0], lightness, 1.0)
            assert torch.allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("given", [(), (0.5,)])
def test_siggraph17_of_the_port_sees_a_hint_in_its_scales(given):
    weights = hollow_weights(layout("siggraph17.port").shapes) | {"model_out.0.bias": torch.tensor([0.3, -2.0])}
    built = build(layout("siggraph17.port"), weights, *given)
    lightness, hints = picture()
    seen = []
    built.network.model1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        main, _ = built.network(lightness, hints)
        ab = Ab(built.scale, built.bounded).ab(main, lightness, 1.0)
    # The published weights take the mask as it is.
    expected = [(lightness - 50) / 100, hints[:, :2] / 110, hints[:, 2:] - (given[0] if given else 0)]
    assert torch.allclose(seen[0], torch.cat(expected, dim=1))
    assert torch.allclose(ab[0, :, 0, 0], 110 * torch.tanh(torch.tensor([0.3, -2.0])))


def test_the_norms_of_deoldify_are_folded_in():
    weights = random_weights(layout("deoldify.artistic").shapes)
    stem = "layers.3.0.0.weight"
    kernel = weights[f"{stem}_orig"].clone()
    largest = weights[f"{stem}_u"] @ kernel.flatten(1) @ weights[f"{stem}_v"]
    built = build(layout("deoldify.artistic"), weights)
    assert torch.allclose(built.network.state_dict()[stem], kernel / largest)
    assert (built.bins, built.scale, built.bounded) == (None, 1.0, False)


def test_ddcolor_takes_all_its_weights():
    built = build(layout("ddcolor.tiny"), hollow_weights(layout("ddcolor.tiny").shapes))
    assert not any(value.numel() and value.flatten()[0] > 0 for value in built.network.state_dict().values())
