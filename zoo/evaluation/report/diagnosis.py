"""Diagnosis of a run from its curves and the gaps between its splits, and what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.report.gan_balance import gan_verdict
from zoo.evaluation.report.split_gaps import Metrics, clearly_above, describe_pair, error_of, suspicious_gaps
from zoo.tasks import TASKS

MIN_RISE = 0.10  # of the best validation loss; losses vary by less from epoch to epoch
MIN_FALL = 0.02  # of the validation loss over a fifth of the epochs: above, it is still falling
MIN_LEARNED = 0.05  # of the first training loss
MAX_ANNEALED = 0.10  # of the peak learning rate: at or below, it is at its end
MIN_EPOCHS = 5  # for a fall over the last fifth
_STATES = ("diverged", "undertrained", "overfitting", "underfitting", "suspicious", "inconclusive")  # first wins
MIN_EPOCHS_AFTER_BEST = 3  # a loss may rise for one or two by chance
_NOTHING_FOUND = "Neither the curves nor the gaps between the splits point to over- or underfitting."


def diagnose(
    task: str,
    history: Sequence[Mapping[str, float | None]],
    metrics: Mapping[str, Metrics],
    baseline: Mapping[str, Any] | None = None,
    examples: Mapping[str, int] | None = None,
    comparison: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Say whether a run overfits, underfits or stopped too early, by thresholds that can be read here.

    The *error* of a split is 1 - metric where greater is better, else the metric itself. Error a is *clearly above*
    error b if a - b is more than 30% of a; where the metric is a percentage, also more than two standard errors; and
    where greater is better, also more than 0.05. The state is the first that holds; advice is that of all that hold:

    - `diverged`: a loss or the primary metric is NaN or infinite.
    - `undertrained`: over at least 5 epochs, the mean validation loss of the last fifth is more than 2% below that of
      the fifth before, and the learning rate had not yet fallen to a tenth of its peak.
    - `overfitting`: the validation error is clearly above the training error; or the last validation loss is more
      than 10% above the best, which was reached at least 3 epochs before, while the training loss kept falling. From
      20 epochs on, losses are means over a tenth of them, because a single one may be low by chance.
    - `underfitting`: not overfitting, the model is not ahead of the baseline in `comparison`, its error not 0, and
      its training error is not lower than the baseline's validation error; or there is no comparison and the training
      loss fell by less than 5% in all.
    - `suspicious`: the training error is clearly above the validation error, or the validation error clearly above
      the test error, or the other way round.
    - `inconclusive`: as `underfitting`, but the training error is lower than the baseline's validation error; or there
      is neither a validation metric nor a validation loss.
    - `good fit`: none of these.

    Generative adversarial networks have the states of `zoo.evaluation.report.gan_balance.gan_verdict`.

    Args:
        task: name of the task.
        history: one mapping an epoch, with `loss`, `val_loss` and, if there is one, `learning_rate`.
        metrics: split (`train`, `validation`, `test`) to its metrics, evaluated on the finished model.
        baseline: `name` and the baseline's metrics under `validation` and `test`, or None.
        examples: number of examples in each split; without it, standard errors are not considered.
        comparison: what `compare` returned for the test split, or None; advice repeats its verdict.

    Returns:
        `state`, `best_epoch` and what it goes by, `best_by` (see `best_epoch`), and `advice`, a list of sentences.
    """
    if any("generator_loss" in row for row in history):
        found = gan_verdict(history)
        return {"state": found["state"], "best_epoch": None, "best_by": None, "advice": [found["advice"]]}
    best = best_epoch(task, history)
    findings = _findings(task, history, metrics, baseline, examples or {}, comparison or {})
    if findings and findings[0][0] == "diverged":
        findings = findings[:1]
    elif error_of(task, metrics.get("validation")) is None and best is None:
        findings.append(("inconclusive", "Without a validation split, overfitting cannot be detected. Hold one out."))
    verdict = f" The model is {comparison['verdict']}." if comparison else ""
    findings = findings or [("good fit", _NOTHING_FOUND + verdict)]
    return {
        "state": findings[0][0],
        "best_epoch": best,
        "best_by": monitored(task, history),
        "advice": [advice for _, advice in findings],
    }


def _findings(
    task: str,
    history: Sequence[Mapping[str, float | None]],
    metrics: Mapping[str, Metrics],
    baseline: Mapping[str, Any] | None,
    examples: Mapping[str, int],
    comparison: Mapping[str, Any],
) -> list[tuple[str, str]]:
    """Return state and advice of all that holds, in the order of `diagnose`."""
    loss, validation_loss = _curve(history, "loss"), _curve(history, "val_loss")
    findings = [
        *_diverged(task, history, metrics),
        *_undertrained(validation_loss, _curve(history, "learning_rate")),
        *_overfitting(task, loss, validation_loss, metrics, examples),
    ]
    if not any(state == "overfitting" for state, _ in findings):
        findings += _underfitting(task, loss, metrics, baseline, comparison)
    return sorted([*findings, *suspicious_gaps(task, metrics, examples)], key=lambda finding: _STATES.index(finding[0]))


def best_epoch(task: str, history: Sequence[Mapping[str, float | None]]) -> int | None:
    """Return the epoch, counted from 1, with the best monitored metric on validation, else the best validation loss.

    Of equal metrics, the one with the lower validation loss is better, then the later. None if the history has neither.
    """
    name = monitored(task, history)
    if name is None:
        return None
    metric, loss = _curve(history, f"val_{name}"), _curve(history, "val_loss")
    rises = name == TASKS[task].primary and TASKS[task].greater_is_better
    errors = np.nan_to_num(-metric if rises else metric, nan=np.inf)
    losses = np.nan_to_num(loss, nan=np.inf) if len(loss) else np.zeros(len(errors))
    return int(np.lexsort((-np.arange(len(errors)), losses, errors))[0]) + 1


