"""Prediction intervals by split conformal prediction, calibrated on the validation split.

Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for regression", 2018,
arXiv:1604.04173: a half-width is the ceil((n + 1) level)-th smallest of n absolute residuals. Those of forecasts are
locally weighted (their section 5.2): they count in standard deviations of their window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.prediction_intervals import PredictionIntervals, deviations, min_examples, rank_of_bound
from zoo.errors import ZooError
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.data.dataset import Split
    from zoo.evaluation.result import TaskResult
    from zoo.training.problem import Problem


def check_examples(problem: Problem) -> None:
    """Check that the validation split has enough examples for the intervals that a recipe asks for.

    Raises:
        ZooError: it has too few.
    """
    level, count = problem.recipe.evaluation.intervals, len(problem.dataset.validation)
    if level is not None and count < min_examples(level):
        what = "windows" if TASKS[problem.recipe.task].forecasts else "examples"
        raise ZooError(
            f"evaluation.intervals: {level:g} needs the residuals of at least {min_examples(level)} {what}, and the "
            f"validation split of {problem.dataset.name} has {count}; raise data.validation, or leave the intervals out"
        )


def half_widths(residuals: np.ndarray, level: float) -> np.ndarray:
    """Return the half-width of an interval around each number that is predicted.

    Args:
        residuals: true minus predicted, `(examples, …)`.
        level: fraction of values that are to lie between the bounds.
    """
    return np.sort(np.abs(residuals), axis=0)[rank_of_bound(len(residuals), level) - 1]


def add_intervals(problem: Problem, result: TaskResult) -> TaskResult:
    """Add `prediction_intervals` to the facts of a result, where the recipe asks for them.

    They hold `level`, `half_widths` with their `shape`, whether these are `by_window`, as of forecasts, the number of
    `examples` that they were calibrated on, `coverage` and `mean_width` on the test split, and `coverage_by_step` of
    forecasts.
    """
    level, dataset = problem.recipe.evaluation.intervals, problem.dataset
    outputs = [result.outputs[split][1] for split in ("validation", "test")]
    if level is None or not all(np.isfinite(output).all() for output in outputs):
        return result
    forecasts = TASKS[problem.recipe.task].forecasts
    true = {split: y[:, :-1] if forecasts else y for split, (y, _) in result.outputs.items()}
    residuals = np.asarray(true["validation"], np.float64) - outputs[0]
    shape = residuals.shape[1:]
    if forecasts:  # a series that grows, or one of a panel, has windows of every size
        residuals = residuals / _deviations(dataset.validation, shape[1:])
    found = PredictionIntervals(
        level=level,
        half_widths=tuple(half_widths(residuals, level).reshape(-1).tolist()),
        shape=shape,
        by_window=forecasts,
    )
    widths = np.broadcast_to(found.array, true["test"].shape)
    if forecasts:
        widths = widths * _deviations(dataset.test, shape[1:])
    inside = np.abs(true["test"] - outputs[1]) <= widths
    result.facts["prediction_intervals"] = {
        **found.to_json(),
        "examples": len(residuals),
        "coverage": float(inside.mean()),
        "mean_width": float(2 * widths.mean()),
        "coverage_by_step": inside.reshape(len(inside), inside.shape[1], -1).mean((0, 2)).tolist() if forecasts else [],
    }
    return result


def interval_metrics(facts: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of the intervals on the test split."""
    found = facts.get("prediction_intervals")
    return {} if found is None else {"interval_coverage": found["coverage"], "interval_width": found["mean_width"]}


def _deviations(split: Split, targets: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([deviations(split.take(positions), targets) for positions in split.chunks()])
