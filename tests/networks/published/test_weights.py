"""Published weights are read as data, out of files of every kind."""

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import conv2d

from tintype.errors import ConfigError
from tintype.networks.published.weights import plain, read

TABLE = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.tensor(1, dtype=torch.int64)}


class Code:
    """Makes a folder where a pickle of it is run."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("new.pth", lambda path: torch.save(TABLE, path)),
        ("old.pth", lambda path: torch.save(TABLE, path, _use_new_zipfile_serialization=False)),
        ("named.bin", lambda path: torch.save({"params": TABLE, "step": 3}, path)),
        (
            # As fastai writes it, and DeOldify's files are: with a slice among the settings of the optimizer.
            "fastai.pth",
            lambda path: torch.save(
                {"model": TABLE, "opt": {"lr": slice(1, 2)}}, path, _use_new_zipfile_serialization=False
            ),
        ),
        ("several.pth", lambda path: torch.save({f"module.{name}": value for name, value in TABLE.items()}, path)),
        ("half.safetensors", lambda path: save_file({k: v.half() for k, v in TABLE.items()}, path)),
        ("misnamed.pth", lambda path: save_file(TABLE, path)),
    ],
)
def test_the_table_of_weights_is_read(tmp_path, name, save):
    save(tmp_path / name)
    found = read(tmp_path / name)
    assert found.keys() == TABLE.keys()
    for key, value in TABLE.items():
        assert found[key].dtype == torch.float32
        assert torch.equal(found[key], value.float())


@pytest.mark.parametrize("way", ["torch", "pickle"])
def test_code_in_a_pickle_is_never_run(tmp_path, way):
    path = tmp_path / "weights.pth"
    if way == "torch":
        torch.save({"a": torch.zeros(1), "b": Code(tmp_path / "made")}, path)
    else:
        path.write_bytes(pickle.dumps(Code(tmp_path / "made")))
    with pytest.raises(ConfigError, match=r"weights\.pth: is (a pickle that asks for posix\.mkdir|broken)"):
        read(path)
    assert not (tmp_path / "made").exists()
    if way == "pickle":  # The trap works where it is let to.
        pickle.loads(path.read_bytes())
        assert (tmp_path / "made").exists()


def test_other_files_are_refused_in_a_sentence(tmp_path):
    def refused(name, content, match):
        path = tmp_path / name
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(ConfigError, match=match):
            read(path)

    with pytest.raises(ConfigError, match=r"none\.pth: the weights cannot be read \(No such file"):
        read(tmp_path / "none.pth")
    refused("text.pth", b"these are no weights", "is no file of weights of torch")
    refused("empty.caffemodel", b"", "is no file of weights of torch")
    refused("cut.pth", b"PK\x03\x04" + bytes(60), "is broken, or not a file of weights")
    refused("cut.safetensors", b"\x40" + bytes(7) + b'{"a":', "is broken, or not a file of weights")
    refused("model.onnx", b"\x08\x08", "is an ONNX file already")
    refused("list.pth", [1, 2], "holds no table of weights by name")
    refused("run.pt", {"config": {}, "average": TABLE, "step": 1}, "is a checkpoint of tintype; .* tintype export")


def test_norms_are_folded_as_torch_applies_them():
    torch.manual_seed(0)
    spectral = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3))
    for _ in range(3):
        spectral(torch.rand(1, 3, 4, 4))
    spectral.eval()
    weighted = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 5, 1))
    with torch.no_grad():
        of_weight = weighted.parametrizations.weight
        of_weight.original0.uniform_(0.5, 2)
        # Torch has other names for them today than published files have.
        as_published = {"weight_g": of_weight.original0, "weight_v": of_weight.original1, "bias": weighted.bias}
        x = torch.rand(1, 3, 6, 6)
        for layer, held in ((spectral, spectral.state_dict()), (weighted, as_published)):
            weights = plain(held)
            assert weights.keys() == {"weight", "bias"}
            assert torch.allclose(conv2d(x, weights["weight"], weights["bias"]), layer(x), atol=1e-6)
