"""The metrics that a recipe can choose, by kind of task."""

from __future__ import annotations

from dataclasses import replace

from zoo.tasks.table import TASKS
from zoo.tasks.task import Kind, Task

_CLASSES = (
    *("accuracy", "balanced_accuracy", "macro_f1", "f_beta", "mcc", "cohen_kappa", "top_5_accuracy"),
    *("roc_auc", "average_precision", "log_loss", "brier_score"),
)

# Kinds whose metric takes more than the outputs for the test split: real images, a classifier, the images themselves.
NEED_MORE_THAN_OUTPUTS: tuple[Kind, ...] = ("generation", "representation", "reconstruction")
METRICS: dict[Kind, tuple[str, ...]] = {
    "classification": _CLASSES,
    "multi_label": (
        *("mean_average_precision", "macro_f1", "micro_f1"),
        *("label_accuracy", "exact_match", "log_loss"),
    ),
    "regression": ("mae", "rmse", "mse", "r2", "mape", "median_absolute_error"),
    "forecasting": ("mase", "mae", "rmse", "smape"),
    "tokens": ("bits_per_token", "perplexity", "token_accuracy", "span_f1", "span_precision", "span_recall"),
    "sequences": ("exact_match", "token_error_rate"),
    "transcription": ("character_error_rate", "exact_match"),
    "segmentation": ("mean_iou", "mean_dice", "pixel_accuracy"),
    "detection": ("ap50", "ap75", "ap"),
    "reconstruction": ("mse", "psnr", "ssim"),
    "anomaly": ("auroc", "average_precision"),
    "generation": ("fid", "kid", "precision", "recall", "coverage"),
    "representation": _CLASSES,
}
# Kinds that are evaluated after training alone, by what training does not see: other images, a classifier, anomalies.
AFTER_TRAINING: tuple[Kind, ...] = ("anomaly", "generation", "representation")


def with_metric(task: Task, metric: str | None, *, beta: float = 1.0, positive: str | None = None) -> Task:
    """Return a task that is headlined by a metric, and whose best epoch is chosen by it.

    Args:
        task: the task.
        metric: one of `METRICS` of its kind; its own where it is None.
        beta: weight of recall in `f_beta`.
        positive: the class that `f_beta` and `average_precision` of two classes count; the second where it is None.
    """
    if metric is None:
        return replace(task, beta=beta, positive=positive)
    monitor = task.monitor if task.kind in AFTER_TRAINING else metric
    return replace(task, primary=metric, monitor=monitor, beta=beta, positive=positive)


def as_task(task: str | Task) -> Task:
    """Return a task by its name, and one that a recipe has adapted as it is."""
    return TASKS[task] if isinstance(task, str) else task
