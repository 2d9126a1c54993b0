"""Forecasting: classical models, fitted on the training part of each series, their form chosen on validation.

The fitted model is run over the whole series once, and each forecast starts from the state at its origin: it knows
every value before that, as the network does. statsmodels has no such forecasts, only one from the end of a series.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, import_extra, listing
from zoo.evaluation.baselines.simple_forecasts import Forecasts, Series, drift, naive, ridge, seasonal_naive
from zoo.evaluation.baselines.theta import theta

MAX_FITTED_STEPS = 2000  # at the end of the training part; a fit to more takes minutes
MAX_SELECTION_STEPS = 600  # of those, for choosing the orders of an ARIMA model
MAX_SEASON = 24  # steps; longer seasons get no seasonal ARMA terms, whose states grow with the season
_ORDERS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2), (2, 2))
_SEASONAL_ORDERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def run_forecaster(
    name: str, series: Series, origins: dict[str, np.ndarray], horizon: int
) -> tuple[dict[str, np.ndarray], Forecasts]:
    """Fit a baseline once and forecast for several splits.

    Args:
        name: a name in `FORECASTERS`.
        series: the series.
        origins: split to the step at which each forecast begins, at least 1, shape `(n,)`; the steps before it are
            known.
        horizon: steps to forecast.

    Returns:
        Split to forecasts, float64 of shape `(n, horizon)`, and those of all splits, with what is known of the fit.

    Raises:
        ZooError: the name is unknown, statsmodels is missing, or the training part is too short.
    """
    if name not in FORECASTERS:
        raise ZooError(
            f"unknown baseline '{name}'; valid for forecasting: {listing(FORECASTERS)}{did_you_mean(name, FORECASTERS)}"
        )
    from threadpoolctl import threadpool_limits

    every = np.concatenate([np.asarray(o, dtype=int) for o in origins.values()])
    constant = np.ptp(series.values[: series.train_end]) == 0  # which no model fits
    fit = FORECASTERS["naive" if constant and name != "seasonal_naive" else name]
    with threadpool_limits(1):  # the matrices are small: threads would mostly wait for each other
        found = fit(series, every, horizon)
    ends = np.cumsum([len(o) for o in origins.values()])[:-1]
    return dict(zip(origins, np.split(found.values, ends), strict=True)), found


def _exponential_smoothing(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Forecast by the exponential smoothing model, among nine, whose forecasts over the horizon are the best.

    Hyndman, Koehler, Ord and Snyder, "Forecasting with Exponential Smoothing", 2008: additive errors with or without
    an additive season and multiplicative errors and season, each without trend, with a trend, and with a damped one.
    The form is chosen with initial states from the first seasons; with the form chosen, they are fitted too, which is
    kept if it is better still. AIC, which goes by one step ahead, can choose a form that is absurd over a horizon.
    """
    values, season, train_end = series.values, series.season, series.train_end
    model_class = _statsmodels("tsa.exponential_smoothing.ets", "ETSModel")
    start = max(0, train_end - MAX_FITTED_STEPS)
    forms: list[dict[str, Any]] = []
    seasonal = season > 1 and train_end - start >= 2 * season + 10
    for trend in ({}, {"trend": "add"}, {"trend": "add", "damped_trend": True}):
        forms.append(trend)
        if seasonal:
            forms.append(trend | {"seasonal": "add", "seasonal_periods": season})
        if seasonal and (values[start:] > 0).all():
            forms.append(trend | {"error": "mul", "seasonal": "mul", "seasonal_periods": season})
    if (origins - 1 < start).any():
        raise ZooError(f"exponential_smoothing: forecasts must begin after step {start}, received {origins.min()}")

    def fit(form: dict[str, Any]) -> Any:
        return model_class(values[start:train_end], **form).fit(disp=False)

    def forecast(form: dict[str, Any], fitted: Any, at: np.ndarray) -> np.ndarray:
        run = model_class(values[start:], **form).smooth(fitted.params)
        return _from_components(form, fitted, run, at - 1 - start, horizon)

    chosen_by = series.chosen_by(horizon)
    chosen_by = chosen_by[chosen_by > start]

    def error(form: dict[str, Any], fitted: Any) -> float:
        return series.error(forecast(form, fitted, chosen_by), chosen_by)

    candidates = [form | {"initialization_method": "heuristic"} for form in forms]
    form, fitted = _best(fit, candidates, "exponential_smoothing", error)
    if season <= MAX_SEASON:
        candidates = [form, form | {"initialization_method": "estimated"}]
        form, fitted = _best(fit, candidates, "exponential_smoothing", error)
    return Forecasts(values=forecast(form, fitted, origins), converged=_converged(fitted))


