"""Whether forecasts of a series depend on its level, which linear maps of both kinds tell on the validation part."""

from __future__ import annotations

import numpy as np

from zoo.data.proposal.sizes import TRAINED

_TEST = 0.2  # of the steps, at the end: what a recipe cuts off, and what is not looked at here
_MAX_WINDOWS = 2_000  # that a map is fitted to
_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1_000.0)  # of ridge regression on standardized windows


def depends_on_level(values: np.ndarray, history: int, horizon: int) -> bool | None:
    """Return whether a linear map of the window forecasts better than one of its differences from the last value.

    Both are fitted by ridge regression to the first part of the series, with the penalty that is best on the part that
    is validation later. The test part is not read.

    Args:
        values: the series, finite, `(time,)`.
        history: steps of a window.
        horizon: steps to forecast.

    Returns:
        None where the parts are too short to tell.
    """
    known = values[: len(values) - round(len(values) * _TEST)]
    cut = round(len(values) * TRAINED)
    train = np.arange(history, min(cut, len(known)) - horizon + 1)
    validation = np.arange(max(history, cut), len(known) - horizon + 1)
    if len(train) < 2 * horizon or not len(validation) or not np.isfinite(known).all() or np.ptp(known[:cut]) == 0:
        return None
    if len(train) > _MAX_WINDOWS:
        train = train[np.linspace(0, len(train) - 1, _MAX_WINDOWS).astype(int)]
    known = (known - known[:cut].mean()) / known[:cut].std()
    with_level, without = (_error(known, train, validation, history, horizon, relative) for relative in (False, True))
    return with_level < without


def _error(
    values: np.ndarray, train: np.ndarray, validation: np.ndarray, history: int, horizon: int, relative: bool
) -> float:
    """Return the mean absolute error on validation with the best penalty."""

    def windows(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y = values[at[:, None] - np.arange(history, 0, -1)], values[at[:, None] + np.arange(horizon)]
        base = x[:, -1:] if relative else np.zeros((len(x), 1))
        return x - base, y - base, base

    (x, y, _), (x_validation, y_validation, _) = windows(train), windows(validation)
    center, scale, middle = x.mean(axis=0), x.std(axis=0) + 1e-9, y.mean(axis=0)
    x, x_validation = (x - center) / scale, (x_validation - center) / scale
    gram, product = x.T @ x, x.T @ (y - middle)
    errors = []
    for penalty in _PENALTIES:
        weights = np.linalg.solve(gram + penalty * np.eye(history), product)
        errors.append(float(np.abs(x_validation @ weights + middle - y_validation).mean()))
    return min(errors)
