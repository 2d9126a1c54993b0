"""Multi-head attention (Vaswani et al., 2017, arXiv:1706.03762, section 3.2)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.positions import rotate

MASKED_SCORE = -3e4  # added to scores: its exponential is 0, and it is in the range of float16


@keras.saving.register_keras_serializable("zoo")
class Attention(keras.layers.Layer):
    """Each step takes a weighted mean of all steps, of its own sequence or of a context, once in each head.

    Queries `(batch, steps, width)`; keys and values from `context`, `(batch, context steps, features)`, or from the
    queries' own sequence; output `(batch, steps, width)`. The mean of a row whose context is all padding is zero.

    Args:
        heads: number of heads, which split the width among them.
        causal: hide later steps from each step.
    """

    def __init__(self, heads: int, *, causal: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.causal = heads, causal

    def build(self, x_shape: tuple[int | None, ...], context_shape: tuple[int | None, ...] | None = None) -> None:
        """Make the projections.

        Raises:
            ValueError: the heads do not divide the width.
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
            x: queries, `(batch, steps, width)`.
            context: keys and values, `(batch, context steps, features)`; `x` by default.
            valid: boolean `(batch, context steps)`, true for the steps that are not padding; all steps by default.
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
        visible = self._visible(scores, valid)
        if visible is not None:
            scores = scores + (1 - ops.cast(visible, scores.dtype)) * MASKED_SCORE
        mean = ops.matmul(ops.softmax(scores, axis=-1), value)
        return self.projection(ops.reshape(ops.transpose(mean, (0, 2, 1, 3)), (-1, ops.shape(x)[1], x.shape[-1])))

    def _by_head(self, x: Any, order: tuple[int, ...] = (0, 2, 1, 3)) -> Any:
        """Map `(batch, steps, width)` to `(batch, heads, steps, width / heads)`, or to another order of these axes."""
        x = ops.reshape(x, (-1, ops.shape(x)[1], self.heads, x.shape[-1] // self.heads))
        return ops.transpose(x, order)

    def _visible(self, scores: Any, valid: Any) -> Any:
        """Return a mask that broadcasts to `(batch, heads, steps, context steps)`; None where all steps are visible."""
        visible = None if valid is None else valid[:, None, None, :]
        if not self.causal:
            return visible
        steps = ops.arange(ops.shape(scores)[2])
        earlier = steps[:, None] >= steps[None, :]
        return earlier if visible is None else ops.logical_and(visible, earlier)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the queries."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads, "causal": self.causal}
