"""What is computed for each kind of task, one file a kind.

Where metrics depend only on how often each example counts, one function gives the metric and its bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from zoo.evaluation.metrics import (
    anomaly,
    chosen_class_metric,
    classification,
    detection,
    forecasting,
    generation,
    multi_label,
    reconstruction,
    regression,
    segmentation,
    sequences,
    spans,
    tokens,
    transcription,
)
from zoo.evaluation.metrics.common import Statistic
from zoo.tasks import Kind, Task, as_task


@dataclass(frozen=True, kw_only=True)
class KindMetrics:
    """What is computed for one kind of task, from its targets and its compact output, which its module describes.

    Attributes:
        metrics: names of the metrics.
        evaluate: takes targets and output; returns the metrics by name.
        details: takes targets, output, labels and the baseline's output or None; returns what `report.json` says
            beyond the metrics.
        bootstrapped: names of the metrics that have an interval.
        resampled: takes targets and output; returns a function from how often each example counts, floats of shape
            `(n,)`, to the values of `bootstrapped`. None where there are none.
        correct: takes targets and output; returns which examples are right, bool of shape `(n,)`. None where an
            example is not simply right or wrong.
        proportion: the metric that is the mean of `correct`.
        overlap: takes the targets; returns how many consecutive examples have targets in common.
        adapted: takes this kind, the task with the metric that a recipe chooses, and the labels; returns what is
            computed for it. None where that is the same for all recipes.
    """

    metrics: tuple[str, ...]
    evaluate: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    details: Callable[..., dict[str, Any]]
    bootstrapped: tuple[str, ...] = ()
    resampled: Callable[[np.ndarray, np.ndarray], Statistic] | None = None
    correct: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    proportion: str | None = None
    overlap: Callable[[np.ndarray], int] | None = None
    adapted: Callable[[KindMetrics, Task, Sequence[str]], KindMetrics] | None = None


def kind_metrics(task: str | Task, labels: Sequence[str] = ()) -> KindMetrics:
    """Return what is computed for a task: for tags that mark spans, such as `B-PER`, also metrics of whole spans.

    Args:
        task: the task, or its name.
        labels: names of the classes or of the target's symbols, where they are known.
    """
    task = as_task(task)
    kind = KINDS[task.kind]
    return kind if kind.adapted is None else kind.adapted(kind, task, labels)


def _of_classes(kind: KindMetrics, task: Task, labels: Sequence[str]) -> KindMetrics:
    """Return the kind with the metric that a recipe chooses."""
    return replace(
        kind,
        evaluate=partial(chosen_class_metric.evaluate_chosen, task, labels),
        bootstrapped=chosen_class_metric.bootstrapped(task),
        resampled=partial(chosen_class_metric.resample_chosen, task, labels),
    )


def _of_numbers(kind: KindMetrics, task: Task, labels: Sequence[str]) -> KindMetrics:
    """Return the kind with `mape`, where a recipe chooses it."""
    if task.primary != "mape":
        return kind
    return replace(
        kind,
        evaluate=regression.metrics_with_mape,
        bootstrapped=(*regression.METRICS, "mape"),
        resampled=regression.resampled_with_mape,
    )


def _of_tokens(kind: KindMetrics, task: Task, labels: Sequence[str]) -> KindMetrics:
    """Return the kind with metrics of whole spans, where tags mark them."""
    if not (task.labels_tokens and spans.mark_spans(labels)):
        return kind
    metrics = (*tokens.METRICS, *spans.METRICS)
    return _weighted(metrics, partial(tokens.resampled_with_spans, labels), tokens.details)


def _weighted(
    metrics: tuple[str, ...],
    resampled: Callable[[np.ndarray, np.ndarray], Statistic],
    details: Callable[..., dict[str, Any]],
    **more: Any,
) -> KindMetrics:
    """Describe a kind all of whose metrics are functions of how often each example counts."""

    def evaluate(y: np.ndarray, output: np.ndarray) -> dict[str, float]:
        statistic = resampled(y, output)
        finite = bool(np.isfinite(output).all())
        values = statistic(np.ones(len(y))) if finite else np.full(len(metrics), np.nan)
        return {name: float(value) for name, value in zip(metrics, values, strict=True)}

    return KindMetrics(
        metrics=metrics, evaluate=evaluate, details=details, bootstrapped=metrics, resampled=resampled, **more
    )


_CLASSIFICATION = KindMetrics(
    metrics=(*classification.METRICS, *chosen_class_metric.METRICS),
    evaluate=classification.classification_metrics,
    details=classification.details,
    bootstrapped=classification.BOOTSTRAPPED,
    resampled=classification.resampled,
    correct=classification.correct,
    proportion="accuracy",
    adapted=_of_classes,
)

KINDS: dict[Kind, KindMetrics] = {
    "classification": _CLASSIFICATION,
    "multi_label": _weighted(
        multi_label.METRICS,
        multi_label.resampled,
        multi_label.details,
        correct=multi_label.correct,
        proportion="exact_match",
    ),
    "regression": KindMetrics(
        metrics=(*regression.METRICS, "mape"),
        evaluate=regression.regression_metrics,
        details=regression.details,
        bootstrapped=regression.METRICS,
        resampled=regression.resampled,
        adapted=_of_numbers,
    ),
    "forecasting": _weighted(
        forecasting.METRICS, forecasting.resampled, forecasting.details, overlap=forecasting.overlap
    ),
    "tokens": _weighted(tokens.METRICS, tokens.resampled, tokens.details, adapted=_of_tokens),
    "sequences": _weighted(
        sequences.METRICS,
        sequences.resampled,
        sequences.details,
        correct=sequences.correct,
        proportion="exact_match",
    ),
    "transcription": _weighted(
        transcription.METRICS,
        transcription.resampled,
        transcription.details,
        correct=transcription.correct,
        proportion="exact_match",
    ),
    "segmentation": _weighted(segmentation.METRICS, segmentation.resampled, segmentation.details),
    "detection": _weighted(detection.METRICS, detection.resampled, detection.details),
    "reconstruction": _weighted(reconstruction.METRICS, reconstruction.resampled, reconstruction.details),
    "anomaly": _weighted(anomaly.METRICS, anomaly.resampled, anomaly.details),
    "generation": KindMetrics(
        metrics=generation.METRICS, evaluate=generation.generation_metrics, details=generation.details
    ),
    "representation": _CLASSIFICATION,  # a linear probe classifies the embeddings
}
