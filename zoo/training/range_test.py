"""The learning-rate range test (Smith 2017): how the loss answers to a rate that rises from step to step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.backend.determinism import ordered_gradient_sums
from zoo.data.batches import training_batches
from zoo.errors import ZooError
from zoo.recipe.schedules import Exponential
from zoo.training.callbacks.log import EpochStart
from zoo.training.fit import compile_for_training
from zoo.training.probed_head import begin_with_probe
from zoo.training.problem import Problem

DIVERGED = 4.0  # times the lowest smoothed loss: what is above it will not come down again
_WINDOW = 0.1  # fraction of the steps that the smoothed loss looks back on
_MARGIN = 0.1  # fraction of the steps, at the start, where the gradient of the smoothed loss says nothing yet


@dataclass(frozen=True)
class RangeTest:
    """What the test gave, one value a step.

    Attributes:
        rates: learning rates.
        losses: loss of each batch.
        smoothed: their moving average, without the bias of its start.
        suggestion: the rate at which the smoothed loss falls most steeply; None if it does not fall.
        tenth_of_minimum: a tenth of the rate at which the smoothed loss is lowest; None if it does not fall.
        diverged: whether the test ended before the highest rate, because the loss went up for good.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float | None
    tenth_of_minimum: float | None
    diverged: bool


class _Losses(keras.callbacks.Callback):
    """Keep the loss of each batch, and stop the training after enough of them or where it diverges."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.diverged = steps, False
        self._sum, self._count = 0.0, 0
        self.losses: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin the sum anew, as Keras does."""
        self._sum, self._count = 0.0, 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Take the batch's loss out of the epoch's mean so far."""
        self._count += 1
        total = float((logs or {})["loss"]) * self._count
        loss, self._sum = total - self._sum, total
        self.diverged = not math.isfinite(loss)
        if not self.diverged:
            self.losses.append(loss)
            smoothed = smooth(self.losses, self.steps)
            self.diverged = smoothed[-1] > DIVERGED * min(smoothed)
        if self.diverged or len(self.losses) == self.steps:
            self.model.stop_training = True


def range_test(problem: Problem, steps: int, low: float, high: float) -> RangeTest:
    """Train a new model for some steps, from the lowest learning rate to the highest.

    All parts of the model learn at the one rate: rates of groups, layer decay and unfreezing are left out.

    Args:
        problem: data and model, as `set_up` makes them; the model is changed.
        steps: training steps.
        low: learning rate of the first step.
        high: learning rate of the last step, unless the loss diverges before.

    Raises:
        ZooError: the recipe is one of a GAN, or the loss is no number from the start.
    """
    recipe = problem.recipe
    if recipe.loss.name == "adversarial":
        raise ZooError("the range test is for one loss that is to fall; the two of a GAN play against each other")
    begin_with_probe(problem)
    rate = Exponential(schedule="exponential", initial=low, factor=high / low, every=f"{steps - 1} steps")
    groups = [group.model_copy(update={"learning_rate": None}) for group in recipe.optimizer.groups or ()]
    changed = {"learning_rate": rate, "layer_decay": None, "unfreeze_epochs": None, "ema": None, "swa": None}
    optimizer = recipe.optimizer.model_copy(update={**changed, "groups": groups or None})
    per_epoch = len(problem.train) // recipe.training.batch_size
    epochs = math.ceil(steps / per_epoch)
    compile_for_training(problem, optimizer, per_epoch, epochs)
    start, losses = EpochStart(per_epoch), _Losses(steps)
    with ordered_gradient_sums(), problem.devices.scope():
        problem.views.trained.fit(
            training_batches(problem.trained_on, recipe, start=start.step, steps=per_epoch),
            epochs=epochs,
            callbacks=[*problem.devices.callbacks, start, losses],
            shuffle=False,
            verbose=0,
        )
    if not losses.losses:
        raise ZooError("the loss is no finite number at the first step; look for extreme values in the inputs")
    rates = low * (high / low) ** (np.arange(len(losses.losses)) / (steps - 1))
    smoothed = smooth(losses.losses, steps)
    return RangeTest(rates.tolist(), losses.losses, smoothed, *suggestions(rates, smoothed, steps), losses.diverged)


def smooth(losses: list[float], steps: int) -> list[float]:
    """Return the exponential moving average of the losses of a test of `steps` steps, with its bias corrected."""
    keep = 1 - 1 / max(1.0, _WINDOW * steps)
    average, found = 0.0, []
    for i, loss in enumerate(losses, start=1):
        average = keep * average + (1 - keep) * loss
        found.append(average / (1 - keep**i))
    return found


def suggestions(rates: np.ndarray, smoothed: list[float], steps: int) -> tuple[float | None, float | None]:
    """Return the rate where the loss falls most steeply over the logarithm of the rate, and a tenth of the best."""
    first, lowest = round(_MARGIN * steps), int(np.argmin(smoothed))
    if lowest <= first:
        return None, None
    gradient = np.gradient(np.array(smoothed), np.log(rates))
    return float(rates[first + int(np.argmin(gradient[first : lowest + 1]))]), float(rates[lowest]) / 10
