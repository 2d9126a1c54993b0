"""Swin Transformer: attention within windows, which every second block shifts."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.head import head
from zoo.layers.image_input import check_image
from zoo.layers.stochastic_depth import linear_rates
from zoo.layers.transformer import BlockOptions, add_branch, branch_input, hidden_width, mlp_branch
from zoo.layers.types import Count, Counts, DropRate, Factor
from zoo.layers.windows import MergePatches, WindowAttention
from zoo.registry import register

EPSILON = 1e-5  # added to the variance in layer normalization


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="Liu, Lin, Cao, Hu, Wei, Zhang, Lin and Guo (2021), arXiv:2103.14030",
    family="transformer",
)
def swin_tiny(
    *,
    input_shape: Sequence[int],
    outputs: int,
    depths: Counts = (2, 2, 6, 2),
    heads: Counts = (3, 6, 12, 24),
    width: Count = 96,
    patch: Count = 4,
    window: Count = 7,
    mlp_ratio: Factor = 4.0,
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.2,
) -> keras.Model:
    """Swin-T: 28.3M parameters with 1,000 classes (Liu et al., table 1), as timm's and torchvision's.

    Swin-S is `depths=(2, 2, 18, 2)`. Maps that windows do not tile are padded with zeros, as torchvision does.

    Args:
        input_shape: `(height, width, channels)`, multiples of `patch`.
        outputs: number of classes.
        depths: blocks in each stage; every second one shifts its windows by half their size.
        heads: attention heads in each stage.
        width: channels of the first stage; each next one has twice as many, at half the height and width.
        patch: height and width of the patches.
        window: height and width of the windows, in patches.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        dropout: fraction of the embedding and of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, the patches do not tile it, the heads do not divide the width, or depths and
            heads differ in length.
    """
    check_image(input_shape)
    if input_shape[0] % patch or input_shape[1] % patch:
        raise ValueError(f"patches must tile the image. Received: patch={patch}, input_shape={tuple(input_shape)}")
    if len(depths) != len(heads):
        raise ValueError(f"needs heads for each stage. Received: depths={tuple(depths)}, heads={tuple(heads)}")
    options = BlockOptions(dropout=dropout, epsilon=EPSILON)
    rates = iter(linear_rates(sum(depths), stochastic_depth))

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(width, patch, strides=patch, name="patches_embedding")(inputs)
    x = branch_input(x, options, name="patches")
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    for stage, (depth, count) in enumerate(zip(depths, heads, strict=True), start=1):
        if stage > 1:
            x = branch_input(MergePatches(name=f"stage{stage}_merge")(x), options, name=f"stage{stage}_merge")
            x = keras.layers.Dense(x.shape[-1] // 2, use_bias=False, name=f"stage{stage}_merge_dense")(x)
        hidden = hidden_width(x.shape[-1], mlp_ratio)
        for i in range(1, depth + 1):
            rate, part = next(rates), f"stage{stage}_block{i}_attention"
            attention = WindowAttention(count, window=window, shift=0 if i % 2 else window // 2, name=part)
            x = add_branch(x, attention(branch_input(x, options, name=part)), options, rate=rate, name=part)
            part = f"stage{stage}_block{i}_mlp"
            y = mlp_branch(branch_input(x, options, name=part), hidden, options.feed_forward, name=part)
            x = add_branch(x, y, options, rate=rate, name=part)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(branch_input(x, options, name="blocks"))

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="swin_tiny")
