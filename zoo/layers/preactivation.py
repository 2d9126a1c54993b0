"""Residual blocks with normalization and activation before each convolution (He et al., 2016, arXiv:1603.05027).

In the form of wide residual networks (Zagoruyko and Komodakis, 2016, arXiv:1605.07146).
"""

from __future__ import annotations

import keras

from zoo.layers.norms import EPSILON, normalization


def wide_block(
    x: keras.KerasTensor, filters: int, *, stride: int = 1, dropout: float = 0.0, name: str
) -> keras.KerasTensor:
    """Two 3x3 convolutions with dropout between them, and a shortcut (figure 1d).

    Where the shape changes, the shortcut is a 1x1 convolution of the first activation, as in the paper's code.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        stride: step of the first convolution.
        dropout: fraction of values dropped between the convolutions while training.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    y = norm_relu(x, name=f"{name}_1")
    if stride > 1 or x.shape[-1] != filters:
        x = plain_convolution(y, filters, 1, stride=stride, name=f"{name}_shortcut")
    y = plain_convolution(y, filters, 3, stride=stride, name=f"{name}_1")
    y = norm_relu(y, name=f"{name}_2")
    if dropout:
        y = keras.layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = plain_convolution(y, filters, 3, name=f"{name}_2")
    return keras.layers.Add(name=f"{name}_add")([x, y])


def norm_relu(x: keras.KerasTensor, *, epsilon: float = EPSILON, name: str) -> keras.KerasTensor:
    """Batch normalization and ReLU."""
    return keras.layers.ReLU(name=f"{name}_relu")(normalization(x, "batch", epsilon=epsilon, name=f"{name}_norm"))


def plain_convolution(
    x: keras.KerasTensor, filters: int, kernel_size: int, *, stride: int = 1, name: str
) -> keras.KerasTensor:
    """Convolution without bias, with an odd kernel and equal padding on both sides.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        filters: output channels.
        kernel_size: height and width of the kernel, odd.
        stride: step of the kernel.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
    """
    if stride > 1 and kernel_size > 1:
        x = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
