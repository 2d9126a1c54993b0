"""Metrics of classes that are computed where a recipe chooses them, with a function that resamples them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.evaluation.metrics import classification
from zoo.evaluation.metrics.anomaly import resampled as ranking
from zoo.evaluation.metrics.common import Statistic, ratio
from zoo.tasks import Task

METRICS = ("f_beta", "mcc", "cohen_kappa")  # beside those that are always computed
MAX_RANKED_SCORES = 1 << 18  # numbers in the probabilities that are ranked for each of 1,000 resamples; 25 s


def positive_class(task: Task, labels: Sequence[str]) -> int:
    """Return the number of the class that is looked for: the recipe's, or the second."""
    return labels.index(task.positive) if task.positive in labels else 1


def evaluate_chosen(task: Task, labels: Sequence[str], y: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the metrics of classes, and the chosen one among them.

    Args:
        task: the task, whose primary metric is the chosen one.
        labels: names of the classes.
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`.
    """
    positive = positive_class(task, labels)
    found = classification.classification_metrics(y, probabilities, positive)
    if task.primary in found:
        return found
    value = float("nan")
    if task.primary in _STATISTICS and np.isfinite(probabilities).all():
        y, p = classification.arrays(y, probabilities)
        value = float(_STATISTICS[task.primary](task, positive, y, p)(np.ones(len(y)))[0])
    return {task.primary: value, **found}


def resample_chosen(task: Task, labels: Sequence[str], y: np.ndarray, probabilities: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `bootstrapped(task)`."""
    y, p = classification.arrays(y, probabilities)
    usual = classification.resampled(y, p)
    if task.primary not in _STATISTICS:
        return usual
    if task.primary in _RANKING and p.size > MAX_RANKED_SCORES:
        return lambda counts: np.append(usual(counts), np.nan)
    chosen = _STATISTICS[task.primary](task, positive_class(task, labels), y, p)
    return lambda counts: np.concatenate([usual(counts), chosen(counts)])


def bootstrapped(task: Task) -> tuple[str, ...]:
    """Return the names of the metrics that have an interval."""
    usual = classification.BOOTSTRAPPED
    return (*usual, task.primary) if task.primary in _STATISTICS else usual


def _confusions(y: np.ndarray, p: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from how often each example counts to the confusion matrix, true classes in its rows."""
    classes, places = p.shape[1], y * p.shape[1] + p.argmax(1)
    return lambda counts: np.bincount(places, counts, classes**2).reshape(classes, classes)


def _f_beta(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """F-beta (van Rijsbergen 1979): of two classes that of the positive one, else the mean over the classes."""
    matrix, square = _confusions(y, p), task.beta**2

    def statistic(counts: np.ndarray) -> np.ndarray:
        found = matrix(counts)
        hits, true, claimed = np.diag(found), found.sum(1), found.sum(0)
        below = square * true + claimed
        each = np.divide((1 + square) * hits, below, out=np.zeros(len(hits)), where=below > 0)
        return np.array([each[positive] if len(hits) == 2 else each[true + claimed > 0].mean()])

    return statistic


def _mcc(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """Matthews correlation coefficient of several classes (Gorodkin 2004); 0 where all are predicted alike."""
    matrix = _confusions(y, p)

    def statistic(counts: np.ndarray) -> np.ndarray:
        found = matrix(counts)
        true, claimed, total = found.sum(1), found.sum(0), found.sum()
        over = (total**2 - claimed @ claimed) * (total**2 - true @ true)
        return np.array([(np.trace(found) * total - true @ claimed) / np.sqrt(over) if over > 0 else 0.0])

    return statistic


def _cohen_kappa(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """Agreement beyond chance (Cohen 1960)."""
    matrix = _confusions(y, p)

    def statistic(counts: np.ndarray) -> np.ndarray:
        found = matrix(counts)
        total = found.sum()
        chance = found.sum(1) @ found.sum(0) / total
        return np.array([ratio(np.trace(found) - chance, total - chance)])

    return statistic


def _top_5_accuracy(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """The fraction of examples whose class is among the five most probable; of equal ones the later counts first."""
    order = np.argsort(p, axis=1, kind="mergesort")[:, -classification.TOP :]
    right = (order == y[:, None]).any(1)
    return lambda counts: np.array([counts @ right / counts.sum()])


def _roc_auc(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """The mean over the classes, each against the rest; of two classes both have the same."""
    each = [ranking((y == i).astype(int), p[:, i]) for i in ([1] if p.shape[1] == 2 else range(p.shape[1]))]
    return lambda counts: np.array([np.mean([statistic(counts)[0] for statistic in each])])


def _average_precision(task: Task, positive: int, y: np.ndarray, p: np.ndarray) -> Statistic:
    """The mean over the classes, each against the rest; of two classes that of the positive one."""
    each = [ranking((y == i).astype(int), p[:, i]) for i in ([positive] if p.shape[1] == 2 else range(p.shape[1]))]
    return lambda counts: np.array([np.mean([statistic(counts)[1] for statistic in each])])


_RANKING = ("roc_auc", "average_precision")
_STATISTICS: dict[str, Callable[[Task, int, np.ndarray, np.ndarray], Statistic]] = {
    "f_beta": _f_beta,
    "mcc": _mcc,
    "cohen_kappa": _cohen_kappa,
    "top_5_accuracy": _top_5_accuracy,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
}
