"""Evaluation of a classifier: its outputs, and how far its probabilities can be relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.evaluation.decisions import add_decisions
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.out_of_distribution import add_ood
from zoo.evaluation.outputs import evaluate_outputs
from zoo.evaluation.result import TaskResult

if TYPE_CHECKING:
    from zoo.evaluation.result import TrainedTask

CALIBRATION_METRICS = ("log_loss", "brier_score", "expected_calibration_error")


def evaluate_classes(trained: TrainedTask) -> TaskResult:
    """Evaluate as other outputs are, with what the recipe asks for beside the metrics."""
    result = evaluate_outputs(trained)
    _add_calibration(trained, result)
    add_decisions(trained.problem, result)
    add_ood(trained, result)
    return result


def _add_calibration(trained: TrainedTask, result: TaskResult) -> None:
    """Add `calibration`: the temperature, the examples it was fitted on, and test metrics without and with it."""
    from zoo.tasks import TASKS
    from zoo.training.saved_outputs import saved_outcomes
    from zoo.training.temperature import temperature_of, without_temperature

    recipe, dataset = trained.problem.recipe, trained.problem.dataset
    if not recipe.evaluation.temperature:
        return
    y, output = result.outputs["test"]
    with without_temperature(trained.model):
        before = saved_outcomes(trained.model, dataset.test, dataset.signature, TASKS[recipe.task])
    found = {name: evaluate(recipe.task, y, np.asarray(p)) for name, p in (("before", before), ("after", output))}
    result.facts["calibration"] = {
        "temperature": temperature_of(trained.model),
        "examples": len(dataset.validation),
        **{name: {metric: values[metric] for metric in CALIBRATION_METRICS} for name, values in found.items()},
    }
