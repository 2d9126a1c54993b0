"""Sequences of numbers of different lengths: the steps behind the last one are padded with NaN."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class PaddedSteps(keras.layers.Layer):
    """Tell padding, steps all of whose features are NaN, from what is given, and put 0 in its place.

    Input `(batch, steps, features)` float; output the same, and a boolean `(batch, steps)`, true where a step is given.
    """

    def call(self, x: Any) -> Any:
        """Map steps to steps and mask."""
        valid = ops.logical_not(ops.all(ops.isnan(x), axis=2))
        return ops.where(valid[:, :, None], x, ops.zeros_like(x)), valid

    def compute_output_spec(self, x: Any) -> Any:
        """Return the specs of steps and mask."""
        return keras.KerasTensor(x.shape, dtype=x.dtype), keras.KerasTensor(x.shape[:2], dtype="bool")
