"""Forecasts that need no model of the series: repetition, a line, and ridge regression on the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.errors import ZooError

MIN_RIDGE_WINDOWS = 10  # in the training part; a fit to fewer says nothing
MAX_RIDGE_WINDOWS = 20_000  # the last ones; more change nothing
_SELECTION_PART = 5  # where no windows are named, methods are chosen on the last fifth of the training part


@dataclass(frozen=True, kw_only=True)
class Series:
    """A series to forecast.

    Attributes:
        values: finite, float64 of shape `(time,)`.
        season: steps after which the series repeats, 1 for none.
        train_end: number of steps in the training part.
        history: steps before an origin that ridge regression sees; 0 for two seasons.
        selection: steps at which the forecasts begin that forms and orders are chosen by: those of the validation
            split. None for windows in the last fifth of the training part.
        known: covariates that are known in advance, `(time, covariates)`; None for none. Ridge regression sees them.
    """

    values: np.ndarray
    season: int
    train_end: int
    history: int = 0
    selection: np.ndarray | None = None
    known: np.ndarray | None = None

    def error(self, forecasts: np.ndarray, origins: np.ndarray) -> float:
        """Return the mean absolute error of forecasts over the whole horizon."""
        true = self.values[origins[:, None] + np.arange(forecasts.shape[1])]
        return float(np.abs(forecasts - true).mean())

    def chosen_by(self, horizon: int) -> np.ndarray:
        """Return the origins that methods are chosen by."""
        if self.selection is not None:
            return self.selection
        end = self.train_end - horizon
        return np.arange(max(1, min(end, self.train_end - max(horizon, self.train_end // _SELECTION_PART))), end + 1)


def naive(series: Series, origins: np.ndarray, horizon: int) -> tuple[np.ndarray, bool]:
    """Repeat the last value before each origin."""
    return seasonal_naive(replace(series, season=1), origins, horizon)


def seasonal_naive(series: Series, origins: np.ndarray, horizon: int) -> tuple[np.ndarray, bool]:
    """Repeat the last season before each origin; where the series has no whole season yet, its first value."""
    back = series.season - np.arange(horizon) % series.season
    return series.values[np.maximum(origins[:, None] - back, 0)], True


def drift(series: Series, origins: np.ndarray, horizon: int) -> tuple[np.ndarray, bool]:
    """Continue the line from the first value to the last before each origin."""
    last = series.values[origins - 1]
    slope = (last - series.values[0]) / np.maximum(origins - 1, 1)
    return last[:, None] + slope[:, None] * np.arange(1, horizon + 1), True


def ridge(series: Series, origins: np.ndarray, horizon: int) -> tuple[np.ndarray, bool]:
    """Forecast each step by ridge regression on the window and known covariates.

    Leave-one-out cross-validation chooses the penalty. The window is taken as it is, or relative to its last value,
    whichever is better where methods are chosen.

    Raises:
        ZooError: the training part is too short.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, history = series.values, series.history or 2 * series.season
    every = np.arange(history, series.train_end - horizon + 1)[-MAX_RIDGE_WINDOWS:]
    if len(every) < MIN_RIDGE_WINDOWS:
        raise ZooError(
            f"ridge: the training part has {series.train_end} steps, {len(every)} windows of {history} + {horizon}; "
            f"at least {MIN_RIDGE_WINDOWS} are needed"
        )

    def windows(at: np.ndarray) -> np.ndarray:
        places = at[:, None] - np.arange(history, 0, -1)
        return values[np.maximum(places, 0)]

    def inputs(at: np.ndarray, base: np.ndarray) -> np.ndarray:
        x = windows(at) - base
        if series.known is None:
            return x
        places = np.maximum(at[:, None] + np.arange(-history, horizon), 0)
        return np.concatenate([x, series.known[places].reshape(len(x), -1)], axis=1)

    candidates = []
    for relative in (False, True):
        x, y = windows(every), values[every[:, None] + np.arange(horizon)]
        base = x[:, -1:] if relative else np.zeros((len(x), 1))
        model = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 4, 15)))
        model.fit(inputs(every, base), y - base)

        def forecast(at: np.ndarray, model: Any = model, relative: bool = relative) -> np.ndarray:
            x = windows(at)
            base = x[:, -1:] if relative else np.zeros((len(x), 1))
            return np.asarray(model.predict(inputs(at, base))).reshape(len(x), horizon) + base

        chosen_by = series.chosen_by(horizon)
        candidates.append((series.error(forecast(chosen_by), chosen_by), forecast))
    _, best = min(candidates, key=lambda candidate: candidate[0])
    return best(origins), True
