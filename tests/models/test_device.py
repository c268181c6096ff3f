"""Devices that are missing or broken are named in one sentence; those that work give the colours of the CPU."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tintype.cli import main
from tintype.colorizer import Colorizer
from tintype.errors import DeviceError, OptionError
from tintype.models import devices, load
from tintype.models.device import PROVIDERS, absence
from tintype.models.runtime import installed
from tintype.photo import read

HERE = installed()

ABSENT = [device for device in PROVIDERS if device not in HERE]

PHOTOGRAPHS = sorted((Path(__file__).parents[2] / "examples/photographs").glob("*.jpg"))


def test_a_device_is_known_by_its_name():
    with pytest.raises(OptionError, match="must be auto, cpu, cuda, directml, coreml or openvino, not 'gpu'"):
        load("tintype.mini", device="gpu")


@pytest.mark.parametrize("device", ABSENT)
def test_what_to_install_is_said(device):
    with pytest.raises(DeviceError) as refused:
        load("tintype.mini", device=device)
    words = str(refused.value)
    assert f"The device {device}" in words
    assert "\n" not in words
    if PROVIDERS[device].system in (None, sys.platform):
        assert f'install "{PROVIDERS[device].wheel}" in its place' in words
        assert "uninstall onnxruntime" in words


def test_a_device_of_another_system_is_said_to_be():
    other = "coreml" if sys.platform == "win32" else "directml"
    assert absence(other, ["cuda", "cpu"], "onnxruntime-gpu").endswith("alone: use cuda or cpu")


def test_each_device_says_whether_it_works(capsys):
    found = devices()
    assert list(found) == ["cpu", *PROVIDERS]
    assert found["cpu"] == ""
    assert all(found[device] for device in ABSENT)
    assert main(["models", "--devices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [[name, fault or "works"] for name, fault in found.items()]


def test_the_default_is_the_cpu_and_auto_always_works(tiny):
    assert load(tiny).device == "cpu"
    assert Colorizer(tiny).model.device == "cpu"
    model = load(tiny, device="auto")
    assert model.device in HERE
    assert pickle.loads(pickle.dumps(model)).device == model.device


def test_the_command_line_says_which_device_auto_took(tmp_path, capsysbinary):
    photo = str(PHOTOGRAPHS[0])
    auto = next((device for device in HERE if device in ("cuda", "directml", "openvino")), "cpu")
    for output in (f"{tmp_path}/a.jpg", "-"):
        assert main(["colorize", photo, "-o", output, "--model", "tintype.mini", "--device", "auto"]) == 0
        assert f" s, on {auto})" in capsysbinary.readouterr().err.decode()
    assert main(["colorize", photo, "-o", f"{tmp_path}/b.jpg", "--model", "tintype.mini"]) == 0
    assert b", on " not in capsysbinary.readouterr().err


def test_the_command_line_refuses_a_device_before_it_begins(tiny, tmp_path, capsys):
    if not ABSENT:
        pytest.skip("all devices are installed here")
    photo = PHOTOGRAPHS[0]
    for command in (
        ["colorize", str(photo), "-o", f"{tmp_path}/a.jpg"],
        ["inspect", str(photo), "-o", f"{tmp_path}/b.png"],
        ["sheet", str(photo), "-o", f"{tmp_path}/c.jpg"],
        ["serve", "--port", "0"],
    ):
        assert main([*command, "--device", ABSENT[0]]) == 2
        assert f"The device {ABSENT[0]}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["colorize", str(photo), "--device", "gpu"]) == 2


@pytest.mark.skipif(
    "openvino" not in HERE,
    reason="no OpenVINO here: onnxruntime-openvino replaces onnxruntime, onnxruntime-ep-openvino is for Intel's",
)
def test_openvino_gives_the_colours_of_the_cpu_within_one_code():
    model, other = load(), load(device="openvino")
    assert other.device == "openvino"
    assert other.batch > 1
    photos = [read(path) for path in PHOTOGRAPHS]

    def painted(opened):
        return lambda photo: np.concatenate(list(Colorizer(opened, threads=1).look(photo).paint(size=600, depth=8)))

    with ThreadPoolExecutor(4) as pool:
        pairs = list(zip(map(painted(model), photos), pool.map(painted(other), photos), strict=True))
    apart = np.concatenate([np.abs(mine.astype(int) - theirs).max(axis=2).ravel() for mine, theirs in pairs])
    assert (apart <= 1).mean() >= 0.999
