"""Stages of inverted residual blocks between a stem and a last convolution: the maps of MobileNet and EfficientNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from zoo.layers.activations import Activation
from zoo.layers.image_input import Stem, check_image
from zoo.layers.inverted_residual import EPSILON, Padding, conv_norm, inverted_residual
from zoo.layers.stochastic_depth import linear_rates


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Blocks of equal width; see `inverted_residual`.

    Attributes:
        kernel_size: of the blocks.
        filters: channels.
        stride: of the first block.
        expansions: of each block.
        activation: of the blocks.
        squeeze: of the blocks.
        hard: of the blocks.
        fused: of the blocks.
    """

    kernel_size: int
    filters: int
    stride: int
    expansions: Sequence[float]
    activation: Activation
    squeeze: float = 0.0
    hard: bool = False
    fused: bool = False


def inverted_maps(
    inputs: keras.KerasTensor,
    stages: Sequence[Stage],
    widths: tuple[int, int],
    *,
    activation: Activation,
    stem: Stem = "imagenet",
    padding: Padding = "same",
    epsilon: float = EPSILON,
    stochastic_depth: float = 0.0,
) -> keras.KerasTensor:
    """Convolve an image with a stem, stages of inverted residual blocks and a last convolution.

    Args:
        inputs: images `(batch, height, width, channels)`.
        stages: of the network.
        widths: channels of the stem and of the last convolution.
        activation: of the stem and of the last convolution.
        stem: "imagenet" halves the size; with "small" it is kept, there and in the last stage with a stride.
        padding: of strided convolutions, see `conv_norm`.
        epsilon: added to the variance in batch normalization.
        stochastic_depth: rate towards which that of the blocks grows from 0 at the first.

    Returns:
        A tensor of shape `(batch, height', width', widths[1])`.

    Raises:
        ValueError: the input is no image.
    """
    check_image(inputs.shape[1:])
    blocks = sum(len(stage.expansions) for stage in stages)
    rates = iter(linear_rates(blocks + 1, stochastic_depth))  # as Keras Applications: no block reaches the full rate
    last_strided = max(i for i, stage in enumerate(stages) if stage.stride > 1)
    stride = 1 if stem == "small" else 2
    x = conv_norm(
        inputs, widths[0], 3, stride=stride, activation=activation, padding=padding, epsilon=epsilon, name="stem"
    )
    for i, stage in enumerate(stages):
        for block, expansion in enumerate(stage.expansions):
            keeps_size = block > 0 or (stem == "small" and i == last_strided)
            x = inverted_residual(
                x,
                stage.filters,
                kernel_size=stage.kernel_size,
                stride=1 if keeps_size else stage.stride,
                expansion=expansion,
                squeeze=stage.squeeze,
                hard=stage.hard,
                fused=stage.fused,
                drop=next(rates),
                activation=stage.activation,
                padding=padding,
                epsilon=epsilon,
                name=f"stage{i + 1}_block{block + 1}",
            )
    return conv_norm(x, widths[1], activation=activation, epsilon=epsilon, name="top")
