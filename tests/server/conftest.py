"""A service and its application in this process, with the small model."""

import asyncio
import io
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
import httpx

from tintype.server.application import application
from tintype.server.folder import Folder
from tintype.server.models import Models
from tintype.server.service import Bounds, Service

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"

MODEL = "tintype.mini"


@pytest.fixture(scope="session")
def reference() -> bytes:
    """The file of a photograph in colours: sky above, leaves below, a red thing in the middle."""
    light = np.asarray(Image.open(PHOTOGRAPHS / "migrant-mother-1936.jpg").convert("L").resize((180, 240))) / 255.0
    colours = np.repeat(light[..., None], 3, axis=2)
    colours[:100] *= (0.6, 0.8, 1.0)
    colours[100:] *= (0.6, 1.0, 0.5)
    colours[80:160, 60:120] = light[80:160, 60:120, None] * (1.0, 0.4, 0.3)
    memory = io.BytesIO()
    Image.fromarray((colours * 255).astype(np.uint8)).save(memory, "PNG")
    return memory.getvalue()


class Client:
    """Asks an application of this process, and waits for the answer."""

    def __init__(self, application, **options):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost", **options)

    def request(self, method: str, path: str, **options) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture(scope="session")
def models():
    return Models(MODEL, 1)


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """The file of a photograph of 270 x 360 pixels."""
    memory = io.BytesIO()
    with Image.open(PHOTOGRAPHS / "migrant-mother-1936.jpg") as image:
        image.convert("L").resize((270, 360)).save(memory, "JPEG", quality=92, dpi=(300, 300), comment=b"1936")
    return memory.getvalue()


@pytest.fixture(scope="module")
def serving(models, tmp_path_factory):
    """`serving(token=..., upload=..., ...)`: a service with bounds of its own, and a client of it."""
    begun = []

    def begin(token: str | None = None, disk: int = 1 << 30, **bounds) -> tuple[Service, Client]:
        folder = tmp_path_factory.mktemp("private")
        service = Service(models, Folder(folder, disk), Bounds(**bounds), threads=1, token=token)
        begun.append((service, Client(application(service))))
        return begun[-1]

    yield begin
    for service, client in begun:
        service.close()
        client.close()


@pytest.fixture(scope="module")
def served(serving):
    return serving()


@pytest.fixture
def service(served) -> Service:
    return served[0]


@pytest.fixture
def client(served) -> Client:
    return served[1]


@pytest.fixture
def add(client, photograph):
    """`add(**fields)`: upload the photograph; what is answered."""

    def send(content: bytes = photograph, name: str = "street.jpg", **fields) -> dict:
        response = client.post("/v1/photos", files={"photo": (name, content)}, data=fields)
        assert response.status_code == 201, response.text
        return response.json()

    return send


@pytest.fixture
def refusal():
    """`refusal(response, status)`: the sentence of a response that refuses, as problem+json."""

    def sentence(response, status: int) -> str:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == status
        assert set(problem) == {"type", "title", "status", "detail"}
        return problem["detail"]

    return sentence
