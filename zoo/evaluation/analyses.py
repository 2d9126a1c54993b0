"""What can be added to the evaluation of a trained model, because it takes longer than the metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from zoo.errors import ZooError
from zoo.evaluation.attribution.attribute import attribute
from zoo.evaluation.report.build import jsonable
from zoo.evaluation.representation import represent
from zoo.evaluation.result import TaskResult, TrainedTask
from zoo.evaluation.robustness.measure import measure_robustness
from zoo.tasks import ANALYSES, TASKS, tasks_with

# Name to what computes the entry of `report.json`; it may add to the pictures of the result, under the same name.
_COMPUTE: dict[str, Callable[[TrainedTask, TaskResult], dict[str, Any]]] = {
    "robustness": measure_robustness,
    "attribution": attribute,
    "representation": represent,
}


def add_analyses(trained: TrainedTask, result: TaskResult, names: Collection[str] = ()) -> None:
    """Add the analyses that a recipe asks for, and those that are named, to the facts of a result."""
    evaluation = trained.problem.recipe.evaluation
    for name in ANALYSES:
        if name in names or getattr(evaluation, name):
            result.facts[name] = jsonable(_COMPUTE[name](trained, result))


def check_analyses(task: str, names: Collection[str]) -> None:
    """Refuse analyses that a task cannot have.

    Raises:
        ZooError: one of them.
    """
    for name in names:
        if name not in TASKS[task].analyses:
            raise ZooError(f"--{name} is not computed for {task}, only for {', '.join(tasks_with(name))}")
