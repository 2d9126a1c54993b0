"""Recurrent layers over padded sequences without a Keras mask, which would slow the loop and hide it from ONNX.

With the padding on the right the loop runs on over it. The backward direction reverses the valid steps of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.embedding import sequence_input
from zoo.layers.head import head
from zoo.layers.types import Count, DropRate

Pool = Literal["last", "mean", "max"]
RecurrentInitializer = Literal["orthogonal", "glorot_uniform"]
BELOW_FEATURES = -1e4  # less than any feature, and in the range of float16


def recurrent_model(
    name: str,
    make: Callable[[str], keras.Layer],
    bidirectional: bool = False,
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    layers: Count = 1,
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    pool: Pool = "last",
) -> keras.Model:
    """Build a stack of recurrent layers between the input of a sequence and the head.

    Args:
        name: name of the model.
        make: function from a name to a recurrent layer of that name that returns the output of every step.
        bidirectional: run each layer over the reversed steps too.
        input_shape: `(steps,)` for tokens, `(steps, features)`, or `(height, width, channels)`, read row by row; the
            number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        layers: recurrent layers, each over the states of the one before.
        dropout: fraction of features dropped between layers and before the head while training.
        embedding: length of the vectors that tokens are mapped to.
        pool: "last" state (of each direction), or "mean" or "max" over the steps.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.
    """
    # === Layers ===
    inputs, x, valid = sequence_input(input_shape, vocabulary, embedding)
    x = recurrent(x, make, layers=layers, bidirectional=bidirectional, dropout=dropout, valid=valid)
    if not every_step:
        x = pool_steps(x, pool, bidirectional=bidirectional, valid=valid)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


def recurrent(
    x: keras.KerasTensor,
    make: Callable[[str], keras.Layer],
    *,
    layers: int,
    bidirectional: bool = False,
    dropout: float = 0.0,
    valid: keras.KerasTensor | None = None,
    name: str = "layer",
) -> keras.KerasTensor:
    """Stack recurrent layers; bidirectional as in Schuster and Paliwal, 1997, doi:10.1109/78.650093.

    Args:
        x: sequences, `(batch, steps, features)`.
        make: from a name to a recurrent layer of that name that returns every step's output, `units` long.
        layers: number of layers.
        bidirectional: run a second layer over the reversed steps and concatenate its outputs.
        dropout: fraction of features dropped between layers while training (Zaremba et al., 2014, arXiv:1409.2329).
        valid: `(batch, steps)`, true for the steps that are not padding, which are the first of each row; all steps
            by default.
        name: prefix of the layers' names.

    Returns:
        One output for each step, `(batch, steps, units)` or, if bidirectional, `(batch, steps, 2 * units)`; zero at
        padding.
    """
    for i in range(1, layers + 1):
        if dropout and i > 1:
            x = keras.layers.Dropout(dropout, name=f"{name}{i}_dropout")(x)
        if not bidirectional:
            x = make(f"{name}{i}")(x)
            continue
        forward = make(f"{name}{i}_forward")(x)
        backward = make(f"{name}{i}_backward")(_reverse(x, valid, f"{name}{i}_reverse"))
        backward = _reverse(backward, valid, f"{name}{i}_restore")
        x = keras.layers.Concatenate(name=f"{name}{i}")([forward, backward])
    return x if valid is None else ZeroPaddedSteps(name=f"{name}{layers}_zero")(x, valid)


def pool_steps(
    x: keras.KerasTensor,
    kind: Pool,
    *,
    bidirectional: bool = False,
    valid: keras.KerasTensor | None = None,
    name: str = "pool",
) -> keras.KerasTensor:
    """Reduce the steps of each row to one vector, zeros for a row without a valid step.

    Args:
        x: sequences, `(batch, steps, features)`, zero at padding.
        kind: "last" takes the state after the last step (for the backward half of bidirectional features, the state at
            the first step); "mean" and "max" are over the valid steps.
        bidirectional: whether the second half of the features comes from the backward direction.
        valid: `(batch, steps)`, true for the steps that are not padding, which are the first of each row; all steps
            by default.
        name: name of the layer.

    Returns:
        A tensor of shape `(batch, features)`.
    """
    layer = StepPooling(kind, bidirectional=bidirectional, name=name)
    return layer(x) if valid is None else layer(x, valid)


@keras.saving.register_keras_serializable("zoo")
class LSTM(keras.layers.LSTM):
    """Keras's LSTM that always runs as a plain loop, also once loaded: cuDNN's kernel has no ONNX form."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(units, use_cudnn=False, **options)


