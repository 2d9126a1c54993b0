"""Tasks: what a recipe's `task:` fixes. Plain data, so that every stage and the recipe check can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        kind: what the target is: a class, or a number.
        inputs: kinds of input data that the task takes.
        losses: losses that fit the task.
        primary: the metric that headlines, compares with the baseline and chooses the best epoch.
        greater_is_better: direction of the primary metric.
        baselines: scikit-learn baselines that fit the task.
    """

    kind: Literal["classification", "regression"]
    inputs: tuple[str, ...]
    losses: tuple[str, ...]
    primary: str
    greater_is_better: bool
    baselines: tuple[str, ...]


_ANY = ("k_nearest_neighbors", "random_forest", "gradient_boosting", "support_vector_machine")
_CLASSIFIERS = ("majority_class", "logistic_regression", *_ANY)
_REGRESSORS = ("mean", "ridge", *_ANY)
_REGRESSION_LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")

TASKS: dict[str, Task] = {
    "image_classification": Task(
        "classification", ("image",), ("categorical_crossentropy",), "accuracy", True, _CLASSIFIERS
    ),
    "tabular_classification": Task(
        "classification", ("table", "array"), ("categorical_crossentropy",), "accuracy", True, _CLASSIFIERS
    ),
    "tabular_regression": Task("regression", ("table", "array"), _REGRESSION_LOSSES, "mae", False, _REGRESSORS),
}
