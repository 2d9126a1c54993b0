"""Losses of sequences: cross-entropy over the tokens that count, and connectionist temporal classification.

CTC: Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification: labelling unsegmented sequence
data with recurrent neural networks", 2006.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.losses.base import BatchLoss


@keras.saving.register_keras_serializable("zoo")
class MaskedCrossentropy(BatchLoss):
    """Mean cross-entropy over the batch's tokens that are not 0; 0 where there are none.

    Each token counts the same, so long rows count more than short ones. Targets `(batch, length)` whole numbers;
    logits `(batch, length, vocabulary)`.

    Args:
        label_smoothing: fraction of the target that is spread over the whole vocabulary.
    """

    def __init__(self, *, label_smoothing: float = 0.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the tokens that count."""
        tokens = ops.cast(y_true, "int32")
        losses = ops.sparse_categorical_crossentropy(tokens, y_pred, from_logits=True)
        if self.label_smoothing:
            uniform = ops.logsumexp(y_pred, axis=-1) - ops.mean(y_pred, axis=-1)
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * uniform
        counts = tokens != 0
        total = ops.sum(ops.cast(counts, "float32"))
        return ops.sum(ops.where(counts, losses, 0.0)) / ops.maximum(total, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("zoo")
class ConnectionistTemporal(BatchLoss):
    """Mean over the batch of -log of the sum of the probabilities of all alignments that give the target.

    An output of `steps` steps cannot give a target that needs more (one step a symbol, and one more between equal
    neighbors): such an example counts as 0, as with PyTorch's `zero_infinity`.

    Targets `(batch, length)` whole numbers from 1, padded with 0 on the right; logits `(batch, steps, symbols + 1)`,
    where 0 is the blank.

    Args:
        per_symbol: divide each example's loss by the length of its target.
    """

    def __init__(self, *, per_symbol: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.per_symbol = per_symbol

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over the batch."""
        symbols = ops.cast(y_true, "int32")
        lengths = ops.sum(ops.cast(symbols != 0, "int32"), axis=1)
        twins = ops.logical_and(symbols[:, 1:] == symbols[:, :-1], symbols[:, 1:] != 0)
        steps = ops.shape(y_pred)[1]
        possible = lengths + ops.sum(ops.cast(twins, "int32"), axis=1) <= steps
        # an impossible target would give infinity, and no gradient: ask for the empty one in its place
        symbols = ops.where(possible[:, None], symbols, 0)
        losses = ops.ctc_loss(
            symbols, y_pred, ops.where(possible, lengths, 0), ops.zeros_like(lengths) + steps, mask_index=0
        )
        if self.per_symbol:
            losses = losses / ops.cast(ops.maximum(lengths, 1), "float32")
        return ops.mean(ops.where(possible, losses, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "per_symbol": self.per_symbol}
