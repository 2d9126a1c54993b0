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
from functools import partial
from typing import Any

import keras

_LEAST = 1 << 16  # values of a map; below, the start of a program costs what it saves


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
        (layers.Dense, "call", _dense),
        (keras.optimizers.Adam, "update_step", _adam),
        (nn, "gelu", _gelu),
        (nn, "silu", _silu),
        (nn, "softmax", _softmax),
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


# === Dense ===


def _dense(layer: Any, inputs: Any, training: Any = None) -> Any:
    """Multiply rows, so that TensorFlow joins the product and the bias, between which Keras changes the shape."""
    plain = layer.bias is not None and layer.quantization_mode is None and not layer.lora_enabled
    if not (plain and _fits(inputs) and inputs.shape.rank > 2) or layer.compute_dtype != "float32":
        return None
    import tensorflow as tf

    rows = tf.reshape(inputs, (-1, inputs.shape[-1]))
    rows = tf.nn.bias_add(tf.matmul(rows, tf.convert_to_tensor(layer.kernel)), tf.convert_to_tensor(layer.bias))
    outputs = tf.reshape(rows, (*inputs.shape[:-1], layer.units))
    return outputs if layer.activation is None else layer.activation(outputs)


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


def _softmax(x: Any, axis: int | None = -1) -> Any:
    if axis is None or not _fits(x) or axis not in (-1, x.shape.rank - 1):
        return None
    y = _programs()["softmax"](x)
    y._keras_logits = x  # as Keras's own does, for losses of probabilities
    return y


