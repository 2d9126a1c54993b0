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


@keras.saving.register_keras_serializable("zoo")
class OtherChannels(keras.layers.Layer):
    """All channels but the first: input `(batch, steps, channels)`, output `(batch, steps, channels - 1)`."""

    def call(self, series: Any) -> Any:
        """Return the channels."""
        return series[:, :, 1:]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, steps, channels - 1)`."""
        return (*shape[:2], (shape[2] or 1) - 1)


@keras.saving.register_keras_serializable("zoo")
class RecentMaximum(keras.layers.Layer):
    """The maximum of every `size` steps, counted from the last step; the first steps may be fewer.

    Input `(batch, steps)` float, the number of steps known; output `(batch, ceil(steps / size))`.

    Args:
        size: steps that are pooled.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, series: Any) -> Any:
        """Return the maxima."""
        missing = -series.shape[1] % self.size
        if missing:
            series = ops.concatenate([ops.repeat(series[:, :1], missing, axis=1), series], axis=1)
        return ops.max(ops.reshape(series, (-1, series.shape[1] // self.size, self.size)), axis=2)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, ceil(steps / size))`."""
        return (shape[0], -(-(shape[1] or 0) // self.size))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("zoo")
class LinearInterpolation(keras.layers.Layer):
    """Values on the lines between knots that lie in the middle of equal parts; beyond the ends, the end knots go on.

    Input `(batch, knots)` float, output `(batch, steps)`.

    Args:
        steps: number of values.
    """

    def __init__(self, steps: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.steps = steps

    def call(self, knots: Any) -> Any:
        """Interpolate."""
        count = knots.shape[1]
        place = np.clip((np.arange(self.steps) + 0.5) * count / self.steps - 0.5, 0, count - 1)
        lower = np.minimum(np.floor(place).astype(int), max(0, count - 2))
        weights = np.zeros((count, self.steps), np.float32)
        np.add.at(weights, (lower, np.arange(self.steps)), 1 - (place - lower))
        np.add.at(weights, (np.minimum(lower + 1, count - 1), np.arange(self.steps)), place - lower)
        return ops.matmul(knots, ops.convert_to_tensor(weights, knots.dtype))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, steps)`."""
        return (shape[0], self.steps)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "steps": self.steps}
