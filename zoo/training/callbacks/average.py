"""Averaged weights in the model's place where they are looked at: in validation, in checkpoints, at the end."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.optimization.averaged import AveragedOptimizer, averaged_variables
from zoo.optimization.grouped import innermost


class AverageInPlace(keras.callbacks.Callback):
    """Put the average of the weights into the model where validation begins, so that what is measured is what is kept.

    Whoever has seen what there is to see of an epoch calls `leave`. Without an average nothing happens.
    """

    def __init__(self) -> None:
        super().__init__()
        self._trained: list[np.ndarray] | None = None

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the average in place."""
        self.enter()

    def enter(self) -> None:
        """Put the average in place, if it is not there."""
        optimizer = innermost(self.model.optimizer, AveragedOptimizer)
        if optimizer is None or self._trained is not None:
            return
        weights = averaged_variables(self.model)
        self._trained = [np.array(v) for v in weights]
        for variable, average in zip(weights, optimizer.averages, strict=True):
            variable.assign(ops.copy(average))  # JAX may give the buffer of a variable away

    def leave(self) -> None:
        """Put the weights that are trained back, if the average is in place."""
        if self._trained is None:
            return
        for variable, value in zip(averaged_variables(self.model), self._trained, strict=True):
            variable.assign(value)
        self._trained = None
