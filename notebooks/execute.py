"""Notebooks, run from top to bottom. `python -m notebooks.execute colorization` runs one and keeps what it shows."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent

INSTALL, LARGE, PARAMETERS = "install", "large", "parameters"
"""Tags of cells: one that installs tintype, which is left out; one whose output is not kept; and one with settings."""

KERNEL = "ipykernel"

BLOCK = """\
import sys


class Absent:
    blocked = {blocked!r}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}: the light install does not have it", name=name)


sys.meta_path.insert(0, Absent())
"""
"""A sitecustomize for the kernel, in which modules look as if they were not installed."""


def light() -> set[str]:
    """The distributions, by their normal names, that the plain install of tintype and a kernel bring."""
    text = (HERE.parent / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    found, ahead = {normal(project["name"])}, [*project["dependencies"], KERNEL]
    while ahead:
        wanted = ahead.pop()
        name = normal(re.split(r"[^\w.-]", wanted, maxsplit=1)[0])
        if name in found or "extra ==" in wanted:
            continue
        try:
            ahead += requires(name) or []
        except PackageNotFoundError:
            continue  # of another system or Python
        found.add(name)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def execute(
    path: Path,
    folder: Path = HERE,
    *,
    parameters: str = "",
    only_light: bool = False,
    timeout: int = 1200,
) -> nbformat.NotebookNode:
    """A notebook with what its cells show, from top to bottom; the cell that installs is left out.

    Args:
        folder: the working directory.
        parameters: lines that are run after the cell with settings.
        only_light: modules that the plain install of tintype does not bring look as if they were not installed.
        timeout: seconds for each cell.
    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    whole, notebook.cells = notebook.cells, []
    for cell in whole:
        if INSTALL not in tags(cell):
            notebook.cells.append(cell)
        if PARAMETERS in tags(cell) and parameters:
            notebook.cells.append(nbformat.v4.new_code_cell(parameters))
    with TemporaryDirectory() as private:
        blocked = set[str]()
        if only_light:
            have = light()
            blocked = {
                module
                for module, owners in packages_distributions().items()
                if not {normal(owner) for owner in owners} & have
            }
        Path(private, "sitecustomize.py").write_text(BLOCK.format(blocked=blocked), encoding="utf-8")
        here = os.pathsep.join(filter(None, [private, os.environ.get("PYTHONPATH")]))
        # Neither the settings of a person nor their other kernels have a say.
        own = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR")
        client = NotebookClient(
            notebook, timeout=timeout, record_timing=False, resources={"metadata": {"path": folder}}
        )
        client.create_kernel_manager()
        if os.name == "posix":
            client.km.transport, client.km.ip = "ipc", str(Path(private, "kernel"))  # nobody else can listen
        client.execute(env={**os.environ, **dict.fromkeys(own, private), "PYTHONPATH": here})
    return notebook


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def keep(path: Path, done: nbformat.NotebookNode) -> None:
    """Write what the cells showed into the notebook, other than what is large."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    shown = {cell.id: cell for cell in done.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [] if cell.id not in shown or LARGE in tags(cell) else shown[cell.id].outputs
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
    nbformat.write(notebook, path)


def main() -> None:
    for name in sys.argv[1:]:
        path = HERE / f"{name}.ipynb"
        keep(path, execute(path, only_light=name == "colorization"))
        print(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
