"""How far features are from those of the training examples (Lee, Lee, Lee and Shin, 2018, arXiv:1807.03888)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


class MahalanobisScore(keras.layers.Layer):
    """The squared Mahalanobis distance to the nearest class, with one covariance for all classes.

    Input `(batch, features)`, or `(batch, …, features)`, of which the mean over what is between is taken; output
    `(batch,)`.

    Args:
        center: the mean of all features, `(features,)`.
        projection: whitens what differs from it, `(features, features)`.
        means: of each class, after both, `(classes, features)`.
    """

    def __init__(self, center: np.ndarray, projection: np.ndarray, means: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.center, self.projection, self.means = (np.asarray(a, np.float32) for a in (center, projection, means))

    def call(self, x: Any) -> Any:
        """Map features to scores."""
        if len(x.shape) > 2:
            x = ops.mean(x, axis=tuple(range(1, len(x.shape) - 1)))
        z = ops.matmul(x - self.center, self.projection)
        lengths = ops.sum(ops.square(z), axis=1, keepdims=True) + np.square(self.means).sum(1)
        return ops.relu(ops.min(lengths - 2.0 * ops.matmul(z, self.means.T), axis=1))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch,)`."""
        return shape[:1]
