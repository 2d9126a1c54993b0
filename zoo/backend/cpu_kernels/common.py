"""What several kernels share: which tensors they take, compiled programs, and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

MIN_VALUES = 1 << 16  # values of a tensor; below, starting a compiled program costs what it saves


def is_supported(x: Any, min_values: int | None = None) -> bool:
    """Return whether `x` is a float32 tensor of known shape, in a graph, large enough for a kernel to pay off."""
    return (
        tf.inside_function()
        and isinstance(x, tf.Tensor)
        and x.dtype == tf.float32
        and x.shape.is_fully_defined()
        and math.prod(x.shape) >= (MIN_VALUES if min_values is None else min_values)
    )


def program(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with XLA, once for each shape that it is called with."""
    compiled: Callable[..., Any] = tf.function(function, jit_compile=True, autograph=False)
    return compiled


def elementwise_program(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile an elementwise function; it sees vectors, since XLA may loop over single values for more axes."""
    compiled = program(function)
    return lambda x, *more: tf.reshape(compiled(*(tf.reshape(one, (-1,)) for one in (x, *more))), x.shape)


def with_gradient(
    reference: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a differentiable function from a kernel's forward and backward pass.

    Second derivatives are those of `reference`, by TensorFlow.

    Args:
        reference: maps the arguments to the value, in TensorFlow's own operations.
        forward: maps the arguments to the value and, after it, what `backward` needs.
        backward: maps the arguments, what `forward` kept and the loss's gradient by the value to the gradients by the
            arguments.
    """

    @tf.custom_gradient
    def call(*arguments: Any) -> Any:
        y, *kept = forward(*arguments)

        @tf.custom_gradient
        def first(dy: Any, *arguments: Any) -> Any:
            def second(*outer: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch([dy, *arguments])
                    with tf.GradientTape() as inner:
                        inner.watch(arguments)
                        y = reference(*arguments)
                    gradients = inner.gradient(y, arguments, dy)
                return tape.gradient(
                    gradients, [dy, *arguments], outer, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )

            return backward(*arguments, *kept, dy), second

        return y, lambda dy: first(dy, *arguments)

    return call


def scale_and_offset(layer: keras.Layer, channels: int) -> tuple[Any, Any]:
    """Return gamma and beta of a norm, ones and zeros where the layer has none."""
    gamma = tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones((channels,))
    return gamma, tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros((channels,))
