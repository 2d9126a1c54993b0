"""`zoo predict`: from files to labels and probabilities, or values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.serving.inputs import read_inputs
from zoo.serving.session import ExportedModel


def predict(file: str | Path, inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Predict with an exported file.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images, CSV, Parquet or npz files.

    Returns:
        For each example `input` (file, and row where a file holds several) with `label` and `probabilities` (class
        name to probability), or with `value`.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    model = ExportedModel(file)
    results: list[dict[str, Any]] = []
    for names, raw in list(read_inputs(model, inputs)):  # all inputs are read before the first result
        prediction = model.predict(raw)
        for row, name in enumerate(names):
            if prediction.values is not None:
                results.append({"input": name, "value": float(prediction.values[row])})
            elif prediction.labels is not None and prediction.probabilities is not None:
                shares = dict(zip(model.labels, map(float, prediction.probabilities[row]), strict=True))
                results.append({"input": name, "label": prediction.labels[row], "probabilities": shares})
    return results
