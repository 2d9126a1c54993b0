"""MobileNetV2 and MobileNetV3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.layers.activations import Activation
from zoo.layers.head import head
from zoo.layers.image_input import Stem
from zoo.layers.inverted_maps import Stage, inverted_maps
from zoo.layers.inverted_residual import EPSILON, Padding, divisible
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register
from zoo.utils.settings import settings_of

# Blocks, filters, expansion and stride of the stages of MobileNetV2 (Sandler et al., table 2).
V2_STAGES = ((1, 16, 1, 1), (2, 24, 6, 2), (3, 32, 6, 2), (4, 64, 6, 2), (3, 96, 6, 1), (3, 160, 6, 2), (1, 320, 6, 1))

# Kernel, filters, stride and the blocks' expansions, squeeze-and-excitation and activation of the stages of MobileNetV3
# (Howard et al., tables 1 and 2).
V3_LARGE_STAGES: Sequence[tuple[int, int, int, Sequence[float], bool, Activation]] = (
    (3, 16, 1, (1,), False, "relu"),
    (3, 24, 2, (4, 3), False, "relu"),
    (5, 40, 2, (3, 3, 3), True, "relu"),
    (3, 80, 2, (6, 2.5, 2.3, 2.3), False, "hard_swish"),
    (3, 112, 1, (6, 6), True, "hard_swish"),
    (5, 160, 2, (6, 6, 6), True, "hard_swish"),
)
V3_SMALL_STAGES: Sequence[tuple[int, int, int, Sequence[float], bool, Activation]] = (
    (3, 16, 2, (1,), True, "relu"),
    (3, 24, 2, (72 / 16, 88 / 24), False, "relu"),
    (5, 40, 2, (4, 6, 6), True, "hard_swish"),
    (5, 48, 1, (3, 3), True, "hard_swish"),
    (5, 96, 2, (6, 6, 6), True, "hard_swish"),
)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Sandler, Howard, Zhu, Zhmoginov and Chen (2018), arXiv:1801.04381",
)
def mobilenet_v2(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    stem: Stem = "imagenet",
    padding: Padding = "same",
    epsilon: Factor = EPSILON,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """MobileNetV2: 3.5M parameters with 1,000 classes (Sandler et al., table 2).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of all channels, rounded to multiples of 8; the last 1,280 channels never shrink.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        padding: of strided convolutions: "same", as TensorFlow, or "symmetric", as PyTorch; published weights need
            theirs.
        epsilon: added to the variance in batch normalization.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    stages = [
        Stage(kernel_size=3, filters=divisible(int(filters * width)), stride=s, expansions=(t,) * n, activation="relu6")
        for n, filters, t, s in V2_STAGES
    ]
    widths = divisible(32 * width), divisible(1280 * max(width, 1.0))
    inputs = keras.Input(input_shape)
    x = inverted_maps(inputs, stages, widths, activation="relu6", stem=stem, padding=padding, epsilon=epsilon)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="mobilenet_v2")


def _mobilenet_v3(
    name: str,
    table: Sequence[tuple[int, int, int, Sequence[float], bool, Activation]],
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    top_width: Count = 1280,
    stem: Stem = "imagenet",
    padding: Padding = "same",
    epsilon: Factor = EPSILON,
    dropout: DropRate = 0.2,
) -> keras.Model:
    """MobileNetV3: inverted residual blocks with hard swish and hard squeeze-and-excitation, and a dense layer.

    Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le and Adam, 2019, arXiv:1905.02244.

    Args:
        name: name of the model.
        table: stages: kernel, filters, stride, expansions, squeeze-and-excitation, activation.
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of the blocks' channels, rounded to multiples of 8; those of the stem stay.
        top_width: units of the dense layer before the head; `width` multiplies them if it is above 1.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        padding: of strided convolutions: "same", as TensorFlow, or "symmetric", as PyTorch; published weights need
            theirs.
        epsilon: added to the variance in batch normalization.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    stages = [
        Stage(
            kernel_size=k,
            filters=divisible(filters * width),
            stride=s,
            expansions=expansions,
            squeeze=0.25 if squeeze else 0.0,
            hard=True,
            activation=activation,
        )
        for k, filters, s, expansions, squeeze, activation in table
    ]
    inputs = keras.Input(input_shape)
    widths = 16, divisible(6 * stages[-1].filters)
    x = inverted_maps(inputs, stages, widths, activation="hard_swish", stem=stem, padding=padding, epsilon=epsilon)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    units = divisible(top_width * width) if width > 1 else top_width
    x = keras.layers.Dense(units, kernel_initializer="he_normal", name="top_dense")(x)
    x = keras.layers.Activation("hard_swish", name="top_dense_hard_swish")(x)
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Howard, Sandler, Chu et al. (2019), arXiv:1905.02244",
)
@settings_of(_mobilenet_v3)
def mobilenet_v3_large(**settings: Any) -> keras.Model:
    """MobileNetV3-Large: 5.5M parameters with 1,000 classes (Howard et al., tables 1 and 3)."""
    return _mobilenet_v3("mobilenet_v3_large", V3_LARGE_STAGES, **settings)


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Howard, Sandler, Chu et al. (2019), arXiv:1905.02244",
)
@settings_of(_mobilenet_v3, top_width=1024)
def mobilenet_v3_small(**settings: Any) -> keras.Model:
    """MobileNetV3-Small: 2.5M parameters with 1,000 classes (Howard et al., tables 2 and 3)."""
    return _mobilenet_v3("mobilenet_v3_small", V3_SMALL_STAGES, **settings)
