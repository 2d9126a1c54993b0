"""Evaluation of forecasts: of all windows, and of each series and target by itself where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.outputs import evaluate_values
from zoo.evaluation.result import TaskResult

if TYPE_CHECKING:
    from zoo.data.dataset import Series
    from zoo.evaluation.result import TrainedTask


def evaluate_forecasts(trained: TrainedTask) -> TaskResult:
    """Evaluate as other outputs are, then each series of a panel, and each of several targets."""
    result = evaluate_values(trained)
    series = trained.problem.dataset.series
    y, output = result.outputs["test"]
    if series is not None and len(series.names) > 1 and np.isfinite(output).all():
        baseline = result.baseline["test"] if result.baseline else None
        result.facts["by_series"] = metrics_by_series(series, trained.problem.recipe.task, y, output, baseline)
    targets = trained.problem.dataset.signature.targets
    if targets and np.isfinite(output).all():
        task = trained.problem.recipe.task
        baseline = result.baseline["test"] if result.baseline else None
        result.facts["by_target"] = [
            {
                "target": name,
                **evaluate(task, y[..., i], output[..., i]),
                "baseline_mase": _mase(task, y[..., i], None if baseline is None else baseline[..., i]),
            }
            for i, name in enumerate(targets)
        ]
    return result


def _mase(task: str, y: np.ndarray, output: np.ndarray | None) -> float | None:
    return evaluate(task, y, output)["mase"] if output is not None and np.isfinite(output).all() else None


def metrics_by_series(
    series: Series, task: str, y: np.ndarray, output: np.ndarray, baseline: np.ndarray | None
) -> list[dict[str, Any]]:
    """Return the metrics of each series that has test windows, the worst first.

    Args:
        series: names the series of each window.
        task: name of the task.
        y: targets of the test split.
        output: the model's forecasts of it.
        baseline: those of the baseline, or None.

    Returns:
        Of each series `series`, its name, `windows`, their number, the metrics, and `baseline_mase`, None without one.
    """
    of_window = series.series_of("test")
    found = []
    for place, name in enumerate(series.names):
        own = np.flatnonzero(of_window == place)
        if not len(own):
            continue
        compared = _mase(task, y[own], None if baseline is None else baseline[own])
        found.append(
            {
                "series": name,
                "windows": len(own),
                **evaluate(task, y[own], output[own]),
                "baseline_mase": compared,
            }
        )
    return sorted(found, key=lambda row: -row["mase"])
