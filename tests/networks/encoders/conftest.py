from pathlib import Path

import pytest

WEIGHTS = Path(__file__).parents[4] / "shared" / "data" / "weights"


@pytest.fixture
def shared():
    """The path of a file of pretrained weights that only the workshop has, by its name."""

    def path_of(name: str) -> str:
        path = WEIGHTS / f"{name}_fp16.safetensors"
        if not path.is_file():
            pytest.skip(f"{path} is not here: the pretrained weights are not part of the repository")
        return str(path)

    return path_of
