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
