"""The parts of KubeRay's schema that the manifest is checked with: `python -m docs.kuberay.schema RAYJOBS.yaml`.

RAYJOBS.yaml is ray-operator/config/crd/bases/ray.io_rayjobs.yaml of github.com/ray-project/kuberay (Apache-2.0).
rayjob.schema.json is written again: of pods and containers only what a manifest such as ours may need, without the
texts, and with what Kubernetes refuses refused: fields that are not known.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

PARTS = {
    "spec": {"containers", "volumes", "nodeSelector", "tolerations", "serviceAccountName", "imagePullSecrets"},
    "containers": {"name", "image", "imagePullPolicy", "command", "args", "env", "envFrom", "ports", "resources"}
    | {"volumeMounts", "lifecycle"},
    "volumes": {"name", "configMap", "secret", "emptyDir", "persistentVolumeClaim"},
}
"""What is kept of the largest parts; of those below a pod's template."""

LEFT_OUT = {"submitterPodTemplate", "autoscalerOptions", "headService", "authOptions", "gcsFaultToleranceOptions"}
"""Large parts that the manifest does not have."""


def pruned(schema: dict, name: str = "", in_pod: bool = False) -> dict:
    """A part of the schema without texts and without what is left out; unknown fields are refused."""
    kept = {key: value for key, value in schema.items() if key in ("type", "enum", "required", "pattern", "anyOf")}
    if schema.get("x-kubernetes-int-or-string"):
        kept.pop("type", None)
    if "properties" in schema:
        wanted = PARTS.get(name, set(schema["properties"])) if in_pod else set(schema["properties"]) - LEFT_OUT
        kept["properties"] = {
            key: pruned(value, key, in_pod or key == "template")
            for key, value in schema["properties"].items()
            if key in wanted
        }
        kept["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = pruned(schema["additionalProperties"], name, in_pod)
    if "items" in schema:
        kept["items"] = pruned(schema["items"], name, in_pod)
    return kept


def main() -> None:
    definition = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    (version,) = (version for version in definition["spec"]["versions"] if version["storage"])
    whole = version["schema"]["openAPIV3Schema"]["properties"]
    schema = {
        "$comment": "Parts of the schema of RayJob of KubeRay (https://github.com/ray-project/kuberay, Apache-2.0), "
        "made by docs/kuberay/schema.py",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": f"{definition['spec']['group']}/{version['name']}"},
            "kind": {"const": definition["spec"]["names"]["kind"]},
            "metadata": {"type": "object", "required": ["name"]},
            "spec": pruned(whole["spec"]),
        },
    }
    place = Path(__file__).with_name("rayjob.schema.json")
    place.write_text(json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
