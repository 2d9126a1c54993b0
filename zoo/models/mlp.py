"""Multilayer perceptrons: on the whole input, and on patches of an image (MLP-Mixer)."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.activations import Activation, kernel_initializer
from zoo.layers.head import head
from zoo.layers.norms import Norm, has_shift, normalization
from zoo.layers.patches import embed_patches
from zoo.layers.stochastic_depth import linear_rates
from zoo.layers.transformer import (
    BlockNorm,
    BlockOptions,
    FeedForward,
    NormPosition,
    TokenPooling,
    add_branch,
    branch_input,
    mlp_branch,
)
from zoo.layers.types import Count, DropRate
from zoo.registry import register


@register(
    tasks=(
        "image_classification",
        "tabular_classification",
        "tabular_regression",
        "sequence_regression",
        "forecasting",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
)
def mlp(
    *,
    input_shape: Sequence[int],
    outputs: int,
    widths: Sequence[Count] = (256, 128),
    activation: Activation = "relu",
    norm: Norm = "none",
    dropout: DropRate = 0.0,
    residual: bool = False,
) -> keras.Model:
    """Multilayer perceptron on the flattened input, with optional skip connections (He et al., 2015, arXiv:1512.03385).

    Args:
        input_shape: shape of one example, of any rank.
        outputs: number of classes or values; the horizon of a forecast.
        widths: units of each hidden layer; an empty list makes a linear model.
        activation: activation of the hidden layers.
        norm: normalization between each hidden layer and its activation.
        dropout: fraction of units dropped after each hidden layer while training.
        residual: add each layer's input to its output, through a linear projection where the widths differ.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)`.
    """
    # === Layers ===
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten(name="flatten")(inputs)
    initializer = kernel_initializer(activation)
    for i, width in enumerate(widths, start=1):
        y = keras.layers.Dense(
            width, use_bias=not has_shift(norm), kernel_initializer=initializer, name=f"layer{i}_dense"
        )(x)
        y = normalization(y, norm, name=f"layer{i}_norm")
        y = keras.layers.Activation(activation, name=f"layer{i}_{activation}")(y)
        if dropout:
            y = keras.layers.Dropout(dropout, name=f"layer{i}_dropout")(y)
        if residual:
            if x.shape[-1] != width:
                x = keras.layers.Dense(width, use_bias=False, name=f"layer{i}_projection")(x)
            y = keras.layers.Add(name=f"layer{i}_add")([x, y])
        x = y

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="mlp")


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="arXiv:2105.01601",
)
def mlp_mixer(
    *,
    input_shape: Sequence[int],
    outputs: int,
    patch: Count = 16,
    width: Count = 512,
    depth: Count = 8,
    token_width: Count = 256,
    channel_width: Count = 2048,
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    feed_forward: FeedForward = "gelu",
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """MLP-Mixer S/16: 18.5M parameters with 1,000 classes, as timm's (Tolstikhin et al., 2021, table 1).

    Args:
        input_shape: `(height, width, channels)`, multiples of `patch`.
        outputs: number of classes.
        patch: height and width of the patches.
        width: features of each patch.
        depth: number of blocks.
        token_width: hidden units of the branch that mixes the patches.
        channel_width: hidden units of the branch that mixes the features.
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post") each residual branch.
        feed_forward: activation of both branches.
        dropout: fraction of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.
    """
    # === Layers ===
    inputs = keras.Input(input_shape)
    x = embed_patches(inputs, patch, width)
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth)
    for i, rate in enumerate(linear_rates(depth, stochastic_depth), start=1):
        name = f"block{i}_tokens"
        y = keras.layers.Permute((2, 1), name=f"{name}_last")(branch_input(x, options, name=name))
        y = mlp_branch(y, token_width, feed_forward, name=name)
        y = keras.layers.Permute((2, 1), name=f"{name}_first")(y)
        x = add_branch(x, y, options, rate=rate, name=name)
        name = f"block{i}_channels"
        y = mlp_branch(branch_input(x, options, name=name), channel_width, feed_forward, name=name)
        x = add_branch(x, y, options, rate=rate, name=name)
    x = TokenPooling("mean", name="pool")(branch_input(x, options, name="blocks"))

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="mlp_mixer")
