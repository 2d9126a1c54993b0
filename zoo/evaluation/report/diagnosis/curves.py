"""Signs in the curves: diverging, too short, overfitting, plateau."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from zoo.evaluation.metrics.names import TITLES
from zoo.evaluation.report.diagnosis.epochs import count_epochs, curve
from zoo.evaluation.report.diagnosis.sign import Sign
from zoo.evaluation.report.diagnosis.situation import Situation
from zoo.evaluation.report.split_gaps import MIN_GAP_POINTS
from zoo.tasks import as_task

MIN_RISE = 0.10  # of the best validation loss; losses vary by less from epoch to epoch
MIN_LOST = 0.10  # of what was gained, from the loss of the first epoch to the best; below, next to nothing is lost
MIN_FALL = 0.02  # of the validation loss over a fifth of the epochs: above, it is still falling
MIN_FALL_ANNEALED = 0.05  # the same over the last half of a run of few steps, whose rate ended at 0
FEW_STEPS = 500  # of training; runs with fewer may end before they have learned
MAX_ANNEALED = 0.10  # of the peak learning rate: at or below, it is at its end
MIN_EPOCHS = 5  # for a fall over the last fifth
MIN_EPOCHS_AFTER_BEST = 3  # a loss may rise for one or two by chance
MAX_CHANCE_RATIO = 1.5  # of the loss of a constant answer: a training loss above it has blown up
MIN_TRAINING_RISE = 0.5  # of the lowest training loss: above, training itself went backwards
MAX_KEPT_LOSS = 0.7  # of the loss of a constant answer: at or above, nothing much was learned
MIN_PLATEAU_EPOCHS = 10
MAX_PLATEAU_CHANGE = 0.01  # of the training loss between the last two quarters of the run
MIN_PLATEAU_LOSS = 0.05  # of the first training loss: below, there is nothing left to learn
MIN_CONSTANT_RATE = 0.5  # of its peak: a rate that never fell below it is as good as constant
_LOSS_OF_MEAN = {  # of standardised normal targets, for the answer 0
    "mean_squared_error": 1.0,
    "mean_absolute_error": 0.8,
    "huber": 0.44,
}


def non_finite(s: Situation) -> Iterator[Sign]:
    """Yield the first loss or metric that is no finite number."""
    for epoch, row in enumerate(s.history, start=1):
        for name in ("loss", "val_loss"):
            if name in row and not _finite(row[name]):
                where = "training" if name == "loss" else "validation"
                yield Sign(state="diverging", text=f"The {where} loss is not finite in epoch {epoch}.")
                return
    for split, values in s.metrics.items():
        name = as_task(s.task).primary
        if name in values and not _finite(values[name]) and not as_task(s.task).finds_anomalies:  # may have no labels
            yield Sign(state="diverging", text=f"The {TITLES[name]} on the {split} split is not finite.")
            return


def blown_up(s: Situation) -> Iterator[Sign]:
    """Yield a training loss that left the range in which training begins, or rose, and did not come down again."""
    loss = s.loss
    if not len(loss) or not np.isfinite(loss).all():
        return
    chance, low, late = loss_of_constant(s), float(loss.min()), float(loss[-max(1, len(loss) // 5) :].mean())
    if chance is not None and loss.max() > MAX_CHANCE_RATIO * chance and late >= MAX_KEPT_LOSS * chance:
        epoch = int(loss.argmax()) + 1
        yield Sign(
            state="diverging",
            text=f"The training loss was {loss.max():.3g} in epoch {epoch} and {loss[-1]:.3g} at the end; an answer "
            f"that is the same for every example has {chance:.3g}.",
        )
    elif len(loss) >= MIN_EPOCHS and late > (1 + MIN_TRAINING_RISE) * low > 0 and late >= 0.1 * loss[0]:
        yield Sign(
            state="diverging",
            text=f"The training loss rose from {low:.3g} in epoch {int(loss.argmin()) + 1} to {late:.3g} at the end.",
        )


def loss_of_constant(s: Situation) -> float | None:
    """Return the training loss of the best constant answer; None where it is not known."""
    if s.loaded is not None and s.loaded.recipe.training.teacher is not None:
        return None  # the distance from a teacher has another scale
    name = None if s.loaded is None else s.loaded.recipe.loss.name
    if name in _LOSS_OF_MEAN:
        return _LOSS_OF_MEAN[name] if as_task(s.task).kind == "regression" else None
    if "train" not in s.outputs or not as_task(s.task).classifies:
        return None
    rates = np.bincount(np.asarray(s.outputs["train"][0], np.int64))
    rates = rates[rates > 0] / rates.sum()
    return float(-(rates * np.log(rates)).sum()) or None


def too_short(s: Situation) -> Iterator[Sign]:
    """Yield a validation loss that was still falling when the run ended."""
    loss, rate = s.validation_loss, s.learning_rate
    if len(loss) < 2 or not np.isfinite(loss).all():
        return
    annealed = bool(len(rate)) and rate[-1] <= MAX_ANNEALED * rate.max()
    if not annealed and len(loss) >= MIN_EPOCHS:
        fifth = len(loss) // 5
        fall = _fall(loss[-2 * fifth : -fifth].mean(), loss[-fifth:].mean())
        if fall > MIN_FALL:
            text = f"The validation loss was still falling at the end (by {fall:.0%} over the last "
            yield Sign(state="too short", text=f"{text}{count_epochs(fifth)}).")
        return
    half = max(1, len(loss) // 2)
    fall = _fall(loss[-half - 1], loss[-1])
    if s.steps is None or s.steps >= FEW_STEPS or fall <= MIN_FALL_ANNEALED or not _is_behind(s):
        return
    yield Sign(
        state="too short",
        text=f"The run had {s.steps} training steps, and the validation loss fell to the end (by {fall:.0%} over the "
        f"last {count_epochs(half)}).",
    )


def _is_behind(s: Situation) -> bool:
    """Return whether training left something to learn: its error is clearly above the baseline's on validation."""
    train, simple = s.error("train"), s.baseline_error or 0.0
    if train is None:
        return True
    least = MIN_GAP_POINTS if as_task(s.task).greater_is_better else 0.0
    return train - simple > least


