"""Attention of a recurrent decoder to the states of its encoder."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

Score = Literal["dot", "general", "additive"]
MASKED_SCORE = -1e4  # its exponential is 0, and it is in the range of float16


def attend(
    queries: keras.KerasTensor,
    memory: keras.KerasTensor,
    valid: keras.KerasTensor,
    kind: Score,
    *,
    name: str = "attention",
) -> keras.KerasTensor:
    """Return for each query the mean of the memory, weighted by the softmax of the scores.

    The queries are the decoder's states of the same step (Luong et al.). Attention does not feed back into the
    recurrence, so that all steps are computed at once.

    Args:
        queries: `(batch, steps, units)`.
        memory: `(batch, source steps, units)`, zero at the padding.
        valid: boolean `(batch, source steps)`, true for the steps that are not padding; the others have weight 0.
        kind: score of query q and memory m: "dot" is q·m and "general" q·Wm (Luong, Pham and Manning, 2015,
            arXiv:1508.04025); "additive" is v·tanh(Wq + Um) (Bahdanau, Cho and Bengio, 2014, arXiv:1409.0473).
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, steps, units)`, zero where the memory is all padding.
    """
    units = memory.shape[-1]
    keys = memory
    if kind != "dot":
        keys = keras.layers.Dense(units, use_bias=False, name=f"{name}_keys")(memory)
    if kind == "additive":
        queries = keras.layers.Dense(units, name=f"{name}_queries")(queries)
        joined = ops.tanh(ops.add(ops.expand_dims(queries, 2), ops.expand_dims(keys, 1)))
        scores = ops.squeeze(keras.layers.Dense(1, use_bias=False, name=f"{name}_scores")(joined), 3)
    else:
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
    return WeightedMemory(name=name)(scores, memory, valid)


@keras.saving.register_keras_serializable("zoo")
class WeightedMemory(keras.layers.Layer):
    """Weight a memory by the softmax of scores."""

    def call(self, scores: Any, memory: Any, valid: Any) -> Any:
        """Map `(batch, steps, source steps)`, `(batch, source steps, units)` and `(batch, source steps)` to means."""
        scores = ops.where(ops.expand_dims(valid, 1), scores, ops.full_like(scores, MASKED_SCORE))
        return ops.matmul(ops.softmax(scores, axis=-1), memory)
