"""The notebooks run from top to bottom, one of them with the plain install alone, and are small."""

import ast
import re
import sys

import nbformat
import pytest

from notebooks.execute import HERE, INSTALL, LARGE, execute, tags

NOTEBOOKS = sorted(HERE.glob("*.ipynb"))

LARGEST = 700_000
"""Bytes of a notebook with what it shows."""

ABSENT = """
for name in ("torch", "matplotlib", "cv2", "scipy", "skimage", "requests"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        assert "light install" in str(error)
    else:
        raise AssertionError(name)
"""


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def anchors(text: str) -> set[str]:
    """What the headings of a page are linked by."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def pictures(notebook: nbformat.NotebookNode) -> int:
    data = [output.data for cell in code(notebook) for output in cell.outputs if "data" in output]
    return sum(any(kind.startswith("image/") or "<svg" in str(each[kind]) for kind in each) for each in data)


def test_colorization_needs_the_plain_install_alone():
    done = execute(HERE / "colorization.ipynb", parameters=ABSENT, only_light=True, timeout=600)
    assert pictures(done) > 15
    (slider,) = [cell for cell in code(done) if LARGE in tags(cell)]
    assert "in colour" in slider.outputs[0].data["text/html"]


def test_train_your_own_trains_exports_and_colours():
    """Two of its four runs, with two steps each: whole, it takes minutes."""
    short = 'STEPS, RUNS = 2, ["classes", "timid"]'
    done = execute(HERE / "train_your_own.ipynb", parameters=short, timeout=600)
    said = "".join(output.text for cell in code(done) for output in cell.outputs if output.output_type == "stream")
    assert "step 2/2  validation" in said
    assert "self-supervised: classes at T = 1" in said
    assert pictures(done) > 8


def test_colorization_imports_what_the_plain_install_brings_by_name():
    """A kernel brings modules of its own, which the notebook must not use."""
    notebook = nbformat.read(HERE / "colorization.ipynb", nbformat.NO_CONVERT)
    used = set()
    for cell in code(notebook):
        if INSTALL not in tags(cell):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    used |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    used.add(node.module.partition(".")[0])
    assert used - sys.stdlib_module_names == {"IPython", "PIL", "numpy", "tintype"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_keeps_no_trace_of_who_ran_it(path):
    assert path.stat().st_size <= LARGEST
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    for cell in code(notebook):
        assert cell.execution_count is None
        assert not cell.outputs or not {INSTALL, LARGE} & set(tags(cell)), cell.source
        for output in cell.outputs:
            assert output.output_type in ("stream", "display_data", "execute_result"), output
            assert not re.search(r"(/home|/root|/tmp|/work|/Users|C:\\)", str(output)), cell.source
    assert pictures(notebook) > 5, "python -m notebooks.execute runs a notebook and keeps what it shows"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_somewhere(path):
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert targets
    for target in targets:
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(text if there == path else there.read_text(encoding="utf-8")), target
