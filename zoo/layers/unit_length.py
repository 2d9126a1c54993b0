"""Vectors of length one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class UnitLength(keras.layers.Layer):
    """Divide each vector by its Euclidean length. Input and output `(..., channels)`, float32 by default.

    A zero vector stays zero and has a finite gradient, unlike with Keras's `UnitNormalization`.

    Args:
        epsilon: minimum of the length that vectors are divided by.
    """

    def __init__(self, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})  # the square of epsilon is zero in float16
        self.epsilon = epsilon

    def call(self, x: Any) -> Any:
        """Scale the vectors."""
        squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
        return x * ops.rsqrt(ops.maximum(squares, self.epsilon**2))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
