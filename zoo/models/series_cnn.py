"""Convolutional networks on series: fully convolutional, residual, InceptionTime, and MiniRocket's fixed kernels."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.head import head
from zoo.layers.minirocket import LENGTH, MiniRocketFeatures
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.types import Count, Counts, DropRate, MiniRocketCount, WholeNumber
from zoo.registry import register


@register(
    tasks=("sequence_classification", "sequence_regression"),
    input_shape=(96, 1),
    outputs=10,
    paper="arXiv:1611.06455",
)
def fcn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    widths: Counts = (128, 256, 128),
    kernel_sizes: Counts = (8, 5, 3),
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Fully convolutional network on series (Wang, Yan and Oates, 2016).

    Args:
        input_shape: `(steps, channels)`; the number of steps may be None.
        outputs: number of classes or values.
        widths: channels of each convolution.
        kernel_sizes: steps that each convolution spans.
        norm: normalization after each convolution.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series, or widths and kernel sizes differ in number.
    """
    _check_lengths(widths, kernel_sizes)

    # === Layers ===
    inputs = _series_input(input_shape)
    x = inputs
    for i, (width, size) in enumerate(zip(widths, kernel_sizes, strict=True), start=1):
        x = _convolution(x, width, size, norm=norm, name=f"layer{i}")
        x = keras.layers.ReLU(name=f"layer{i}_relu")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="fcn")


@register(
    tasks=("sequence_classification", "sequence_regression"),
    input_shape=(96, 1),
    outputs=10,
    paper="arXiv:1611.06455",
)
def resnet1d(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    widths: Counts = (64, 128, 128),
    kernel_sizes: Counts = (8, 5, 3),
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Residual network on series (Wang, Yan and Oates, 2016): three convolutions and a shortcut in each block.

    Args:
        input_shape: `(steps, channels)`; the number of steps may be None.
        outputs: number of classes or values.
        widths: channels of each block.
        kernel_sizes: steps that the convolutions of a block span.
        norm: normalization after each convolution.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series.
    """
    # === Layers ===
    inputs = _series_input(input_shape)
    x = inputs
    for i, width in enumerate(widths, start=1):
        y = x
        for j, size in enumerate(kernel_sizes, start=1):
            y = _convolution(y, width, size, norm=norm, name=f"block{i}_{j}")
            if j < len(kernel_sizes):
                y = keras.layers.ReLU(name=f"block{i}_{j}_relu")(y)
        if x.shape[-1] == width:
            x = normalization(x, norm, name=f"block{i}_shortcut_norm")
        else:
            x = _convolution(x, width, 1, norm=norm, name=f"block{i}_shortcut")
        x = keras.layers.ReLU(name=f"block{i}_relu")(keras.layers.Add(name=f"block{i}_add")([x, y]))
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="resnet1d")


@register(
    tasks=("sequence_classification", "sequence_regression"),
    input_shape=(96, 1),
    outputs=10,
    paper="arXiv:1909.04939",
)
def inception_time(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    width: Count = 32,
    depth: Count = 6,
    bottleneck: Count = 32,
    kernel_sizes: Counts = (39, 19, 9),
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Inception network on series, one of the five that InceptionTime averages (Fawaz et al., 2019).

    The paper's kernels span 40, 20 and 10 steps; an odd number has a middle.

    Args:
        input_shape: `(steps, channels)`; the number of steps may be None.
        outputs: number of classes or values.
        width: channels of each of the four branches of a block.
        depth: blocks; a shortcut leads around every third.
        bottleneck: channels that several ones are reduced to before the convolutions.
        kernel_sizes: steps that the convolutions of a block span.
        norm: normalization after each block.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series.
    """
    # === Layers ===
    inputs = _series_input(input_shape)
    x = shortcut = inputs
    for i in range(1, depth + 1):
        name = f"block{i}"
        narrow = x
        if x.shape[-1] > 1:
            narrow = keras.layers.Conv1D(bottleneck, 1, use_bias=False, name=f"{name}_bottleneck")(x)
        branches = [
            keras.layers.Conv1D(width, size, padding="same", use_bias=False, name=f"{name}_conv{j}")(narrow)
            for j, size in enumerate(kernel_sizes, start=1)
        ]
        pooled = keras.layers.MaxPooling1D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        branches.append(keras.layers.Conv1D(width, 1, use_bias=False, name=f"{name}_pool_conv")(pooled))
        x = keras.layers.Concatenate(name=f"{name}_join")(branches)
        x = keras.layers.ReLU(name=f"{name}_relu")(normalization(x, norm, name=f"{name}_norm"))
        if i % 3 == 0:
            shortcut = _convolution(shortcut, x.shape[-1], 1, norm=norm, name=f"{name}_shortcut")
            x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
            x = shortcut = keras.layers.ReLU(name=f"{name}_add_relu")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="inception_time")


@register(
    tasks=("sequence_classification", "sequence_regression"),
    input_shape=(96, 1),
    outputs=10,
    paper="arXiv:2012.08791",
)
def minirocket(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    features: MiniRocketCount = 9996,
    max_dilations: Count = 32,
    seed: WholeNumber = 0,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Linear model on MiniRocket's features: how often 84 fixed kernels exceed thresholds from the training examples.

    Dempster, Schmidt and Webb, 2021. Only the linear model is trained, which takes few examples and little time.

    Args:
        input_shape: `(steps, channels)`, at least 9 steps.
        outputs: number of classes or values.
        features: how many there are at most; a multiple of 84 is used.
        max_dilations: of each kernel.
        seed: of the channels that a kernel adds up, and of the examples that its thresholds come from.
        dropout: fraction of features dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length, or a shorter one.
    """
    # === Layers ===
    inputs = _series_input(input_shape)
    if inputs.shape[1] is None or inputs.shape[1] < LENGTH:
        raise ValueError(f"needs at least {LENGTH} steps, of known number. Received: input_shape={tuple(input_shape)}")
    x = MiniRocketFeatures(features, max_dilations, seed, name="minirocket")(inputs)

    # === Functional model ===
    logits = head(x, outputs, dropout=dropout, kernel_initializer="zeros")  # else noise stays where no example reaches
    return keras.Model(inputs, logits, name="minirocket")


def _convolution(x: keras.KerasTensor, width: int, size: int, *, norm: Norm, name: str) -> keras.KerasTensor:
    """Convolve over time, then normalize; the convolution has a bias only if that adds no shift."""
    x = keras.layers.Conv1D(
        width, size, padding="same", use_bias=not has_shift(norm), kernel_initializer="he_uniform", name=f"{name}_conv"
    )(x)
    return normalization(x, norm, name=f"{name}_norm")


def _series_input(input_shape: Sequence[int | None]) -> keras.KerasTensor:
    shape = tuple(input_shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(f"needs a series, (steps, channels). Received: input_shape={shape}")
    return keras.Input(shape)


def _check_lengths(widths: Sequence[int], kernel_sizes: Sequence[int]) -> None:
    if len(widths) != len(kernel_sizes):
        raise ValueError(
            f"needs a kernel size for each width. Received: widths={list(widths)}, kernel_sizes={list(kernel_sizes)}"
        )
