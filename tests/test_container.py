"""The Dockerfile: its steps, run one after the other in folders that stand for the image, in a clean environment."""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

ROOT = Path(__file__).parents[1]
PHOTOGRAPH = ROOT / "examples" / "photographs" / "lange-1936.jpg"
PATIENCE = 120


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile: (FROM, RUN, ...; what follows)."""
    lines = [line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line]


def sent(path: str) -> bool:
    """Whether Docker is given a file of the repository: what .dockerignore says last of it, or of a folder above."""
    given = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        pattern = line.removeprefix("!").removeprefix("**/")
        places = [str(place) for place in (Path(path), *Path(path).parents)][:-1]
        if line.startswith("**/"):
            places = [Path(place).name for place in places]
        if any(fnmatch(place, pattern) and (pattern != "*" or "/" not in place) for place in places):
            given = line.startswith("!")
    return given


@dataclass
class Image:
    """What the steps make, with a folder for its root."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    volumes: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)

    def place(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def here(self, text: str) -> str:
        """A text that names places of the image, with those of this machine; its programs are this machine's."""
        return re.sub(r"(?<![\w./])/(?=(opt|source|tmp)\b)", f"{self.root}/", text)

    def start(self, words: list[str], **options) -> subprocess.Popen:
        """A program of the image, with its environment and nothing else of ours."""
        environment = {name: self.here(value) for name, value in self.environment.items()}
        program = shutil.which(words[0], path=environment["PATH"])
        return subprocess.Popen(
            [program, *words[1:]],
            cwd=self.place(self.folder),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )


def copied(image: Image, text: str, stages: dict[str, Path]) -> None:
    *sources, target = text.split()
    if sources[0].startswith("--from="):
        _, source = sources
        place = image.place(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Moved: the programs of an environment hold its place.
        (stages[text.split()[0].removeprefix("--from=")] / source.lstrip("/")).rename(place)
        return
    for source in sources:
        folder = image.place(image.folder) / target
        for path in [ROOT / source] if (ROOT / source).is_file() else (ROOT / source).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and sent(name):
                to = folder / (path.name if path == ROOT / source else path.relative_to(ROOT / source))
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)


def ran(image: Image, step: str) -> None:
    done = subprocess.run(
        ["sh", "-c", image.here(step)],
        cwd=image.place(image.folder),
        # Its python is the one of these tests.
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if re.search("Could not find a version|Failed to establish a new connection", done.stderr):
        pytest.skip(f"pip finds no packages here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    folder, stages, name, image = tmp_path_factory.mktemp("container"), {}, "", None
    for step, text in instructions():
        if step == "FROM":
            if image is not None:
                stages[name] = image.root.rename(folder / name)
            image, name = Image(folder / "image"), text.partition(" AS ")[2]
            image.place("/tmp").mkdir(parents=True)
        elif step == "WORKDIR":
            image.folder = text
            image.place(text).mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            copied(image, text, stages)
        elif step == "RUN":
            ran(image, text)
        elif step == "ENV":
            image.environment |= dict(word.split("=", 1) for word in shlex.split(text))
        elif step == "USER":
            image.user = text
        elif step == "VOLUME":
            image.volumes = json.loads(text)
        elif step == "HEALTHCHECK":
            image.health = json.loads(text.partition("CMD ")[2])
        elif step == "ENTRYPOINT":
            image.entry = json.loads(text)
        else:
            assert step == "EXPOSE", step
    return image


@pytest.fixture(scope="module")
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def at_port(words: list[str], port: str) -> list[str]:
    """The words of a command for another port than the image's, which may be in use here."""
    exposed = dict(instructions())["EXPOSE"]
    assert any(exposed in word for word in words)
    return [word.replace(exposed, port) for word in words]


def healthy(image: Image, port: str) -> bool:
    with image.start(at_port(image.health, port)) as check:
        check.communicate(timeout=PATIENCE)
    return check.returncode == 0


def state(image: Image) -> dict[str, tuple[int, int]]:
    """Size and time of every file outside the volumes."""
    volumes = [image.place(volume) for volume in image.volumes]
    found = {}
    for path in image.root.rglob("*"):
        if not any(path.is_relative_to(volume) for volume in volumes):
            status = path.lstat()
            found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def test_the_image_serves_whoever_knows_the_token_and_writes_nowhere_but_in_its_volume(image, port):
    """One test, so that the image is made once."""
    (packages,) = image.place("/opt/tintype").glob("lib/python*/site-packages")
    names = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}
    assert {"tintype_color", "onnxruntime", "uvicorn"} <= names
    assert not {"torch", "matplotlib", "opencv_python_headless", "scipy", "pytest"} & names
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user)
    assert [path.name for path in image.root.iterdir() if path.name != "tmp"] == ["opt"]

    before = state(image)
    assert not healthy(image, port)
    with image.start(at_port(image.entry, port)) as server:
        try:
            token = None
            for line in server.stdout:
                if found := re.search(r"[?&]token=([A-Za-z0-9._~-]+)", line):
                    token = found[1]
                    break
            assert token, "no token is printed"
            assert healthy(image, port)
            with PHOTOGRAPH.open("rb") as photograph:
                client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
                files = {"photo": ("lange.jpg", photograph.read())}
            with client:
                assert client.post("/v1/colorize", files=files).status_code == 401
                client.headers["authorization"] = f"Bearer {token}"
                answer = client.post("/v1/colorize", files=files)
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "image/jpeg"
                assert answer.content[:2] == b"\xff\xd8"
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=PATIENCE)
    assert server.returncode == 143
    assert state(image) == before
    assert not any(image.place("/tmp").iterdir())
