"""Regression: one number for each example. Targets and output have shape `(n,)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check

METRICS = ("mae", "rmse", "r2", "median_absolute_error", "mse")


def regression_metrics(y: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return `METRICS`, errors in the units of `y`; NaN if the output is not finite.

    Args:
        y: true values, shape `(n,)`.
        prediction: predicted values, shape `(n,)`.

    Raises:
        ValueError: shapes that do not fit, or no examples.
    """
    from sklearn import metrics

    y, prediction = arrays(y, prediction)
    if not np.isfinite(prediction).all():
        return dict.fromkeys(METRICS, float("nan"))
    return {
        "mae": float(metrics.mean_absolute_error(y, prediction)),
        "rmse": float(metrics.root_mean_squared_error(y, prediction)),
        "r2": float(metrics.r2_score(y, prediction)) if len(y) > 1 else float("nan"),
        "median_absolute_error": float(metrics.median_absolute_error(y, prediction)),
        "mse": float(metrics.mean_squared_error(y, prediction)),
    }


def resampled(y: np.ndarray, prediction: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`.

    By hand, because scikit-learn's functions sort and check their input on each of 1,000 resamples.
    """
    y, prediction = arrays(y, prediction)
    error = np.abs(prediction - y)
    order = error.argsort()
    y = y - y.mean()

    def statistic(counts: np.ndarray) -> np.ndarray:
        total = counts.sum()
        squared = counts @ error**2
        spread = counts @ y**2 - (counts @ y) ** 2 / total
        median = error[order[np.searchsorted(counts[order].cumsum(), total / 2)]]
        r2 = 1 - squared / spread if spread > 0 else np.nan
        return np.array([counts @ error / total, np.sqrt(squared / total), r2, median, squared / total])

    return statistic


def arrays(y: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return both in float64."""
    y, prediction = np.asarray(y, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    check(y, prediction, y.ndim == 1 and y.shape == prediction.shape, "y and predictions of shape (n,)")
    return y, prediction


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `worst`, the largest errors: `index`, `true`, `predicted`, `error` (predicted - true)."""
    error = np.asarray(output, dtype=np.float64) - y
    chosen = np.argsort(-np.abs(error), kind="stable")[:MAX_WORST_EXAMPLES]
    return {
        "worst": [
            {"index": int(i), "true": float(y[i]), "predicted": float(output[i]), "error": float(error[i])}
            for i in chosen
        ]
    }
