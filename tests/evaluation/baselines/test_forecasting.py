import sys
import warnings

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.evaluation.baselines import forecasting as forecasters
from zoo.evaluation.baselines.forecasting import FORECASTERS, run_forecaster
from zoo.evaluation.baselines.simple_forecasts import Series

TRAIN_END, HORIZON = 90, 7


def forecast_baseline(name, values, origins, horizon, season, train_end):
    """Return forecasts of one split."""
    series = Series(values=np.asarray(values, dtype=float), season=season, train_end=train_end)
    return run_forecaster(name, series, {"": origins}, horizon)[0][""]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Try few orders: the search is the same."""
    monkeypatch.setattr(forecasters, "_ORDERS", ((1, 0), (1, 1)))
    monkeypatch.setattr(forecasters, "_SEASONAL_ORDERS", ((0, 0), (0, 1)))


@pytest.fixture(scope="module")
def series():
    """Return a series with a trend and a season of 4."""
    generator = np.random.default_rng(0)
    time = np.arange(130)
    return 50 + 0.3 * time + 5 * np.sin(np.pi * time / 2) + np.cumsum(generator.normal(0, 0.4, 130))


ORIGINS = np.array([91, 95, 100, 123])


def test_naive_forecasts():
    series = np.arange(20.0)
    found = forecast_baseline("naive", series, np.array([5, 12]), 3, 4, 10)
    assert found.tolist() == [[4, 4, 4], [11, 11, 11]]
    found = forecast_baseline("seasonal_naive", series, np.array([5, 12]), 6, 4, 10)
    assert found.tolist() == [[1, 2, 3, 4, 1, 2], [8, 9, 10, 11, 8, 9]]


@pytest.mark.parametrize("name", FORECASTERS)
@pytest.mark.parametrize("season", [1, 4])
def test_forecasts_know_nothing_of_what_comes_after_their_origin(name, season, series):
    found = forecast_baseline(name, series, ORIGINS, HORIZON, season, TRAIN_END)
    assert found.shape == (4, HORIZON) and np.isfinite(found).all()
    for i, origin in list(enumerate(ORIGINS))[::3]:
        changed = series.copy()
        changed[origin:] = 1e3
        again = forecast_baseline(name, changed, ORIGINS[[i]], HORIZON, season, TRAIN_END)
        np.testing.assert_allclose(again[0], found[i], rtol=1e-9)


@pytest.mark.parametrize("name", ["exponential_smoothing", "arima"])
def test_models_beat_the_naive_forecast(name, series):
    origins = np.arange(TRAIN_END + 1, len(series) - HORIZON)
    true = series[origins[:, None] + np.arange(HORIZON)]
    error = {
        n: abs(forecast_baseline(n, series, origins, HORIZON, 4, TRAIN_END) - true).mean()
        for n in (name, "naive", "seasonal_naive")
    }
    assert error[name] < 0.8 * min(error["naive"], error["seasonal_naive"])


@pytest.mark.parametrize(
    ("season", "sign", "kept"),
    [(1, 1, {}), (1, 1, {"damped_trend": True}), (4, 1, {"seasonal": "add"}), (4, 1, {"seasonal": "mul"}), (4, -1, {})],
)
def test_exponential_smoothing_against_statsmodels(season, sign, kept, series, monkeypatch):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    chosen = {}
    best = forecasters._best

    def choose(fit, candidates, name, *score):
        matching = [c for c in candidates if all(c.get(k) == v for k, v in kept.items())]
        chosen["form"], chosen["fit"] = best(fit, matching, name, *score)
        return chosen["form"], chosen["fit"]

    monkeypatch.setattr(forecasters, "_best", choose)
    found = forecast_baseline("exponential_smoothing", sign * series, ORIGINS, HORIZON, season, TRAIN_END)
    assert all(chosen["form"].get(k) == v for k, v in kept.items())
    for origin, forecast in zip(ORIGINS, found, strict=True):
        model = ETSModel(sign * series[:origin], **chosen["form"])
        expected = model.smooth(chosen["fit"].params).forecast(HORIZON)
        np.testing.assert_allclose(forecast, expected, rtol=1e-8)


@pytest.mark.parametrize(("season", "weights"), [(1, []), (1, [1]), (4, []), (4, [0, 0, 0, 1]), (4, [1, 0, 0, 1, -1])])
def test_arima_against_statsmodels(season, weights, series, monkeypatch):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    chosen, best = {}, forecasters._best

    def choose(fit, candidates, name, *score):
        chosen["orders"], chosen["fit"] = best(fit, candidates, name, *score)
        return chosen["orders"], chosen["fit"]

    monkeypatch.setattr(forecasters, "_best", choose)
    monkeypatch.setattr(forecasters, "_differences", lambda train, season: np.array(weights, float))
    found = forecast_baseline("arima", series, ORIGINS, HORIZON, season, TRAIN_END)
    (p, q), (seasonal_p, seasonal_q) = chosen["orders"]
    lag = len(weights)
    taken = [sum(w * series[i - k] for k, w in enumerate(weights, 1)) for i in range(lag, len(series))]
    values = series[lag:] - taken
    scale = values[: TRAIN_END - lag].std()
    for origin, forecast in zip(ORIGINS, found, strict=True):
        model = SARIMAX(
            values[: origin - lag] / scale,
            order=(p, 0, q),
            seasonal_order=(seasonal_p, 0, seasonal_q, season if seasonal_p or seasonal_q else 0),
            trend="n" if lag else "c",
        )
        known = list(series[:origin])
        for value in model.filter(chosen["fit"].params).forecast(HORIZON) * scale:
            known.append(value + sum(w * known[-k] for k, w in enumerate(weights, 1)))
        np.testing.assert_allclose(forecast, known[origin:], rtol=1e-7)


def test_differences_of_a_season_and_a_step():
    time = np.arange(60.0)
    series = time**2 + 30 * (time % 5)
    weights = forecasters._differences(series, 5)
    assert weights.tolist() == [1, 0, 0, 0, 1, -1]
    np.testing.assert_allclose(forecasters._difference(series, weights)[6:], 10)
    origins, ahead = np.array([20, 40]), np.full((2, 4), 10.0)
    restored = forecasters._integrate(series, origins, ahead, weights)
    np.testing.assert_allclose(restored, series[origins[:, None] + np.arange(4)])


def test_several_splits_share_one_fit(series):
    parts = {"validation": ORIGINS[:1], "test": ORIGINS[1:]}
    found, fitted = run_forecaster("arima", Series(values=series, season=4, train_end=TRAIN_END), parts, HORIZON)
    whole = forecast_baseline("arima", series, ORIGINS, HORIZON, 4, TRAIN_END)
    np.testing.assert_array_equal(np.concatenate([found["validation"], found["test"]]), whole)
    assert fitted.converged is True


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_constant_series(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = forecast_baseline(name, np.full(80, 3.0), np.array([60, 70]), 5, 4, 60)
    np.testing.assert_allclose(found, 3, atol=1e-6)


def test_errors(series, monkeypatch):
    with pytest.raises(ZooError, match=r"unknown baseline 'arma'; valid for forecasting: arima, .*mean 'arima'"):
        forecast_baseline("arma", series, ORIGINS, HORIZON, 4, TRAIN_END)
    with pytest.raises(ZooError, match="arima: the training part has 15 steps, too few for a season of 4"):
        forecast_baseline("arima", series, ORIGINS, HORIZON, 4, 15)
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.statespace.sarimax", None)
    with pytest.raises(ZooError, match=r'needs statsmodels, which is not installed: pip install "\.\[forecast\]"'):
        forecast_baseline("arima", series, ORIGINS, HORIZON, 4, TRAIN_END)


def test_drift_continues_the_line_from_the_first_value_to_the_last():
    found = forecast_baseline("drift", np.array([2.0, 9, 9, 9, 8, 0, 0, 0]), np.array([5]), 3, 2, 5)
    np.testing.assert_allclose(found, [[9.5, 11, 12.5]])  # (8 - 2) / 4 a step


def test_ridge_on_the_window_finds_a_recurrence():
    """x(t) = 1.8 x(t-1) - x(t-2): two steps back say all, and the penalty can be next to nothing."""
    values = [1.0, 1.5]
    for _ in range(118):
        values.append(1.8 * values[-1] - values[-2])
    found = forecast_baseline("ridge", values, np.array([95, 110]), 4, 4, 90)
    np.testing.assert_allclose(found, [values[95:99], values[110:114]], atol=0.02)


def test_ridge_names_the_windows_that_it_lacks():
    with pytest.raises(ZooError, match=r"ridge: the training part has 20 steps, 6 windows of 8 \+ 7; at least 10"):
        forecast_baseline("ridge", np.arange(40.0) % 3, np.array([30]), 7, 4, 20)


def test_the_form_is_the_one_whose_forecasts_are_best_where_methods_are_chosen(series, monkeypatch):
    seen = []
    best = forecasters._best

    def choose(fit, candidates, name, *score):
        chosen = best(fit, candidates, name, *score)
        if score:
            seen.append((score[0](*chosen), [score[0](c, fit(c)) for c in candidates]))
        return chosen

    monkeypatch.setattr(forecasters, "_best", choose)
    forecast_baseline("exponential_smoothing", series, ORIGINS, HORIZON, 4, TRAIN_END)
    forecast_baseline("arima", series, ORIGINS, HORIZON, 4, TRAIN_END)
    assert len(seen) == 3
    for chosen, others in seen:
        assert chosen == pytest.approx(min(others))


def test_seasonal_naive_takes_the_season_that_is_best_on_validation():
    values = np.tile([0.0, 5, 1, 5, 0, 9], 20) + np.random.default_rng(0).normal(0, 0.1, 120)
    series = Series(values=values, season=2, seasons=(6, 70), train_end=90, selection=np.arange(90, 100))
    found, fitted = run_forecaster("seasonal_naive", series, {"test": np.array([101, 110])}, 8)
    expected = [values[[*range(95, 101), 95, 96]], values[[*range(104, 110), 104, 105]]]
    np.testing.assert_array_equal(found["test"], expected)
    # the training part does not show 70 steps twice
    assert fitted.note == "the last 6 steps are repeated, which is better on validation than 2"


@pytest.mark.parametrize(("form", "period"), [("additive", 4), ("multiplicative", 4), ("none", 1)])
def test_theta_against_statsmodels(form, period, series, monkeypatch):
    from statsmodels.tsa.forecasting.theta import ThetaModel

    from zoo.evaluation.baselines import theta

    every = theta._seasons
    monkeypatch.setattr(
        theta, "_seasons", lambda s: [one for one in every(s) if one[0] == period and one[1] == form.startswith("mul")]
    )
    found = forecast_baseline("theta", series, np.array([TRAIN_END]), HORIZON, 4, TRAIN_END)
    method = "additive" if form == "none" else form
    model = ThetaModel(series[:TRAIN_END], period=4, deseasonalize=form != "none", use_test=False, method=method).fit(
        use_mle=False
    )
    np.testing.assert_allclose(found[0], model.forecast(HORIZON), rtol=1e-4)


def test_theta_refuses_a_series_of_few_steps():
    with pytest.raises(ZooError, match="theta: the training part has 4 steps; at least 5 are needed"):
        forecast_baseline("theta", np.arange(9.0) % 3, np.array([5]), 2, 1, 4)