def monitored(task: str, history: Sequence[Mapping[str, float | None]]) -> str | None:
    """Return what the best epoch goes by: the task's monitored metric, or the loss where the history lacks it."""
    known = (name for name in (TASKS[task].monitor, "loss") if np.isfinite(_curve(history, f"val_{name}")).any())
    return next(known, None)


def _diverged(
    task: str, history: Sequence[Mapping[str, float | None]], metrics: Mapping[str, Metrics]
) -> list[tuple[str, str]]:
    for epoch, row in enumerate(history, start=1):
        for name in ("loss", "val_loss"):
            if name in row and not _finite(row[name]):
                where = "training" if name == "loss" else "validation"
                return [("diverged", f"The {where} loss is not finite in epoch {epoch}. {_DIVERGED}")]
    for split, values in metrics.items():
        name = TASKS[task].primary
        if name in values and not _finite(values[name]) and not TASKS[task].finds_anomalies:  # may have no labels
            return [("diverged", f"The {TITLES[name]} on the {split} split is not finite. {_DIVERGED}")]
    return []


_DIVERGED = (
    "Lower the learning rate three- to tenfold, add warm-up or gradient clipping, and check the inputs for missing or "
    "unscaled values."
)


def _undertrained(validation_loss: np.ndarray, learning_rate: np.ndarray) -> list[tuple[str, str]]:
    epochs = len(validation_loss)
    if epochs < MIN_EPOCHS or not np.isfinite(validation_loss).all():
        return []
    if len(learning_rate) and learning_rate[-1] <= MAX_ANNEALED * learning_rate.max():
        return []
    fifth = epochs // 5
    last, before = validation_loss[-fifth:].mean(), validation_loss[-2 * fifth : -fifth].mean()
    if before - last <= MIN_FALL * abs(before):
        return []
    fall = (before - last) / abs(before)
    text = f"The validation loss was still falling at the end (by {fall:.0%} over the last {_epochs(fifth)})."
    return [("undertrained", f"{text} Train for more epochs, or with a higher learning rate.")]


def _overfitting(
    task: str,
    loss: np.ndarray,
    validation_loss: np.ndarray,
    metrics: Mapping[str, Metrics],
    examples: Mapping[str, int],
) -> list[tuple[str, str]]:
    found, epochs = [], len(loss)
    if clearly_above(task, metrics, examples, "validation", "train"):
        text = (
            f"{describe_pair(task, metrics, 'train', 'validation')}: the model has memorised part of the training data."
        )
        cure = "More data, stronger augmentation, weight decay, dropout or a smaller model narrow the gap."
        found.append(("overfitting", f"{text} {cure}"))
    if len(validation_loss) == len(loss) >= 4 and np.isfinite([loss, validation_loss]).all():
        loss, validation_loss = _smoothed(loss), _smoothed(validation_loss)
        best = int(validation_loss.argmin())
        rise = validation_loss[-1] - validation_loss[best]
        if (
            len(loss) - 1 - best >= MIN_EPOCHS_AFTER_BEST
            and rise > MIN_RISE * abs(validation_loss[best])
            and loss[-1] < loss[best]
        ):
            text = (
                f"The validation loss was best in epoch {best + epochs - len(loss) + 1} of {epochs} and rose after that"
            )
            cure = "while the training loss kept falling. Stop early and keep the best weights, or regularise more."
            found.append(("overfitting", f"{text} {cure}"))
    return found


def _smoothed(curve: np.ndarray) -> np.ndarray:
    """Return moving averages over a tenth of the epochs."""
    window = max(1, len(curve) // 10)
    return np.convolve(curve, np.full(window, 1 / window), "valid")


def _underfitting(
    task: str,
    loss: np.ndarray,
    metrics: Mapping[str, Metrics],
    baseline: Mapping[str, Any] | None,
    comparison: Mapping[str, Any],
) -> list[tuple[str, str]]:
    found = []
    ahead, train = comparison.get("difference"), error_of(task, metrics.get("train"))
    if ahead is not None and ahead <= 0 and error_of(task, metrics.get("test")) != 0:
        simple = error_of(task, (baseline or {}).get("validation"))
        text = f"The model is {comparison['verdict']}."
        if train is not None and simple is not None and train < simple:
            text += " On its training split it does better than that: more data or regularisation may help."
            found.append(("inconclusive", text))
        else:
            text += " Nor is it better in training: try a larger model, less regularisation, longer training or another"
            found.append(("underfitting", f"{text} learning rate; or use the baseline."))
    if (
        comparison.get("relation") is None
        and len(loss) > 1
        and np.isfinite(loss).all()
        and loss[0] - loss.min() < MIN_LEARNED * abs(loss[0])
    ):
        text = "The training loss hardly fell. Check the learning rate, the loss and whether labels match their inputs."
        found.append(("underfitting", text))
    return found


def _curve(history: Sequence[Mapping[str, float | None]], name: str) -> np.ndarray:
    """Return a column of the history, shape `(epochs,)`, or an empty array if an epoch lacks it."""
    if not all(name in row for row in history):
        return np.array([])
    return np.array([math.nan if row[name] is None else row[name] for row in history], dtype=np.float64)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count != 1 else ''}"
