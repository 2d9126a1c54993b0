"""What a certificate says of an exported file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from zoo.recipe.load import published_source
from zoo.serving.certificate import CERTIFICATE_VERSION
from zoo.training.run import versions
from zoo.utils.onnx_session import runtime

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.export.parity import Parity


def certificate_facts(
    name: str,
    content: bytes,
    parity: Parity,
    tolerance: float,
    dataset: Dataset,
    *,
    split: str,
    opset: int,
    decisions: str | None,
    awkward_inputs: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what the certificate of a file says.

    Args:
        name: of the file.
        content: of the file.
        parity: how far it is from the model.
        tolerance: what was allowed.
        dataset: the run's data.
        split: what was compared.
        opset: version of the operators.
        decisions: what `label_flips` counts; None where the outputs are no decisions.
        awkward_inputs: what was tried, and how it was answered.
    """
    outputs: dict[str, Mapping[str, float]] = {
        output: {
            "max_abs_difference": each.max_abs_difference,
            "mean_abs_difference": each.mean_abs_difference,
            "tolerance": each.tolerance,
        }
        for output, each in parity.outputs.items()
    }
    return {
        "version": CERTIFICATE_VERSION,
        "file": name,
        "max_abs_difference": parity.max_abs_difference,
        "mean_abs_difference": parity.mean_abs_difference,
        "label_flips": parity.label_flips,
        "samples": parity.samples,
        "tolerance": tolerance,
        "decisions": decisions,
        "outputs": outputs,
        "awkward_inputs": awkward_inputs,
        "runtimes": [runtime()],
        "split": split,
        "data": {"source": published_source(dataset.name), "fingerprint": dataset.fingerprint},
        "opset": opset,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
