"""`zoo export NAME --weights SOURCE --output FILE`: a published network as an ONNX file, without training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.backend.startup import choose_backend, start_keras
from zoo.commands.reopen import SILENT
from zoo.errors import ZooError

if TYPE_CHECKING:
    from rich.console import Console

_EXPORTING = "tensorflow"  # the backend whose models tf2onnx reads


def export_weights(
    name: str,
    weights: str,
    output: str | os.PathLike[str] | None,
    *,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    task: str | None = None,
    console: Console = SILENT,
) -> dict[str, Any]:
    """Write a published network, with its preprocessing and labels, as ONNX from raw input.

    Args:
        name: the builder.
        weights: source of the weights: `package:NAME`, `file:PATH`, `hf:ORG/NAME[@REVISION]` or `keras:NAME`.
        output: the file to write.
        labels: names of the classes, or a file with a name a line; those that are known for the weights where left out.
        task: "image_classification", "representation_learning" (features) or "language_modeling"; that of the weights
            where left out.
        console: where progress is shown.

    Returns:
        The certificate, and `path`, the file.

    Raises:
        ZooError: the weights cannot be had or do not fit, there are no labels, or the file is not equal to the model.
    """
    if output is None:
        raise ZooError("a published network is written to a file: give --output FILE")
    path = Path(output)
    if path.suffix != ".onnx":
        raise ZooError(f"--output {path}: expected a file that ends in .onnx")
    choose_backend(_EXPORTING)
    start_keras()
    from zoo.export.published import export_published

    console.print(f"Exporting {name} with {weights}", markup=False)
    certificate = export_published(name, weights, path, labels=_labels(labels), task=task)
    for note in certificate["notes"]:
        console.print(f"  {note}", markup=False)
    console.print(
        f"Exported {certificate['bytes'] / 1024:,.0f} KB: largest difference from Keras "
        f"{certificate['max_abs_difference']:.1e} on {certificate['samples']} generated examples"
    )
    if not certificate["certificate"]:
        console.print("  certificate.json there is that of another file: none was written for this one")
    return certificate


def _labels(given: str | os.PathLike[str] | Sequence[str] | None) -> list[str] | None:
    if given is None or (isinstance(given, Sequence) and not isinstance(given, str)):
        return None if given is None else list(given)
    path = Path(given)
    try:
        return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"--labels {path}: not readable as text: {error}") from error
