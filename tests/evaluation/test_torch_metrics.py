"""Metrics that ask a network, against counts and figures from outside where the weights are here."""

import csv
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from safetensors.torch import save_file

from tintype.color.lab import gray, lightness
from tintype.errors import ConfigError, ModelError
from tintype.evaluation.metrics import fid
from tintype.evaluation.torch_metrics import Inception, classify, imagenet_class, imagenet_classes, lpips
from tintype.losses import Lpips
from tintype.networks.encoders import vgg16
from tintype.networks.encoders.mobilenetv2 import MobileNetV2, Same

DATA = Path(__file__).parents[3] / "shared" / "data"
WEIGHTS = DATA / "weights" / "mobilenetv2_100_keras_full_fp16.safetensors"

# Classes


def test_classes_stand_where_everybody_has_them():
    classes = imagenet_classes()
    assert len(set(classes)) == 1000
    assert list(classes) == sorted(classes)
    known = {0: "n01440764", 207: "n02099601", 281: "n02123045", 388: "n02510455", 934: "n07697537", 999: "n15075141"}
    assert {index: classes[index] for index in known} == known


def test_names_tell_the_class():
    assert imagenet_class("n01440764_tench.JPEG") == imagenet_class("imagenet-n01440764_tench.jpg") == "n01440764"
    assert imagenet_class("kodim01.png") is None
    assert imagenet_class("n00000000_nothing.JPEG") is None
    assert imagenet_class("plan01440764.jpg") is None


# MobileNetV2


def test_mobilenet_has_the_parameters_of_the_published_network():
    network = MobileNetV2()
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_504_872  # timm's and torchvision's count
    assert network(torch.rand(2, 3, 33, 64)).shape == (2, 1000)


@pytest.mark.parametrize(("side", "stride", "before", "after"), [(6, 2, 0, 1), (7, 2, 1, 1), (6, 1, 1, 1)])
def test_padding_is_that_of_tensorflow(side, stride, before, after):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 2, side, 9, generator=generator)
    layer = Same(2, 4, 3, stride, bias=False)
    across = (1, 1)  # 9 is odd
    expected = torch.conv2d(torch.nn.functional.pad(x, (*across, before, after)), layer.weight, None, stride)
    assert torch.allclose(layer(x), expected)
    assert layer(x).shape[2] == -(-side // stride)


def test_a_file_of_another_network_is_refused(tmp_path):
    save_file({"conv_stem.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match=r"not MobileNetV2 1\.0"):
        MobileNetV2().load(str(tmp_path / "other.safetensors"))


def test_the_class_is_the_highest_output():
    network = MobileNetV2()
    network.classifier.bias[207] = 1e6
    assert classify(network, np.zeros((32, 48, 3), np.uint8)) == "n02099601"
    with pytest.raises(ValueError, match="8-bit"):
        classify(network, np.zeros((32, 48, 3)))


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="the pretrained weights are not part of the repository")
def test_the_classifier_reads_colour_better_than_gray():
    with (DATA / "eval_manifest.csv").open() as file:
        labels = {row["file"]: imagenet_class(row["original_path"]) for row in csv.DictReader(file)}
    assert sum(label is not None for label in labels.values()) == 440
    network = MobileNetV2()
    network.load(str(WEIGHTS))
    right = []
    with tarfile.open(DATA / "eval.tar") as tar:
        for member in [m for m in tar if labels.get(Path(m.name).name)][::11]:
            truth = np.asarray(Image.open(BytesIO(tar.extractfile(member).read())).convert("RGB"))
            as_gray = np.rint(gray(lightness(truth / np.float32(255))) * 255).astype(np.uint8)
            label = labels[Path(member.name).name]
            right.append([classify(network, x) == label for x in (truth, np.repeat(as_gray[..., None], 3, axis=2))])
    # On 100 of these photographs 86 % in colour and 67 % in gray were measured by others with this file.
    assert np.mean(right, axis=0) == pytest.approx([0.86, 0.67], abs=0.12)


# LPIPS


def test_lpips_of_photographs(tmp_path):
    generator = torch.Generator().manual_seed(0)
    weights, inside, place = {}, 3, 0
    for width, count in vgg16.STAGES:
        for _ in range(count):
            weights[f"features.{place}.weight"] = (
                torch.randn(width, inside, 3, 3, generator=generator) / inside**0.5 / 3
            )
            weights[f"features.{place}.bias"] = torch.zeros(width)
            inside, place = width, place + 2
        place += 1
    save_file(weights, tmp_path / "vgg16.safetensors")
    lines = {f"lin{i}.model.1.weight": torch.ones(1, width, 1, 1) for i, (width, _) in enumerate(vgg16.STAGES)}
    save_file(lines, tmp_path / "lines.safetensors")
    network = Lpips(tmp_path / "vgg16.safetensors", tmp_path / "lines.safetensors")
    prediction, truth = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)
    assert lpips(network, truth, truth) == 0
    # In the network's own terms: code values in [0, 1], channels first.
    inputs = [torch.tensor(x.astype(np.float32) / 255).permute(2, 0, 1)[None] for x in (prediction, truth)]
    assert lpips(network, prediction, truth) == pytest.approx(network(*inputs).item(), rel=1e-5)
    # Weights of 1 make each level the squared distance of two unit vectors without negative entries: 2 at most.
    assert 0 < lpips(network, prediction, truth) < 10
    with pytest.raises(ValueError, match="the same shape"):
        lpips(network, prediction, truth[1:])


# FID


def mean_colour(path: Path) -> Path:
    """An ONNX file of the form that `Inception` takes, whose three features are the mean colour."""
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["rgb"], ["features"])],
        "mean",
        [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3, 1, 1])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_features_of_a_file_give_the_fid(tmp_path):
    inception = Inception(mean_colour(tmp_path / "mean.onnx"))
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, :3, 1] = 255
    assert inception(picture) == pytest.approx([0, 0.5, 0])
    # One feature spreads, by a deviation of sqrt(1 / 2) here and of none there, and the means are 1 / 2 apart.
    black, white = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)
    white[..., 0] = 255
    spread, still = (np.stack([inception(x) for x in pair]) for pair in ((black, white), (black, black)))
    assert fid(spread, still) == pytest.approx(0.5 + 0.25)


def test_files_that_give_no_features_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        Inception(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"broken\.onnx gives no features"):
        Inception(tmp_path / "broken.onnx")
    with pytest.raises(ValueError, match="8-bit"):
        Inception(mean_colour(tmp_path / "mean.onnx"))(np.zeros((4, 4, 3)))
