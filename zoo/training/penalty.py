"""Penalties on large weights (L1, L2), which the training loss counts and the validation loss does not.

L2 adds to the gradient, which the optimiser then scales; decoupled from it is the optimiser's own `weight_decay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import part_of_batch_mean
from zoo.layers.decay import is_decayed
from zoo.optimization.averaged import averaged_step


@dataclass(frozen=True)
class Penalty:
    """The sum of `l1 * |w| + l2 * w ** 2` over all kernels that are trained.

    Left out is what weight decay leaves out (`zoo.layers.decay`).
    """

    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, model: keras.Model) -> Any:
        """Return the penalty of a model's weights, a number."""
        total = ops.zeros((), "float32")
        for variable in model.trainable_variables:
            if is_decayed(variable):
                weights = ops.convert_to_tensor(variable, "float32")
                if self.l1:
                    total += self.l1 * ops.sum(ops.abs(weights))
                if self.l2:
                    total += self.l2 * ops.sum(ops.square(weights))
        return total


@keras.saving.register_keras_serializable("zoo")
class Penalized(keras.Model):
    """A functional model whose training loss has a penalty, and whose optimiser may average its weights.

    A saved one has no penalty: it is the run's, not the model's.
    """

    penalty: Penalty | None = None

    def train_step(self, *given: Any) -> Any:
        """Train on a batch, and move the average."""
        return averaged_step(self, super().train_step(*given))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss, in training with the penalty."""
        return plus_penalty(super().compute_loss(x, y, y_pred, sample_weight, training), self, training)


def plus_penalty(loss: Any, model: Any, training: bool) -> Any:
    """Return a loss with the model's penalty, if it has one and is being trained."""
    return loss + part_of_batch_mean(model.penalty(model)) if training and model.penalty is not None else loss
