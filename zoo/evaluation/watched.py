"""The metric that a recipe chooses, as training watches it: on the outputs for validation examples after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zoo.data.dataset import Split
from zoo.errors import ZooError, counted, listing
from zoo.evaluation.metrics.classification import TOP
from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.spans import mark_spans
from zoo.recipe.task import task_of
from zoo.tasks import TASKS, Task

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.training.problem import Problem

MAX_WATCHED_EXAMPLES = 10_000  # of validation, after each epoch
MAX_WATCHED_TARGETS = 1 << 22  # numbers in their targets
MAX_DECODED_EXAMPLES = 500  # where the network runs once for each symbol of an output
_RANKING = ("roc_auc", "average_precision")  # have to see each class


def is_watched_by_batch(task: Task) -> bool:
    """Return whether training itself computes what it watches, from batch to batch."""
    return task.monitor == TASKS[task.name].monitor


def measure_of(problem: Problem) -> Callable[[], float] | None:
    """Return a function that measures the chosen metric on validation; None where training computes what it watches.

    At most 10,000 examples are measured, or as many as have four million numbers in their targets, or 500 where outputs
    are decoded; where there are more, the same ones, drawn at random, after each epoch.
    """
    task, dataset = task_of(problem.recipe), problem.dataset
    if is_watched_by_batch(task):
        return None
    split = watched_part(problem.validation.split, task, problem.recipe.training.seed)
    prepared = problem.validation if len(split) == len(problem.validation.split) else problem.prepare(split)

    def measure() -> float:
        return evaluate(task, split.targets, problem.outputs(prepared), dataset.signature.labels)[task.primary]

    return measure


def watched_part(split: Split, task: Task, seed: int) -> Split:
    """Return the examples of a split that are measured after each epoch."""
    most = MAX_DECODED_EXAMPLES if task.decodes else MAX_WATCHED_EXAMPLES
    most = max(1, min(most, MAX_WATCHED_TARGETS // max(1, split.targets[:1].size)))
    return split if len(split) <= most else split.part(draw_at_most(len(split), most, seed))


def watch_notes(problem: Problem) -> list[str]:
    """Return how many validation examples are measured after each epoch, where it is not all of them."""
    task, split = task_of(problem.recipe), problem.validation.split
    if is_watched_by_batch(task):
        return []
    count = len(watched_part(split, task, problem.recipe.training.seed))
    if count == len(split):
        return []
    return [f"{task.primary} is measured after each epoch on {count:,} of {len(split):,} validation examples"]


def check_metric(problem: Problem) -> None:
    """Check that the chosen metric is defined on the validation and test splits, and that its classes are there.

    Raises:
        ZooError: it is not.
    """
    recipe, dataset = problem.recipe, problem.dataset
    task, labels = task_of(recipe), dataset.signature.labels
    if task.positive is not None and (len(labels) != 2 or task.positive not in labels):
        raise ZooError(
            f"evaluation.positive: '{task.positive}' is not one of two classes; "
            f"{dataset.name} has {listing(labels) or 'no classes'}"
        )
    if recipe.evaluation.metric is None:
        return
    for name, split in (("validation", dataset.validation), ("test", dataset.test)):
        reason = _undefined(task, split, dataset)
        if reason:
            raise ZooError(
                f"evaluation.metric: {task.primary} is not defined on the {name} split of {dataset.name}: "
                f"{reason}; choose another metric"
            )


def _undefined(task: Task, split: Split, dataset: Dataset) -> str | None:
    """Return why the metric is not defined on a split; None where it is."""
    labels, y = dataset.signature.labels, split.targets
    if task.classifies and task.primary in _RANKING:
        missing = [label for i, label in enumerate(labels) if not (y == i).any()]
        return f"it has no example of {counted(missing, 'classes')}" if missing else None
    if task.primary == "top_5_accuracy" and len(labels) <= TOP:
        return f"of {len(labels)} classes, the right one is always among {TOP}"
    if task.primary == "mape" and (y == 0).any():
        return f"it divides by the true value, and {(y == 0).sum():,} are 0"
    if task.primary == "r2" and (y == y[:1]).all():
        return "all its targets are the same"
    if task.primary.startswith("span_") and not mark_spans(labels):
        return "its tags mark no spans, such as B-PER"
    return None
