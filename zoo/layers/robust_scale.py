"""Scaling of numbers that outliers do not move."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted import AdaptedLayer
from zoo.layers.types import Shape

_BOUND = 3.0  # that smooth clipping approaches


@keras.saving.register_keras_serializable("zoo")
class RobustScaleSmoothClip(AdaptedLayer):
    """Subtract the median, divide by the distance between the quartiles, and clip smoothly to -3 and 3.

    Holzmüller, Grinsztajn and Steinwart, 2024, arXiv:2407.04491. Where the quartiles are equal, half the range takes
    the place of their distance; a feature that is constant in training becomes 0. `adapt` sets median and factor.

    Input and output `(batch, features)`.
    """

    def build(self, shape: Shape) -> None:
        """Make room for the statistics."""
        size = (shape[-1],)
        self.median = self.add_weight(name="median", shape=size, initializer="zeros", trainable=False)
        self.factor = self.add_weight(name="factor", shape=size, initializer="ones", trainable=False)

    def adapt(self, examples: np.ndarray) -> None:
        """Set median and factor of each feature."""
        values = examples.astype(np.float64)
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        spread = high - low
        spread = np.where(spread == 0, 0.5 * np.ptp(values, axis=0), spread)
        self.median.assign(median)
        self.factor.assign(np.divide(1.0, spread, out=np.zeros_like(spread), where=spread != 0))

    def call(self, numbers: Any) -> Any:
        """Scale and clip the numbers."""
        x = (ops.cast(numbers, self.compute_dtype) - self.median) * self.factor
        return x * ops.rsqrt(1.0 + ops.square(x / _BOUND))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return the input's shape."""
        return shape
