"""What the curves and the gaps between the splits say about a run, and what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.evaluation.report.gan_balance import player_verdict
from zoo.tasks import TASKS, words

GAP_SHARE = 0.30
GAP_POINTS = 0.05
RISE = 0.10
STILL_FALLING = 0.02
HARDLY_LEARNED = 0.05
ANNEALED = 0.10
SHORTEST = 5

Metrics = Mapping[str, float | None]


def diagnose(
    task: str,
    history: Sequence[Mapping[str, float | None]],
    metrics: Mapping[str, Metrics],
    baseline: Mapping[str, Any] | None = None,
    examples: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Say whether a run overfits, underfits or stopped too early, by thresholds that can be read here.

    The *error* of a split is 1 - metric where greater is better, else the metric itself. Error a is *clearly above*
    error b if a - b is more than 30% of a; where the metric is a share, also more than two standard errors; and where
    greater is better, also more than 0.05. The state is the first that holds; advice is collected from all of them:

    - `diverged`: a loss or the primary metric is NaN or infinite.
    - `undertrained`: over at least 5 epochs, the mean validation loss of the last fifth is more than 2% below that of
      the fifth before, and the learning rate had not yet fallen to a tenth of its peak.
    - `overfitting`: the validation error is clearly above the training error; or the last validation loss is more
      than 10% above the best, which was reached at least 3 epochs before, while the training loss went on falling. Of
      20 epochs or more, losses are means over a tenth of them, because a single one may be low by chance.
    - `underfitting`: not overfitting, and neither the validation nor the training error is lower than the baseline's
      validation error; or there is no baseline and the training loss fell by less than 5% in all.
    - `suspicious`: the training error is clearly above the validation error, or the validation error clearly above
      the test error, or the other way round.
    - `inconclusive`: the training error is lower than the baseline's validation error but the validation error is
      not, though there is room for it; or there is neither a validation metric nor a validation loss to judge by.
    - `good fit`: none of these.

    Of two players, generator and discriminator, the state is that of
    `zoo.evaluation.report.gan_balance.player_verdict`.

    Args:
        task: name of the task.
        history: one mapping an epoch, with `loss`, `val_loss` and, if there is one, `learning_rate`.
        metrics: split (`train`, `validation`, `test`) to its metrics, evaluated on the finished model.
        baseline: `name` and the baseline's metrics under `validation` and `test`, or None.
        examples: number of examples in each split; without it, standard errors are not considered.

    Returns:
        `state`, `best_epoch` (see `best_epoch`) and `advice`, a list of sentences.
    """
    loss, validation_loss = _curve(history, "loss"), _curve(history, "val_loss")
    if any("generator_loss" in row for row in history):
        verdict = player_verdict(history)
        return {"state": verdict["state"], "best_epoch": None, "advice": [verdict["advice"]]}
    best = best_epoch(task, history)
    findings = [
        *_diverged(task, history, metrics),
        *_undertrained(validation_loss, _curve(history, "learning_rate")),
        *_overfitting(task, loss, validation_loss, metrics, examples or {}),
    ]
    if not any(state == "overfitting" for state, _ in findings):
        findings += _underfitting(task, loss, metrics, baseline)
    findings += _suspicious(task, metrics, examples or {})
    if any(state == "diverged" for state, _ in findings):
        findings = findings[:1]
    elif _error(task, metrics.get("validation")) is None and best is None:
        findings.append(("inconclusive", "There is no validation split, so overfitting cannot be told. Hold one out."))
    if not findings:
        advice = "Neither the curves nor the splits point to over- or underfitting."
        if _beats(task, metrics, baseline):
            advice += f" The model beats {baseline_words(baseline)} on the validation split."
        findings = [("good fit", advice)]
    return {"state": findings[0][0], "best_epoch": best, "advice": [advice for _, advice in findings]}


