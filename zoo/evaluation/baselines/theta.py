"""Forecasting: the Theta method, exponential smoothing with half of the trend.

Assimakopoulos and Nikolopoulos, "The theta model", 2000, https://doi.org/10.1016/S0169-2070(00)00066-2, in the form of
Hyndman and Billah, 2003. By hand, because statsmodels forecasts from the end of a series alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.errors import ZooError, import_extra
from zoo.evaluation.baselines.simple_forecasts import Forecasts, Series

MIN_STEPS = 5  # of the training part
_MIN_SMOOTHING = 1e-4


def theta(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Forecast by the Theta method: without a season, with an additive or a multiplicative one, whichever is best.

    Season, trend and smoothing are fitted on the training part.

    Raises:
        ZooError: the training part is too short.
    """
    if series.train_end < MIN_STEPS:
        raise ZooError(f"theta: the training part has {series.train_end} steps; at least {MIN_STEPS} are needed")
    chosen_by = series.chosen_by(horizon)
    candidates = []
    for season, multiplies, indices in _seasons(series):
        found = _forecast(series, np.concatenate([chosen_by, origins]), horizon, indices, multiplies=multiplies)
        error = series.error(found[: len(chosen_by)], chosen_by) if len(chosen_by) else 0.0
        candidates.append((error, season, found[len(chosen_by) :]))
    _, season, values = min(candidates, key=lambda candidate: candidate[0])
    return Forecasts(values=values, note=f"its season has {season} steps" if season not in (1, series.season) else "")


def _seasons(series: Series) -> Iterator[tuple[int, bool, np.ndarray]]:
    """Yield length, whether it multiplies, and values of each form of the season; first none."""
    train = series.values[: series.train_end]
    yield 1, False, np.zeros(1)
    for season in series.candidates:
        if season > 1 and 2 * season <= len(train):
            for multiplies in (False, True)[: 1 + bool((train > 0).all())]:
                model = "multiplicative" if multiplies else "additive"
                decompose = import_extra("statsmodels.tsa.seasonal", "this baseline").seasonal_decompose
                yield season, multiplies, np.asarray(decompose(train, model, period=season).seasonal[:season])


def _forecast(
    series: Series, origins: np.ndarray, horizon: int, indices: np.ndarray, *, multiplies: bool
) -> np.ndarray:
    """Return forecasts `(origins, horizon)` with the given season."""
    steps, season = np.arange(len(series.values)), len(indices)
    of_step = indices[steps % season]
    adjusted = series.values / of_step if multiplies else series.values - of_step
    train = adjusted[: series.train_end]
    drift = np.polyfit(steps[: len(train)], train, 1)[0]
    smoothing = _smoothing(train)
    level = _levels(adjusted, smoothing)[origins - 1]
    reached = (1 - (1 - smoothing) ** origins) / smoothing
    values = level[:, None] + drift / 2 * (reached[:, None] + np.arange(horizon))
    ahead = indices[(origins[:, None] + np.arange(horizon)) % season]
    return values * ahead if multiplies else values + ahead


def _smoothing(values: np.ndarray) -> float:
    """Return the smoothing constant whose levels forecast the next value best."""
    from scipy.optimize import minimize_scalar

    def squared(smoothing: float) -> float:
        return float(np.square(values[1:] - _levels(values, smoothing)[:-1]).sum())

    found: Any = minimize_scalar(squared, bounds=(_MIN_SMOOTHING, 1.0), method="bounded")
    return float(found.x)


def _levels(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the level after each value; it starts at the first."""
    from scipy.signal import lfilter

    found, _ = lfilter([smoothing], [1, smoothing - 1], values, zi=[(1 - smoothing) * values[0]])
    return np.asarray(found)
