"""Regression: one number for each example, or several. Targets and output have shape `(n,)` or `(n, targets)`.

Metrics of several targets are means over the targets, each in its own unit, as scikit-learn's `uniform_average`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check

METRICS = ("mae", "rmse", "r2", "median_absolute_error", "mse")


def regression_metrics(y: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return `METRICS`, errors in the units of `y`; NaN if the output is not finite.

    Args:
        y: true values, shape `(n,)` or `(n, targets)`.
        prediction: predicted values, of the same shape.

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
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`."""
    y, prediction = arrays(y, prediction)
    if y.ndim == 1:
        return _resampled(y, prediction)
    each = [_resampled(y[:, i], prediction[:, i]) for i in range(y.shape[1])]
    return lambda counts: np.mean([statistic(counts) for statistic in each], axis=0)


def _resampled(y: np.ndarray, prediction: np.ndarray) -> Statistic:
    """Return the same of one target.

    By hand, because scikit-learn's functions sort and check their input on each of 1,000 resamples.
    """
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


def metrics_with_mape(y: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return `mape`, the mean absolute error as a fraction of the true value, and `METRICS`; NaN where one is 0."""
    statistic = resampled_with_mape(y, prediction)
    value = statistic(np.ones(len(y)))[-1] if np.isfinite(prediction).all() else np.nan
    return {"mape": float(value), **regression_metrics(y, prediction)}


def resampled_with_mape(y: np.ndarray, prediction: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS` and `mape`.

    By hand, because scikit-learn divides by a tiny number where the true value is 0, and resamples nothing.
    """
    usual = resampled(y, prediction)
    y, prediction = arrays(y, prediction)
    size = np.where(y == 0, np.nan, np.abs(y))
    relative = (np.abs(prediction - y) / size).reshape(len(y), -1).mean(1)
    return lambda counts: np.append(usual(counts), counts @ relative / counts.sum())


def arrays(y: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return both in float64."""
    y, prediction = np.asarray(y, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    fits = y.ndim in (1, 2) and y.shape == prediction.shape
    check(y, prediction, fits, "y and predictions of shape (n,) or (n, targets)")
    return y, prediction


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `worst`, the largest errors: `index`, `true`, `predicted`, `error` (predicted - true).

    Of several targets, whose names are `labels`, an entry has the `target`, too, errors are compared in standard
    deviations of the targets, and `per_target` has the metrics of each, and those of the baseline.
    """
    error = np.asarray(output, dtype=np.float64) - y
    if y.ndim == 1:
        chosen = np.argsort(-np.abs(error), kind="stable")[:MAX_WORST_EXAMPLES]
        return {
            "worst": [
                {"index": int(i), "true": float(y[i]), "predicted": float(output[i]), "error": float(error[i])}
                for i in chosen
            ]
        }
    spread = y.std(axis=0)
    ranked = np.argsort(-np.abs(error / np.where(spread > 0, spread, 1.0)), axis=None, kind="stable")
    places = zip(*np.unravel_index(ranked[:MAX_WORST_EXAMPLES], y.shape), strict=True)
    known = baseline is not None and np.isfinite(baseline).all()
    return {
        "per_target": [
            {
                "target": name,
                **regression_metrics(y[:, i], output[:, i]),
                "baseline": regression_metrics(y[:, i], baseline[:, i]) if known and baseline is not None else None,
            }
            for i, name in enumerate(labels)
        ],
        "worst": [
            {
                "index": int(i),
                "target": labels[j],
                "true": float(y[i, j]),
                "predicted": float(output[i, j]),
                "error": float(error[i, j]),
            }
            for i, j in places
        ],
    }
