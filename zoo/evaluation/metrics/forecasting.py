"""Forecasting: errors over several steps. The output is the forecasts, shape `(n, horizon)`.

Targets, `(n, horizon + 1)`, are the values to come, then the scale of the error: the mean absolute error of the
seasonal naive forecast on the training part. With several targets they are `(n, horizon + 1, targets)` and the
forecasts `(n, horizon, targets)`; each metric is the mean of those of the targets, whatever their units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, highest

METRICS = ("mase", "mae", "rmse", "smape", "bias")


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each window counts, shape `(n,)`, to `METRICS`.

    MASE is the mean of |error| / scale (Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006,
    https://doi.org/10.1016/j.ijforecast.2006.03.001): below 1, the error is smaller than that of the seasonal
    naive forecast, one step ahead, on the training part. sMAPE is the mean of 2|error| / (|true| + |forecast|),
    from 0 to 2, with 0 where both are 0. Bias is the mean of forecast - true.

    Raises:
        ValueError: shapes that do not fit, or a scale that is not positive.
    """
    true, scale, forecast = arrays(y, output)
    error = forecast - true
    size = np.abs(true) + np.abs(forecast)
    relative = 2 * np.abs(error) / np.where(size > 0, size, 1)
    each = np.stack(
        [column.mean(1) for column in (np.abs(error) / scale, np.abs(error), error**2, relative, error)], axis=1
    ).reshape(len(true), -1)

    def statistic(counts: np.ndarray) -> np.ndarray:
        mase, mae, mse, smape, bias = (counts @ each / counts.sum()).reshape(5, -1)
        return np.array([values.mean() for values in (mase, mae, np.sqrt(mse), smape, bias)])

    return statistic


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check shapes, and return true values `(n, horizon)`, scale `(n, 1)` and forecasts `(n, horizon)` in float64.

    With several targets all have an axis for them at the end.
    """
    y, output = np.asarray(y, dtype=np.float64), np.asarray(output, dtype=np.float64)
    fits = y.ndim == output.ndim in (2, 3) and y.shape == (len(output), output.shape[1] + 1, *output.shape[2:])
    check(y, output, fits, "y of shape (n, horizon + 1) and forecasts of shape (n, horizon)")
    scale = y[:, -1:]
    if not (scale > 0).all():
        raise ValueError(f"the scale in the last column of y must be positive; received a minimum of {scale.min():.3g}")
    return y[:, :-1], scale, output


def overlap(y: np.ndarray) -> int:
    """Return how many consecutive windows forecast a common step: 1 where windows do not overlap."""
    true = np.asarray(y)[:, :-1].reshape(len(y), np.asarray(y).shape[1] - 1, -1)[..., 0]
    between = stride(true)
    return 1 if between is None else math.ceil(true.shape[1] / between)


def stride(true: np.ndarray) -> int | None:
    """Return the steps between two overlapping windows, seen in repeated values `(n, horizon)`; None without any."""
    horizon = true.shape[1]
    for between in range(1, horizon if len(true) > 1 and np.ptp(true) else 0):
        if (true[1:, : horizon - between] == true[:-1, between:]).all(1).mean() > 0.5:
            return between
    return None


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `worst`, `by_step` and `overlap`.

    Returns:
        `worst`: windows with the largest scaled error, of overlapping ones only the worst: `index`, `mase`, `mae`
            and `bias`; `by_step`: scaled error by step ahead, for `model` and `baseline`; `overlap`: see `overlap`.
    """
    true, scale, forecast = arrays(y, output)
    scaled = np.abs(forecast - true) / scale
    steps = tuple(axis for axis in range(scaled.ndim) if axis != 1)
    rest = tuple(range(1, scaled.ndim))
    by_step = {"model": scaled.mean(steps), "baseline": None}
    if baseline is not None and np.isfinite(baseline).all():
        by_step["baseline"] = (np.abs(arrays(y, baseline)[2] - true) / scale).mean(steps)
    worst = [
        {
            "index": i,
            "mase": float(scaled[i].mean()),
            "mae": float(np.abs(forecast[i] - true[i]).mean()),
            "bias": float((forecast - true)[i].mean()),
        }
        for i in _apart(highest(scaled.mean(rest), len(scaled)), overlap(y))
    ]
    return {"worst": worst, "by_step": by_step, "overlap": overlap(y)}


def _apart(ranked: np.ndarray, between: int) -> list[int]:
    """Return the first windows of a ranking, without those within `between` of a better-ranked one."""
    chosen: list[int] = []
    for i in ranked:
        if all(abs(i - other) >= between for other in chosen):
            chosen.append(int(i))
        if len(chosen) == MAX_WORST_EXAMPLES:
            break
    return chosen
