"""A loss that is no longer a finite number: stop, and say where and probably why."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.backend.replicas import learning_rate
from zoo.data.batches import batch_positions, training_batches
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.training.callbacks.log import EpochStart
    from zoo.training.problem import Problem

_LARGE = 1e4  # a magnitude that prepared inputs do not have where they are scaled
_RISEN = 3.0  # times its least value, the loss has diverged before it broke
_REMEMBERED = 50  # losses
_NAMED = 8  # examples
_CALM = "lower optimizer.learning_rate, or add a warmup or optimizer.clip_global_norm"


class StopOnNonFinite(keras.callbacks.Callback):
    """Stop a run whose loss has become NaN or infinite, before a checkpoint is written.

    Args:
        problem: data and model.
        start: knows at which step of the run the epoch began.

    Raises:
        ZooError: from `on_train_batch_end`, with the step, the batch and the likely cause.
    """

    def __init__(self, problem: Problem, start: EpochStart) -> None:
        super().__init__()
        self.problem, self.start = problem, start
        self._losses: deque[float] = deque(maxlen=_REMEMBERED)
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the epoch's steps anew; its running mean, too."""
        self._seen = 0
        self._losses.clear()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss, which is the mean over the epoch so far."""
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss):
            self._losses.append(loss)
            self._seen = batch + 1
            return
        begin = int(self.start.step.numpy())
        first, last = begin + self._seen, begin + batch
        raise ZooError(f"the training loss became {loss} {self._place(first, last)}; {self._cause(first, last)}")

    def _place(self, first: int, last: int) -> str:
        settings = self.problem.recipe.training
        per_epoch = len(self.problem.train) // settings.batch_size
        last = min(last, first - first % per_epoch + per_epoch - 1)
        steps = f"at step {first + 1}" if first == last else f"in the steps {first + 1} to {last + 1}"
        batch = f"batch {first % per_epoch + 1} of epoch {first // per_epoch + 1}"
        positions = np.asarray(
            batch_positions(first, settings.seed, settings.batch_size, len(self.problem.train))
        ).tolist()
        named = ", ".join(map(str, positions[:_NAMED])) + ", …" * (len(positions) > _NAMED)
        return f"{steps} ({batch}{' or later' * (first < last)}; its training examples are {named})"

    def _cause(self, first: int, last: int) -> str:
        recipe, largest = self.problem.recipe, 0.0
        batches = training_batches(self.problem.train, recipe, start=first, steps=last - first + 1)
        for number, (x, y) in enumerate(batches, start=first + 1):
            for name, tensors in (("inputs", x), ("targets", y)):
                values = [np.asarray(t) for t in keras.tree.flatten(tensors) if t.dtype.is_floating]
                if not all(np.isfinite(v).all() for v in values):
                    return f"the {name} of step {number} hold values that are no finite numbers: look at the data"
                largest = max([largest, *(float(np.abs(v).max()) for v in values if v.size)])
        if largest > _LARGE:
            return f"these batches hold values as large as {largest:.3g}: add a standardize step to preprocess"
        rate = learning_rate(self.model.optimizer)
        if self._losses and self._losses[-1] > _RISEN * max(min(self._losses), 0.0) > 0:
            risen = f"it had risen from {min(self._losses):.3g} to {self._losses[-1]:.3g}"
            return f"{risen}, so the learning rate ({rate:.3g}) is probably too high: {_CALM}"
        return f"the batches are in order, so the learning rate ({rate:.3g}) is probably too high: {_CALM}"
