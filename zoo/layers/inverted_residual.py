"""Inverted residual blocks of MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381) and EfficientNet.

Padding and epsilon are those of Keras Applications, whose weights fit.
"""

from __future__ import annotations

import keras

from zoo.layers.activations import Activation
from zoo.layers.norms import normalization
from zoo.layers.stochastic_depth import StochasticDepth

EPSILON = 1e-3  # added to the variance in batch normalization


def conv_norm(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int = 1,
    *,
    stride: int = 1,
    activation: Activation | None = None,
    name: str,
) -> keras.KerasTensor:
    """Convolution without bias, batch normalization and, if given, an activation.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the kernel.
        stride: step of the kernel.
        activation: activation after the normalization, if any.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}_conv",
    )(x)
    return _norm_act(x, activation, name)


def inverted_residual(
    x: keras.KerasTensor,
    filters: int,
    *,
    kernel_size: int = 3,
    stride: int = 1,
    expansion: int = 6,
    squeeze: float = 0.0,
    drop: float = 0.0,
    activation: Activation = "relu6",
    name: str,
) -> keras.KerasTensor:
    """Expansion, depthwise convolution, squeeze-and-excitation, projection, and a shortcut between the narrow ends.

    With squeeze-and-excitation, swish and stochastic depth as in Tan and Le, 2019, arXiv:1905.11946 (EfficientNet).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the depthwise kernel.
        stride: step of the depthwise kernel; above 1 the block has no shortcut.
        expansion: channels inside the block, as a multiple of the input channels; 1 means no expansion.
        squeeze: channels of the squeeze-and-excitation, as a fraction of the input channels; 0 means none.
        drop: rate of stochastic depth.
        activation: activation after the first two convolutions and inside the squeeze-and-excitation.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    channels, y = x.shape[-1], x
    if expansion != 1:
        y = conv_norm(y, expansion * channels, activation=activation, name=f"{name}_expand")
    y = keras.layers.DepthwiseConv2D(
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_depthwise_conv",
    )(y)
    y = _norm_act(y, activation, f"{name}_depthwise")
    if squeeze:
        y = squeeze_excite(y, max(1, int(squeeze * channels)), activation=activation, name=f"{name}_excite")
    y = conv_norm(y, filters, name=f"{name}_project")
    if stride > 1 or channels != filters:
        return y
    if drop:
        y = StochasticDepth(drop, name=f"{name}_drop")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def squeeze_excite(x: keras.KerasTensor, filters: int, *, activation: Activation, name: str) -> keras.KerasTensor:
    """Multiply every channel by a weight from 0 to 1, computed from the means of all channels by two dense layers.

    Squeeze-and-excitation: Hu et al., 2017, arXiv:1709.01507.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: channels between the two layers.
        activation: activation between the two layers.
        name: prefix of the layers' names.

    Returns:
        A tensor of the shape of `x`.
    """
    options = {"kernel_initializer": _initializer()}
    y = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
    y = keras.layers.Conv2D(filters, 1, activation=activation, **options, name=f"{name}_reduce")(y)
    y = keras.layers.Conv2D(x.shape[-1], 1, activation="sigmoid", **options, name=f"{name}_restore")(y)
    return keras.layers.Multiply(name=f"{name}_multiply")([x, y])


def divisible(channels: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest to `channels`, at least `divisor` and never more than 10% below."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def _norm_act(x: keras.KerasTensor, activation: Activation | None, name: str) -> keras.KerasTensor:
    x = normalization(x, "batch", epsilon=EPSILON, name=f"{name}_norm")
    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")
