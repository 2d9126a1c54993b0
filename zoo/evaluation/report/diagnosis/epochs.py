"""The curves of a training, and its best epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.tasks import Task, as_task

History = Sequence[Mapping[str, float | None]]  # one mapping an epoch


def curve(history: History, name: str) -> np.ndarray:
    """Return a column of the history, shape `(epochs,)`, or an empty array if an epoch lacks it."""
    if not all(name in row for row in history):
        return np.array([])
    return np.array([math.nan if row[name] is None else row[name] for row in history], dtype=np.float64)


def best_epoch(task: str | Task, history: History) -> int | None:
    """Return the epoch, counted from 1, with the best monitored metric on validation, else the best validation loss.

    Of equal metrics, the one with the lower validation loss is better, then the later. None if the history has neither.
    """
    name = monitored(task, history)
    if name is None:
        return None
    metric, loss = curve(history, f"val_{name}"), curve(history, "val_loss")
    rises = name == as_task(task).primary and as_task(task).greater_is_better
    errors = np.nan_to_num(-metric if rises else metric, nan=np.inf)
    losses = np.nan_to_num(loss, nan=np.inf) if len(loss) else np.zeros(len(errors))
    return int(np.lexsort((-np.arange(len(errors)), losses, errors))[0]) + 1


def monitored(task: str | Task, history: History) -> str | None:
    """Return what the best epoch goes by: the task's monitored metric, or the loss where the history lacks it."""
    known = (name for name in (as_task(task).monitor, "loss") if np.isfinite(curve(history, f"val_{name}")).any())
    return next(known, None)


def count_epochs(count: int) -> str:
    """Return, for example, "3 epochs"."""
    return f"{count} epoch{'s' if count != 1 else ''}"
