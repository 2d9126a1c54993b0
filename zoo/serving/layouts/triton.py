"""A model repository of NVIDIA's Triton Inference Server: `NAME/config.pbtxt` and `NAME/1/model.onnx`.

The configuration is `ModelConfig` of Triton's `model_config.proto` in the text format of protocol buffers.
"""

from __future__ import annotations

from pathlib import Path

from zoo.serving.layouts.deployment import Deployment
from zoo.serving.server.limits import Limits
from zoo.serving.server.tensors import TensorSpec

CONFIG = "config.pbtxt"
FIRST_VERSION = "1"  # the name of its folder
_TYPES = {"BYTES": "TYPE_STRING"}  # of the protocol that have another name; the others are TYPE_ and their name


def write_triton(folder: Path, deployment: Deployment) -> None:
    """Write the repository to an empty folder."""
    write_model(folder / deployment.name, deployment)


def write_model(folder: Path, deployment: Deployment) -> None:
    """Write one model of a repository."""
    deployment.copy_to(folder / FIRST_VERSION)
    (folder / CONFIG).write_text(triton_config(deployment), encoding="ascii")


def triton_config(deployment: Deployment) -> str:
    """Return the configuration: tensors as they are in the file, and batching as `zoo serve` does it."""
    model, limits = deployment.model, Limits()
    lines = [
        f"name: {quoted(deployment.name)}",
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {limits.batch_examples if model.is_batched else 0}",
        *_tensors("input", list(model.inputs.values()), model.is_batched),
        *_tensors("output", list(model.outputs.values()), model.is_batched),
    ]
    if model.is_batched:
        lines.append(f"dynamic_batching {{ max_queue_delay_microseconds: {round(limits.batch_ms * 1000)} }}")
    return "\n".join(lines) + "\n"


def _tensors(field: str, specs: list[TensorSpec], is_batched: bool) -> list[str]:
    lines = [f"{field} ["]
    for place, spec in enumerate(specs):
        sizes = [-1 if size is None else size for size in spec.shape[1 if is_batched else 0 :]]
        lines += [
            "  {",
            f"    name: {quoted(spec.name)}",
            f"    data_type: {_TYPES.get(spec.datatype, 'TYPE_' + spec.datatype)}",
            f"    dims: [ {', '.join(map(str, sizes or [1]))} ]",
            *(["    reshape { shape: [ ] }"] if not sizes else []),  # Triton takes no tensor without dims
            "  }," if place < len(specs) - 1 else "  }",
        ]
    return [*lines, "]"]


def quoted(text: str) -> str:
    """Return a text as the text format of protocol buffers writes it: bytes beyond ASCII as octal escapes."""
    plain = [chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\{b:03o}" for b in text.encode("utf-8")]
    return f'"{"".join(plain)}"'
