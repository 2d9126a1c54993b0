"""The metrics of a model's output, and what a report says of its mistakes, for every kind of task.

A model whose output is not finite gets NaN for every metric, so that a run that diverged can still be reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.kinds import KINDS, kind_metrics
from zoo.tasks import Task, as_task


def evaluate(task: str | Task, y: np.ndarray, output: np.ndarray, labels: Sequence[str] = ()) -> dict[str, float]:
    """Return the metrics of the task's kind, the primary one among them.

    Args:
        task: the task, or its name.
        y: the targets, as the task's kind has them.
        output: the output in the compact form of its kind: probabilities `(n, classes)`, values `(n,)`, or what the
            kind's module in `zoo.evaluation.metrics` describes.
        labels: names of the classes or of the target's symbols: tags that mark spans have metrics of spans.

    Raises:
        ValueError: shapes or values that do not fit, or no examples.
    """
    return kind_metrics(task, labels).evaluate(y, output)


def details(
    task: str | Task, y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what a report says of the mistakes.

    Args:
        task: the task, or its name.
        y: the targets, as for `evaluate`.
        output: the output, as for `evaluate`.
        labels: names of the classes or of the target's symbols.
        baseline: the baseline's output, or None.

    Returns:
        `confusion_matrix`, `confused_pairs` and `per_class`, None where they do not apply; `worst`; and what the kind
        has beside them. If the output is not finite, these four alone, and empty.
    """
    found: dict[str, Any] = {"confusion_matrix": None, "confused_pairs": None, "per_class": None, "worst": []}
    if not np.isfinite(output).all():
        return found
    return found | KINDS[as_task(task).kind].details(y, output, labels, baseline)
