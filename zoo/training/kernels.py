"""Norms, activations and Adam in few passes over memory, for training on TensorFlow's processors.

Keras makes a norm of a dozen elementwise operations, its gradient of two dozen more, and each reads and writes a whole
map. Within `fused_kernels` the same layers compute the same values in one operation forwards and one backwards: batch
normalisation and Adam in TensorFlow's own, the others in programs that XLA compiles, which leaves convolutions and
products of matrices, where XLA is slow, to oneDNN. Models and files know nothing of it: it lasts as long as the
training.

`benchmarks/speed.py` has the figures, with and without.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

_LEAST = 1 << 17  # values of a map; below, the start of a program costs what it saves


@contextmanager
def fused_kernels(devices: int = 1) -> Iterator[None]:
    """Have the layers that are called within use fused kernels, where these are faster.

    That is on TensorFlow, on processors, on one device, for whole float32 maps of a known shape.

    Args:
        devices: devices that share a batch.
    """
    if keras.backend.backend() != "tensorflow" or devices > 1 or _accelerated():
        yield
        return
    from keras.src.backend.tensorflow import nn

    layers = keras.layers
    fused: list[tuple[Any, str, Callable[..., Any]]] = [
        (layers.BatchNormalization, "call", _batch_normalization),
        (layers.LayerNormalization, "call", _layer_normalization),
        (layers.GroupNormalization, "call", _group_normalization),
        (keras.optimizers.Adam, "update_step", _adam),
        (nn, "gelu", _gelu),
        (nn, "silu", _silu),
    ]
    before = [getattr(owner, name) for owner, name, _ in fused]
    try:
        for (owner, name, kernel), original in zip(fused, before, strict=True):
            setattr(owner, name, _either(original, kernel))
        yield
    finally:
        for (owner, name, _), original in zip(fused, before, strict=True):
            setattr(owner, name, original)


def _accelerated() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _either(original: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return what asks the kernel first, which gives None for what it is not made for."""

    @functools.wraps(original)
    def call(*args: Any, **options: Any) -> Any:
        result = kernel(*args, **options)
        return original(*args, **options) if result is None else result

    return call


def _fits(x: Any, least: int | None = None) -> bool:
    import tensorflow as tf

    return (
        tf.inside_function()
        and isinstance(x, tf.Tensor)
        and x.dtype == tf.float32
        and x.shape.is_fully_defined()
        and math.prod(x.shape) >= (_LEAST if least is None else least)
    )


# === Batch normalisation ===


def _batch_normalization(layer: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    plain = layer.scale and layer.center and not (layer.renorm or layer.synchronized)
    if not (training is True and layer.trainable and plain and mask is None and _fits(inputs, 2)):
        return None
    if layer.axis not in (-1, inputs.shape.rank - 1) or layer.compute_dtype != "float32":
        return None
    import tensorflow as tf

    rows = math.prod(inputs.shape[:-1])
    image = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, (rows, 1, 1, inputs.shape[-1]))
    gamma, beta = tf.convert_to_tensor(layer.gamma), tf.convert_to_tensor(layer.beta)
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(image, gamma, beta, epsilon=layer.epsilon, is_training=True)
    variance = variance * ((rows - 1) / rows if rows > 1 else 1.0)  # TensorFlow's is the unbiased one, Keras's is not
    for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + tf.stop_gradient(value) * (1.0 - layer.momentum))
    return y if image is inputs else tf.reshape(y, inputs.shape)


# === Adam ===


def _adam(optimizer: Any, gradient: Any, variable: Any, learning_rate: Any) -> Any:
    import tensorflow as tf

    plain = isinstance(gradient, tf.Tensor) and tf.inside_function() and not optimizer.amsgrad
    if not plain or variable.dtype != "float32" or gradient.dtype != tf.float32:
        return None
    number = optimizer._get_variable_index(variable)
    step = tf.cast(optimizer.iterations + 1, tf.float32)
    one, two = optimizer.beta_1, optimizer.beta_2
    return tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(optimizer._momentums[number]),
        v=_handle(optimizer._velocities[number]),
        beta1_power=tf.pow(one, step),
        beta2_power=tf.pow(two, step),
        lr=tf.cast(learning_rate, tf.float32),
        beta1=one,
        beta2=two,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


def _handle(variable: Any) -> Any:
    return variable.handle if hasattr(variable, "handle") else variable.value.handle


# === Programs ===


def _layer_normalization(layer: Any, inputs: Any) -> Any:
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0] if len(layer.axis) == 1 else None
    last = axis in (-1, len(inputs.shape) - 1)
    if not (_fits(inputs) and last) or layer.rms_scaling or layer.compute_dtype != "float32":
        return None
    return _programs()["layer"](inputs, *_scale_and_shift(layer, inputs.shape[-1]), layer.epsilon)


def _group_normalization(layer: Any, inputs: Any) -> Any:
    last = layer.axis in (-1, len(inputs.shape) - 1)
    if not (_fits(inputs) and last and len(inputs.shape) > 2) or layer.compute_dtype != "float32":
        return None
    return _programs()["group"](inputs, *_scale_and_shift(layer, inputs.shape[-1]), layer.epsilon, layer.groups)


def _scale_and_shift(layer: Any, channels: int) -> tuple[Any, Any]:
    import tensorflow as tf

    gamma = tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones((channels,))
    return gamma, tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros((channels,))


def _gelu(x: Any, approximate: bool = True) -> Any:
    return None if approximate or not _fits(x) else _programs()["gelu"](x)


