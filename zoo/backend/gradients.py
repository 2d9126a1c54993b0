"""Gradients with respect to inputs, which `keras.ops` does not give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.errors import ZooError


def input_gradient(function: Callable[[Any], Any], x: Any) -> Any:
    """Return the gradient of the sum of a function's outputs, of the shape of `x`; it can be differentiated again.

    Args:
        function: maps a tensor to a tensor and changes no variables.
        x: where the gradient is taken.

    Raises:
        ZooError: the backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(function(x))
        return tape.gradient(total, x)
    if backend == "jax":
        import jax

        return jax.grad(lambda values: ops.sum(function(values)))(x)
    raise ZooError(f"gradient penalties are for the backends tensorflow and jax, and this is {backend}")


def compiled_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled function that gives what `input_gradient` does, for a model whose weights stay.

    Args:
        function: maps a tensor, and further tensors, to a tensor, and changes no variables.

    Returns:
        A function from the same tensors to the gradient with respect to the first; None where there is none.

    Raises:
        ZooError: the backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(
            lambda x, *others: input_gradient(lambda value: function(value, *others), x), reduce_retracing=True
        )
    if backend == "jax":
        import jax

        return jax.jit(jax.grad(lambda x, *others: ops.sum(function(x, *others))))
    raise ZooError(f"gradients with respect to inputs are for the backends tensorflow and jax, and this is {backend}")