@functools.cache
def _programs() -> dict[str, Callable[..., Any]]:
    """Return the kernels by name, each a value with its gradient, both compiled for the shapes that they meet."""
    import tensorflow as tf

    def program(function: Callable[..., Any]) -> Callable[..., Any]:
        return tf.function(function, jit_compile=True, autograph=False)

    def flat(function: Callable[..., Any]) -> Callable[..., Any]:
        """Call a program on maps as vectors: of more axes, XLA may make a loop that does one value at a time."""
        return lambda x, *more: tf.reshape(function(*(tf.reshape(one, (-1,)) for one in (x, *more))), x.shape)

    def operation(
        plain: Callable[..., Any], value: Callable[..., Any], slopes: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Return what computes a value and keeps what its slopes are made of; slopes of slopes are TensorFlow's.

        Args:
            plain: arguments to the value, in TensorFlow's own operations.
            value: arguments to the value and what is kept.
            slopes: arguments, what was kept, and the slope of the loss by the value, to the slopes by the arguments.
        """

        @tf.custom_gradient
        def call(*arguments: Any) -> Any:
            y, *kept = value(*arguments)

            @tf.custom_gradient
            def first(dy: Any, *arguments: Any) -> Any:
                def second(*outer: Any) -> Any:
                    with tf.GradientTape() as tape:
                        tape.watch([dy, *arguments])
                        with tf.GradientTape() as inner:
                            inner.watch(arguments)
                            y = plain(*arguments)
                        found = inner.gradient(y, arguments, dy)
                    return tape.gradient(
                        found, [dy, *arguments], outer, unconnected_gradients=tf.UnconnectedGradients.ZERO
                    )

                return slopes(*arguments, *kept, dy), second

            return y, lambda dy: first(dy, *arguments)

        return call

    # === Activations ===

    @flat
    @program
    def gelu(x: Any) -> Any:
        return 0.5 * x * (1.0 + tf.math.erf(x * math.sqrt(0.5)))

    @flat
    @program
    def gelu_slope(x: Any, dy: Any) -> Any:
        density = tf.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return dy * (0.5 * (1.0 + tf.math.erf(x * math.sqrt(0.5))) + x * density)

    @flat
    @program
    def silu(x: Any) -> Any:
        return x * tf.sigmoid(x)

    @flat
    @program
    def silu_slope(x: Any, dy: Any) -> Any:
        share = tf.sigmoid(x)
        return dy * share * (1.0 + x * (1.0 - share))

    @program
    def softmax_slope(x: Any, y: Any, dy: Any) -> Any:
        rows = (math.prod(y.shape[:-1]), y.shape[-1])
        y, d = tf.reshape(y, rows), tf.reshape(dy, rows)
        return tf.reshape((d - tf.matmul(d * y, tf.ones((rows[1], 1)))) * y, dy.shape)

    def softmax(x: Any) -> tuple[Any, Any]:
        y = tf.nn.softmax(x)
        return y, y

    # === Layer normalisation ===
    # Sums are products with a vector, since XLA adds up neighbours one at a time.

    def by_row(x: Any) -> Any:
        return tf.reshape(x, (-1, x.shape[-1]))

    def row_means(rows: Any, weights: Any = None) -> Any:
        features = rows.shape[-1]
        weights = tf.ones((features,)) if weights is None else weights
        return tf.matmul(rows, tf.reshape(weights / features, (features, 1)))

    @program
    def layer(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
        rows = by_row(x)
        mean = row_means(rows)
        centered = rows - mean
        inverse = tf.math.rsqrt(row_means(tf.square(centered)) + epsilon)
        return tf.reshape(centered * inverse * gamma + beta, x.shape), mean, inverse

    @program
    def layer_slopes(x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, dy: Any) -> tuple[Any, Any, Any]:
        unit, rows = (by_row(x) - mean) * inverse, by_row(dy)
        along = rows * unit
        dx = inverse * (rows * gamma - row_means(rows, gamma) - unit * row_means(along, gamma))
        ones = tf.ones((1, rows.shape[0]))
        return tf.reshape(dx, x.shape), tf.matmul(ones, along)[0], tf.matmul(ones, rows)[0]

    def plain_layer(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + epsilon) * gamma + beta

    # === Group normalisation ===
    # Maps are `(batch, outer, inner * channels)`, so that the last axis is long enough for vector instructions; what
    # belongs to a channel is `(batch, channels)`.

    def long(x: Any) -> Any:
        return tf.reshape(x, (*x.shape[:2], math.prod(x.shape[2:])))

    def sums(x: Any, channels: int) -> Any:
        inner = x.shape[2] // channels
        return tf.reduce_sum(tf.reshape(tf.reduce_sum(x, 1), (x.shape[0], inner, channels)), 1)

    def of_group(each: Any, groups: int) -> Any:
        """Give each channel the sum over its group."""
        parts = tf.reshape(each, (each.shape[0], groups, each.shape[1] // groups))
        return tf.reshape(tf.broadcast_to(tf.reduce_sum(parts, -1, keepdims=True), parts.shape), each.shape)

    def spread(each: Any, width: int) -> Any:
        """Repeat along the last axis of maps. By a product, or else XLA would look each value up where it is used."""
        rows, channels = each.shape
        table = tf.matmul(each, tf.tile(tf.eye(channels), (1, width // channels)))
        return tf.reshape(table, (rows, 1, width))

    @program
    def group(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int) -> tuple[Any, Any, Any]:
        maps, channels, size = long(x), x.shape[-1], math.prod(x.shape[1:]) // groups
        width = maps.shape[2]
        mean = of_group(sums(maps, channels), groups) / size
        centered = maps - spread(mean, width)
        inverse = tf.math.rsqrt(of_group(sums(tf.square(centered), channels), groups) / size + epsilon)
        shift = spread(tf.broadcast_to(beta, inverse.shape), width)
        return tf.reshape(centered * spread(inverse * gamma, width) + shift, x.shape), mean, inverse

    @program
    def group_slopes(
        x: Any, gamma: Any, beta: Any, mean: Any, inverse: Any, dy: Any, groups: int
    ) -> tuple[Any, Any, Any]:
        maps, dy, channels, size = long(x), long(dy), x.shape[-1], math.prod(x.shape[1:]) // groups
        width = maps.shape[2]
        unit = (maps - spread(mean, width)) * spread(inverse, width)
        shift, scale = sums(dy, channels), sums(dy * unit, channels)
        mean, along = (of_group(each * gamma, groups) / size for each in (shift, scale))
        dx = dy * spread(inverse * gamma, width) - (spread(mean, width) + unit * spread(along, width)) * spread(
            inverse, width
        )
        return tf.reshape(dx, x.shape), tf.reduce_sum(scale, 0), tf.reduce_sum(shift, 0)

    def plain_group(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int) -> Any:
        parts = tf.reshape(x, (x.shape[0], -1, groups, x.shape[-1] // groups))
        mean, variance = tf.nn.moments(parts, [1, 3], keepdims=True)
        return tf.reshape((parts - mean) * tf.math.rsqrt(variance + epsilon), x.shape) * gamma + beta

    def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
        given = {"epsilon": epsilon}
        return operation(partial(plain_layer, **given), partial(layer, **given), layer_slopes)(x, gamma, beta)

    def group_norm(x: Any, gamma: Any, beta: Any, epsilon: float, groups: int) -> Any:
        given: dict[str, Any] = {"epsilon": epsilon, "groups": groups}
        value = partial(group, **given)
        return operation(partial(plain_group, **given), value, partial(group_slopes, groups=groups))(x, gamma, beta)

    return {
        "gelu": tf.custom_gradient(lambda x: (gelu(x), lambda dy: gelu_slope(x, dy))),
        "silu": tf.custom_gradient(lambda x: (silu(x), lambda dy: silu_slope(x, dy))),
        "softmax": operation(tf.nn.softmax, softmax, softmax_slope),
        "layer": layer_norm,
        "group": group_norm,
    }