def _silu(x: Any) -> Any:
    return _programs()["silu"](x) if _fits(x) else None


@functools.cache
def _programs() -> dict[str, Callable[..., Any]]:
    """Return the kernels by name, each a value with its gradient, both compiled for the shapes that they meet."""
    import tensorflow as tf

    def program(function: Callable[..., Any]) -> Callable[..., Any]:
        return tf.function(function, jit_compile=True, autograph=False)

    # === Activations ===

    @program
    def gelu(x: Any) -> Any:
        return 0.5 * x * (1.0 + tf.math.erf(x * math.sqrt(0.5)))

    @program
    def gelu_slope(x: Any, dy: Any) -> Any:
        density = tf.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return dy * (0.5 * (1.0 + tf.math.erf(x * math.sqrt(0.5))) + x * density)

    @program
    def silu(x: Any) -> Any:
        return x * tf.sigmoid(x)

    @program
    def silu_slope(x: Any, dy: Any) -> Any:
        share = tf.sigmoid(x)
        return dy * share * (1.0 + x * (1.0 - share))

    # === Norms ===

    def row_mean(x: Any) -> Any:
        """Mean over the features. A product with a vector, since XLA adds up neighbors one at a time."""
        rows, features = math.prod(x.shape[:-1]), x.shape[-1]
        mean = tf.matmul(tf.reshape(x, (rows, features)), tf.fill((features, 1), 1.0 / features))
        return tf.reshape(mean, (*x.shape[:-1], 1))

    def unit_rows(x: Any, epsilon: float) -> tuple[Any, Any]:
        centered = x - row_mean(x)
        inverse = tf.math.rsqrt(row_mean(tf.square(centered)) + epsilon)
        return centered * inverse, inverse

    @program
    def layer(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int) -> Any:
        return unit_rows(x, epsilon)[0] * gamma + beta

    @program
    def layer_slopes(x: Any, gamma: Any, dy: Any, epsilon: float, groups: int) -> tuple[Any, Any, Any]:
        unit, inverse = unit_rows(x, epsilon)
        d, rows = dy * gamma, list(range(x.shape.rank - 1))
        dx = inverse * (d - row_mean(d) - unit * row_mean(d * unit))
        return dx, tf.reduce_sum(dy * unit, rows), tf.reduce_sum(dy, rows)

    # Maps are `(batch, outer, inner * channels)`, so that the last axis is long enough for vector instructions, but in
    # sums; what belongs to a channel is `(batch, channels)`.

    def sums(x: Any, channels: int) -> Any:
        return tf.reduce_sum(tf.reshape(x, (*x.shape[:2], x.shape[-1] // channels, channels)), [1, 2])

    def of_group(each: Any, groups: int) -> Any:
        """Give each channel the sum over its group."""
        parts = tf.reshape(each, (each.shape[0], groups, each.shape[1] // groups))
        return tf.reshape(tf.broadcast_to(tf.reduce_sum(parts, -1, keepdims=True), parts.shape), each.shape)

    def spread(each: Any, width: int) -> Any:
        rows, channels = each.shape
        return tf.reshape(tf.broadcast_to(each[:, None], (rows, width // channels, channels)), (rows, 1, width))

    def centered_groups(x: Any, epsilon: float, groups: int) -> tuple[Any, Any, int]:
        channels, size = x.shape[-1], math.prod(x.shape[1:]) // groups
        x = tf.reshape(x, (*x.shape[:2], math.prod(x.shape[2:])))
        centered = x - spread(of_group(sums(x, channels), groups) / size, x.shape[-1])
        variance = of_group(sums(tf.square(centered), channels), groups) / size
        return centered, tf.math.rsqrt(variance + epsilon), size

    @program
    def group(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int) -> Any:
        centered, inverse, _ = centered_groups(x, epsilon, groups)
        width = centered.shape[-1]
        shift = spread(tf.broadcast_to(beta, inverse.shape), width)
        return tf.reshape(centered * spread(inverse * gamma, width) + shift, x.shape)

    @program
    def group_slopes(x: Any, gamma: Any, dy: Any, epsilon: float, groups: int) -> tuple[Any, Any, Any]:
        centered, inverse, size = centered_groups(x, epsilon, groups)
        width, channels, dy = centered.shape[-1], x.shape[-1], tf.reshape(dy, centered.shape)
        shift, scale = sums(dy, channels), sums(dy * centered, channels) * inverse
        mean, along = (of_group(each * gamma, groups) / size for each in (shift, scale))
        dx = dy * spread(inverse * gamma, width) - centered * spread(inverse * inverse * along, width)
        dx = dx - spread(inverse * mean, width)
        return tf.reshape(dx, x.shape), tf.reduce_sum(scale, 0), tf.reduce_sum(shift, 0)

    def norm(value: Callable[..., Any], slopes: Callable[..., Any]) -> Callable[..., Any]:
        def call(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int = 1) -> Any:
            @tf.custom_gradient
            def kernel(x: Any, gamma: Any, beta: Any) -> Any:
                return value(x, gamma, beta, epsilon, groups), lambda dy: slopes(x, gamma, dy, epsilon, groups)

            return kernel(x, gamma, beta)

        return call

    return {
        "gelu": tf.custom_gradient(lambda x: (gelu(x), lambda dy: gelu_slope(x, dy))),
        "silu": tf.custom_gradient(lambda x: (silu(x), lambda dy: silu_slope(x, dy))),
        "layer": norm(layer, layer_slopes),
        "group": norm(group, group_slopes),
    }
