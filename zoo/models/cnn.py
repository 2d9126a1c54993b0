"""Convolutional networks: plain and dense ones, and one for sequences."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers import dense_block
from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.embedding import sequence_input
from zoo.layers.head import head
from zoo.layers.image_input import Stem, check_image
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.preactivation import norm_relu, plain_convolution
from zoo.layers.recurrent import Pool, ZeroPaddedSteps, pool_steps
from zoo.layers.residual import stem_pool
from zoo.layers.temporal import StepNorm, temporal_block
from zoo.layers.types import AtLeastTwo, Count, DropRate, Proportion
from zoo.registry import register


@register(
    tasks=("image_classification", "audio_classification"),
    input_shape=(32, 32, 3),
    outputs=10,
    paper="LeCun et al. (1998), doi:10.1109/5.726791; Simonyan and Zisserman (2014), arXiv:1409.1556",
)
def cnn(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (32, 64, 128),
    depth: Count = 2,
    kernel_size: Count = 3,
    activation: Activation = "relu",
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
    stage_dropout: DropRate = 0.0,
) -> keras.Model:
    """Plain convolutional network: stages of convolution, normalization and activation, each half the size of the last.

    Global average pooling from Lin, Chen and Yan, 2013, arXiv:1312.4400.

    Args:
        input_shape: `(height, width, channels)`, at least `2 ** (len(widths) - 1)` pixels high and wide.
        outputs: number of classes.
        widths: channels of each stage.
        depth: convolutions in each stage.
        kernel_size: height and width of the kernels.
        activation: activation after each normalization.
        norm: normalization after each convolution.
        dropout: fraction of features dropped before the head while training.
        stage_dropout: fraction of channels dropped between stages while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the stages; or there is no stage or no convolution.
    """
    check_image(input_shape, smallest=2 ** (len(widths) - 1) if widths else 1)
    if not widths or depth < 1:
        raise ValueError(f"needs at least one stage and one convolution. Received: widths={widths}, depth={depth}")

    # === Layers ===
    x = inputs = keras.Input(input_shape)
    initializer = kernel_initializer(activation)
    for stage, width in enumerate(widths, start=1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
            if stage_dropout:
                x = keras.layers.SpatialDropout2D(stage_dropout, name=f"stage{stage}_dropout")(x)
        for i in range(1, depth + 1):
            name = f"stage{stage}_{i}"
            x = keras.layers.Conv2D(
                width,
                kernel_size,
                padding="same",
                use_bias=not has_shift(norm),
                kernel_initializer=initializer,
                name=f"{name}_conv",
            )(x)
            x = normalization(x, norm, name=f"{name}_norm")
            x = keras.layers.Activation(activation, name=f"{name}_{activation}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="cnn")


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="Huang, Liu, van der Maaten and Weinberger (2016), arXiv:1608.06993",
)
def densenet_bc(
    *,
    input_shape: Sequence[int],
    outputs: int,
    blocks: Sequence[Count] = (6, 12, 24, 16),
    growth: Count = 32,
    compression: Proportion = 0.5,
    stem: Stem = "imagenet",
    block_dropout: DropRate = 0.0,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """DenseNet with bottlenecks and compression: DenseNet-121 has 8.0M parameters with 1,000 classes (table 1).

    For small images the paper uses three equal blocks and growth 12: `blocks=(16, 16, 16)` is DenseNet-BC of depth 100,
    with 0.8M parameters (table 2), and `blocks=(6, 6, 6)` has depth 40.

    Args:
        input_shape: `(height, width, channels)`.
        outputs: number of classes.
        blocks: layers in each dense block, of two convolutions each.
        growth: channels that each layer adds.
        compression: fraction of the channels that remains after the transition between two blocks.
        stem: "imagenet" (7x7 and pooling, a quarter of the size) or "small" (3x3, full size; for 32-pixel images).
        block_dropout: fraction of each layer's values dropped while training; 0.2 in the paper without augmentation.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, or is too small for the blocks; or there is no block.
    """
    if not blocks:
        raise ValueError("needs at least one block. Received: blocks=()")
    halvings = 2 ** (len(blocks) - 1)
    check_image(input_shape, smallest=halvings if stem == "small" else 4 * halvings - 3)

    # === Layers ===
    inputs = keras.Input(input_shape)
    if stem == "imagenet":
        x = plain_convolution(inputs, 2 * growth, 7, stride=2, name="stem")
        x = norm_relu(x, epsilon=dense_block.EPSILON, name="stem")
        x = stem_pool(x)
    else:
        x = plain_convolution(inputs, 2 * growth, 3, name="stem")
    for i, depth in enumerate(blocks, start=1):
        if i > 1:
            x = dense_block.transition(x, max(1, int(x.shape[-1] * compression)), name=f"transition{i}")
        x = dense_block.dense_block(x, depth, growth, dropout=block_dropout, name=f"block{i}")
    x = norm_relu(x, epsilon=dense_block.EPSILON, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="densenet_bc")


@register(
    tasks=(
        "sequence_classification",
        "sequence_regression",
        "sequence_labeling",
        "language_modeling",
        "forecasting",
        "image_classification",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="arXiv:1803.01271",
)
def tcn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    width: Count = 64,
    depth: Count | None = None,
    kernel_size: AtLeastTwo = 3,
    norm: StepNorm = "layer",
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    pool: Pool = "last",
) -> keras.Model:
    """Temporal convolutional network: residual blocks of causal convolutions; each block doubles the dilation.

    The receptive field is `1 + 2 * (kernel_size - 1) * (2 ** depth - 1)` steps. The paper uses weight
    normalization (Salimans and Kingma, 2016); here `norm` normalizes the features of each step.

    Args:
        input_shape: `(steps,)` for tokens, `(steps, features)`, or `(height, width, channels)`, read row by row; the
            number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        width: channels.
        depth: blocks; their dilations are 1, 2, 4 and so on. None: as many as it takes to see all steps, at least 4.
        kernel_size: steps that a kernel spans.
        norm: normalization after each convolution.
        dropout: fraction of channels dropped in the blocks, and of features before the head, while training.
        embedding: length of the vectors that tokens are mapped to.
        pool: features of the "last" step, or their "mean" or "max" over the steps.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.

    Raises:
        ValueError: the shape does not fit the kind of input.
    """
    # === Layers ===
    inputs, x, valid = sequence_input(input_shape, vocabulary, embedding)
    for i in range(depth or _depth_to_see(x.shape[1], kernel_size)):
        x = temporal_block(
            x, width, kernel_size=kernel_size, dilation=2**i, norm=norm, dropout=dropout, name=f"block{i + 1}"
        )
    if valid is not None:
        x = ZeroPaddedSteps(name="zero_padding")(x, valid)
    if not every_step:
        x = pool_steps(x, pool, valid=valid)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="tcn")


def _depth_to_see(steps: int | None, kernel_size: int) -> int:
    """Return how many blocks of a `tcn` see so many steps, at least 4."""
    depth = 4
    while steps is not None and 1 + 2 * (kernel_size - 1) * (2**depth - 1) < steps:
        depth += 1
    return depth
