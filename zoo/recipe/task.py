"""The task of a recipe, with the metric that the recipe chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.tasks import TASKS, Task, with_metric

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe


def task_of(recipe: Recipe) -> Task:
    """Return the recipe's task. Its primary metric, and what chooses the best epoch, are those of the recipe."""
    evaluation = recipe.evaluation
    positive = None if evaluation.positive is None else str(evaluation.positive)
    return with_metric(TASKS[recipe.task], evaluation.metric, beta=evaluation.beta or 1.0, positive=positive)
