"""Simple methods to beat, from scikit-learn, by name. A network that does not beat them is not worth its cost."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing

CLASSIFICATION, REGRESSION = "classification", "regression"
SMALL = 1_000_000  # numbers in the features, below which threads cost more than they gain


@dataclass(frozen=True)
class Baseline:
    """One baseline.

    Attributes:
        kinds: kinds of task that it serves.
        make: takes the kind and a seed, returns an estimator that is not fitted.
        limit: most training examples that are worth their time, None for all.
        scaled: whether the method goes by distances or penalties, and so needs features of one scale.
        constant: whether it says the same of every example, and so looks at no feature.
    """

    kinds: tuple[str, ...]
    make: Callable[[str, int], Any]
    limit: int | None = None
    scaled: bool = False
    constant: bool = False


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted baseline and what its fit took.

    Attributes:
        name: its name in `BASELINES`.
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
        name: a name in `BASELINES`.
        kind: "classification" or "regression".
        x_train: features, finite floats of shape `(n, features)`.
        y_train: class indices or values, shape `(n,)`.
        seed: seed of the method and of the choice of examples.
        limit: most training examples to use, drawn at random; None for the baseline's own limit.
        scale: standardise each feature where the method needs it. Wrong for pixels, which have one scale already:
            the noise in those that hardly vary would count as much as the strokes.

    Raises:
        ZooError: the name is unknown, the baseline does not serve the kind, or the data cannot be fitted.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    baseline = BASELINES.get(name)
    serving = [n for n, b in BASELINES.items() if kind in b.kinds]
    if baseline is None:
        raise ZooError(f"unknown baseline '{name}'; valid for {kind}: {listing(serving)}{did_you_mean(name, serving)}")
    if kind not in baseline.kinds:
        raise ZooError(f"baseline '{name}' does not serve {kind}; valid: {listing(serving)}")
    limit = limit or baseline.limit
    if limit and x_train.shape[0] > limit:
        chosen = np.sort(np.random.default_rng(seed).choice(x_train.shape[0], size=limit, replace=False))
        x_train, y_train = x_train[chosen], y_train[chosen]
    estimator, started = baseline.make(kind, seed), time.perf_counter()
    if scale and baseline.scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    try:
        with _threads(x_train), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            estimator.fit(x_train, y_train)
    except ValueError as error:
        raise ZooError(f"baseline '{name}' cannot be fitted to this data: {error}") from error
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)  # threads would add up the trees' votes in an order that changes
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return FittedBaseline(name, estimator, time.perf_counter() - started, x_train.shape[0], converged)


def baseline_output(fitted: FittedBaseline, x: np.ndarray, kind: str, classes: int) -> np.ndarray:
    """Return the baseline's output, in the form of a model's.

    Args:
        fitted: what `fit_baseline` returned.
        x: features, shape `(n, features)`.
        kind: "classification" or "regression".
        classes: number of classes; a class that training lacked gets probability 0. Not used for regression.

    Returns:
        Probabilities, shape `(n, classes)`, or values, shape `(n,)`.
    """
    with _threads(x):
        if kind == REGRESSION:
            return np.asarray(fitted.estimator.predict(x), dtype=np.float64)
        probabilities = np.zeros((x.shape[0], classes))
        probabilities[:, np.asarray(fitted.estimator.classes_, dtype=int)] = fitted.estimator.predict_proba(x)
        return probabilities


def _threads(x: np.ndarray) -> AbstractContextManager[Any]:
    """Keep native code to one thread while `x` is small: on a busy machine threads mostly wait for each other."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1 if x.size < SMALL else None)


def _constant(kind: str, seed: int) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if kind == CLASSIFICATION else DummyRegressor(strategy="mean")


def _logistic_regression(kind: str, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=100)


def _ridge(kind: str, seed: int) -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=np.logspace(-2, 4, 13))


def _k_nearest_neighbors(kind: str, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return (KNeighborsClassifier if kind == CLASSIFICATION else KNeighborsRegressor)(n_neighbors=5, n_jobs=-1)


def _random_forest(kind: str, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestClassifier if kind == CLASSIFICATION else RandomForestRegressor
    return forest(n_estimators=100, n_jobs=-1, random_state=seed)


def _gradient_boosting(kind: str, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    boosting = HistGradientBoostingClassifier if kind == CLASSIFICATION else HistGradientBoostingRegressor
    # The penalty holds back leaves with hardly any curvature, whose steps can make boosting over many classes diverge.
    return boosting(max_iter=100, max_bins=63, l2_regularization=1.0, early_stopping=False, random_state=seed)


def _support_vector_machine(kind: str, seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    if kind == REGRESSION:
        return TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(SVC(), cv=folds, ensemble=False)


_BOTH = (CLASSIFICATION, REGRESSION)
BASELINES: dict[str, Baseline] = {
    "majority_class": Baseline((CLASSIFICATION,), _constant, constant=True),
    "mean": Baseline((REGRESSION,), _constant, constant=True),
    "logistic_regression": Baseline((CLASSIFICATION,), _logistic_regression, scaled=True),
    "ridge": Baseline((REGRESSION,), _ridge, scaled=True),
    "k_nearest_neighbors": Baseline(_BOTH, _k_nearest_neighbors, scaled=True),
    "random_forest": Baseline(_BOTH, _random_forest),
    "gradient_boosting": Baseline(_BOTH, _gradient_boosting),
    "support_vector_machine": Baseline(_BOTH, _support_vector_machine, limit=10_000, scaled=True),
}
