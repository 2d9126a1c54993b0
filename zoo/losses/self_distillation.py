"""The loss of self-distillation (Caron et al., "DINO", 2021, arXiv:2104.14294)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.losses.base import BatchLoss

VIEWS = 2  # that the teacher sees


@keras.saving.register_keras_serializable("zoo")
class Dino(BatchLoss):
    """Cross-entropy of what the student says of each view with what the teacher says of another (equation 3).

    Outputs `(batch, 2, 1 + crops + 1, prototypes)` hold for each of two views the student's logits of the view and of
    its local crops, and then the teacher's probabilities, as `zoo.layers.self_distillation.SelfDistillation` puts them.
    The mean is over all pairs of a view of the teacher and of an image of the student, but for those of the same view.
    Targets given to the loss are not used.

    Args:
        temperature: what the student's logits are divided by.
    """

    def __init__(self, *, temperature: float = 0.1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch.

        Raises:
            ValueError: the outputs are not those of two views.
        """
        if len(y_pred.shape) != 4 or y_pred.shape[1] != VIEWS or y_pred.shape[2] < 2:
            raise ValueError(
                "dino compares a student with its teacher on two views: it needs the outputs of the model dino, "
                f"(batch, 2, 1 + crops + 1, prototypes). Received: {tuple(y_pred.shape)}"
            )
        logs = ops.log_softmax(y_pred[:, :, :-1] / self.temperature)
        teacher = ops.stop_gradient(y_pred[:, :, -1])
        crossed = -ops.mean(ops.einsum("btk,bvsk->btvs", teacher, logs), axis=0)
        is_first = ops.arange(crossed.shape[-1]) == 0
        same = ops.eye(VIEWS)[:, :, None] * ops.cast(is_first, "float32")
        return ops.sum((1.0 - same) * crossed) / ops.sum(1.0 - same)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "temperature": self.temperature}
