"""Temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

from typing import Any

import keras

NAME = "temperature"  # of the layer in a model


@keras.saving.register_keras_serializable("zoo")
class Temperature(keras.layers.Layer):
    """Divide logits `(batch, …, classes)` by one number, which is fitted after training; 1 until then."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weight, which training leaves alone."""
        self.temperature = self.add_weight(shape=(), initializer="ones", trainable=False, name="temperature")

    def call(self, logits: Any) -> Any:
        """Scale the logits."""
        return logits / self.temperature

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape
