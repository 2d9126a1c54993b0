"""Vision transformers (ViT), and one for the spectrograms of audio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from zoo.layers.head import head
from zoo.layers.patches import ClassToken, Registers, embed_patches
from zoo.layers.positions import Positions, add_positions
from zoo.layers.transformer import (
    BlockNorm,
    BlockOptions,
    FeedForward,
    NormPosition,
    TokenPooling,
    transformer_blocks,
)
from zoo.layers.types import Count, DropRate, Factor, NotNegative, WholeNumber
from zoo.registry import register
from zoo.utils.settings import settings_of

ImagePool = Literal["token", "mean"]


def _vit(
    name: str,
    *,
    input_shape: Sequence[int],
    outputs: int,
    patch: Count = 16,
    width: Count,
    depth: Count = 12,
    heads: Count,
    mlp_ratio: Factor = 4.0,
    positions: Positions = "learned",
    pool: ImagePool = "token",
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    feed_forward: FeedForward = "gelu",
    layer_scale: NotNegative = 0.0,
    registers: WholeNumber = 0,
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Vision transformer: the patches of an image are the steps of a sequence.

    Dosovitskiy et al., 2020, arXiv:2010.11929; the small sizes from Touvron et al., 2020, arXiv:2012.12877. Parameter
    counts equal timm's.

    Args:
        name: name of the model.
        input_shape: `(height, width, channels)`, multiples of `patch`.
        outputs: number of classes.
        patch: height and width of the patches.
        width: features of each step, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned"; or "sinusoidal" or "rotary" over rows and columns.
        pool: input of the head: a class "token" before the patches, or the "mean" of the patches.
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post") each residual branch.
        feed_forward: activation of the feed-forward branch.
        layer_scale: initial scale of each channel of the branches' outputs (Touvron et al., 2021, arXiv:2103.17239); 0
            for branches without.
        registers: learned steps between the class token and the patches, which the head does not see (Darcet et al.,
            2023, arXiv:2309.16588).
        dropout: fraction of the embedding and of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no image, the patches do not tile it, or the heads do not divide the width.
    """
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth, layer_scale=layer_scale)

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = embed_patches(inputs, patch, width)
    prefix = int(pool == "token")
    if prefix:
        x = ClassToken(name="class_token")(x)
    grid = (input_shape[0] // patch, input_shape[1] // patch)
    # rotations are of all steps of attention; learned positions only of the class token and the patches
    early = registers if positions == "rotary" else 0
    if early:
        x = Registers(early, after=prefix, name="registers")(x)
    x, rotations = add_positions(x, positions, heads=heads, longest=x.shape[1], grid=grid, prefix=prefix + early)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    if registers > early:
        x = Registers(registers, after=prefix, name="registers")(x)
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, rotations=rotations)
    x = TokenPooling("first", name="pool")(x) if prefix else TokenPooling("mean", skipped=registers, name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name=name)


@register(
    tasks=("audio_classification",),
    input_shape=(98, 64, 1),
    outputs=35,
    paper="arXiv:2104.01778",
    family="transformer",
)
def audio_transformer(
    *,
    input_shape: Sequence[int],
    outputs: int,
    patch: Count = 16,
    stride: Count = 10,
    width: Count = 128,
    depth: Count = 6,
    heads: Count = 4,
    mlp_ratio: Factor = 4.0,
    positions: Positions = "learned",
    pool: ImagePool = "mean",
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Audio spectrogram transformer: a small ViT over patches of a log-mel spectrogram that overlap.

    Gong, Chung and Glass, 2021, arXiv:2104.01778, of a smaller size, without ImageNet's weights and distillation token.

    Args:
        input_shape: `(frames, bands, 1)`, at least `patch` of both.
        outputs: number of classes.
        patch: frames and bands of a patch.
        stride: frames and bands from one patch to the next; what is left at the end is not seen.
        width: features of each step, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned"; or "sinusoidal" or "rotary" over time and frequency.
        pool: input of the head: a class "token" before the patches, or the "mean" of the patches.
        dropout: fraction of the embedding and of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, frames, bands, 1)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no spectrogram, is smaller than a patch, or the heads do not divide the width.
    """
    if len(input_shape) != 3 or None in input_shape or min(input_shape[:2]) < patch:
        raise ValueError(
            f"needs (frames, bands, 1), at least {patch} frames and bands. Received: input_shape={input_shape}"
        )
    options = BlockOptions("layer", "pre", "gelu", dropout, stochastic_depth)

    # === Layers ===
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(width, patch, strides=stride, name="patches_embedding")(inputs)
    grid = (x.shape[1], x.shape[2])
    x = keras.layers.Reshape((grid[0] * grid[1], width), name="patches")(x)
    prefix = int(pool == "token")
    if prefix:
        x = ClassToken(name="class_token")(x)
    x, rotations = add_positions(x, positions, heads=heads, longest=x.shape[1], grid=grid, prefix=prefix)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, rotations=rotations)
    x = TokenPooling("first" if prefix else "mean", name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="audio_transformer")


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="arXiv:2010.11929; arXiv:2012.12877",
    family="transformer",
)
@settings_of(_vit, width=192, heads=3)
def vit_tiny(**settings: Any) -> keras.Model:
    """Vision transformer ViT-Ti/16: 5.7M parameters with 1,000 classes (Touvron et al., table 1)."""
    return _vit("vit_tiny", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="arXiv:2010.11929; arXiv:2012.12877",
    family="transformer",
)
@settings_of(_vit, width=384, heads=6)
def vit_small(**settings: Any) -> keras.Model:
    """Vision transformer ViT-S/16: 22.1M parameters with 1,000 classes (Touvron et al., table 1)."""
    return _vit("vit_small", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(224, 224, 3),
    outputs=1000,
    paper="arXiv:2010.11929",
    family="transformer",
)
@settings_of(_vit, width=768, heads=12)
def vit_base(**settings: Any) -> keras.Model:
    """Vision transformer ViT-B/16: 86.6M parameters with 1,000 classes (Dosovitskiy et al., table 1)."""
    return _vit("vit_base", **settings)


@register(
    tasks=("image_classification",),
    input_shape=(518, 518, 3),
    outputs=1000,
    paper="arXiv:2304.07193; arXiv:2309.16588",
    family="transformer",
)
@settings_of(_vit, patch=14, width=384, heads=6, layer_scale=1e-5)
def dinov2_small(**settings: Any) -> keras.Model:
    """DINOv2's ViT-S/14: 22.1M parameters without a head, of images of 518 pixels (Oquab et al., 2023).

    The published network that has registers is `registers=4`. The features are the class token's.
    """
    return _vit("dinov2_small", **settings)
