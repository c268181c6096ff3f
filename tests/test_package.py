"""The package as a whole: its wheel, its two commands, its map, its style."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import tintype
from tintype.color.lab import rgb_to_lab
from tintype.errors import TintypeError, install_line, not_installed

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = ROOT / "examples" / "photographs"


def run(*command: object, **options) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]

# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def base_distributions(wheel: Path) -> set[str]:
    """What `pip install .` brings: tintype's requirements without extras, and all of theirs."""
    (wheel_metadata,) = metadata.distributions(path=[str(wheel)])
    wanted, found = [wheel_metadata.requires], {wheel_metadata.name, "tintype"}
    while wanted:
        for line in wanted.pop() or []:
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
                continue
            found.add(name)
            wanted.append(metadata.requires(name))
    return found


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "tintype").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert {
        "tintype/py.typed",
        "tintype/color/tables/pts_in_hull.npy",
        "tintype/color/tables/prior_probs.npy",
        "tintype/models/weights/tintype.v2.onnx",
    } <= sources
    licences = {name.rpartition("/")[2] for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    assert (
        wheel.name == f"tintype_color-{tintype.__version__}-py3-none-any.whl"
    )  # nothing in it is built for one system
    for name, size in sizes.items():
        assert size < 24e6, name


def test_a_light_install_brings_no_torch_and_no_studio(wheel):
    studio = {"torch", "onnx", "opencv-python-headless", "scikit-image", "scipy", "tensorboard", "matplotlib"}
    assert not studio & base_distributions(wheel)


def test_the_wheel_installed_alone_colours_a_photograph(wheel, installed, tmp_path):
    base = base_distributions(wheel)
    packages = metadata.packages_distributions()
    foreign = [name for name, owners in packages.items() if not base & {canonicalize_name(owner) for owner in owners}]
    # In a clean environment what tintype does not ask for is not there.
    code = """
import json, sys
foreign, arguments = json.loads(sys.argv[1])
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import tintype
from tintype.cli import main
print(tintype.__file__)
sys.exit(main(arguments))
"""
    result = tmp_path / "coloured.png"
    arguments = ["colorize", str(PHOTOGRAPHS / "lange-1936.jpg"), "-o", str(result)]
    out = run(
        sys.executable,
        "-c",
        code,
        json.dumps([foreign, arguments]),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert Path(out.splitlines()[0]).is_relative_to(installed)
    before = np.asarray(Image.open(PHOTOGRAPHS / "lange-1936.jpg").convert("RGB"))
    after = np.asarray(Image.open(result))
    assert after.shape == before.shape
    before, after = rgb_to_lab(before / 255), rgb_to_lab(after / 255)
    assert np.hypot(*np.moveaxis(after[..., 1:], -1, 0)).mean() > 3
    difference = np.abs(after[..., 0] - before[..., 0])
    assert difference.mean() <= 0.15
    assert difference.max() <= 0.6


# The documents


def commands(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", document, re.MULTILINE | re.DOTALL)


def test_readme_has_two_commands_and_ci_runs_the_second():
    first, *_, second = commands(read(ROOT / "README.md"), "sh")
    assert "\n" not in first + second
    assert read(ROOT / ".ci" / "run").splitlines()[-1] == second
    assert "examples/photographs" in first  # tests/test_docs.py runs it


def test_the_lines_of_python_in_readme_run(tmp_path, monkeypatch):
    (code,) = commands(read(ROOT / "README.md"), "python")
    monkeypatch.chdir(tmp_path)
    photograph = Image.open(PHOTOGRAPHS / "migrant-mother-1936.jpg").resize((99, 128))
    photograph.save("grandmother.jpg")
    names = {"gray": np.asarray(photograph)}
    exec(code, names)
    assert (tmp_path / "grandmother.color.jpg").is_file()
    assert names["coloured"].shape == (128, 99, 3)


def install_lines() -> dict[str, list[str]]:
    """What follows `pip install` in the documents and in the source -> the files that have it."""
    found: dict[str, list[str]] = {}
    documents = [path for suffix in ("md", "toml") for path in ROOT.glob(f"*.{suffix}")]
    for folder in ("docs", "src", "configs", "benchmarks", "examples"):
        documents += [path for suffix in ("md", "py", "jinja", "toml") for path in (ROOT / folder).rglob(f"*.{suffix}")]
    for path in sorted(documents):
        text = re.sub(r"install\s+(?=[\"'.])", "install ", read(path))
        for line in re.findall(r"""pip install ((?:-c \S+ )?(?:-e )?(?:"[^"\n]*"|'[^'\n]*'|[^\s`;&)(]+))""", text):
            found.setdefault(line.replace("'", '"'), []).append(path.relative_to(ROOT).as_posix())
    return found


def test_every_line_that_installs_tintype_is_for_a_clone_and_runs():
    """`pip install tintype` would bring a stranger's code: on the public index that name is another project's."""
    found = install_lines()
    # The one line that is made up when it is said.
    assert found.pop('".[{"') == ["src/tintype/errors.py"]
    assert {"."} < found.keys()
    for extra in PROJECT["optional-dependencies"]:
        if extra != "dev":
            found.setdefault(install_line(extra).removeprefix("pip install "), [])
    lines = {}
    for line, files in found.items():
        if re.fullmatch(r"[A-Za-z][\w.=-]*", line) and not line.startswith("tintype"):
            continue  # another package
        match = re.fullmatch(r"""(?:-c constraints\.txt )?(?:-e )?(?:\.|"\.\[([a-z,]+)\]")""", line)
        assert match, f"pip install {line} in {files}"
        unknown = set((match[1] or "").split(",")) - {"", *PROJECT["optional-dependencies"]}
        assert not unknown, f"pip install {line} in {files}"
        lines[match[0].split()[-1].strip('"')] = files
    # What they install besides tintype is not fetched here.
    flags = ["--dry-run", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, *lines], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, (lines, done.stderr)
    assert f"{PROJECT['name']}-{tintype.__version__}" in done.stdout.replace("_", "-")


def test_what_is_missing_is_said_with_the_line_that_installs_it():
    error = not_installed("Training", "torch", "train")
    assert isinstance(error, TintypeError)
    said = 'Training needs torch, which is not installed: in the folder of tintype, run pip install ".[train]"'
    assert str(error) == said


def test_every_example_photograph_has_its_source():
    named = set(re.findall(r"`([^`]+\.jpg)`", read(PHOTOGRAPHS / "SOURCES.md")))
    assert named == {path.name for path in PHOTOGRAPHS.glob("*.jpg")}


def test_every_included_work_is_in_the_notice():
    notice = read(ROOT / "NOTICE")
    for path in (ROOT / "src" / "tintype").rglob("*"):
        if path.suffix in (".npy", ".onnx"):
            assert path.relative_to(ROOT).as_posix() in notice


def test_the_changelog_knows_this_version():
    assert f"## [{tintype.__version__}]" in read(ROOT / "CHANGELOG.md")


def test_the_map_names_every_file_and_no_other():
    block = re.search(r"```\nsrc/tintype/\n(.*?)```", read(ROOT / "docs" / "architecture.md"), re.DOTALL)[1]
    named, rooms = set(), []
    for line in block.splitlines():
        word = line.split()[0]
        rooms = rooms[: line.index(word) // 2 - 1]
        if word.endswith("/"):
            rooms.append(word)
        else:
            named.add("".join(rooms) + word)
    source = ROOT / "src" / "tintype"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*.py") if path.name != "__init__.py"}
    assert named == files


# The source


def test_every_pinned_version_fits_the_ranges():
    pins = dict(
        line.split("==") for line in read(ROOT / "constraints.txt").split("\n") if "==" in line and line[0] != "#"
    )
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in map(Requirement, (line for lines in lists for line in lines)):
        if requirement.name != PROJECT["name"]:
            assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_what_runs_before_a_commit_has_the_pinned_versions():
    pins = read(ROOT / "constraints.txt").split()
    hooks = re.findall(r'additional_dependencies: \["(.*)"\]', read(ROOT / ".pre-commit-config.yaml"))
    assert len(hooks) == 3
    assert set(hooks) - set(pins) == {"pre-commit-hooks==6.0.0"}  # of which the tests need nothing


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_style(command):
    run(sys.executable, "-m", "ruff", *command, ".", cwd=ROOT)
