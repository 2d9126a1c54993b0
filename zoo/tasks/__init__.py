"""Tasks, sources and token ids: plain data that every stage and the recipe's checks read."""

from zoo.tasks.metrics import AFTER_TRAINING, METRICS, NEED_MORE_THAN_OUTPUTS, as_task, with_metric
from zoo.tasks.table import TASKS
from zoo.tasks.task import (
    ANALYSES,
    BOX_SOURCES,
    END,
    FILE_SOURCES,
    IGNORED_PIXEL,
    LABEL_THRESHOLD,
    LOWER_IS_BETTER,
    MEMORY,
    PADDING,
    SOURCES,
    START,
    TABLE_SOURCES,
    UNKNOWN,
    WRITTEN_SOURCES,
    Kind,
    Task,
)

__all__ = [
    "AFTER_TRAINING",
    "ANALYSES",
    "BOX_SOURCES",
    "END",
    "FILE_SOURCES",
    "IGNORED_PIXEL",
    "LABEL_THRESHOLD",
    "LOWER_IS_BETTER",
    "MEMORY",
    "METRICS",
    "NEED_MORE_THAN_OUTPUTS",
    "PADDING",
    "SOURCES",
    "START",
    "TABLE_SOURCES",
    "TASKS",
    "UNKNOWN",
    "WRITTEN_SOURCES",
    "Kind",
    "Task",
    "as_task",
    "tasks_with",
    "with_metric",
    "words",
]


def tasks_with(analysis: str) -> list[str]:
    """Return the names of the tasks whose evaluation can have an analysis."""
    return [name for name, task in TASKS.items() if analysis in task.analyses]


def words(name: str) -> str:
    """Return a name from a recipe as words, for example "PCA error" for `pca_error`."""
    return " ".join("PCA" if word == "pca" else word for word in name.split("_"))
