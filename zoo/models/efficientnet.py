"""Networks of inverted residual blocks: MobileNetV2, EfficientNet and EfficientNet-Lite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from zoo.layers.activations import Activation
from zoo.layers.head import head
from zoo.layers.image_input import Stem, check_image
from zoo.layers.inverted_residual import conv_norm, divisible, inverted_residual
from zoo.layers.stochastic_depth import linear_rates
from zoo.layers.types import DropRate, Factor
from zoo.registry import register

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


def _inverted(
    name: str,
    input_shape: Sequence[int],
    outputs: int,
    stages: Sequence[tuple[int, int, int, int, int]],
    widths: tuple[int, int],
    *,
    stem: Stem,
    activation: Activation,
    squeeze: float = 0.0,
    stochastic_depth: float = 0.0,
    dropout: float,
) -> keras.Model:
    """Assemble stages of (kernel, blocks, filters, expansion, stride) between a stem and a top of the given widths."""
    check_image(input_shape)
    blocks = sum(repeats for _, repeats, *_ in stages)
    rates = iter(linear_rates(blocks + 1, stochastic_depth))  # as Keras Applications: no block reaches the full rate

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = conv_norm(inputs, widths[0], 3, stride=1 if stem == "small" else 2, activation=activation, name="stem")
    for stage, (kernel_size, repeats, filters, expansion, stride) in enumerate(stages, start=1):
        for i in range(1, repeats + 1):
            # with the small stem stage 6 keeps its size, so that the last maps are an eighth of the image
            halves = i == 1 and not (stem == "small" and stage == 6)
            x = inverted_residual(
                x,
                filters,
                kernel_size=kernel_size,
                stride=stride if halves else 1,
                expansion=expansion,
                squeeze=squeeze,
                drop=next(rates),
                activation=activation,
                name=f"stage{stage}_block{i}",
            )
    x = conv_norm(x, widths[1], activation=activation, name="top")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


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
    dropout: DropRate = 0.0,
) -> keras.Model:
    """MobileNetV2: 3.5M parameters with 1,000 classes (Sandler et al., table 2).

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of all channels, rounded to multiples of 8; the last 1,280 channels never shrink.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    table = ((1, 16, 1, 1), (2, 24, 6, 2), (3, 32, 6, 2), (4, 64, 6, 2), (3, 96, 6, 1), (3, 160, 6, 2), (1, 320, 6, 1))
    stages = [(3, n, divisible(int(filters * width)), t, s) for n, filters, t, s in table]
    widths = divisible(32 * width), divisible(1280 * max(width, 1.0))
    return _inverted(
        "mobilenet_v2", input_shape, outputs, stages, widths, stem=stem, activation="relu6", dropout=dropout
    )


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(224, 224, 3),
    outputs=1000,
    family="cnn",
    paper="Tan and Le (2019), arXiv:1905.11946",
)
def efficientnet_b0(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Factor = 1.0,
    depth: Factor = 1.0,
    stem: Stem = "imagenet",
    stochastic_depth: DropRate = 0.2,
    dropout: DropRate = 0.2,
) -> keras.Model:
    """EfficientNet-B0: 5.3M parameters with 1,000 classes (Tan and Le, tables 1 and 2).

    Compound scaling (section 3.3) gives B1 to B7: B1 is `depth=1.1`, B4 is `width=1.4, depth=1.8`.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        width: multiplier of all channels, rounded to multiples of 8.
        depth: multiplier of the blocks in each stage, rounded up.
        stem: "imagenet" (last maps a 32nd of the size) or "small" (an eighth; for 32-pixel images).
        stochastic_depth: rate at which the deepest blocks are dropped while training; it grows from 0 at the first.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    stages = [(k, math.ceil(n * depth), divisible(filters * width), t, s) for k, n, filters, t, s in B0_STAGES]
    return _inverted(
        "efficientnet_b0",
        input_shape,
        outputs,
        stages,
        (divisible(32 * width), divisible(1280 * width)),
        stem=stem,
        activation="swish",
        squeeze=0.25,
        stochastic_depth=stochastic_depth,
        dropout=dropout,
    )


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
    stages = [
        (k, n if i in (0, last) else math.ceil(n * depth), divisible(filters * width), t, s)
        for i, (k, n, filters, t, s) in enumerate(B0_STAGES)
    ]
    return _inverted(
        "efficientnet_lite0",
        input_shape,
        outputs,
        stages,
        (32, 1280),
        stem=stem,
        activation="relu6",
        stochastic_depth=stochastic_depth,
        dropout=dropout,
    )
