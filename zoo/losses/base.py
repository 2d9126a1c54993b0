"""Base class of the losses of this package."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import part_of_batch_mean


class BatchLoss(keras.losses.Loss):
    """A loss that is one number for a whole batch, such as a mean over the tokens that count.

    `call(y_true, y_pred)` returns that number. Targets keep their type, outputs become float32, and the targets alone
    say what counts: a mask that Keras hands along with the outputs is not used.

    The loss that Keras logs for an epoch is the mean of the batches' losses, each weighted by its number of examples.
    Where the loss is a mean over something else (tokens, objects, sums over the batch), batches that hold more of it
    count no more than others; and so do the replicas of `tf.distribute`.
    """

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of the batch.

        Raises:
            ValueError: weights of single examples were given.
        """
        if sample_weight is not None:
            raise ValueError(f"{self.name} is one number for the whole batch: it takes no weights of single examples")
        return part_of_batch_mean(self.call(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred, "float32")))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {"name": self.name}
