"""Classifiers and regressors of scikit-learn, by the names of baselines, and what validation chooses of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimator:
    """One baseline.

    Attributes:
        make: takes a seed, returns an estimator that is not fitted.
        parameter: the parameter whose value validation chooses.
        values: its values to choose among, the usual one first.
        stops_early: validation chooses the number of steps.
        limit: maximal number of training examples, drawn at random; None for all.
        scaled: whether the method depends on distances or penalties, and so needs features of one scale.
        constant: whether it answers every example alike, and so needs no features.
    """

    make: Callable[[int], Any]
    parameter: str = ""
    values: tuple[float, ...] = ()
    stops_early: bool = False
    limit: int | None = None
    scaled: bool = False
    constant: bool = False


def _prior_classifier(seed: int) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _mean_regressor(seed: int) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="mean")


def _logistic_regression(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=200)


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
_BOOSTING = {"max_iter": 100, "max_bins": 255, "l2_regularization": 1.0, "early_stopping": False}
_PENALTIES = (1.0, 0.1, 0.01, 10.0)
_NEIGHBORS = (5, 1, 20)


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
    "logistic_regression": Estimator(_logistic_regression, "C", _PENALTIES, scaled=True),
    "k_nearest_neighbors": Estimator(_neighbors_classifier, "n_neighbors", _NEIGHBORS, scaled=True),
    "random_forest": Estimator(_forest_classifier),
    "gradient_boosting": Estimator(_boosting_classifier, stops_early=True),
    "support_vector_machine": Estimator(_support_vector_classifier, limit=10_000, scaled=True),
}
REGRESSORS: dict[str, Estimator] = {
    "mean": Estimator(_mean_regressor, constant=True),
    "ridge": Estimator(_ridge, scaled=True),
    "k_nearest_neighbors": Estimator(_neighbors_regressor, "n_neighbors", _NEIGHBORS, scaled=True),
    "random_forest": Estimator(_forest_regressor),
    "gradient_boosting": Estimator(_boosting_regressor, stops_early=True),
    "support_vector_machine": Estimator(_support_vector_regressor, limit=10_000, scaled=True),
}
ESTIMATORS = {"classification": CLASSIFIERS, "regression": REGRESSORS}
