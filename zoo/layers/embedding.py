"""Inputs of sequence models: tokens (padding has id 0, on the right), float steps, or rows of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from zoo.layers.padding import PaddedSteps
from zoo.tasks import PADDING


def sequence_input(
    input_shape: Sequence[int | None], vocabulary: int | None, width: int
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor | None]:
    """Return the input of a sequence model, its steps as vectors, and a mask of the steps that are not padding.

    Args:
        input_shape: `(steps,)` for tokens, `(steps, features)` for floats, or `(height, width, channels)` for images,
            whose rows become the steps; the number of steps may be None.
        vocabulary: number of token ids; None where the input is float.
        width: length of the vectors that tokens are mapped to.

    Returns:
        The input; `(batch, steps, features)`; and a boolean `(batch, steps)` for tokens, and for floats of an open
        number of steps, whose padding is NaN.

    Raises:
        ValueError: the shape does not fit the kind of input.
    """
    shape = tuple(input_shape)
    if vocabulary is not None:
        inputs = token_input(shape)
        return inputs, embed(inputs, vocabulary, width), not_padding(inputs)
    if len(shape) not in (2, 3) or None in shape[1:]:
        raise ValueError(
            "needs (steps, features), or (height, width, channels), of which only the first may be open, "
            f"or tokens (steps,) with a vocabulary. Received: input_shape={shape}, vocabulary=None"
        )
    x = inputs = keras.Input(shape)
    if len(shape) == 2 and shape[0] is None:
        return inputs, *PaddedSteps(name="padding")(x)
    if len(shape) == 3:
        x = keras.layers.Reshape((shape[0] or -1, math.prod(x.shape[2:])), name="rows")(x)
    return inputs, x, None


def token_input(input_shape: Sequence[int | None], *, name: str | None = None) -> keras.KerasTensor:
    """Return an input of token ids, `(batch, steps)` int32.

    Args:
        input_shape: `(steps,)`, or `(None,)` where the number of steps varies.
        name: name of the input.

    Raises:
        ValueError: the shape has more than one axis.
    """
    if len(input_shape) != 1:
        raise ValueError(f"tokens need the shape (steps,). Received: input_shape={tuple(input_shape)}")
    return keras.Input(tuple(input_shape), dtype="int32", name=name)


def embed(tokens: keras.KerasTensor, vocabulary: int, width: int, *, name: str = "embedding") -> keras.KerasTensor:
    """Look up a learned vector for each token, padding included; no Keras mask is set.

    Args:
        tokens: `(batch, steps)` ids below `vocabulary`.
        vocabulary: number of token ids.
        width: length of the vectors.
        name: name of the layer.

    Returns:
        A tensor of shape `(batch, steps, width)`.
    """
    return keras.layers.Embedding(vocabulary, width, name=name)(tokens)


def not_padding(tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Return a boolean tensor `(batch, steps)`, true where the token is not padding."""
    return ops.not_equal(tokens, PADDING)