def overfitting(s: Situation) -> Iterator[Sign]:
    """Yield a validation loss that rose after its best while the training loss fell."""
    loss, validation_loss, epochs = s.loss, s.validation_loss, len(s.loss)
    if not len(validation_loss) == len(loss) >= 4 or not np.isfinite([loss, validation_loss]).all():
        return
    first = max(loss[0], validation_loss[0])
    loss, validation_loss = _smoothed(loss), _smoothed(validation_loss)
    best = int(validation_loss.argmin())
    rise = validation_loss[-1] - validation_loss[best]
    if (
        len(loss) - 1 - best >= MIN_EPOCHS_AFTER_BEST
        and rise > MIN_RISE * abs(validation_loss[best])
        and rise > MIN_LOST * (first - validation_loss[best])
        and loss[-1] < loss[best]
    ):
        yield Sign(
            state="overfitting",
            text=f"The validation loss was best in epoch {best + epochs - len(loss) + 1} of {epochs} and rose after "
            "that while the training loss kept falling.",
            cause="late",
        )


def plateau(s: Situation) -> Iterator[Sign]:
    """Yield a training loss that stands still at a learning rate that does not fall."""
    loss, rate = s.loss, s.learning_rate
    if len(loss) < MIN_PLATEAU_EPOCHS or not np.isfinite(loss).all() or not len(rate):
        return
    if rate[-1] < MIN_CONSTANT_RATE * rate.max():
        return
    quarter = len(loss) // 4
    last, before = loss[-quarter:].mean(), loss[-2 * quarter : -quarter].mean()
    if abs(_fall(before, last)) > MAX_PLATEAU_CHANGE or last < MIN_PLATEAU_LOSS * abs(loss[0]):
        return
    if s.error("train") == 0:
        return
    yield Sign(
        state="plateau",
        text=f"The training loss stands still: {before:.3g}, then {last:.3g} over the last "
        f"{count_epochs(quarter)}, at a learning rate of {rate[-1]:.3g} that did not fall.",
    )


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Return moving averages over a tenth of the epochs."""
    window = max(1, len(values) // 10)
    return np.convolve(values, np.full(window, 1 / window), "valid")


def _fall(before: float, after: float) -> float:
    """Return by which part of itself a loss fell."""
    return float((before - after) / abs(before)) if before else 0.0


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def hardly_fell(s: Situation, least: float) -> bool:
    """Return whether the training loss fell by less than a fraction of its first value."""
    loss = curve(s.history, "loss")
    return len(loss) > 1 and bool(np.isfinite(loss).all()) and bool(loss[0] - loss.min() < least * abs(loss[0]))
