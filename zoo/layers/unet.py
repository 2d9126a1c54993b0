"""Blocks of U-Nets (Ronneberger et al., 2015, arXiv:1505.04597)."""

from __future__ import annotations

from typing import Literal

import keras

from zoo.layers.norms import Norm
from zoo.layers.residual import convolution

Upsample = Literal["transpose", "bilinear"]


def double_convolution(x: keras.KerasTensor, width: int, *, norm: Norm, name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions, each with a normalization and a ReLU.

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        width: output channels.
        norm: normalization after each convolution.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, height, width, width)`.
    """
    for i in (1, 2):
        x = convolution(x, width, 3, norm=norm, name=f"{name}_{i}")
        x = keras.layers.ReLU(name=f"{name}_{i}_relu")(x)
    return x


def double_size(x: keras.KerasTensor, width: int, kind: Upsample, *, name: str) -> keras.KerasTensor:
    """Double height and width.

    "transpose" is a transposed 2x2 convolution with stride 2, as in the paper; "bilinear" a 1x1 convolution and linear
    interpolation, which avoids checkerboard artifacts (Odena, Dumoulin and Olah, 2016, doi:10.23915/distill.00003).

    Args:
        x: tensor of shape `(batch, height, width, channels)`.
        width: output channels.
        kind: way of upsampling.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, 2 * height, 2 * width, width)`.
    """
    if kind == "transpose":
        # variance 1 / channels: each output pixel comes from one input pixel (Keras counts 4 * channels)
        initializer = keras.initializers.VarianceScaling(4.0, "fan_out", "untruncated_normal")
        return keras.layers.Conv2DTranspose(width, 2, strides=2, kernel_initializer=initializer, name=f"{name}_conv")(x)
    x = keras.layers.Conv2D(width, 1, kernel_initializer="lecun_normal", name=f"{name}_conv")(x)
    return keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_resize")(x)
