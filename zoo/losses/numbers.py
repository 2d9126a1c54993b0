"""Losses of numbers that Keras lacks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class Quantile(keras.losses.Loss):
    """Quantile or pinball loss: each error counts by the quantile where it is positive, else by the rest.

    Koenker and Bassett, "Regression quantiles", 1978, https://doi.org/10.2307/1913643. Targets and outputs
    `(batch, ...)`; the loss of an example is the mean over its last axis.

    Args:
        quantile: between 0 and 1; the output that costs least is this quantile of the targets.
        name: of the loss.
    """

    def __init__(self, quantile: float = 0.5, name: str = "quantile", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.quantile = quantile

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example."""
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        return ops.mean(ops.maximum(self.quantile * error, (self.quantile - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {**super().get_config(), "quantile": self.quantile}
