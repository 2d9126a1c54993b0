"""Classifiers and regressors of scikit-learn, by name: a network that does not beat them is not worth its cost."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing
from zoo.evaluation.baselines.data import BaselineData

MIN_THREADED_VALUES = 1_000_000  # numbers in the features; below, threads cost more time than they save


@dataclass(frozen=True)
class Estimator:
    """One baseline.

    Attributes:
        make: takes a seed, returns an estimator that is not fitted.
        limit: maximal number of training examples, drawn at random; None for all.
        scaled: whether the method depends on distances or penalties, and so needs features of one scale.
        constant: whether it answers every example alike, and so needs no features.
    """

    make: Callable[[int], Any]
    limit: int | None = None
    scaled: bool = False
    constant: bool = False


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted baseline and what its fit took.

    Attributes:
        name: its name in `CLASSIFIERS` or `REGRESSORS`.
        estimator: the scikit-learn estimator.
        seconds: time that the fit took.
        examples: number of training examples used.
        converged: whether an iterative solver reached its tolerance.
    """

    name: str
    estimator: Any
    seconds: float
    examples: int
    converged: bool


def fit_baseline(
    name: str,
    kind: str,
    x_train: np.ndarray,
    y_train: np.ndarray,
    *,
    seed: int,
    limit: int | None = None,
    scale: bool = True,
) -> FittedBaseline:
    """Fit a baseline. The same seed gives the same predictions.

    Args:
        name: a name in `ESTIMATORS[kind]`.
        kind: "classification" or "regression".
        x_train: features, finite floats of shape `(n, features)`.
        y_train: class indices or values, shape `(n,)`.
        seed: seed of the method and of the choice of examples.
        limit: maximal number of training examples, drawn at random; None for the baseline's own limit.
        scale: standardise each feature where the method needs it. Wrong for pixels, which have one scale already: the
            noise in those that hardly vary would count as much as the drawing.

    Raises:
        ZooError: the name is unknown, or the data cannot be fitted.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    valid = ESTIMATORS[kind]
    if name not in valid:
        raise ZooError(f"unknown baseline '{name}'; valid for {kind}: {listing(valid)}{did_you_mean(name, valid)}")
    baseline = valid[name]
    limit = limit or baseline.limit
    if limit and x_train.shape[0] > limit:
        chosen = np.sort(np.random.default_rng(seed).choice(x_train.shape[0], size=limit, replace=False))
        x_train, y_train = x_train[chosen], y_train[chosen]
    estimator, started = baseline.make(seed), time.perf_counter()
    if scale and baseline.scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    try:
        with _threads(x_train), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            estimator.fit(x_train, y_train)
    except ValueError as error:
        raise ZooError(f"baseline '{name}' cannot be fitted to this data: {error}") from error
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)  # threads would sum the trees' votes in changing order
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return FittedBaseline(name, estimator, time.perf_counter() - started, x_train.shape[0], converged)


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


def _prior_classifier(seed: int) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _mean_regressor(seed: int) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="mean")


def _logistic_regression(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=100)


def _ridge(seed: int) -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=np.logspace(-2, 4, 13))


def _neighbors_classifier(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=5, n_jobs=-1)


def _neighbors_regressor(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(n_neighbors=5, n_jobs=-1)


def _forest_classifier(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=100, n_jobs=-1, random_state=seed)


def _forest_regressor(seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=100, n_jobs=-1, random_state=seed)


# The penalty holds back leaves with hardly any curvature, whose steps can make boosting over many classes diverge.
_BOOSTING = {"max_iter": 100, "max_bins": 63, "l2_regularization": 1.0, "early_stopping": False}


def _boosting_classifier(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_BOOSTING, random_state=seed)


def _boosting_regressor(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**_BOOSTING, random_state=seed)


def _support_vector_classifier(seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import SVC

    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(SVC(), cv=folds, ensemble=False)


def _support_vector_regressor(seed: int) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return TransformedTargetRegressor(SVR(), transformer=StandardScaler())


CLASSIFIERS: dict[str, Estimator] = {
    "majority_class": Estimator(_prior_classifier, constant=True),
    "logistic_regression": Estimator(_logistic_regression, scaled=True),
    "k_nearest_neighbors": Estimator(_neighbors_classifier, scaled=True),
    "random_forest": Estimator(_forest_classifier),
    "gradient_boosting": Estimator(_boosting_classifier),
    "support_vector_machine": Estimator(_support_vector_classifier, limit=10_000, scaled=True),
}
REGRESSORS: dict[str, Estimator] = {
    "mean": Estimator(_mean_regressor, constant=True),
    "ridge": Estimator(_ridge, scaled=True),
    "k_nearest_neighbors": Estimator(_neighbors_regressor, scaled=True),
    "random_forest": Estimator(_forest_regressor),
    "gradient_boosting": Estimator(_boosting_regressor),
    "support_vector_machine": Estimator(_support_vector_regressor, limit=10_000, scaled=True),
}
ESTIMATORS = {"classification": CLASSIFIERS, "regression": REGRESSORS}
