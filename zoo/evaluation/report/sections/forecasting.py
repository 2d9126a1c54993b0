"""Forecasting: the series with its forecasts, the error by step ahead, and the worst windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.forecasting import stride
from zoo.evaluation.report import charts

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

SHOWN_WINDOWS = 4  # consecutive forecasts in the wide plot
PAST_HORIZONS = 2  # of the series, shown before a forecast


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `series` and `by_step` (SVG, None if they cannot be drawn), `worst`, entries with `svg`,
    and `last`, the series that `series` shows, empty where there is one."""
    steps = report.get("by_step")
    found: dict[str, Any] = {"series": None, "by_step": None, "worst": [], "last": ""}
    if steps:
        found["by_step"] = Markup(charts.step_errors(steps["model"], steps["baseline"]))
    if predictions is None:
        return found
    predictions = _first_target(predictions)
    found["series"] = _last_part(predictions)
    for entry in report["worst"][:2]:
        series = _series(predictions, entry["index"])
        found["worst"].append({**entry, "series": series, "svg": Markup(_window(predictions, entry["index"]))})
    found["last"] = _series(predictions, len(predictions.y_true) - 1)
    return found


def _first_target(predictions: Predictions) -> Predictions:
    """Return the predictions of the first of several targets, which is drawn."""
    if predictions.y_true.ndim < 3:
        return predictions
    baseline, context = predictions.baseline_output, predictions.context
    return replace(
        predictions,
        y_true=predictions.y_true[..., 0],
        output=predictions.output[..., 0],
        baseline_output=None if baseline is None else baseline[..., 0],
        context=None if context is None else (lambda window: context(window)[..., 0]),
    )


def _last_part(predictions: Predictions) -> Markup | None:
    """Draw consecutive forecasts at the end of the test split; None if the steps between windows are unknown."""
    true = predictions.y_true[:, :-1]
    horizon, between = true.shape[1], _stride(predictions)
    if between is None:
        return None
    apart = -(-horizon // between)
    last = len(true) - 1
    shown = [last - apart * back for back in reversed(range(SHOWN_WINDOWS)) if last - apart * back >= 0]
    shown = [i for i in shown if _series(predictions, i) == _series(predictions, last)]
    origin = {i: (i - shown[0]) * between for i in shown}
    truth = dict(
        zip(range(-PAST_HORIZONS * horizon, 0), _past(predictions, shown[0], PAST_HORIZONS * horizon), strict=True)
    )
    for i in range(shown[0], last + 1):
        truth |= dict(enumerate(true[i], start=(i - shown[0]) * between))
    windows = [charts.Forecast(origin[i], predictions.output[i], _baseline(predictions, i)) for i in shown]
    steps, values = np.array(list(truth)), np.array(list(truth.values()), dtype=np.float64)
    return Markup(charts.forecasts(steps, values, windows, wide=True))


def _window(predictions: Predictions, i: int) -> str:
    true = predictions.y_true[i, :-1]
    past = _past(predictions, i, PAST_HORIZONS * len(true))
    values = np.concatenate([past[np.isfinite(past)], true])
    steps = np.arange(len(values)) - (len(values) - len(true)) + 1
    return charts.forecasts(steps, values, [charts.Forecast(1, predictions.output[i], _baseline(predictions, i))])


def _past(predictions: Predictions, i: int, most: int) -> np.ndarray:
    """Return the values before a window, NaN where they are unknown, shape `(most,)`."""
    past = np.full(most, np.nan)
    if predictions.context is not None:
        known = np.asarray(predictions.context(i), dtype=np.float64).reshape(-1)[-most:]
        past[most - len(known) :] = known
    return past


def _stride(predictions: Predictions) -> int | None:
    """Return the steps between two windows, None if neither targets nor contexts show them."""
    true = predictions.y_true[:, :-1]
    found, horizon = stride(true), true.shape[1]
    if found is not None or predictions.context is None or len(true) < 2:
        return found
    past = np.asarray(predictions.context(len(true) - 1)).reshape(-1)[-horizon:]
    return horizon if np.array_equal(past, true[-2]) else None


def _series(predictions: Predictions, i: int) -> str:
    return predictions.series[i] if len(predictions.series) else ""


def _baseline(predictions: Predictions, i: int) -> np.ndarray | None:
    output = predictions.baseline_output
    return None if output is None or not np.isfinite(output).all() else output[i]
