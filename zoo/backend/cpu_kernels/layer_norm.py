"""Layer normalization over the last axis (Ba, Kiros and Hinton 2016, arXiv:1607.06450).

Sums over a row are products with a vector: XLA would add up neighbours one at a time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from zoo.backend.cpu_kernels.common import is_supported, program, scale_and_offset, with_gradient


def layer_norm(layer: keras.layers.LayerNormalization, inputs: Any) -> Any:
    """Normalize each row of `(…, features)`, as `LayerNormalization.call` does."""
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0] if len(layer.axis) == 1 else None
    last = axis in (-1, len(inputs.shape) - 1)
    if not (is_supported(inputs) and last) or layer.rms_scaling or layer.compute_dtype != "float32":
        return None
    options = {"epsilon": layer.epsilon}
    normalize = with_gradient(partial(_reference, **options), partial(_forward, **options), _backward)
    return normalize(inputs, *scale_and_offset(layer, inputs.shape[-1]))


def _reference(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + epsilon) * gamma + beta


@program
def _forward(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    rows = _rows(x)
    mean = _row_means(rows)
    centered = rows - mean
    inverse = tf.math.rsqrt(_row_means(tf.square(centered)) + epsilon)
    return tf.reshape(centered * inverse * gamma + beta, x.shape), mean, inverse


@program
def _backward(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, dy: Any) -> tuple[Any, Any, Any]:
    normalized, rows = (_rows(x) - mean) * inverse, _rows(dy)
    along = rows * normalized
    dx = inverse * (rows * gamma - _row_means(rows, gamma) - normalized * _row_means(along, gamma))
    ones = tf.ones((1, rows.shape[0]))
    return tf.reshape(dx, x.shape), tf.matmul(ones, along)[0], tf.matmul(ones, rows)[0]


def _rows(x: Any) -> Any:
    return tf.reshape(x, (-1, x.shape[-1]))


def _row_means(rows: Any, weights: Any = None) -> Any:
    features = rows.shape[-1]
    weights = tf.ones((features,)) if weights is None else weights
    return tf.matmul(rows, tf.reshape(weights / features, (features, 1)))