def _from_components(form: dict[str, Any], fitted: Any, run: Any, last: np.ndarray, horizon: int) -> np.ndarray:
    """Return forecasts `(n, horizon)` from the level, slope and season after each of the steps `last`."""
    forecast = np.repeat(np.asarray(run.level)[last, None], horizon, axis=1)
    if "trend" in form:
        damping = run.damping_trend if "damped_trend" in form else 1.0
        forecast += np.asarray(run.slope)[last, None] * np.cumsum(damping ** np.arange(1, horizon + 1))
    if "seasonal" in form:
        season = form["seasonal_periods"]
        before = np.concatenate([np.asarray(fitted.initial_state)[-season:][::-1], np.asarray(run.season)])
        cycle = before[(last + 1)[:, None] + np.arange(horizon) % season]
        forecast = forecast * cycle if form["seasonal"] == "mul" else forecast + cycle
    return forecast


def _arima(series: Series, origins: np.ndarray, horizon: int) -> Forecasts:
    """Forecast by a seasonal ARIMA model of small orders (Box and Jenkins 1970).

    The series is differenced by the season, by the step, by both or not at all, whichever leaves the smallest standard
    deviation. Then the orders of the ARMA model of the differences are chosen on their last part: first the seasonal
    ones by AIC, then the others by their forecasts over the horizon.
    """
    season, train_end = series.season, series.train_end
    model_class = _statsmodels("tsa.statespace.sarimax", "SARIMAX")
    start = max(0, train_end - MAX_FITTED_STEPS)
    weights = _differences(series.values[start:train_end], season)
    lag = len(weights)
    begin = start + lag
    if train_end - begin < 20:
        raise ZooError(f"arima: the training part has {train_end} steps, too few for a season of {season}")
    differences = _difference(series.values, weights)[begin:]
    train = differences[: train_end - begin]
    scale = train.std() or 1.0
    trend = "c" if lag == 0 else "n"

    def build(values: np.ndarray, orders: tuple[tuple[int, int], tuple[int, int]]) -> Any:
        (p, q), (seasonal_p, seasonal_q) = orders
        cycle = (seasonal_p, 0, seasonal_q, season if seasonal_p or seasonal_q else 0)
        return model_class(values / scale, order=(p, 0, q), seasonal_order=cycle, trend=trend)

    def attempt(orders: tuple[tuple[int, int], tuple[int, int]]) -> Any:
        return build(train[-MAX_SELECTION_STEPS:], orders).fit(disp=False)

    def fit(orders: tuple[tuple[int, int], tuple[int, int]]) -> Any:
        return build(train, orders).fit(disp=False, maxiter=200)

    def forecast(orders: tuple[tuple[int, int], tuple[int, int]], fitted: Any, at: np.ndarray) -> np.ndarray:
        run = build(differences, orders).filter(fitted.params)
        return _integrate(series.values, at, _from_states(run, at - begin, horizon) * scale, weights)

    chosen_by = series.chosen_by(horizon)
    chosen_by = chosen_by[chosen_by > begin]

    def error(orders: tuple[tuple[int, int], tuple[int, int]], fitted: Any) -> float:
        return series.error(forecast(orders, fitted, chosen_by), chosen_by) if len(chosen_by) else float(fitted.aic)

    if (origins <= begin).any():
        raise ZooError(f"arima: forecasts must begin after step {begin}, received {origins.min()}")
    cycles = _SEASONAL_ORDERS if 1 < season <= MAX_SEASON else ((0, 0),)
    (_, cycle), _ = _best(attempt, [((1, 1), c) for c in cycles], "arima")
    orders, _ = _best(attempt, [(o, cycle) for o in _ORDERS], "arima", error)
    _, fitted = _best(fit, [orders], "arima")
    return Forecasts(values=forecast(orders, fitted, origins), converged=_converged(fitted))


