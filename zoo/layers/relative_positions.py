"""Relative positions as scores that are added in attention (Raffel et al., 2019, arXiv:1910.10683, section 2.1)."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.decay import without_decay


@keras.saving.register_keras_serializable("zoo")
class RelativeScores(keras.layers.Layer):
    """A learned score for each head and distance: `(batch, steps, width)` to `(1, heads, steps, steps)`.

    Distances fall into buckets: half of them hold one each, the others ever more, up to the longest distance; what is
    farther is in the last one.

    Args:
        heads: attention heads.
        buckets: number of buckets; of both directions together where later steps are seen too.
        longest: distance from which on all are alike.
        causal: only earlier steps are seen.
    """

    def __init__(self, heads: int, *, buckets: int, longest: int, causal: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.buckets, self.longest, self.causal = heads, buckets, longest, causal
        if buckets < 4 or longest <= buckets:
            raise ValueError(
                "relative positions need at least 4 buckets and a longest distance above their number. "
                f"Received: buckets={buckets}, longest={longest}"
            )

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.embeddings = without_decay(
            self.add_weight(shape=(self.buckets, self.heads), initializer=initializer, name="embeddings")
        )

    def call(self, x: Any) -> Any:
        """Return the scores of each step for each other."""
        steps = ops.arange(ops.shape(x)[1], dtype="int32")
        return self.at(steps[:, None] - steps[None, :])[None]

    def at(self, distance: Any) -> Any:
        """Return the scores of distances, int32 `(..., steps, context steps)`, positive ones back in the sequence.

        Returns:
            A tensor of shape `(..., heads, steps, context steps)`.
        """
        table = bucket_of_distance(self.buckets if self.causal else self.buckets // 2, self.longest)
        if self.causal:
            bucket = ops.take(table, ops.clip(distance, 0, self.longest))
        else:
            bucket = ops.take(table, ops.clip(ops.abs(distance), 0, self.longest))
            bucket = bucket + ops.cast(distance < 0, "int32") * (self.buckets // 2)
        scores = ops.take(self.embeddings, bucket, axis=0)
        axes = len(distance.shape)
        return ops.transpose(ops.cast(scores, self.compute_dtype), (*range(axes - 2), axes, axes - 2, axes - 1))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(1, heads, steps, steps)`."""
        return (1, self.heads, shape[1], shape[1])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"heads": self.heads, "buckets": self.buckets, "longest": self.longest, "causal": self.causal}
        return {**super().get_config(), **own}


def bucket_of_distance(buckets: int, longest: int) -> np.ndarray:
    """Return the bucket of each distance from 0 to `longest`, int32."""
    exact = buckets // 2
    distance = np.arange(longest + 1)
    with np.errstate(divide="ignore"):
        ratio = np.log(distance.astype(np.float32) / np.float32(exact)) / np.float32(math.log(longest / exact))
    wide = exact + np.maximum(ratio, 0) * np.float32(buckets - exact)
    return np.where(distance < exact, distance, np.minimum(wide, buckets - 1).astype(np.int32)).astype(np.int32)
