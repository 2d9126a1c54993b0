"""Layer scale (Touvron, Cord, Sablayrolles, Synnaeve and Jégou, 2021, arXiv:2103.17239, section 2)."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("zoo")
class LayerScale(keras.layers.Layer):
    """Multiply each channel by a learned number, small at first, at the end of a residual branch.

    Input and output `(batch, ..., channels)` float.

    Args:
        initial: initial scale of every channel.
    """

    def __init__(self, initial: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial = initial
        self.supports_masking = True

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.gamma = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(self.initial), name="gamma"
        )

    def call(self, x: Any) -> Any:
        """Scale the channels."""
        return x * self.gamma

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "initial": self.initial}