def best_epoch(task: str, history: Sequence[Mapping[str, float | None]]) -> int | None:
    """Return the epoch, counted from 1, of the best validation metric that the task monitors, else validation loss.

    Of equal epochs it is the first. None if the history has neither.
    """
    monitor, loss = TASKS[task].monitor, _curve(history, "val_loss")
    metric = _curve(history, f"val_{monitor}")
    rises = monitor == TASKS[task].primary and TASKS[task].greater_is_better
    for errors in (-metric if rises else metric, loss):
        if np.isfinite(errors).any():
            return int(np.nanargmin(errors)) + 1
    return None


def baseline_words(baseline: Mapping[str, Any] | None) -> str:
    """Return the baseline's name in words."""
    return words(str((baseline or {}).get("name", "the baseline")))


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
        if name in values and not _finite(values[name]):
            return [("diverged", f"The {TITLES[name]} on the {split} split is not finite. {_DIVERGED}")]
    return []


_DIVERGED = (
    "Lower the learning rate three- to tenfold, add warm-up or gradient clipping, and check the inputs for missing or "
    "unscaled values."
)


def _undertrained(validation_loss: np.ndarray, learning_rate: np.ndarray) -> list[tuple[str, str]]:
    epochs = len(validation_loss)
    if epochs < SHORTEST or not np.isfinite(validation_loss).all():
        return []
    if len(learning_rate) and learning_rate[-1] <= ANNEALED * learning_rate.max():
        return []
    fifth = epochs // 5
    last, before = validation_loss[-fifth:].mean(), validation_loss[-2 * fifth : -fifth].mean()
    if before - last <= STILL_FALLING * abs(before):
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
    if _clearly_above(task, metrics, examples, "validation", "train"):
        text = f"{_pair(task, metrics, 'train', 'validation')}: the model has memorised part of the training data."
        cure = "More data, stronger augmentation, weight decay, dropout or a smaller model narrow the gap."
        found.append(("overfitting", f"{text} {cure}"))
    if len(validation_loss) == len(loss) >= 4 and np.isfinite([loss, validation_loss]).all():
        loss, validation_loss = _smoothed(loss), _smoothed(validation_loss)
        best = int(validation_loss.argmin())
        rise = validation_loss[-1] - validation_loss[best]
        if len(loss) - 1 - best >= 3 and rise > RISE * abs(validation_loss[best]) and loss[-1] < loss[best]:
            text = (
                f"The validation loss was best in epoch {best + epochs - len(loss) + 1} of {epochs} and rose after that"
            )
            cure = "while the training loss went on falling. Stop early and keep the best weights, or regularise more."
            found.append(("overfitting", f"{text} {cure}"))
    return found


def _smoothed(curve: np.ndarray) -> np.ndarray:
    """Return the means over each tenth of the epochs, from the first such tenth on."""
    window = max(1, len(curve) // 10)
    return np.convolve(curve, np.full(window, 1 / window), "valid")


def _underfitting(
    task: str, loss: np.ndarray, metrics: Mapping[str, Metrics], baseline: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    found = []
    beats, train = _beats(task, metrics, baseline), _error(task, metrics.get("train"))
    if beats is False and _error(task, metrics.get("validation")):
        simple = _error(task, (baseline or {}).get("validation"))
        text = f"Validation is no better than with {baseline_words(baseline)}"
        if train is not None and simple is not None and train < simple:
            text += ", although training is. More data or regularisation may help; the baseline may serve as well."
            found.append(("inconclusive", text))
        else:
            text += ", nor is training. Try a larger model, less regularisation, longer training or another learning "
            found.append(("underfitting", text + "rate; or use the baseline."))
    if (
        beats is None
        and len(loss) > 1
        and np.isfinite(loss).all()
        and loss[0] - loss.min() < HARDLY_LEARNED * abs(loss[0])
    ):
        text = "The training loss hardly fell. Check the learning rate, the loss and whether labels match their inputs."
        found.append(("underfitting", text))
    return found


def _suspicious(task: str, metrics: Mapping[str, Metrics], examples: Mapping[str, int]) -> list[tuple[str, str]]:
    found = []
    if _clearly_above(task, metrics, examples, "train", "validation"):
        text = f"{_pair(task, metrics, 'train', 'validation')}: training is the harder of the two."
        cure = _TRAINING_HARDER[TASKS[task].kind == "forecasting"]
        found.append(("suspicious", f"{text} {cure}"))
    if _clearly_above(task, metrics, examples, "validation", "test"):
        text = f"{_pair(task, metrics, 'validation', 'test')}: the test split is easier than it should be."
        cure = _EASIER[TASKS[task].kind == "forecasting"]
        found.append(("suspicious", f"{text} {cure}"))
    if _clearly_above(task, metrics, examples, "test", "validation"):
        text = f"{_pair(task, metrics, 'validation', 'test')}: validation promised more than the test split kept."
        cure = _HARDER[TASKS[task].kind == "forecasting"]
        found.append(("suspicious", f"{text} {cure}"))
    return found


# What a gap between the splits suggests, first for examples in any order, then for parts of a series.
_TRAINING_HARDER = (
    "Dropout or augmentation may be too strong, or the validation split too easy, too small or leaked into.",
    "Dropout may be too strong, or the later part of the series calmer than the one trained on.",
)
_EASIER = (
    "Look for duplicates between the splits and for a test split drawn in another way.",
    "The series may be calmer in its last part, or that part too short to tell.",
)
_HARDER = (
    "The splits may come from different sources, or choices were tuned to the validation split.",
    "The series may have changed since: train on its later part, or more often.",
)


def _beats(task: str, metrics: Mapping[str, Metrics], baseline: Mapping[str, Any] | None) -> bool | None:
    """Return whether the model beats the baseline on the validation split; None if that cannot be told."""
    model, simple = _error(task, metrics.get("validation")), _error(task, (baseline or {}).get("validation"))
    return None if model is None or simple is None else model < simple


def _clearly_above(
    task: str, metrics: Mapping[str, Metrics], examples: Mapping[str, int], worse: str, better: str
) -> bool:
    above, below = _error(task, metrics.get(worse)), _error(task, metrics.get(better))
    if above is None or below is None:
        return False
    gap, least = above - below, GAP_SHARE * above
    if TASKS[task].primary in PERCENT:
        noise = math.sqrt(sum(_variance(e, examples.get(split)) for e, split in ((above, worse), (below, better))))
        least = max(least, 2 * noise)
    return gap > max(least, GAP_POINTS if TASKS[task].greater_is_better else 0)


def _variance(error: float, examples: int | None) -> float:
    """Return the variance of an error rate, with one success and one failure added so that it is never zero."""
    if not examples:
        return 0.0
    share = min(1.0, (error * examples + 1) / (examples + 2))
    return share * (1 - share) / examples


def _error(task: str, metrics: Metrics | None) -> float | None:
    value = (metrics or {}).get(TASKS[task].primary)
    if value is None or not math.isfinite(value):
        return None
    return 1 - value if TASKS[task].greater_is_better else value


def _pair(task: str, metrics: Mapping[str, Metrics], first: str, second: str) -> str:
    """Return, for example, "Accuracy is 99.1% in training but 91.0% in validation"."""
    name = TASKS[task].primary
    texts = [format(metrics[split][name], ".1%" if name in PERCENT else ".3g") for split in (first, second)]
    where = [{"train": "training"}.get(split, split) for split in (first, second)]
    title = TITLES[name]
    return f"{title[0].upper()}{title[1:]} is {texts[0]} in {where[0]} but {texts[1]} in {where[1]}"


def _curve(history: Sequence[Mapping[str, float | None]], name: str) -> np.ndarray:
    """Return a column of the history, shape `(epochs,)`, or an empty array if an epoch lacks it."""
    if not all(name in row for row in history):
        return np.array([])
    return np.array([math.nan if row[name] is None else row[name] for row in history], dtype=np.float64)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count != 1 else ''}"
