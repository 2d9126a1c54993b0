"""Anomaly detection: a score for each example, higher for what looks less like the normal ones.

Targets have shape `(n,)`: 0 for a normal example, 1 for an abnormal one. The output is the scores, shape `(n,)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, label_of

METRICS = ("auroc", "average_precision")
NAMES = ("normal", "abnormal")
HISTOGRAM_BINS = 40
MAX_CURVE_POINTS = 200  # more do not show in a plot 4 inches wide


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`.

    AUROC is the probability that an abnormal example scores above a normal one, a tie counting half (Hanley and McNeil,
    "The meaning and use of the area under a receiver operating characteristic curve", 1982,
    https://doi.org/10.1148/radiology.143.1.7063747). Average precision is the mean of the precision at each abnormal
    example, in the order of the scores; by chance it is the fraction of abnormal examples. Both are NaN unless there
    are normal and abnormal examples. scikit-learn's functions give the same, but sort anew for each resample.

    Raises:
        ValueError: shapes that do not fit, or targets other than 0 and 1.
    """
    y, scores = arrays(y, output)
    order, starts = _levels(scores)
    abnormal = y[order] == 1

    def statistic(counts: np.ndarray) -> np.ndarray:
        weight = counts[order]
        hits = np.add.reduceat(np.where(abnormal, weight, 0.0), starts)
        alarms = np.add.reduceat(np.where(abnormal, 0.0, weight), starts)
        if not hits.sum() or not alarms.sum():
            return np.full(len(METRICS), np.nan)
        found, false = hits.cumsum(), alarms.cumsum()
        above = hits @ (false[-1] - false + alarms / 2)
        precision = found / np.maximum(found + false, 1e-9)  # nothing is found where nothing counts
        return np.array([above / (found[-1] * false[-1]), hits @ precision / found[-1]])

    return statistic


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes and values, and return targets as integers and scores in float64, both of shape `(n,)`."""
    y, output = np.asarray(y), np.asarray(output, dtype=np.float64)
    check(y, output, y.ndim == 1 and y.shape == output.shape, "y and scores of shape (n,)")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"targets must be 0 (normal) or 1 (abnormal); received {y.min()} to {y.max()}")
    return y.astype(np.intp), output


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return ROC curves, a histogram of the scores, and the examples that are ranked worst.

    Returns:
        `roc`: for `model` and `baseline` (None if there is none or it is not finite) `false_positive_rate` and
            `true_positive_rate`, None without examples of both; `histogram`: `edges` of 40 bins and the number of
            `normal` and `abnormal` examples in each; `worst`: examples by the fraction of the other kind that
            is on the wrong side of them: `index`, `label`, `score` and `wrong_side`.
    """
    y, scores = arrays(y, output)
    baseline_roc = None if baseline is None or not np.isfinite(baseline).all() else roc(*arrays(y, baseline))
    edges = np.histogram_bin_edges(scores, HISTOGRAM_BINS)
    histogram: dict[str, np.ndarray] = {"edges": edges}
    for label, name in enumerate(NAMES):
        histogram[name] = np.histogram(scores[y == label], edges)[0]
    wrong = _wrong_side(y, scores)
    ranked = np.argsort(-wrong, kind="stable")[:MAX_WORST_EXAMPLES]
    names = labels if len(labels) == 2 else NAMES
    return {
        "roc": {"model": roc(y, scores), "baseline": baseline_roc},
        "histogram": histogram,
        "worst": [
            {
                "index": int(i),
                "label": label_of(names, int(y[i])),
                "score": float(scores[i]),
                "wrong_side": float(wrong[i]),
            }
            for i in ranked
            if wrong[i] > 0
        ],
    }


def roc(y: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray] | None:
    """Return false and true positive rates at falling thresholds, at most 200 values each, from 0 to 1.

    None unless there are normal and abnormal examples.
    """
    from sklearn.metrics import roc_curve

    if not 0 < y.sum() < len(y):
        return None
    false_rate, true_rate, _ = roc_curve(y, scores, drop_intermediate=False)
    last = len(true_rate) - 1
    kept = np.unique(np.linspace(0, last, min(MAX_CURVE_POINTS, last + 1)).round().astype(int))
    return {"false_positive_rate": false_rate[kept], "true_positive_rate": true_rate[kept]}


def _levels(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of falling scores, and where in it each distinct score begins."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    return order, np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _wrong_side(y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the fraction of the other kind that is on the wrong side of each example, a tie counting half."""
    wrong = np.zeros(len(y))
    normal, abnormal = np.sort(scores[y == 0]), np.sort(scores[y == 1])
    if len(normal) and len(abnormal):
        below, upto = (np.searchsorted(abnormal, scores[y == 0], side) for side in ("left", "right"))
        wrong[y == 0] = (below + upto) / (2 * len(abnormal))
        below, upto = (np.searchsorted(normal, scores[y == 1], side) for side in ("left", "right"))
        wrong[y == 1] = 1 - (below + upto) / (2 * len(normal))
    return wrong
