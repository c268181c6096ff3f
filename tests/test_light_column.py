"""What most people install stays light: no torch, nothing of the studio, and nothing heavy before it is needed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tintype

ROOT = Path(__file__).parents[1]


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def test_the_contracts_of_imports_are_kept():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"kept" in done.stdout.lower()


def test_colouring_needs_no_torch(tmp_path, tiny):
    photo = tmp_path / "a.jpg"
    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(photo)
    run(
        "import sys, tintype\n"
        f"tintype.colorize({str(photo)!r}, model={str(tiny)!r})\n"
        "from tintype.cli import main\n"
        f"assert main(['colorize', {str(photo)!r}, '--overwrite', '--model', {str(tiny)!r}]) == 0\n"
        "studio = {'torch', 'msgspec', 'onnx', 'tintype.training', 'tintype.networks', 'tintype.data'}\n"
        "assert not studio & sys.modules.keys(), studio & sys.modules.keys()"
    )


def test_importing_the_package_imports_nothing_heavy():
    run(
        "import sys, tintype\n"
        "heavy = {'numpy', 'onnxruntime', 'pyvips', 'PIL', 'torch', 'cyclopts', 'rich'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )


def test_the_public_names_are_there():
    for name in tintype.__all__:
        assert getattr(tintype, name)
    assert set(dir(tintype)) >= set(tintype.__all__)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/inspect.md"])
def test_the_documents_use_public_names_alone(page):
    """What a page calls `tintype.NAME`, or imports from `tintype`, is in `tintype.__all__`."""
    blocks = re.findall(r"```python\n(.*?)```", Path(page).read_text("utf-8"), re.DOTALL)
    used = {
        name
        for block in blocks
        for name in re.findall(r"(?<![\"'\w])tintype\.(\w+)", re.sub(r"from tintype\.\S+", "", block))
    }
    for names in re.findall(r"^from tintype import (.+)$", "\n".join(blocks), re.MULTILINE):
        used |= set(re.split(r",\s*", names))
    assert used
    assert used <= set(tintype.__all__), used
