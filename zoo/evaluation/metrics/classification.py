"""Classification: one class for each example.

Targets are class indices of shape `(n,)`, the output is probabilities of shape `(n, classes)`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check

BOOTSTRAPPED = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier_score")
# Without an interval: resampling inflates the calibration error, and ranking is slow to resample.
METRICS = (*BOOTSTRAPPED, "expected_calibration_error", "roc_auc", "average_precision", "top_5_accuracy")
CALIBRATION_BINS = 15
MAX_MATRIX_CLASSES = 100  # a larger confusion matrix would make up most of report.json
MAX_CONFUSED_PAIRS = 20
TOP = 5  # classes, of which one has to be right for `top_5_accuracy`


def classification_metrics(y: np.ndarray, probabilities: np.ndarray, positive: int = 1) -> dict[str, float]:
    """Return `METRICS`; NaN if the output is not finite.

    Macro F1 averages over the classes that occur in `y` or among the predictions. ROC AUC and average precision are
    means over the classes, each against the rest; of two classes, average precision is that of the positive one. They
    are left out when a class does not occur in `y`, and top-5 accuracy where there are no more than 5 classes.

    Args:
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`, not negative; rows are scaled to sum to 1.
        positive: which of two classes counts in average precision.

    Raises:
        ValueError: shapes that do not fit, no examples, a class index out of range, or negative "probabilities".
    """
    from sklearn import metrics

    y, p = arrays(y, probabilities)
    classes = np.arange(p.shape[1])
    if not np.isfinite(p).all():
        lost = (*BOOTSTRAPPED, "expected_calibration_error", *["top_5_accuracy"] * (len(classes) > TOP))
        return dict.fromkeys(lost, float("nan"))
    predicted = p.argmax(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = {
            "accuracy": metrics.accuracy_score(y, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted),
            "macro_f1": metrics.f1_score(y, predicted, average="macro", zero_division=0),
            "log_loss": metrics.log_loss(y, p, labels=classes) if len(classes) > 1 else 0.0,
            "brier_score": squared_errors(y, p).mean(),
            "expected_calibration_error": expected_calibration_error(y, p),
        }
        if len(classes) > TOP:
            result["top_5_accuracy"] = metrics.top_k_accuracy_score(y, p, k=TOP, labels=classes)
    if len(classes) > 1 and len(np.unique(y)) == len(classes):
        scores = p[:, 1] if len(classes) == 2 else p
        result["roc_auc"] = metrics.roc_auc_score(y, scores, multi_class="ovr", average="macro", labels=classes)
        each = [positive] if len(classes) == 2 else classes
        result["average_precision"] = np.mean([metrics.average_precision_score(y == i, p[:, i]) for i in each])
    return {name: float(value) for name, value in result.items()}


def squared_errors(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return each example's part of the Brier score, from 0 to 2; of two classes from 0 to 1, as in scikit-learn.

    Brier, "Verification of forecasts expressed in terms of probability", 1950. By hand, because scikit-learn's
    `brier_score_loss` gives the mean alone.
    """
    classes = probabilities.shape[1]
    found = np.square(probabilities - np.eye(classes)[y]).sum(1)
    return found / 2 if classes == 2 else found


def expected_calibration_error(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean distance between confidence and accuracy over 15 equal bins of confidence, weighted by size.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, https://arxiv.org/abs/1706.04599, equation 3.
    """
    bins = reliability(y, probabilities)
    return float(np.abs(bins["confidence"] - bins["correct"]).sum() / len(y))


def reliability(y: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Sum up confidence and correctness per bin of confidence, bin m holding the confidences in ((m-1)/15, m/15].

    By hand, because scikit-learn's `calibration_curve` takes two classes and returns no counts.

    Returns:
        `count`, `confidence` (summed) and `correct` (summed), each of shape `(15,)`.
    """
    confidence = probabilities.max(1)
    index = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    return {
        name: np.bincount(index, weights=weights, minlength=CALIBRATION_BINS)
        for name, weights in (("count", None), ("confidence", confidence), ("correct", correct(y, probabilities)))
    }


def correct(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return which examples are right, bool of shape `(n,)`."""
    return np.asarray(probabilities).argmax(1) == y


def resampled(y: np.ndarray, probabilities: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `BOOTSTRAPPED`.

    By hand, because scikit-learn's functions sort and check their input on each of 1,000 resamples.
    """
    y, p = arrays(y, probabilities)
    predicted, classes = p.argmax(1), p.shape[1]
    right = predicted == y
    hits = y[right]
    surprise = -np.log(np.clip(p[np.arange(len(y)), y], np.finfo(np.float64).eps, None))
    squared = squared_errors(y, p)

    def statistic(counts: np.ndarray) -> np.ndarray:
        true = np.bincount(y, counts, classes)
        claimed = np.bincount(predicted, counts, classes)
        hit = np.bincount(hits, counts[right], classes)
        seen, named = true > 0, true + claimed > 0
        return np.array(
            [
                hit.sum() / counts.sum(),
                (hit[seen] / true[seen]).mean(),
                (2 * hit[named] / (true + claimed)[named]).mean(),
                counts @ surprise / counts.sum(),
                counts @ squared / counts.sum(),
            ]
        )

    return statistic


def arrays(y: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes and range, and return `y` as integers and the probabilities in float64 with rows that sum to 1."""
    y, p = np.asarray(y), np.asarray(probabilities, dtype=np.float64)
    check(y, p, p.ndim == 2 and y.shape == p.shape[:1], "y of shape (n,) and probabilities of shape (n, classes)")
    y = y.astype(np.intp)
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise ValueError(f"class indices must lie in 0..{p.shape[1] - 1}; received {y.min()} to {y.max()}")
    if (p < 0).any():
        raise ValueError(f"probabilities must not be negative (logits?); received a minimum of {p.min():.3g}")
    return y, p / p.sum(1, keepdims=True)


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `confusion_matrix` (None for more than 100 classes), `confused_pairs`, `per_class` and `worst`."""
    matrix = confusion_matrix(y, output)
    return {
        "confusion_matrix": matrix if len(matrix) <= MAX_MATRIX_CLASSES else None,
        "confused_pairs": confused_pairs(matrix, labels),
        "per_class": per_class(matrix, labels),
        "worst": worst_classified(y, output, labels),
    }


def confusion_matrix(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count examples by true class (rows) and predicted class (columns), shape `(classes, classes)`."""
    from sklearn import metrics

    return metrics.confusion_matrix(y, probabilities.argmax(1), labels=np.arange(probabilities.shape[1]))


def per_class(matrix: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return `label`, `precision`, `recall`, `f1` and `support` of each class; None where the denominator is 0.

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


def confused_pairs(matrix: np.ndarray, labels: Sequence[str], most: int = MAX_CONFUSED_PAIRS) -> list[dict[str, Any]]:
    """Return the most confused pairs: `true` and `predicted` class, `count`, and `share` of the true class.

    Args:
        matrix: confusion matrix, shape `(classes, classes)`.
        labels: names of the classes.
        most: maximal number of pairs.
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
    """Return the wrong predictions with the highest confidence: `index`, `true`, `predicted`, `confidence`."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != y)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")[:MAX_WORST_EXAMPLES]]
    return [
        {
            "index": int(i),
            "true": labels[int(y[i])],
            "predicted": labels[predicted[i]],
            "confidence": float(confidence[i]),
        }
        for i in chosen
    ]


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
