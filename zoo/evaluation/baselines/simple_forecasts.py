"""Forecasts that need no model of the series: repetition, a line, and ridge regression on the window."""

from __future__ import annotations

from dataclasses import dataclass
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
        seasons: other lengths that its season may have.
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
    seasons: tuple[int, ...] = ()
    selection: np.ndarray | None = None
    known: np.ndarray | None = None

    @property
    def candidates(self) -> list[int]:
        """The lengths that its season may have and that the training part shows twice, its own first."""
        others = [season for season in self.seasons if 2 * season <= self.train_end]
        return list(dict.fromkeys([self.season, *others]))

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


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """What a baseline says of a series.

    Attributes:
        values: float64 of shape `(origins, horizon)`.
        converged: whether the fit converged.
        note: what was chosen, where a reader of the comparison should know.
    """

    values: np.ndarray
    converged: bool = True
    note: str = ""


def naive(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Repeat the last value before each origin."""
    return Forecasts(values=repeated(series.values, origins, horizon, 1))


def seasonal_naive(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Repeat the last season before each origin: of the lengths it may have, the one that is best where methods are
    chosen; where the series has no whole season yet, its first value.
    """
    at, values, seasons = series.chosen_by(horizon), series.values, series.candidates
    if len(seasons) == 1 or not len(at):
        return Forecasts(values=repeated(values, origins, horizon, series.season))
    errors = {season: series.error(repeated(values, at, horizon, season), at) for season in seasons}
    season = min(errors, key=lambda length: errors[length])
    others = " and ".join(str(length) for length in errors if length != season)
    note = f"the last {season} steps are repeated, which is better on validation than {others}"
    return Forecasts(values=repeated(values, origins, horizon, season), note=note)


def repeated(values: np.ndarray, origins: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last season before each origin, repeated over the horizon."""
    back = season - np.arange(horizon) % season
    return values[np.maximum(origins[:, None] - back, 0)]


def drift(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Continue the line from the first value to the last before each origin."""
    last = series.values[origins - 1]
    change = (last - series.values[0]) / np.maximum(origins - 1, 1)
    return Forecasts(values=last[:, None] + change[:, None] * np.arange(1, horizon + 1))


def ridge(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
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
    return Forecasts(values=best(origins))
