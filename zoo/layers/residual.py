"""Residual blocks (He, Zhang, Ren and Sun, 2015, arXiv:1512.03385)."""

from __future__ import annotations

from typing import Literal

import keras
from keras import ops

from zoo.layers.norms import Norm, has_shift, normalization

Shortcut = Literal["projection", "identity"]


def convolution(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    norm: Norm = "batch",
    gamma_initializer: str = "ones",
    groups: int = 1,
    name: str,
) -> keras.KerasTensor:
    """Convolve with an odd kernel, then normalize.

    Strided convolutions pad both sides equally, as PyTorch does and Keras's "same" does not.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the kernel, odd.
        stride: step of the kernel.
        dilation: distance of neighbouring weights of the kernel, in pixels; above 1 the stride is 1.
        norm: normalization; the convolution has a bias only if this adds no shift.
        gamma_initializer: initial scale of the normalization.
        groups: number of equal groups of channels that are convolved apart.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    if stride > 1 and kernel_size > 1:
        x = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        dilation_rate=dilation,
        padding="same" if stride == 1 else "valid",
        groups=groups,
        use_bias=not has_shift(norm),
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        name=f"{name}_conv",
    )(x)
    return normalization(x, norm, gamma_initializer=gamma_initializer, name=f"{name}_norm")


def basic_block(
    x: keras.KerasTensor,
    filters: int,
    *,
    stride: int = 1,
    norm: Norm = "batch",
    shortcut: Shortcut = "projection",
    name: str,
) -> keras.KerasTensor:
    """Two 3x3 convolutions and a shortcut.

    The last normalization starts with scale zero, so that the block starts as its shortcut (Goyal et al., 2017,
    arXiv:1706.02677).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        stride: step of the first convolution.
        norm: normalization after each convolution.
        shortcut: kind of shortcut if the shape changes (see `shortcut_to`).
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    y = convolution(x, filters, 3, stride=stride, norm=norm, name=f"{name}_1")
    y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
    y = convolution(y, filters, 3, norm=norm, gamma_initializer="zeros", name=f"{name}_2")
    y = keras.layers.Add(name=f"{name}_add")([shortcut_to(x, filters, stride, norm, shortcut, name), y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def bottleneck(
    x: keras.KerasTensor,
    filters: int,
    *,
    stride: int = 1,
    norm: Norm = "batch",
    shortcut: Shortcut = "projection",
    groups: int = 1,
    group_width: int = 64,
    name: str,
) -> keras.KerasTensor:
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the 3x3 has the stride ("v1.5", as torchvision).

    The last normalization starts with scale zero, as in `basic_block`. With groups it is the block of ResNeXt (Xie,
    Girshick, Dollár, Tu and He, 2016, arXiv:1611.05431, figure 3c).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: a quarter of the output channels; without groups also the channels of the 3x3 convolution.
        stride: step of the 3x3 convolution.
        norm: normalization after each convolution.
        shortcut: kind of shortcut if the shape changes (see `shortcut_to`).
        groups: groups of the 3x3 convolution.
        group_width: channels of a group where `filters` is 64; they grow with it.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), 4 * filters)`.
    """
    inner = filters * group_width // 64 * groups
    y = convolution(x, inner, 1, norm=norm, name=f"{name}_1")
    y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
    y = convolution(y, inner, 3, stride=stride, norm=norm, groups=groups, name=f"{name}_2")
    y = keras.layers.ReLU(name=f"{name}_2_relu")(y)
    y = convolution(y, 4 * filters, 1, norm=norm, gamma_initializer="zeros", name=f"{name}_3")
    y = keras.layers.Add(name=f"{name}_add")([shortcut_to(x, 4 * filters, stride, norm, shortcut, name), y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def stem_pool(x: keras.KerasTensor) -> keras.KerasTensor:
    """Halve the size of the stem's maps, which a ReLU has made 0 or more, by the largest of 3x3.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.

    Returns:
        A tensor of shape `(batch, ceil(height / 2), ceil(width / 2), channels)`.
    """
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # zero is the minimum after the ReLU
    return keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)


def shortcut_to(
    x: keras.KerasTensor, filters: int, stride: int, norm: Norm, kind: Shortcut, name: str
) -> keras.KerasTensor:
    """Return `x` in the shape of the block's output.

    "projection" is a 1x1 convolution and a normalization (the paper's option B); "identity" takes every `stride`-th
    pixel and pads the channels with zeros on both sides (option A, no parameters).
    """
    channels = x.shape[-1]
    if stride == 1 and channels == filters:
        return x
    if kind == "projection":
        return convolution(x, filters, 1, stride=stride, norm=norm, name=f"{name}_shortcut")
    if filters < channels:
        raise ValueError(f"an identity shortcut cannot narrow. Received: {channels} channels for {filters} filters")
    x = keras.layers.MaxPooling2D(1, strides=stride, name=f"{name}_shortcut")(x)
    before = (filters - channels) // 2
    return ops.pad(x, [[0, 0], [0, 0], [0, 0], [before, filters - channels - before]])
