"""Fitting a classifier or regressor of scikit-learn: a network that does not beat it is not worth its cost."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing
from zoo.evaluation.baselines.data import BaselineData
from zoo.evaluation.baselines.scikit_learn import ESTIMATORS, Estimator

MIN_THREADED_VALUES = 1_000_000  # numbers in the features; below, threads cost more time than they save
MAX_TUNED_VALUES = 1 << 24  # numbers in the features, above which several fits take longer than the network's training
MAX_BOOSTING_STEPS, BOOSTING_PATIENCE = 1000, 30  # where validation ends it


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted baseline and what its fit took.

    Attributes:
        name: its name in `CLASSIFIERS` or `REGRESSORS`.
        estimator: the scikit-learn estimator.
        seconds: time that the fit took, that of all values tried.
        examples: number of training examples used.
        converged: whether an iterative solver reached its tolerance.
        chosen: what validation chose, such as "C = 0.1"; empty where it chose nothing.
    """

    name: str
    estimator: Any
    seconds: float
    examples: int
    converged: bool
    chosen: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a comparison should know."""
        return (f"{self.chosen}, chosen on validation",) if self.chosen else ()


def fit_baseline(
    name: str,
    kind: str,
    x_train: np.ndarray,
    y_train: np.ndarray,
    *,
    seed: int,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    limit: int | None = None,
    scale: bool = True,
    penalties: tuple[float, ...] = (),
) -> FittedBaseline:
    """Fit a baseline. The same seed gives the same predictions.

    It is fitted on the training examples, as the network is, and validation chooses its penalty or number of neighbors
    (by the log loss of classes, the absolute error of values) and the number of its boosting steps. Where the features
    have more than `MAX_TUNED_VALUES` numbers, one fit has the usual penalty.

    Args:
        name: a name in `ESTIMATORS[kind]`.
        kind: "classification" or "regression".
        x_train: features, finite floats of shape `(n, features)`.
        y_train: class indices or values, shape `(n,)`.
        seed: seed of the method and of the choice of examples.
        validation: features and targets to choose by; None for the usual settings.
        limit: maximal number of training examples, drawn at random; None for the baseline's own limit.
        scale: standardise each feature where the method needs it. Wrong for pixels, which have one scale already: the
            noise in those that hardly vary would count as much as the drawing.
        penalties: values of C, in place of the usual ones of logistic regression.

    Raises:
        ZooError: the name is unknown, or the data cannot be fitted.
    """
    valid = ESTIMATORS[kind]
    if name not in valid:
        raise ZooError(f"unknown baseline '{name}'; valid for {kind}: {listing(valid)}{did_you_mean(name, valid)}")
    baseline, started = valid[name], time.perf_counter()
    limit = limit or baseline.limit
    if limit and x_train.shape[0] > limit:
        chosen = np.sort(np.random.default_rng(seed).choice(x_train.shape[0], size=limit, replace=False))
        x_train, y_train = x_train[chosen], y_train[chosen]
    if validation is not None and kind == "classification":
        known = np.isin(validation[1], y_train)  # of a class that training lacks every value knows nothing
        validation = (validation[0][known], validation[1][known])
    if validation is not None and not len(validation[1]):
        validation = None
    values: tuple[float | None, ...] = baseline.values or (None,)
    if baseline.parameter == "C":
        values = penalties or values
    if baseline.parameter == "n_neighbors":
        values = tuple(value for value in baseline.values if value <= x_train.shape[0]) or values[:1]
    if validation is None or x_train.size > MAX_TUNED_VALUES:
        values = values[:1]
    found = [_fit(name, baseline, value, x_train, y_train, validation, seed, scale) for value in values]
    if len(found) > 1 and validation is not None:
        x, y = validation
        found.sort(key=lambda fitted: _loss(fitted, kind, x, y))
    best = found[0] if len(found) > 1 or baseline.stops_early else replace(found[0], chosen="")
    return replace(best, seconds=time.perf_counter() - started)


def _fit(
    name: str,
    baseline: Estimator,
    value: float | None,
    x: np.ndarray,
    y: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray] | None,
    seed: int,
    scale: bool,
) -> FittedBaseline:
    """Fit a baseline with one value of its parameter."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator, chosen, options = baseline.make(seed), "", {}
    if value is not None:
        estimator.set_params(**{baseline.parameter: value})
        chosen = f"{baseline.parameter} = {value:g}"
    if validation is not None and baseline.stops_early:
        estimator.set_params(early_stopping=True, max_iter=MAX_BOOSTING_STEPS, n_iter_no_change=BOOSTING_PATIENCE)
        options = {"X_val": validation[0], "y_val": validation[1]}
    if scale and baseline.scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    try:
        with _threads(x), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            estimator.fit(x, y, **options)
    except ValueError as error:
        raise ZooError(f"baseline '{name}' cannot be fitted to this data: {error}") from error
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)  # threads would sum the trees' votes in changing order
    if options:
        chosen = f"{estimator.n_iter_} steps"
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return FittedBaseline(name, estimator, 0.0, x.shape[0], converged, chosen)


def _loss(fitted: FittedBaseline, kind: str, x: np.ndarray, y: np.ndarray) -> float:
    """Return the log loss of classes that the estimator knows, or the absolute error of values."""
    if kind == "regression":
        return float(np.abs(predict_values(fitted, x) - y).mean())
    classes = int(max(fitted.estimator.classes_)) + 1
    found = predict_probabilities(fitted, x, classes)[np.arange(len(y)), np.asarray(y, dtype=int)]
    return float(-np.log(np.clip(found, 1e-15, None)).mean())


def predict_probabilities(fitted: FittedBaseline, x: np.ndarray, classes: int) -> np.ndarray:
    """Return probabilities, shape `(n, classes)`; a class that training lacked gets 0.

    Args:
        fitted: what `fit_baseline` returned.
        x: features, shape `(n, features)`.
        classes: number of classes.
    """
    with _threads(x):
        probabilities = np.zeros((x.shape[0], classes))
        probabilities[:, np.asarray(fitted.estimator.classes_, dtype=int)] = fitted.estimator.predict_proba(x)
        return probabilities


def predict_values(fitted: FittedBaseline, x: np.ndarray) -> np.ndarray:
    """Return values, float64 of shape `(n,)`."""
    with _threads(x):
        return np.asarray(fitted.estimator.predict(x), dtype=np.float64)


def inputs_of(
    estimator: Estimator, data: BaselineData
) -> tuple[Callable[[str], np.ndarray], Callable[[str], Iterable[np.ndarray]]]:
    """Return functions from a split to its features, and to its features some examples at a time."""
    inputs = data.required("inputs")
    if estimator.constant:
        inputs = lambda split: np.zeros((len(data.targets[split]), 1), np.float32)  # noqa: E731
    if estimator.constant or data.parts is None:
        return inputs, lambda split: [inputs(split)]
    return inputs, data.parts


def _threads(x: np.ndarray) -> AbstractContextManager[Any]:
    """Keep native code to one thread while `x` is small: on a busy machine threads mostly wait for each other."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1 if x.size < MIN_THREADED_VALUES else None)
