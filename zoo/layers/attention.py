"""Multi-head attention (Vaswani et al., 2017, arXiv:1706.03762, section 3.2)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.positions import rotate

LOWEST = -3e4  # its exponential is zero, and it is within the range of float16


@keras.saving.register_keras_serializable("zoo")
class Attention(keras.layers.Layer):
    """Each step takes a weighted mean of all steps, of its own sequence or of a context, once in each head.

    Queries `(batch, steps, width)`; keys and values from `context`, `(batch, context steps, features)`, or from the
    queries' own sequence; output `(batch, steps, width)`. The mean of a row whose context is all padding is zero.

    Args:
        heads: number of heads, which share the width among them.
        causal: keep each step from seeing later ones.
    """

    def __init__(self, heads: int, *, causal: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.causal = heads, causal

    def build(self, x_shape: tuple[int | None, ...], context_shape: tuple[int | None, ...] | None = None) -> None:
        """Make the projections.

        Raises:
            ValueError: the heads cannot share the width.
        """
        width = int(x_shape[-1] or 0)
        if width % self.heads:
            raise ValueError(f"width must be a multiple of heads. Received: width={width}, heads={self.heads}")
        common: dict[str, Any] = {"dtype": self.dtype_policy}
        self.query = keras.layers.Dense(width, name="query", **common)
        self.key_value = keras.layers.Dense(2 * width, name="key_value", **common)
        self.projection = keras.layers.Dense(width, name="projection", **common)
        self.query.build(x_shape)
        self.key_value.build(context_shape or x_shape)
        self.projection.build(x_shape)

    def call(self, x: Any, context: Any = None, valid: Any = None, rotations: Any = None) -> Any:
        """Attend.

        Args:
            x: what asks, `(batch, steps, width)`.
            context: what is asked, `(batch, context steps, features)`; `x` itself where it is left out.
            valid: boolean `(batch, context steps)`, true for the steps that are no padding; all where it is left out.
            rotations: rotary positions of `x`, `(2, steps, width / heads / 2)`.
        """
        query = self._by_head(self.query(x))
        key, value = ops.split(self.key_value(x if context is None else context), 2, axis=-1)
        if valid is not None:
            value = value * ops.cast(valid, value.dtype)[:, :, None]
        value = self._by_head(value)
        if rotations is None:
            columns = self._by_head(key, (0, 2, 3, 1))
        else:
            query = rotate(query, rotations)
            columns = ops.transpose(rotate(self._by_head(key), rotations), (0, 1, 3, 2))
        scores = ops.matmul(query * query.shape[-1] ** -0.5, columns)
        seen = self._seen(scores, valid)
        if seen is not None:
            scores = scores + (1 - ops.cast(seen, scores.dtype)) * LOWEST
        mean = ops.matmul(ops.softmax(scores, axis=-1), value)
        return self.projection(ops.reshape(ops.transpose(mean, (0, 2, 1, 3)), (-1, ops.shape(x)[1], x.shape[-1])))

    def _by_head(self, x: Any, order: tuple[int, ...] = (0, 2, 1, 3)) -> Any:
        """Map `(batch, steps, width)` to `(batch, heads, steps, width / heads)`, or to another order of these axes."""
        x = ops.reshape(x, (-1, ops.shape(x)[1], self.heads, x.shape[-1] // self.heads))
        return ops.transpose(x, order)

    def _seen(self, scores: Any, valid: Any) -> Any:
        """Return what each step may see, in a shape that fits `(batch, heads, steps, context steps)`; None for all."""
        seen = None if valid is None else valid[:, None, None, :]
        if not self.causal:
            return seen
        steps = ops.arange(ops.shape(scores)[2])
        earlier = steps[:, None] >= steps[None, :]
        return earlier if seen is None else ops.logical_and(seen, earlier)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the queries."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "heads": self.heads, "causal": self.causal}
