"""Softmax over the last axis: TensorFlow's own forwards, one compiled program backwards."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from zoo.backend.cpu_kernels.common import is_supported, program, with_gradient


def softmax(x: Any, axis: int | None = -1) -> Any:
    """Return the softmax of `x`, as Keras's backend does."""
    if axis is None or not is_supported(x) or axis not in (-1, x.shape.rank - 1):
        return None
    y = with_gradient(tf.nn.softmax, _forward, _backward)(x)
    y._keras_logits = x  # as Keras's own does, for losses of probabilities
    return y


def _forward(x: Any) -> tuple[Any, Any]:
    y = tf.nn.softmax(x)
    return y, y


@program
def _backward(x: Any, y: Any, dy: Any) -> Any:
    rows = (math.prod(y.shape[:-1]), y.shape[-1])
    y, d = tf.reshape(y, rows), tf.reshape(dy, rows)
    return tf.reshape((d - tf.matmul(d * y, tf.ones((rows[1], 1)))) * y, dy.shape)
