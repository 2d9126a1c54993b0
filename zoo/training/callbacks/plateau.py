"""The learning rate that goes down where the validation loss no longer does."""

from __future__ import annotations

import math
from typing import Any

import keras

from zoo.backend.replicas import learning_rate


class Plateau(keras.callbacks.Callback):
    """Lower one optimiser's learning rate after some epochs without a lower validation loss.

    As `keras.callbacks.ReduceLROnPlateau`, but for one optimiser of several, without a trace in the log, and with a
    state that can be kept: nothing is set back where training begins.

    Args:
        optimizer: its learning rate is a number, the highest that it will have.
        settings: the recipe's `reduce_on_plateau` section. The lowest rate is to `final` as the highest to `initial`.

    Attributes:
        best: lowest validation loss so far.
        wait: epochs since then that count.
        cooldown: epochs that will not count.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, settings: Any) -> None:
        super().__init__()
        self.optimizer, self.settings = optimizer, settings
        self.floor = settings.final * learning_rate(optimizer) / settings.initial
        self.best, self.wait, self.cooldown = math.inf, 0, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the validation loss."""
        loss = float((logs or {})["val_loss"])
        if self.cooldown:
            self.cooldown -= 1
            self.wait = 0
        if loss < self.best - self.settings.min_delta:
            self.best, self.wait = loss, 0
        elif not self.cooldown:
            self.wait += 1
            if self.wait >= self.settings.patience:
                self._reduce()

    def _reduce(self) -> None:
        rate = learning_rate(self.optimizer)
        if rate > self.floor:
            self.optimizer.learning_rate = max(rate * self.settings.factor, self.floor)
            self.wait, self.cooldown = 0, self.settings.cooldown
