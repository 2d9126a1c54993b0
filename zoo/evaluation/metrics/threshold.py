"""The threshold above which an example is called abnormal, and the metrics at that threshold."""

from __future__ import annotations

import numpy as np

from zoo.evaluation.metrics.anomaly import METRICS, arrays, resampled
from zoo.evaluation.metrics.common import ratio

FALSE_POSITIVE_RATE = 0.05  # of normal validation examples, where there are no abnormal ones to choose by


def ranking_metrics(y: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return `auroc` and `average_precision`, which need no threshold; NaN where a score is not finite.

    Args:
        y: 0 for a normal example and 1 for an abnormal one, shape `(n,)`.
        scores: shape `(n,)`.

    Raises:
        ValueError: shapes that do not fit, or targets other than 0 and 1.
    """
    values = resampled(y, scores)(np.ones(len(y))) if np.isfinite(scores).all() else np.full(len(METRICS), np.nan)
    return {name: float(value) for name, value in zip(METRICS, values, strict=True)}


def choose_threshold(
    scores: np.ndarray, y: np.ndarray | None = None, *, false_positive_rate: float = FALSE_POSITIVE_RATE
) -> float:
    """Choose the threshold on validation scores.

    With normal and abnormal examples it is the one with the greatest balanced accuracy, halfway between two scores
    (Youden, "Index for rating diagnostic tests", 1950), on a tie the highest. With normal examples only it is the
    lowest score that no more than the given fraction of them exceeds.

    Args:
        scores: validation scores, finite, shape `(n,)`.
        y: 0 for normal and 1 for abnormal, shape `(n,)`; None if all are normal.
        false_positive_rate: fraction of normal examples that may be called abnormal, if there are no abnormal ones.

    Raises:
        ValueError: shapes that do not fit, scores that are not finite, no normal examples, or a rate that is not
            at least 0 and below 1.
    """
    y, scores = arrays(np.zeros(len(scores), dtype=int) if y is None else y, scores)
    if not np.isfinite(scores).all():
        raise ValueError("validation scores must be finite to choose a threshold")
    if not 0 <= false_positive_rate < 1:
        raise ValueError(f"the false-positive rate must be at least 0 and below 1; received {false_positive_rate}")
    normal, abnormal = np.sort(scores[y == 0]), np.sort(scores[y == 1])
    if not len(normal):
        raise ValueError("a threshold needs normal validation examples; received abnormal ones only")
    if not len(abnormal):
        return float(normal[len(normal) - 1 - int(false_positive_rate * len(normal) + 1e-9)])
    levels = np.unique(scores)
    between = (levels[1:] + levels[:-1]) / 2
    candidates = np.concatenate([[np.nextafter(levels[0], -np.inf)], between, levels[-1:]])
    right = np.searchsorted(normal, candidates, "right") / len(normal)
    found = 1 - np.searchsorted(abnormal, candidates, "right") / len(abnormal)
    balanced = right + found
    return float(candidates[np.flatnonzero(balanced >= balanced.max() - 1e-12)[-1]])


def threshold_metrics(y: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """Return the metrics of calling abnormal whatever scores above the threshold.

    Args:
        y: 0 for a normal example and 1 for an abnormal one, shape `(n,)`.
        scores: shape `(n,)`.
        threshold: what `choose_threshold` returned for other examples than these.

    Returns:
        `threshold`, `balanced_accuracy`, `precision`, `recall`, `f1` and `false_positive_rate`; NaN where the
        denominator is 0.

    Raises:
        ValueError: shapes that do not fit, or targets other than 0 and 1.
    """
    from sklearn.metrics import confusion_matrix

    y, scores = arrays(y, scores)
    passed, alarms, misses, hits = confusion_matrix(y, scores > threshold, labels=[0, 1]).ravel().tolist()
    recall, false = ratio(hits, hits + misses), ratio(alarms, alarms + passed)
    return {
        "threshold": float(threshold),
        "balanced_accuracy": (recall + 1 - false) / 2,
        "precision": ratio(hits, hits + alarms),
        "recall": recall,
        "f1": ratio(2 * hits, 2 * hits + misses + alarms),
        "false_positive_rate": false,
    }
