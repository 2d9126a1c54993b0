"""Layers that read a sequence a few steps at a time: what they need of the steps before comes from a cache.

Each wraps a layer that mixes steps, shares its weights, and gives for the new steps what that layer gives for the whole
sequence.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.attention import MASKED_SCORE, Attention
from zoo.layers.positions import LearnedPositions, Rotations, SinusoidalPositions
from zoo.layers.relative_positions import RelativeScores
from zoo.utils.cache_entry import CacheEntry


class CachedAttention(keras.layers.Layer):
    """Causal self-attention of new steps to those in the cache, and among themselves.

    Args:
        attention: the layer whose weights it uses.
    """

    def __init__(self, attention: Attention) -> None:
        super().__init__(name=f"{attention.name}_cached")
        self.attention = attention

    def entries(self, width: int) -> tuple[CacheEntry, ...]:
        """Return the keys, as columns, and the values of the steps so far."""
        name, heads = self.attention.name, self.attention.kv_heads
        size = self.attention.head_size(width)
        return (
            CacheEntry(name=f"{name}_key", shape=(heads, size, None), axis=3),
            CacheEntry(name=f"{name}_value", shape=(heads, None, size), axis=2),
        )

    def call(self, x: Any, hidden: Any, columns: Any, value: Any, rotations: Any = None) -> tuple[Any, Any, Any]:
        """Attend.

        Args:
            x: new steps, `(batch, steps, width)`.
            hidden: what `HiddenSteps` returns.
            columns: keys so far, `(batch, kv_heads, size, capacity)`.
            value: values so far, `(batch, kv_heads, capacity, size)`.
            rotations: rotary positions of the new steps, as `Rotations.at` returns them.

        Returns:
            The output `(batch, steps, width)`, and keys and values of the new steps.
        """
        attention = self.attention
        query = attention.queries(x, rotations)
        new_columns, new_value = attention.memory(x, None, rotations)
        # two products in place of one over a cache with the new steps in it, which would be copied at each step
        scores = [attention.scores(query, columns), attention.scores(query, new_columns)]
        weights = ops.softmax(ops.concatenate(scores, axis=-1) + hidden, axis=-1)
        capacity = ops.shape(hidden)[3] - ops.shape(hidden)[2]  # of the same tensor in all layers: computed once
        mean = attention.mean(weights[..., :capacity], value) + attention.mean(weights[..., capacity:], new_value)
        return attention.project(mean), new_columns, new_value

    def compute_output_spec(
        self, x: Any, hidden: Any, columns: Any, value: Any, rotations: Any = None
    ) -> tuple[keras.KerasTensor, ...]:
        """Return shapes and types."""
        steps = x.shape[1]
        return (
            keras.KerasTensor(x.shape, x.dtype),
            keras.KerasTensor((*columns.shape[:3], steps), columns.dtype),
            keras.KerasTensor((*value.shape[:2], steps, value.shape[3]), value.dtype),
        )


class HiddenSteps(keras.layers.Layer):
    """What is added to scores, so that a new step sees the steps in the cache, and of the new ones none behind it."""

    def call(self, tokens: Any, length: Any, columns: Any) -> Any:
        """Return scores to add, `(batch, 1, steps, capacity + steps)`.

        Args:
            tokens: the new ones, `(batch, steps)`.
            length: steps of each sequence that the cache holds, int32 `(batch,)`; what lies behind them is hidden.
            columns: keys so far, `(batch, kv_heads, size, capacity)`.
        """
        capacity, steps = ops.shape(columns)[3], ops.arange(ops.shape(tokens)[1], dtype="int32")[None, :, None]
        position = ops.arange(capacity + ops.shape(tokens)[1], dtype="int32")[None, None, :]
        is_held = position < length[:, None, None]
        is_earlier = ops.logical_and(position >= capacity, position - capacity <= steps)
        hidden = ops.cast(ops.logical_not(ops.logical_or(is_held, is_earlier)), self.compute_dtype)
        return MASKED_SCORE * hidden[:, None]

    def compute_output_spec(self, tokens: Any, length: Any, columns: Any) -> keras.KerasTensor:
        """Return shape and type."""
        return keras.KerasTensor((tokens.shape[0], 1, tokens.shape[1], None), self.compute_dtype)


class CachedScores(keras.layers.Layer):
    """Scores of relative positions of new steps, to those in the cache and among themselves.

    Args:
        scores: the layer whose weights it uses.
    """

    def __init__(self, scores: RelativeScores) -> None:
        super().__init__(name=f"{scores.name}_cached")
        self.scores = scores

    def call(self, hidden: Any, length: Any) -> Any:
        """Add the scores to what `HiddenSteps` returns, for the number of steps that the cache holds, `(batch,)`.

        Returns:
            A tensor of shape `(batch, heads, steps, capacity + steps)`.
        """
        new, every = ops.shape(hidden)[2], ops.shape(hidden)[3]
        steps = ops.arange(new, dtype="int32")
        before = length[:, None, None] + steps[None, :, None] - ops.arange(every - new, dtype="int32")[None, None, :]
        among = ops.broadcast_to((steps[:, None] - steps[None, :])[None], (ops.shape(length)[0], new, new))
        return hidden + self.scores.at(ops.concatenate([before, among], axis=2))

    def compute_output_spec(self, hidden: Any, length: Any) -> keras.KerasTensor:
        """Return shape and type."""
        return keras.KerasTensor((hidden.shape[0], self.scores.heads, *hidden.shape[2:]), hidden.dtype)


class EncodedMemory(keras.layers.Layer):
    """What attention to an encoder's output needs of it: keys, values, and the scores of padding.

    Args:
        attention: the layer whose weights it uses.
    """

    def __init__(self, attention: Attention) -> None:
        super().__init__(name=f"{attention.name}_encoded")
        self.attention = attention

    def entries(self, width: int) -> tuple[CacheEntry, ...]:
        """Return the keys, as columns, the values, and what is added to the scores."""
        name, heads = self.attention.name, self.attention.kv_heads
        size = self.attention.head_size(width)
        kept: dict[str, Any] = {"encoded": True, "constant": True}
        return (
            CacheEntry(name=f"{name}_key", shape=(heads, size, None), **kept),
            CacheEntry(name=f"{name}_value", shape=(heads, None, size), **kept),
            CacheEntry(name=f"{name}_hidden", shape=(None,), **kept),
        )

    def call(self, context: Any, valid: Any = None) -> tuple[Any, Any, Any]:
        """Map `(batch, context steps, features)` and `(batch, context steps)` to keys, values and added scores."""
        columns, value = self.attention.memory(context, valid)
        if valid is None:
            return columns, value, ops.zeros_like(columns[:, 0, 0, :])
        return columns, value, (1 - ops.cast(valid, columns.dtype)) * MASKED_SCORE


class MemoryAttention(keras.layers.Layer):
    """Attention of new steps to an encoded memory.

    Args:
        attention: the layer whose weights it uses.
    """

    def __init__(self, attention: Attention) -> None:
        super().__init__(name=f"{attention.name}_step")
        self.attention = attention

    def call(self, x: Any, columns: Any, value: Any, hidden: Any) -> Any:
        """Map new steps, `(batch, steps, width)`, and what `EncodedMemory` returns to `(batch, steps, width)`."""
        attention = self.attention
        scores = attention.scores(attention.queries(x), columns) + hidden[:, None, None, :]
        return attention.project(attention.mean(ops.softmax(scores, axis=-1), value))

    def compute_output_spec(self, x: Any, columns: Any, value: Any, hidden: Any) -> keras.KerasTensor:
        """Return the shape of the queries."""
        return keras.KerasTensor(x.shape, x.dtype)


class CachedPositions(keras.layers.Layer):
    """Positions of new steps, counted from the start of the sequence.

    Args:
        positions: the layer whose weights it uses.
    """

    def __init__(self, positions: LearnedPositions | SinusoidalPositions | Rotations) -> None:
        super().__init__(name=f"{positions.name}_cached", dtype=positions.dtype_policy)
        self.positions = positions

    def call(self, x: Any, length: Any) -> Any:
        """Map new steps, `(batch, steps, width)`, and the number before them, `(batch,)`, to what the layer returns."""
        position = length[:, None] + ops.arange(ops.shape(x)[1], dtype="int32")[None, :]
        if isinstance(self.positions, Rotations):
            return self.positions.at(position)
        return self.positions.at(x, position)

    def compute_output_spec(self, x: Any, length: Any) -> keras.KerasTensor:
        """Return shape and type."""
        if isinstance(self.positions, Rotations):
            return keras.KerasTensor((2, x.shape[0], 1, x.shape[1], self.positions.size // 2), self.compute_dtype)
        return keras.KerasTensor(x.shape, x.dtype)


class CachedConvolution(keras.layers.Layer):
    """Causal convolution of new steps, after those that its kernel still spans.

    Args:
        convolution: the layer whose weights it uses.
    """

    def __init__(self, convolution: keras.layers.Conv1D) -> None:
        super().__init__(name=f"{convolution.name}_cached")
        self.convolution = convolution
        self.dilation = convolution.dilation_rate[0]
        self.span = (convolution.kernel_size[0] - 1) * self.dilation

    def entries(self, width: int) -> tuple[CacheEntry, ...]:
        """Return the last inputs; before the first step they are zero, as the layer pads them."""
        return (CacheEntry(name=f"{self.convolution.name}_inputs", shape=(self.span, width)),)

    def call(self, x: Any, before: Any) -> tuple[Any, Any]:
        """Map new steps `(batch, steps, width)` and the inputs before to `(batch, steps, filters)` and last inputs."""
        convolution = self.convolution
        inputs = ops.concatenate([before, x], axis=1)
        y = ops.conv(inputs, convolution.kernel, padding="valid", dilation_rate=self.dilation)
        if convolution.use_bias:
            y = y + convolution.bias
        return convolution.activation(y), inputs[:, -self.span :]

    def compute_output_spec(self, x: Any, before: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return shapes and types."""
        y = keras.KerasTensor((*x.shape[:2], self.convolution.filters), x.dtype)
        return y, keras.KerasTensor(before.shape, before.dtype)


def with_state(layer: keras.layers.RNN) -> keras.layers.RNN:
    """Return a recurrent layer with the cell of `layer`, and so its weights, that also returns its last states."""
    copy = type(layer).from_config({**layer.get_config(), "return_state": True, "name": f"{layer.name}_cached"})
    copy.cell = layer.cell
    return copy


def state_entries(layer: keras.layers.RNN, *, encoded: bool) -> tuple[CacheEntry, ...]:
    """Return the states of a recurrent layer."""
    sizes = keras.tree.flatten(layer.cell.state_size)
    names = ("state", "cell") if len(sizes) == 2 else tuple(f"state{i}" for i in range(len(sizes)))
    parts = names if len(sizes) > 1 else ("state",)
    return tuple(
        CacheEntry(name=f"{layer.name}_{part}", shape=(size,), encoded=encoded)
        for part, size in zip(parts, sizes, strict=True)
    )
