"""An InferenceService of KServe, and the models that it serves by KServe's runtime for Triton."""

from __future__ import annotations

import json
import re
from pathlib import Path

from zoo.serving.layouts.deployment import Deployment
from zoo.serving.layouts.triton import write_model

MANIFEST = "inference_service.yaml"
MODELS = "models"  # folder whose content belongs where `storage` says
STORAGE = "pvc://models"  # a volume claim of that name
_MAX_NAME = 63  # characters of a name in Kubernetes (RFC 1123)


def write_kserve(folder: Path, deployment: Deployment) -> None:
    """Write manifest and models to an empty folder."""
    write_model(folder / MODELS / deployment.name, deployment)
    (folder / MANIFEST).write_text(manifest(deployment), encoding="utf-8")


def manifest(deployment: Deployment) -> str:
    """Return the manifest; texts are JSON, which YAML takes as it is."""
    return f"""\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {json.dumps(kubernetes_name(deployment.name))}
spec:
  predictor:
    model:
      modelFormat:
        name: onnx
        version: "1"
      runtime: kserve-tritonserver
      protocolVersion: v2
      storageUri: {json.dumps(deployment.storage)}
"""


def kubernetes_name(name: str) -> str:
    """Return a name with what Kubernetes allows: small letters, digits and `-`, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())
    plain = plain if plain[:1].isalpha() else f"model-{plain}"
    return plain[:_MAX_NAME].strip("-")