def _differences(train: np.ndarray, season: int) -> np.ndarray:
    """Return the weights of the values 1, 2, … steps back that each value is reduced by; empty for no difference."""
    step, cycle = np.array([1.0, -1.0]), np.eye(1, season + 1)[0] - np.eye(1, season + 1, season)[0]
    candidates = [np.array([1.0]), step]
    if 1 < season < len(train) // 3:
        candidates += [cycle, np.convolve(cycle, step)]
    longest = max(map(len, candidates))
    spread = [np.convolve(train, c, mode="valid")[longest - len(c) :].std() for c in candidates]
    return -candidates[int(np.argmin(spread))][1:]


def _difference(series: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return each value minus the weighted values before it, 0 where not all of those exist."""
    result = np.zeros_like(series)
    result[len(weights) :] = np.convolve(series, np.concatenate([[1.0], -weights]), mode="valid")
    return result


def _integrate(series: np.ndarray, origins: np.ndarray, ahead: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return forecasts of the series from forecasts of its differences, `(n, horizon)`."""
    lag = len(weights)
    known = np.concatenate([series[origins[:, None] - lag + np.arange(lag)], np.zeros_like(ahead)], axis=1)
    for h in range(ahead.shape[1]):
        known[:, lag + h] = ahead[:, h] + known[:, h : lag + h] @ weights[::-1]
    return known[:, lag:]


def _from_states(run: Any, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Return forecasts `(n, horizon)` of a filtered linear state-space model, from the state predicted at each origin.

    Its matrices do not change over time: `transition` advances the state, and `design` maps it to the series.
    """
    system = run.model.ssm
    transition, design = system["transition"], system["design"]
    sizes = {"state_intercept": len(transition), "obs_intercept": 1}
    drift, level = (system[name].reshape(rows, -1)[:, -1:] for name, rows in sizes.items())
    state = run.predicted_state[:, origins]
    steps = []
    for _ in range(horizon):
        steps.append((design @ state + level)[0])
        state = transition @ state + drift
    return np.stack(steps, axis=1)


def _best(
    fit: Callable[[Any], Any],
    candidates: list[Any],
    name: str,
    score: Callable[[Any, Any], float] = lambda candidate, fitted: float(fitted.aic),
) -> tuple[Any, Any]:
    """Return the candidate with the lowest score, which is its AIC where none is given, and its fit."""
    best: tuple[float, Any, Any] | None = None
    problem: Exception | None = None
    for candidate in candidates:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = fit(candidate)
                value = score(candidate, result) if np.isfinite(result.aic) else math.nan
        except (ValueError, np.linalg.LinAlgError) as error:
            problem = error
            continue
        if math.isfinite(value) and (best is None or value < best[0]):
            best = value, candidate, result
    if best is None:
        raise ZooError(f"baseline '{name}' cannot be fitted to this series: {problem or 'no finite likelihood'}")
    return best[1:]


FORECASTERS = {
    "naive": naive,
    "seasonal_naive": seasonal_naive,
    "drift": drift,
    "ridge": ridge,
    "theta": theta,
    "exponential_smoothing": _exponential_smoothing,
    "arima": _arima,
}


def _converged(fitted: Any) -> bool:
    return bool((fitted.mle_retvals or {}).get("converged", True))


def _statsmodels(module: str, name: str) -> Any:
    """Return a class of statsmodels.

    Raises:
        ZooError: statsmodels is not installed.
    """
    return getattr(import_extra(f"statsmodels.{module}", "this baseline"), name)
