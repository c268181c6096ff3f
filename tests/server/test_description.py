"""The OpenAPI description is true: whatever it lets clients ask is answered as it says, and never by a failure."""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving import TOKEN, picture, served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
"""Of each operation, in each mode."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("server") / "folder") as server:
        yield server


@pytest.fixture(scope="module")
def description(server) -> dict:
    return server.client.get("/openapi.json").json()


def test_it_is_openapi_3_1_with_examples_and_names_every_refusal(description):
    assert description["openapi"].startswith("3.1")
    assert description["info"]["title"] == "tintype"
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            if path != "/health":
                assert {"401", "421", "429", "503"} <= operation["responses"].keys(), (method, path)
    for schema in description["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            assert {"examples", "description", "$ref", "type", "anyOf", "items"} & field.keys(), name


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_operation_answers_as_described(server, description, mode):
    schema = schemathesis.openapi.from_dict(description)
    content, kept = picture(), []

    def photo() -> str:
        """The id of a photograph that is there."""
        if not kept or server.client.get(f"/v1/photos/{kept[0]}").status_code == 404:
            kept[:] = [server.add(content).json()["id"]]
        return kept[0]

    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 18
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.path_parameters or operation.query or operation.body):
            continue  # There is nothing to get wrong.

        @seed(25)
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
        def check(case, known):
            # Most ids that are made up lead nowhere, and most bytes are no photograph.
            if known and "id" in case.path_parameters:
                case.path_parameters["id"] = photo()
            if known and isinstance(case.body, dict):
                for name in case.body.keys() & {"photo", "reference"}:
                    case.body[name] = content
                if "photos" in case.body:
                    case.body["photos"] = [photo()]
            headers = {"authorization": f"Bearer {TOKEN}"}
            response = case.call(base_url=server.address, headers=headers, timeout=120)
            case.validate_response(response, checks=CHECKS)

        check()
