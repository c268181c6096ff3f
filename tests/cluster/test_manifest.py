"""The manifest for KubeRay keeps to those parts of KubeRay's schema that it needs."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "kuberay"


@pytest.fixture
def manifest():
    return yaml.safe_load((FOLDER / "rayjob.yaml").read_text(encoding="utf-8"))


def test_the_manifest_passes_the_schema(manifest):
    schema = json.loads((FOLDER / "rayjob.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(manifest, schema)
    # The check would find a field that there is not.
    manifest["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["images"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="images"):
        jsonschema.validate(manifest, schema)


def test_the_manifest_has_the_versions_that_the_tests_run_with(manifest):
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert f"ray=={manifest['spec']['rayClusterSpec']['rayVersion']}" in pins
    assert manifest["spec"]["entrypoint"].startswith("tintype colorize s3://")
