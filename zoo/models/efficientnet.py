"""EfficientNet, EfficientNet-Lite and EfficientNetV2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from zoo.layers.activations import Activation
from zoo.layers.head import head
from zoo.layers.image_input import Stem
from zoo.layers.inverted_maps import Stage, inverted_maps
from zoo.layers.inverted_residual import EPSILON, Padding, divisible
from zoo.layers.types import DropRate, Factor
from zoo.registry import register
from zoo.utils.settings import settings_of

# Kernel, blocks, filters, expansion and stride of the stages of EfficientNet-B0 (Tan and Le, table 1).
B0_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
# Blocks, filters, expansion and stride of those of EfficientNetV2-S (Tan and Le, 2021, table 4); the first 3 are fused.
V2_S_STAGES = ((2, 24, 1, 1), (4, 48, 4, 2), (4, 64, 4, 2), (6, 128, 4, 2), (9, 160, 6, 1), (15, 256, 6, 2))


def _network(
    name: str, maps: keras.KerasTensor, inputs: keras.KerasTensor, outputs: int, dropout: float
) -> keras.Model:
    x = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


def _efficientnet(
    name: str,
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    depth: Factor = 1.0,
    stem: Stem = "imagenet",
    padding: Padding = "same",
    epsilon: Factor = EPSILON,
    stochastic_depth: DropRate = 0.2,
    dropout: DropRate = 0.2,
) -> keras.Model:
    """EfficientNet: stages of inverted residual blocks with squeeze-and-excitation and swish.

    Compound scaling (Tan and Le, section 3.3) of width and depth gives B1 to B7 from B0: B4 is `width=1.4, depth=1.8`.

    Args:
        name: name of the model.
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of all channels, rounded to multiples of 8.
        depth: multiplier of the blocks in each stage, rounded up.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        padding: of strided convolutions: "same", as TensorFlow, or "symmetric", as PyTorch; published weights need
            theirs.
        epsilon: added to the variance in batch normalization.
        stochastic_depth: rate at which the deepest blocks are dropped while training; it grows from 0 at the first.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    stages = [
        Stage(
            kernel_size=k,
            filters=divisible(filters * width),
            stride=s,
            expansions=(t,) * math.ceil(n * depth),
            squeeze=0.25,
            activation="swish",
        )
        for k, n, filters, t, s in B0_STAGES
    ]
    inputs = keras.Input(input_shape)
    maps = inverted_maps(
        inputs,
        stages,
        (divisible(32 * width), divisible(1280 * width)),
        activation="swish",
        stem=stem,
        padding=padding,
        epsilon=epsilon,
        stochastic_depth=stochastic_depth,
    )
    return _network(name, maps, inputs, outputs, dropout)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946",
)
@settings_of(_efficientnet)
def efficientnet_b0(**settings: Any) -> keras.Model:
    """EfficientNet-B0: 5.3M parameters with 1,000 classes (Tan and Le, table 2)."""
    return _efficientnet("efficientnet_b0", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(240, 240, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946",
)
@settings_of(_efficientnet, depth=1.1)
def efficientnet_b1(**settings: Any) -> keras.Model:
    """EfficientNet-B1: 7.8M parameters with 1,000 classes (Tan and Le, table 2)."""
    return _efficientnet("efficientnet_b1", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(260, 260, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946",
)
@settings_of(_efficientnet, width=1.1, depth=1.2, dropout=0.3)
def efficientnet_b2(**settings: Any) -> keras.Model:
    """EfficientNet-B2: 9.1M parameters with 1,000 classes (Tan and Le, table 2)."""
    return _efficientnet("efficientnet_b2", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(300, 300, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946",
)
@settings_of(_efficientnet, width=1.2, depth=1.4, dropout=0.3)
def efficientnet_b3(**settings: Any) -> keras.Model:
    """EfficientNet-B3: 12.2M parameters with 1,000 classes (Tan and Le, table 2)."""
    return _efficientnet("efficientnet_b3", **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946; Liu (2020), Higher accuracy on vision models with EfficientNet-Lite",
)
def efficientnet_lite0(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    depth: Factor = 1.0,
    stem: Stem = "imagenet",
    stochastic_depth: DropRate = 0.2,
    dropout: DropRate = 0.2,
) -> keras.Model:
    """EfficientNet-Lite0: 4.7M parameters with 1,000 classes; without squeeze-and-excitation, and with ReLU6.

    The blocks are those of EfficientNet-B0. Lite1 is `depth=1.1`, Lite2 is `width=1.1, depth=1.2`: stem, top and the
    depth of the first and the last stage do not grow.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of the channels of the blocks, rounded to multiples of 8.
        depth: multiplier of the blocks in each stage between the first and the last, rounded up.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        stochastic_depth: rate at which the deepest blocks are dropped while training; it grows from 0 at the first.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    last = len(B0_STAGES) - 1
    activation: Activation = "relu6"
    stages = [
        Stage(
            kernel_size=k,
            filters=divisible(filters * width),
            stride=s,
            expansions=(t,) * (n if i in (0, last) else math.ceil(n * depth)),
            activation=activation,
        )
        for i, (k, n, filters, t, s) in enumerate(B0_STAGES)
    ]
    inputs = keras.Input(input_shape)
    maps = inverted_maps(
        inputs, stages, (32, 1280), activation=activation, stem=stem, stochastic_depth=stochastic_depth
    )
    return _network("efficientnet_lite0", maps, inputs, outputs, dropout)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(384, 384, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2021), arXiv:2104.00298",
)
def efficientnet_v2_s(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    depth: Factor = 1.0,
    stem: Stem = "imagenet",
    padding: Padding = "same",
    epsilon: Factor = EPSILON,
    stochastic_depth: DropRate = 0.2,
    dropout: DropRate = 0.2,
) -> keras.Model:
    """EfficientNetV2-S: 21.5M parameters with 1,000 classes (Tan and Le, 2021, tables 4 and 7).

    The first three stages have fused blocks, in which one convolution stands for expansion and depthwise convolution.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of all channels, rounded to multiples of 8.
        depth: multiplier of the blocks in each stage, rounded up.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        padding: of strided convolutions: "same", as TensorFlow, or "symmetric", as PyTorch; published weights need
            theirs.
        epsilon: added to the variance in batch normalization.
        stochastic_depth: rate at which the deepest blocks are dropped while training; it grows from 0 at the first.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    stages = [
        Stage(
            kernel_size=3,
            filters=divisible(filters * width),
            stride=s,
            expansions=(t,) * math.ceil(n * depth),
            squeeze=0.0 if i < 3 else 0.25,
            fused=i < 3,
            activation="swish",
        )
        for i, (n, filters, t, s) in enumerate(V2_S_STAGES)
    ]
    inputs = keras.Input(input_shape)
    maps = inverted_maps(
        inputs,
        stages,
        (divisible(24 * width), divisible(1280 * width)),
        activation="swish",
        stem=stem,
        padding=padding,
        epsilon=epsilon,
        stochastic_depth=stochastic_depth,
    )
    return _network("efficientnet_v2_s", maps, inputs, outputs, dropout)
