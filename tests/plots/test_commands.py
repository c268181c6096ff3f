"""`tintype plot`: each kind by its command, as a user gives it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from running import errors_of, tintype
from small_sets import encode, picture
from tintype.cli.plot import plot
from tintype.errors import TintypeError
from written_runs import write_run

ROOT = Path(__file__).parents[2]
KINDS = sorted(name for name in plot if not name.startswith("-"))


def run(*words):
    plot([str(word) for word in words], exit_on_error=False, print_error=False, result_action="return_value")


@pytest.fixture
def given(tmp_path):
    """What the commands are given, by the word that stands for it."""
    table = tmp_path / "table.csv"
    table.write_text("model,photo,metric,value\na,p,psnr,20\nb,p,psnr,22\n")
    photograph = tmp_path / "photo.png"
    photograph.write_bytes(encode(picture(0)))
    config = ROOT / "configs" / "comparison" / "resunet.gan.toml"
    return {"RUN": write_run(tmp_path / "run"), "TABLE": table, "PHOTO": photograph, "CONFIG": config}


COMMANDS = {
    "curves": "curves RUN RUN --figures loss,chroma -o FILE.png",
    "curves with spaces": "curves RUN RUN --figures loss chroma -o FILE.png",
    "bars": "bars RUN -o FILE.svg",
    "bars of a table": "bars TABLE --against a --points -o FILE.png",
    "priors": "priors published PHOTOS -o FILE.pdf",
    "gamut": "gamut --lightness 25,50 -o FILE.png",
    "gamut with spaces": "gamut --lightness 25 50 -o FILE.png",
    "density": "density PHOTO -o FILE.png",
    "code": "code PHOTO --at 3,4 -o FILE.png",
    "code with a space": "code PHOTO --at 3 4 -o FILE.png",
    "code of a colour": "code #8b5a2b --neighbours 3 -o FILE.png",
    "architecture": "architecture eccv16 --channels 2 --size 64 -o FILE.svg",
    "training": "training CONFIG data.side=64 -o FILE.svg",
    "channels": "channels PHOTO --cell 64 -o FILE.jpg",
    "temperatures": "temperatures PHOTO --model MODEL --at 1,0 --cell 64 -o FILE.png",
    "methods": "methods PHOTO PHOTO --models MODEL,MODEL --cell 64 -o FILE.webp",
    "animation": "animation PHOTO --model MODEL --side 64 --frames 3 -o FILE.gif",
}


def word_of(word, given, folder):
    """A word of a command with the files in place of their names."""
    named = ",".join(str(given.get(part, part)) for part in word.split(","))
    return named.replace("FILE", str(folder / "made"))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_kind_writes_its_picture_and_nothing_else(given, tmp_path, tiny, command):
    given |= {"PHOTOS": tmp_path, "MODEL": tiny}
    before = {*tmp_path.iterdir()}
    words = [word_of(word, given, tmp_path) for word in command.split()]
    run(*words)
    (made,) = {*tmp_path.iterdir()} - before
    assert made == Path(words[-1])
    if made.suffix in (".png", ".jpg", ".webp", ".gif"):
        with Image.open(made) as picture:
            picture.load()
            assert min(picture.size) >= 64


def test_every_kind_is_tried_and_documented():
    assert set(KINDS) == {command.split()[0] for command in COMMANDS.values()}
    page = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert re.search(rf"^## {kind}$", page, re.M), f"docs/pictures.md has no section '## {kind}'"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("curves -o FILE.png", "at least one run"),
        ("curves RUN -o FILE.txt", "does not name a format"),
        ("bars TABLE RUN -o FILE.png", "one table or several runs"),
        ("bars RUN --against a -o FILE.png", "give a table"),
        ("channels PHOTO --cell 4 -o FILE.png", "--cell takes a whole number from 32 to 2048, not 4"),
        ("code PHOTO --at 3 -o FILE.png", "--at takes X,Y such as 200,120, in pixels, not 3"),
        ("gamut --lightness 50 high -o FILE.png", "--lightness takes numbers such as 25,50,75, not 50 high"),
        ("methods -o FILE.png", "at least one photograph"),
        ("animation PHOTO -o FILE.png", r"a name that ends in \.gif, \.webp"),
    ],
)
def test_wrong_usage_is_a_sentence(given, tmp_path, command, words):
    done = tintype("plot", *(word_of(word, given, tmp_path) for word in command.split()), check=2)
    (line,) = errors_of(done)
    assert re.search(words, line)


def test_a_photograph_is_never_written_over(given):
    before = given["PHOTO"].read_bytes()
    with pytest.raises(TintypeError, match="written over itself"):
        run("channels", given["PHOTO"], "-o", given["PHOTO"])
    assert given["PHOTO"].read_bytes() == before


def run_without(absent, code, cwd):
    """Run code in a process in which some packages are not installed."""
    block = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {absent!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from tintype.cli.plot import plot\n"
        "from tintype.errors import TintypeError\n"
        "def run(*words): plot(list(words), exit_on_error=False, print_error=False, result_action='return_value')\n"
    )
    return subprocess.run([sys.executable, "-c", block + code], cwd=cwd, capture_output=True, text=True, timeout=120)


def test_only_the_networks_need_torch(given, tmp_path, tiny):
    code = (
        "run('channels', 'photo.png', '-o', 'channels.jpg')\n"
        f"run('temperatures', 'photo.png', '--model', {str(tiny)!r}, '-o', 'temperatures.jpg')\n"
        f"run('methods', 'photo.png', '--models', {str(tiny)!r}, '-o', 'methods.jpg')\n"
        f"run('animation', 'photo.png', '--model', {str(tiny)!r}, '--frames', '2', '-o', 'animation.webp')\n"
        "run('gamut', '-o', 'gamut.png')\n"
        "run('curves', 'run', '-o', 'curves.png')\n"
        "run('bars', 'table.csv', '-o', 'bars.png')\n"
        "run('priors', 'published', '-o', 'priors.png')\n"
        "run('density', 'photo.png', '-o', 'density.png')\n"
        "run('code', 'photo.png', '-o', 'code.png')\n"
        "try: run('architecture', 'eccv16', '-o', 'architecture.svg')\n"
        "except TintypeError as error: print(error)\n"
    )
    done = run_without({"torch", "onnx", "msgspec", "safetensors", "tensorboard", "requests"}, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'pip install ".[train]"' in done.stdout
    assert len([*tmp_path.glob("*.jpg"), *tmp_path.glob("*.webp"), *tmp_path.glob("*.png")]) == 11


def test_without_matplotlib_it_is_said_how_to_get_it(given, tmp_path):
    code = (
        "for words in (['gamut', '-o', 'a.png'], ['curves', 'run', '-o', 'a.png'], "
        "['channels', 'photo.png', '-o', 'a.jpg']):\n"
        "    try: run(*words)\n"
        "    except TintypeError as error: print(error)\n"
    )
    done = run_without({"matplotlib"}, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('pip install ".[plot]"') == 3
    assert not list(tmp_path.glob("a.*"))


def test_the_command_imports_nothing_heavy():
    code = (
        "import sys, tintype.cli.plot\n"
        "heavy = {'numpy', 'onnxruntime', 'pyvips', 'PIL', 'torch', 'msgspec', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