@keras.saving.register_keras_serializable("zoo")
class GRUCell(keras.layers.Layer):
    """One step of a GRU, with the weights and values of `keras.layers.GRUCell`.

    Args:
        units: length of the state.
        recurrent_initializer: initializer of the recurrent kernel.
    """

    def __init__(self, units: int, *, recurrent_initializer: str = "orthogonal", **options: Any) -> None:
        super().__init__(**options)
        self.units = self.state_size = self.output_size = units
        self.recurrent_initializer = recurrent_initializer
        self.biases: tuple[Any, Any] | None = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Add the weights; each concatenates update gate, reset gate and candidate."""
        width = 3 * self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], width), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width), initializer=self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(2, width), initializer="zeros", name="bias")

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        """Map `(batch, features)` and the state, `(batch, units)`, to the output and the new state (both equal)."""
        state = states[0]
        bias, recurrent_bias = self.biases or ops.unstack(ops.convert_to_tensor(self.bias))
        outer = ops.add(ops.matmul(inputs, self.kernel), bias)
        inner = ops.add(ops.matmul(state, self.recurrent_kernel), recurrent_bias)
        outer_update, outer_reset, outer_candidate = ops.split(outer, 3, axis=-1)
        inner_update, inner_reset, inner_candidate = ops.split(inner, 3, axis=-1)
        update = ops.sigmoid(ops.add(outer_update, inner_update))
        reset = ops.sigmoid(ops.add(outer_reset, inner_reset))
        candidate = ops.tanh(ops.add(outer_candidate, reset * inner_candidate))
        state = update * state + (1 - update) * candidate
        return state, [state]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units, "recurrent_initializer": self.recurrent_initializer}


@keras.saving.register_keras_serializable("zoo")
class GRU(keras.layers.RNN):
    """Gated recurrent unit, Cho et al., 2014, arXiv:1406.1078; the reset gate acts after the recurrent kernel.

    The two biases of the cell are split before the loop, not in every step: only then tf2onnx finds the GRU operator,
    which it never finds in `keras.layers.GRU`.
    """

    def inner_loop(self, *arguments: Any, **options: Any) -> Any:
        """Run the cell over the steps."""
        self.cell.biases = tuple(ops.unstack(ops.convert_to_tensor(self.cell.bias)))
        try:
            return super().inner_loop(*arguments, **options)
        finally:
            self.cell.biases = None


@keras.saving.register_keras_serializable("zoo")
class ReversedSteps(keras.layers.Layer):
    """Reverse the valid steps of each row; padding stays in place."""

    def call(self, x: Any, valid: Any = None) -> Any:
        """Map `(batch, steps, features)` and `(batch, steps)` to `(batch, steps, features)`."""
        if valid is None:
            return ops.flip(x, axis=1)
        step = ops.arange(ops.shape(x)[1], dtype="int32")[None, :]
        length = _lengths(valid)[:, None]
        return _take_steps(x, ops.where(step < length, length - 1 - step, step))


@keras.saving.register_keras_serializable("zoo")
class ZeroPaddedSteps(keras.layers.Layer):
    """Set padding to zero."""

    def call(self, x: Any, valid: Any) -> Any:
        """Map `(batch, steps, features)` and `(batch, steps)` to `(batch, steps, features)`."""
        return ops.where(valid[:, :, None], x, ops.zeros_like(x))


@keras.saving.register_keras_serializable("zoo")
class StepPooling(keras.layers.Layer):
    """The layer of `pool_steps`."""

    def __init__(self, kind: Pool, *, bidirectional: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind
        self.bidirectional = bidirectional

    def call(self, x: Any, valid: Any = None) -> Any:
        """Map `(batch, steps, features)` and `(batch, steps)` to `(batch, features)`."""
        if self.kind == "last":
            units = x.shape[-1] // 2 if self.bidirectional else x.shape[-1]
            last = _last(x[:, :, :units], valid)
            return ops.concatenate([last, x[:, 0, units:]], axis=-1) if self.bidirectional else last
        if valid is None:
            return ops.mean(x, axis=1) if self.kind == "mean" else ops.max(x, axis=1)
        length = ops.cast(_lengths(valid), x.dtype)[:, None]
        if self.kind == "mean":
            return ops.sum(x, axis=1) / ops.maximum(length, 1)
        maximum = ops.max(ops.where(valid[:, :, None], x, ops.full_like(x, BELOW_FEATURES)), axis=1)
        return ops.where(length > 0, maximum, ops.zeros_like(maximum))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "kind": self.kind, "bidirectional": self.bidirectional}


def _reverse(x: keras.KerasTensor, valid: keras.KerasTensor | None, name: str) -> keras.KerasTensor:
    layer = ReversedSteps(name=name)
    return layer(x) if valid is None else layer(x, valid)


def _lengths(valid: Any) -> Any:
    return ops.sum(ops.cast(valid, "int32"), axis=1)


def _last(x: Any, valid: Any) -> Any:
    if valid is None:
        return x[:, -1]
    return _take_steps(x, ops.maximum(_lengths(valid) - 1, 0)[:, None])[:, 0]


def _take_steps(x: Any, positions: Any) -> Any:
    """Return the steps of each row at `positions`, `(batch, n)`.

    One `take` over all rows concatenated is 8 times as fast as `take_along_axis`, which takes single features.
    """
    batch, steps, features = ops.shape(x)[0], ops.shape(x)[1], x.shape[-1]
    first = steps * ops.arange(batch, dtype="int32")[:, None]
    taken = ops.take(ops.reshape(x, (-1, features)), ops.reshape(first + positions, (-1,)), axis=0)
    return ops.reshape(taken, (batch, ops.shape(positions)[1], features))
