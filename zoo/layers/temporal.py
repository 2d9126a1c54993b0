"""Residual blocks of dilated causal convolutions over time (Bai, Kolter and Koltun, 2018, arXiv:1803.01271)."""

from __future__ import annotations

from typing import Literal

import keras

from zoo.layers.norms import has_shift, normalization

StepNorm = Literal["layer", "none"]


def temporal_block(
    x: keras.KerasTensor,
    filters: int,
    *,
    kernel_size: int,
    dilation: int,
    norm: StepNorm = "layer",
    dropout: float = 0.0,
    name: str,
) -> keras.KerasTensor:
    """Two causal convolutions, each with normalization, ReLU and dropout, a shortcut, and a ReLU.

    Args:
        x: tensor of shape `(batch, steps, channels)`.
        filters: output channels.
        kernel_size: steps that a kernel spans.
        dilation: distance between these steps.
        norm: normalization of each step, after each convolution.
        dropout: fraction of channels dropped while training.
        name: prefix of the layers' names.

    Returns:
        A tensor of shape `(batch, steps, filters)`, where no step depends on later steps of `x`.
    """
    y = x
    for i in (1, 2):
        y = keras.layers.Conv1D(
            filters,
            kernel_size,
            dilation_rate=dilation,
            padding="causal",
            use_bias=not has_shift(norm),
            kernel_initializer="he_normal",
            name=f"{name}_{i}_conv",
        )(y)
        y = normalization(y, norm, name=f"{name}_{i}_norm")
        y = keras.layers.ReLU(name=f"{name}_{i}_relu")(y)
        if dropout:
            y = keras.layers.SpatialDropout1D(dropout, name=f"{name}_{i}_dropout")(y)
    if x.shape[-1] != filters:
        x = keras.layers.Conv1D(filters, 1, name=f"{name}_shortcut")(x)
    x = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(x)
