"""Inverted residual blocks of MobileNet (Sandler et al., 2018, arXiv:1801.04381) and EfficientNet.

Padding and epsilon are by default those of Keras Applications, whose weights fit.
"""

from __future__ import annotations

from typing import Literal

import keras

from zoo.layers.activations import Activation
from zoo.layers.norms import normalization
from zoo.layers.stochastic_depth import StochasticDepth

EPSILON = 1e-3  # added to the variance in batch normalization
Padding = Literal["same", "symmetric"]  # of a strided convolution: as TensorFlow, or as PyTorch


def conv_norm(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int = 1,
    *,
    stride: int = 1,
    activation: Activation | None = None,
    padding: Padding = "same",
    epsilon: float = EPSILON,
    name: str,
) -> keras.KerasTensor:
    """Convolution without bias, batch normalization and, if given, an activation.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the kernel.
        stride: step of the kernel.
        activation: activation after the normalization, if any.
        padding: of a strided convolution: "same" puts the odd pixel behind the image, as TensorFlow does; "symmetric"
            pads both sides equally, as PyTorch does.
        epsilon: added to the variance.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    x, pad = _padded(x, kernel_size, stride, padding, name)
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding=pad,
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}_conv",
    )(x)
    return _norm_act(x, activation, epsilon, name)


def inverted_residual(
    x: keras.KerasTensor,
    filters: int,
    *,
    kernel_size: int = 3,
    stride: int = 1,
    expansion: float = 6,
    squeeze: float = 0.0,
    hard: bool = False,
    fused: bool = False,
    drop: float = 0.0,
    activation: Activation = "relu6",
    padding: Padding = "same",
    epsilon: float = EPSILON,
    name: str,
) -> keras.KerasTensor:
    """Expansion, depthwise convolution, squeeze-and-excitation, projection, and a shortcut between the narrow ends.

    With squeeze-and-excitation, swish and stochastic depth as in Tan and Le, 2019, arXiv:1905.11946 (EfficientNet);
    with the hard squeeze-and-excitation of Howard et al., 2019, arXiv:1905.02244 (MobileNetV3); fused as in Tan and Le,
    2021, arXiv:2104.00298 (EfficientNetV2).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the depthwise kernel.
        stride: step of the depthwise kernel; above 1 the block has no shortcut.
        expansion: channels inside the block, as a multiple of the input channels; 1 means no expansion.
        squeeze: channels of the squeeze-and-excitation, as a fraction of the input channels; 0 means none.
        hard: the squeeze-and-excitation has a fraction of the channels inside the block, a multiple of 8, ReLU between
            and a hard sigmoid.
        fused: one convolution stands for expansion and depthwise convolution and, without expansion, for the whole
            block.
        drop: rate of stochastic depth.
        activation: activation after the first two convolutions and inside the squeeze-and-excitation.
        padding: of the strided convolution, see `conv_norm`.
        epsilon: added to the variance in batch normalization.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    channels, y = x.shape[-1], x
    inner = divisible(expansion * channels) if expansion != 1 else channels
    if fused:
        y = conv_norm(
            y,
            inner if expansion != 1 else filters,
            kernel_size,
            stride=stride,
            activation=activation,
            padding=padding,
            epsilon=epsilon,
            name=f"{name}_fused",
        )
    else:
        if expansion != 1:
            y = conv_norm(y, inner, activation=activation, epsilon=epsilon, name=f"{name}_expand")
        y, pad = _padded(y, kernel_size, stride, padding, f"{name}_depthwise")
        y = keras.layers.DepthwiseConv2D(
            kernel_size,
            strides=stride,
            padding=pad,
            use_bias=False,
            depthwise_initializer=_initializer(),
            name=f"{name}_depthwise_conv",
        )(y)
        y = _norm_act(y, activation, epsilon, f"{name}_depthwise")
    if squeeze and hard:
        y = squeeze_excite(y, divisible(squeeze * inner), activation="relu", gate="hard_sigmoid", name=f"{name}_excite")
    elif squeeze:
        y = squeeze_excite(y, max(1, int(squeeze * channels)), activation=activation, name=f"{name}_excite")
    if not fused or expansion != 1:
        y = conv_norm(y, filters, epsilon=epsilon, name=f"{name}_project")
    if stride > 1 or channels != filters:
        return y
    if drop:
        y = StochasticDepth(drop, name=f"{name}_drop")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def squeeze_excite(
    x: keras.KerasTensor,
    filters: int,
    *,
    activation: Activation,
    gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid",
    name: str,
) -> keras.KerasTensor:
    """Multiply every channel by a weight from 0 to 1, computed from the means of all channels by two dense layers.

    Squeeze-and-excitation: Hu et al., 2017, arXiv:1709.01507.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: channels between the two layers.
        activation: activation between the two layers.
        gate: what brings the weights into 0 to 1.
        name: prefix of the layers' names.

    Returns:
        A tensor of the shape of `x`.
    """
    options = {"kernel_initializer": _initializer()}
    y = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
    y = keras.layers.Conv2D(filters, 1, activation=activation, **options, name=f"{name}_reduce")(y)
    y = keras.layers.Conv2D(x.shape[-1], 1, activation=gate, **options, name=f"{name}_restore")(y)
    return keras.layers.Multiply(name=f"{name}_multiply")([x, y])


def divisible(channels: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest to `channels`, at least `divisor` and never more than 10% below."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def _padded(
    x: keras.KerasTensor, kernel_size: int, stride: int, padding: Padding, name: str
) -> tuple[keras.KerasTensor, Literal["same", "valid"]]:
    """Return `x`, padded where Keras's convolution cannot do it, and what the convolution still has to do."""
    if padding == "same" or stride == 1 or kernel_size == 1:
        return x, "same"
    return keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x), "valid"


def _norm_act(x: keras.KerasTensor, activation: Activation | None, epsilon: float, name: str) -> keras.KerasTensor:
    x = normalization(x, "batch", epsilon=epsilon, name=f"{name}_norm")
    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")
