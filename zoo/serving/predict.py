"""`zoo predict`: from files to labels and probabilities, values, forecasts, texts or objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.tasks import TASKS

SCORE = 0.3  # below which objects are not listed
CONTINUATION = 200  # characters that a language model adds to a prompt


def predict(file: str | Path, inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Predict with an exported file.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images, CSV, Parquet, npz or text files.

    Returns:
        For each example `input` (file, and row where a file holds several) with, by task: `label` and `probabilities`
        (class name to probability); `value`; `forecast` (list); `text` (transcribed, translated, or a prompt with its
        continuation); `shares` (of each class in the mask); `objects` (`label`, `score`, `box` as ymin, xmin, ymax,
        xmax in shares of the image); `tokens`; `score` and, for anomalies, `label`, with the `embedding`; `embedding`.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    model = ExportedModel(file)
    results: list[dict[str, Any]] = []
    for names, raw in list(read_inputs(model, inputs)):  # all inputs are read before the first result
        results += [{"input": name, **facts} for name, facts in zip(names, _facts(model, raw), strict=True)]
    return results


def _facts(model: ExportedModel, raw: Any) -> list[dict[str, Any]]:
    """Return what the file says about each example, as plain data."""
    if model.task == "language_modeling":
        return [{"text": model.generate(prompt, CONTINUATION, temperature=0.8)} for prompt in raw]
    if TASKS[model.task].fills_in:
        return [{"text": text} for text in model.fill_in(raw)]
    prediction = model.predict(raw)
    if prediction.parts:
        labels = [{"label": label} for label in prediction.labels or ()] or [{}] * len(prediction.parts["score"])
        return [
            {**label, "score": float(score), "embedding": embedding.tolist()}
            for label, score, embedding in zip(
                labels, prediction.parts["score"], prediction.parts["embedding"], strict=True
            )
        ]
    if prediction.values is not None:
        return [{"value": float(value)} for value in prediction.values]
    if prediction.forecasts is not None:
        return [{"forecast": row} for row in prediction.forecasts.tolist()]
    if prediction.embeddings is not None:
        return [{"embedding": row} for row in prediction.embeddings.tolist()]
    if prediction.texts is not None:
        return [{"text": text} for text in prediction.texts]
    if prediction.masks is not None:
        shares = [np.bincount(mask.ravel(), minlength=len(model.labels)) / mask.size for mask in prediction.masks]
        return [{"shares": dict(zip(model.labels, map(float, row), strict=True))} for row in shares]
    if prediction.detections is not None:
        return [{"objects": [_object(model, row) for row in rows if row[5] >= SCORE]} for rows in prediction.detections]
    if prediction.labels is None or prediction.probabilities is None:
        return [{"tokens": row} for row in prediction.output.argmax(axis=-1).tolist()]
    return [
        {"label": label, "probabilities": dict(zip(model.labels, map(float, row), strict=True))}
        for label, row in zip(prediction.labels, prediction.probabilities, strict=True)
    ]


def _object(model: ExportedModel, row: np.ndarray) -> dict[str, Any]:
    return {"label": model.labels[int(row[4])], "score": float(row[5]), "box": row[:4].tolist()}
