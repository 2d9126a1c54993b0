"""Token ids that a published language model does not have, or has twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class UnlikelyTokens(keras.layers.Layer):
    """Give some tokens the smallest logit of their step. Input and output `(batch, steps, vocabulary)`.

    Args:
        ids: of the tokens.
        vocabulary: number of token ids.
    """

    def __init__(self, ids: Sequence[int], vocabulary: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ids, self.vocabulary = tuple(ids), vocabulary

    def call(self, logits: Any) -> Any:
        """Lower the logits."""
        chosen = np.isin(np.arange(self.vocabulary), self.ids)
        return ops.where(chosen, ops.min(logits, axis=-1, keepdims=True), logits)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "ids": self.ids, "vocabulary": self.vocabulary}
