"""Global response normalization (Woo et al., 2023, arXiv:2301.00808, section 3.3)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

EPSILON = 1e-6  # added to the mean of the norms
_MIN_SQUARE = 1e-12  # added to the squared norm, whose root has no gradient at 0


@keras.saving.register_keras_serializable("zoo")
class GlobalResponseNorm(keras.layers.Layer):
    """Scale each channel by its L2 norm over the image, relative to the mean of those of all channels; add the input.

    Scale and shift are learned and start at 0, so that the layer starts as the identity.

    Input and output `(batch, height, width, channels)` float.
    """

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

    def call(self, x: Any) -> Any:
        """Normalize the response of the channels."""
        squares = ops.sum(ops.square(ops.cast(x, "float32")), axis=(1, 2), keepdims=True)  # float16 would overflow
        norms = ops.sqrt(squares + _MIN_SQUARE)
        relative = ops.cast(norms / (ops.mean(norms, axis=-1, keepdims=True) + EPSILON), x.dtype)
        return x + self.gamma * (x * relative) + self.beta

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape
