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
        kv_heads: number of heads of keys and values, each for `heads / kv_heads` heads of queries (grouped-query
            attention, Ainslie et al., 2023, arXiv:2305.13245); `heads` by default.
        causal: hide later steps from each step.
        size: features of a head; the width divided by `heads` by default.
        bias: the projection of the means has a bias.
        qkv_bias: the projections to queries, keys and values have one; as `bias` by default.
        scaled: divide the scores by the root of `size`.
    """

    def __init__(
        self,
        heads: int,
        *,
        kv_heads: int | None = None,
        causal: bool = False,
        size: int | None = None,
        bias: bool = True,
        qkv_bias: bool | None = None,
        scaled: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.heads, self.kv_heads, self.causal, self.size = heads, kv_heads or heads, causal, size
        self.bias, self.qkv_bias, self.scaled = bias, bias if qkv_bias is None else qkv_bias, scaled

    def build(self, x_shape: tuple[int | None, ...], context_shape: tuple[int | None, ...] | None = None) -> None:
        """Make the projections.

        Raises:
            ValueError: the heads do not divide the width, or the heads of keys and values not the heads.
        """
        width = int(x_shape[-1] or 0)
        if self.size is None and width % self.heads:
            raise ValueError(f"width must be a multiple of heads. Received: width={width}, heads={self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads must be a multiple of kv_heads. Received: heads={self.heads}, kv_heads={self.kv_heads}"
            )
        size = self.head_size(width)
        common: dict[str, Any] = {"use_bias": self.qkv_bias, "dtype": self.dtype_policy}
        self.query = keras.layers.Dense(self.heads * size, name="query", **common)
        self.key_value = keras.layers.Dense(2 * self.kv_heads * size, name="key_value", **common)
        common["use_bias"] = self.bias
        self.projection = keras.layers.Dense(width, name="projection", **common)
        self.query.build(x_shape)
        self.key_value.build(context_shape or x_shape)
        self.projection.build((*x_shape[:-1], self.heads * size))

    def head_size(self, width: int) -> int:
        """Return the features of a head, for steps of some width."""
        return self.size or width // self.heads

    def call(
        self, x: Any, context: Any = None, valid: Any = None, rotations: Any = None, added_scores: Any = None
    ) -> Any:
        """Attend.

        Args:
            x: queries, `(batch, steps, width)`.
            context: keys and values, `(batch, context steps, features)`; `x` by default.
            valid: boolean `(batch, context steps)`, true for the steps that are not padding; all steps by default.
            rotations: rotary positions of `x`, `(2, steps, size / 2)`.
            added_scores: what is added to the scores, `(1, heads, steps, context steps)`, such as relative positions.
        """
        query = self.queries(x, rotations)
        columns, value = self.memory(x if context is None else context, valid, rotations)
        scores = self.scores(query, columns)
        if added_scores is not None:
            scores = scores + ops.cast(added_scores, scores.dtype)
        visible = self._visible(scores, valid)
        if visible is not None:
            scores = scores + (1 - ops.cast(visible, scores.dtype)) * MASKED_SCORE
        return self.project(self.mean(ops.softmax(scores, axis=-1), value))

    def queries(self, x: Any, rotations: Any = None) -> Any:
        """Return queries, scaled if the scores are, `(batch, heads, steps, size)`."""
        query = self._by_head(self.query(x), self.heads)
        if rotations is not None:
            query = rotate(query, rotations)
        return query * query.shape[-1] ** -0.5 if self.scaled else query

    def memory(self, context: Any, valid: Any = None, rotations: Any = None) -> tuple[Any, Any]:
        """Return keys as columns, `(batch, kv_heads, size, steps)`, and values, `(batch, kv_heads, steps, size)`.

        The values of padding are zero.
        """
        key, value = ops.split(self.key_value(context), 2, axis=-1)
        if valid is not None:
            value = value * ops.cast(valid, value.dtype)[:, :, None]
        value = self._by_head(value, self.kv_heads)
        if rotations is None:
            return self._by_head(key, self.kv_heads, (0, 2, 3, 1)), value
        return ops.transpose(rotate(self._by_head(key, self.kv_heads), rotations), (0, 1, 3, 2)), value

    def scores(self, query: Any, columns: Any) -> Any:
        """Return the products of queries and keys, `(batch, heads, steps, context steps)`."""
        return self._ungroup(ops.matmul(self._group(query), columns), query)

    def mean(self, weights: Any, value: Any) -> Any:
        """Return the weighted means of the values, `(batch, heads, steps, size)`."""
        return self._ungroup(ops.matmul(self._group(weights), value), weights)

    def project(self, mean: Any) -> Any:
        """Map the means of all heads to the output, `(batch, steps, width)`."""
        mean = ops.transpose(mean, (0, 2, 1, 3))
        return self.projection(ops.reshape(mean, (-1, ops.shape(mean)[1], self.heads * mean.shape[-1])))

    def _group(self, x: Any) -> Any:
        """Put the heads that share keys below each other: `(batch, kv_heads, heads / kv_heads * steps, size)`."""
        if self.kv_heads == self.heads:
            return x
        shape = ops.shape(x)
        return ops.reshape(x, (shape[0], self.kv_heads, self.heads // self.kv_heads * shape[2], shape[3]))

    def _ungroup(self, x: Any, like: Any) -> Any:
        if self.kv_heads == self.heads:
            return x
        return ops.reshape(x, (ops.shape(x)[0], self.heads, ops.shape(like)[2], ops.shape(x)[3]))

    def _by_head(self, x: Any, heads: int, order: tuple[int, ...] = (0, 2, 1, 3)) -> Any:
        """Map `(batch, steps, width)` to `(batch, heads, steps, width / heads)`, or to another order of these axes."""
        x = ops.reshape(x, (-1, ops.shape(x)[1], heads, x.shape[-1] // heads))
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
        own = {"heads": self.heads, "kv_heads": self.kv_heads, "causal": self.causal, "size": self.size}
        own |= {"bias": self.bias, "qkv_bias": self.qkv_bias, "scaled": self.scaled}
        return {**super().get_config(), **own}
