"""Where a model errs: the confusion matrix, figures per class, the worst test examples, and what other kinds have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.kinds import KINDS

LARGEST_MATRIX = 100
WORST = 24


def details(
    kind: str, y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what a report says of the mistakes.

    Args:
        kind: kind of the task.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`.
        labels: names of the classes or of the target's symbols.
        baseline: the baseline's output, or None.

    Returns:
        `confusion_matrix`, `confused_pairs` and `per_class`, None where they do not apply; `worst`; and what the kind
        has beside them. For an output that is not finite nothing is known.
    """
    found: dict[str, Any] = {"confusion_matrix": None, "confused_pairs": None, "per_class": None, "worst": []}
    if not np.isfinite(output).all():
        return found
    if kind in KINDS:
        return found | KINDS[kind].details(y, output, labels, baseline)
    if kind == "regression":
        return found | {"worst": worst_predicted(y, output)}
    matrix = confusion_matrix(y, output)
    return {
        "confusion_matrix": matrix if len(matrix) <= LARGEST_MATRIX else None,
        "confused_pairs": confused_pairs(matrix, labels),
        "per_class": per_class(matrix, labels),
        "worst": worst_classified(y, output, labels),
    }


def confusion_matrix(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count examples by true class (rows) and predicted class (columns).

    Args:
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`.

    Returns:
        Shape `(classes, classes)`.
    """
    from sklearn import metrics

    return metrics.confusion_matrix(y, probabilities.argmax(1), labels=np.arange(probabilities.shape[1]))


def per_class(matrix: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return `label`, `precision`, `recall`, `f1` and `support` of each class; a ratio with nothing below it is None.

    Args:
        matrix: confusion matrix, shape `(classes, classes)`.
        labels: names of the classes.
    """
    hits, true, claimed = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    return [
        {
            "label": label,
            "precision": _ratio(hits[i], claimed[i]),
            "recall": _ratio(hits[i], true[i]),
            "f1": _ratio(2 * hits[i], true[i] + claimed[i]),
            "support": int(true[i]),
        }
        for i, label in enumerate(labels)
    ]


def confused_pairs(matrix: np.ndarray, labels: Sequence[str], most: int = 20) -> list[dict[str, Any]]:
    """Return the pairs of `true` and `predicted` class that are most often confused, with `count` and `share`.

    Args:
        matrix: confusion matrix, shape `(classes, classes)`.
        labels: names of the classes.
        most: how many pairs at most.
    """
    off = matrix - np.diag(np.diag(matrix))
    rows, columns = np.unravel_index(np.argsort(-off, axis=None, kind="stable")[:most], off.shape)
    return [
        {
            "true": labels[i],
            "predicted": labels[j],
            "count": int(off[i, j]),
            "share": _ratio(off[i, j], matrix[i].sum()),
        }
        for i, j in zip(rows, columns, strict=True)
        if off[i, j]
    ]


def worst_classified(y: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the wrong predictions made with most confidence: `index`, `true`, `predicted`, `confidence`.

    Args:
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`.
        labels: names of the classes.
    """
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != y)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")[:WORST]]
    return [
        {
            "index": int(i),
            "true": labels[int(y[i])],
            "predicted": labels[predicted[i]],
            "confidence": float(confidence[i]),
        }
        for i in chosen
    ]


def worst_predicted(y: np.ndarray, prediction: np.ndarray) -> list[dict[str, Any]]:
    """Return the largest errors of a regression: `index`, `true`, `predicted`, `error` (predicted - true).

    Args:
        y: true values, shape `(n,)`.
        prediction: predicted values, shape `(n,)`.
    """
    error = np.asarray(prediction, dtype=np.float64) - y
    chosen = np.argsort(-np.abs(error), kind="stable")[:WORST]
    return [
        {"index": int(i), "true": float(y[i]), "predicted": float(prediction[i]), "error": float(error[i])}
        for i in chosen
    ]


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
