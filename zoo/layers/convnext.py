"""ConvNeXt blocks (Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, 2022, arXiv:2201.03545).

The epsilon is that of the paper's code and of Keras Applications, whose weights fit.
"""

from __future__ import annotations

import keras

from zoo.layers.layer_scale import LayerScale
from zoo.layers.norms import normalization
from zoo.layers.response_norm import GlobalResponseNorm
from zoo.layers.stochastic_depth import StochasticDepth

EPSILON = 1e-6  # added to the variance in layer normalization


def convnext_block(
    x: keras.KerasTensor,
    *,
    kernel_size: int = 7,
    layer_scale: float = 1e-6,
    response_norm: bool = False,
    drop: float = 0.0,
    name: str,
) -> keras.KerasTensor:
    """Depthwise convolution, layer normalization, two dense layers with GELU between, and a shortcut (figure 4).

    With global response normalization it is the block of ConvNeXt V2 (Woo et al., 2023, arXiv:2301.00808, figure 5).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        kernel_size: height and width of the depthwise kernel.
        layer_scale: initial scale of the branch; 0 means no scale.
        response_norm: global response normalization follows the GELU.
        drop: rate of stochastic depth.
        name: prefix of the layers' names.

    Returns:
        A tensor of the shape of `x`.
    """
    channels = x.shape[-1]
    y = keras.layers.DepthwiseConv2D(
        kernel_size, padding="same", depthwise_initializer=initializer(), name=f"{name}_depthwise_conv"
    )(x)
    y = normalization(y, "layer", epsilon=EPSILON, name=f"{name}_norm")
    y = keras.layers.Dense(4 * channels, kernel_initializer=initializer(), name=f"{name}_widen")(y)
    y = keras.layers.Activation("gelu", name=f"{name}_gelu")(y)
    if response_norm:
        y = GlobalResponseNorm(name=f"{name}_response_norm")(y)
    y = keras.layers.Dense(channels, kernel_initializer=initializer(), name=f"{name}_narrow")(y)
    if layer_scale:
        y = LayerScale(layer_scale, name=f"{name}_scale")(y)
    if drop:
        y = StochasticDepth(drop, name=f"{name}_drop")(y)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def patches(x: keras.KerasTensor, filters: int, size: int, *, name: str) -> keras.KerasTensor:
    """Convolve patches of `size` x `size` pixels that do not overlap.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        size: height and width of the patches.
        name: prefix of the layer's name.

    Returns:
        A tensor of shape `(batch, height // size, width // size, filters)`.
    """
    return keras.layers.Conv2D(filters, size, strides=size, kernel_initializer=initializer(), name=f"{name}_conv")(x)


def initializer() -> keras.initializers.Initializer:
    """Return the initializer of the paper's code."""
    return keras.initializers.TruncatedNormal(stddev=0.02)
