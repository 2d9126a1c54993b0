"""Layers on windows of a series."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.types import Shape


@keras.saving.register_keras_serializable("zoo")
class MovingAverage(keras.layers.Layer):
    """The mean of the steps around each step; beyond the ends, the first and the last value go on.

    Input and output `(batch, steps, channels)` float, the number of steps known.

    Args:
        size: steps of the mean, odd.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, series: Any) -> Any:
        """Return the means."""
        steps = series.shape[1]
        weights = np.zeros((steps, steps), np.float32)
        around = np.arange(self.size) - self.size // 2
        for step in range(steps):
            np.add.at(weights[step], np.clip(step + around, 0, steps - 1), 1 / self.size)
        return ops.einsum("ts,bsc->btc", ops.convert_to_tensor(weights, series.dtype), series)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the same shape."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("zoo")
class LastValue(keras.layers.Layer):
    """The last step of the first channel: input `(batch, steps, channels)`, output `(batch, 1)`."""

    def call(self, series: Any) -> Any:
        """Return the last value."""
        return series[:, -1, :1]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, 1)`."""
        return (shape[0], 1)


@keras.saving.register_keras_serializable("zoo")
class FirstChannel(keras.layers.Layer):
    """The first channel, which a forecast is about: input `(batch, steps, channels)`, output `(batch, steps)`."""

    def call(self, series: Any) -> Any:
        """Return the channel."""
        return series[:, :, 0]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, steps)`."""
        return shape[:2]
