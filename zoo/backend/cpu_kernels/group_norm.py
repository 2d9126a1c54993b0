"""Group normalization over the last axis (Wu and He 2018, arXiv:1803.08494).

Maps are `(batch, outer, inner * channels)`, so that the last axis is long enough for vector instructions; values of a
channel are `(batch, channels)`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from zoo.backend.cpu_kernels.common import is_supported, program, scale_and_offset, with_gradient


def group_norm(layer: keras.layers.GroupNormalization, inputs: Any) -> Any:
    """Normalize `(batch, …, channels)` over the channels of a group, as `GroupNormalization.call` does."""
    last = layer.axis in (-1, len(inputs.shape) - 1)
    if not (is_supported(inputs) and last and len(inputs.shape) > 2) or layer.compute_dtype != "float32":
        return None
    groups, options = {"groups": layer.groups}, {"groups": layer.groups, "epsilon": layer.epsilon}
    normalize = with_gradient(
        partial(_reference, **options), partial(_forward, **options), partial(_backward, **groups)
    )
    return normalize(inputs, *scale_and_offset(layer, inputs.shape[-1]))


def _reference(x: Any, gamma: Any, beta: Any, *, epsilon: float, groups: int) -> Any:
    parts = tf.reshape(x, (x.shape[0], -1, groups, x.shape[-1] // groups))
    mean, variance = tf.nn.moments(parts, [1, 3], keepdims=True)
    return tf.reshape((parts - mean) * tf.math.rsqrt(variance + epsilon), x.shape) * gamma + beta


@program
def _forward(x: Any, gamma: Any, beta: Any, *, epsilon: float, groups: int) -> tuple[Any, Any, Any]:
    maps, channels, size = _as_maps(x), x.shape[-1], math.prod(x.shape[1:]) // groups
    width = maps.shape[2]
    mean = _sum_of_group(_channel_sums(maps, channels), groups) / size
    centered = maps - _repeat(mean, width)
    variance = _sum_of_group(_channel_sums(tf.square(centered), channels), groups) / size
    inverse = tf.math.rsqrt(variance + epsilon)
    offset = _repeat(tf.broadcast_to(beta, inverse.shape), width)
    return tf.reshape(centered * _repeat(inverse * gamma, width) + offset, x.shape), mean, inverse


@program
def _backward(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, dy: Any, *, groups: int) -> tuple[Any, Any, Any]:
    maps, dy, channels, size = _as_maps(x), _as_maps(dy), x.shape[-1], math.prod(x.shape[1:]) // groups
    width = maps.shape[2]
    normalized = (maps - _repeat(mean, width)) * _repeat(inverse, width)
    by_beta, by_gamma = _channel_sums(dy, channels), _channel_sums(dy * normalized, channels)
    mean, along = (_sum_of_group(each * gamma, groups) / size for each in (by_beta, by_gamma))
    dx = dy * _repeat(inverse * gamma, width) - (_repeat(mean, width) + normalized * _repeat(along, width)) * _repeat(
        inverse, width
    )
    return tf.reshape(dx, x.shape), tf.reduce_sum(by_gamma, 0), tf.reduce_sum(by_beta, 0)


def _as_maps(x: Any) -> Any:
    return tf.reshape(x, (*x.shape[:2], math.prod(x.shape[2:])))


def _channel_sums(x: Any, channels: int) -> Any:
    inner = x.shape[2] // channels
    return tf.reduce_sum(tf.reshape(tf.reduce_sum(x, 1), (x.shape[0], inner, channels)), 1)


def _sum_of_group(each: Any, groups: int) -> Any:
    """Give each channel the sum over its group."""
    parts = tf.reshape(each, (each.shape[0], groups, each.shape[1] // groups))
    return tf.reshape(tf.broadcast_to(tf.reduce_sum(parts, -1, keepdims=True), parts.shape), each.shape)


def _repeat(each: Any, width: int) -> Any:
    """Repeat along the last axis of maps, by a product: XLA would compute each value again where it is used."""
    rows, channels = each.shape
    table = tf.matmul(each, tf.tile(tf.eye(channels), (1, width // channels)))
    return tf.reshape(table, (rows, 1, width))
