"""Transformers of sequences: encoder, encoder with decoder, and two for time series.

Padded steps do not change any output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.embedding import not_padding, token_input
from zoo.layers.head import head
from zoo.layers.padding import PaddedSteps
from zoo.layers.patches import embed_windows
from zoo.layers.positions import Positions
from zoo.layers.token_steps import embed_tokens, require_vocabulary, with_positions
from zoo.layers.transformer import (
    BlockNorm,
    BlockOptions,
    FeedForward,
    NormPosition,
    SeriesNorm,
    TokenPool,
    TokenPooling,
    transformer_blocks,
)
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register
from zoo.utils.settings import settings_of

SeriesPool = Literal["flatten", "mean"]


def transformer_encoder(
    name: str,
    pool: TokenPool = "mean",
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    width: Count = 128,
    depth: Count = 4,
    heads: Count = 4,
    mlp_ratio: Factor = 4.0,
    positions: Positions = "sinusoidal",
    maximum_length: Count = 512,
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    feed_forward: FeedForward = "gelu",
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Transformer encoder (Vaswani et al., 2017, arXiv:1706.03762): every step attends to all others.

    Args:
        name: name of the model.
        pool: "mean" of the steps or "first" step; unused with `every_step`.
        input_shape: `(steps,)` for tokens or `(steps, features)`; the number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        width: features of each step, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned", as far as `maximum_length`; "sinusoidal"; or "rotary".
        maximum_length: number of learned positions.
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post", as in the paper) each residual branch.
        feed_forward: activation of the feed-forward branch ("relu" in the paper).
        dropout: fraction of the embedding, of each branch's output and of the features dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.

    Raises:
        ValueError: the input is no sequence or is longer than learned positions reach, or the heads do not divide the
            width.
    """
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth)

    # === Layers ===
    valid = None
    if vocabulary is not None:
        inputs = token_input(input_shape)
        valid = not_padding(inputs)
        x = embed_tokens(inputs, vocabulary, width, positions)
    else:
        x = inputs = _series_input(input_shape)
        if inputs.shape[1] is None:
            x, valid = PaddedSteps(name="padding")(inputs)
        x = keras.layers.Dense(width, name="embedding")(x)
    x, rotations = with_positions(x, positions, options, heads=heads, longest=maximum_length)
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, valid=valid, rotations=rotations)
    if not every_step:
        pooling = TokenPooling(pool, name="pool")
        x = pooling(x) if valid is None else pooling(x, valid)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name=name)


@register(
    tasks=("sequence_classification", "sequence_labeling", "sequence_regression"),
    input_shape=(128,),
    outputs=4,
    vocabulary=20_000,
    paper="arXiv:1706.03762",
)
@settings_of(transformer_encoder)
def transformer(*, pool: TokenPool = "mean", **settings: Any) -> keras.Model:
    """Transformer encoder: every step attends to all others.

    Args:
        pool: "mean" of the steps or "first" step, unless every step has an output.
        **settings: the arguments of `transformer_encoder`.
    """
    return transformer_encoder("transformer", pool, **settings)


@register(tasks=("sequence_to_sequence",), input_shape=(None,), outputs=64, vocabulary=64, paper="arXiv:1706.03762")
def seq2seq_transformer(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    width: Count = 128,
    depth: Count = 2,
    heads: Count = 4,
    mlp_ratio: Factor = 4.0,
    positions: Positions = "sinusoidal",
    maximum_length: Count = 512,
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    feed_forward: FeedForward = "gelu",
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Transformer encoder and causal decoder, which predicts the next token at all target positions at once.

    Args:
        input_shape: `(steps,)` of the source, which may be None; the length of the target is always open.
        outputs: number of token ids of the target.
        vocabulary: number of token ids of the source; id 0 is padding, on the right.
        width: features of each step, a multiple of `heads`.
        depth: blocks of the encoder, and of the decoder.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned", as far as `maximum_length`; "sinusoidal"; or "rotary" (within source and target).
        maximum_length: number of learned positions.
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post", as in the paper) each residual branch.
        feed_forward: activation of the feed-forward branch ("relu" in the paper).
        dropout: fraction of the embeddings and of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last blocks are dropped while training.

    Returns:
        A model from source `(batch, steps)` and decoder input `(batch, target steps)`, which begins with the start
        token, to the logits of each next token, `(batch, target steps, outputs)`. The logits of a position depend only
        on the decoder input up to that position.

    Raises:
        ValueError: the source is not tokens or is longer than learned positions reach, or the heads do not divide the
            width.
    """
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth)
    vocabulary = require_vocabulary(vocabulary, input_shape)

    # === Encoder ===
    source = token_input(input_shape, name="source")
    valid = not_padding(source)
    x = embed_tokens(source, vocabulary, width, positions, name="source_")
    x, rotations = with_positions(x, positions, options, heads=heads, longest=maximum_length, name="source_")
    memory = transformer_blocks(
        x,
        options,
        depth=depth,
        heads=heads,
        mlp_ratio=mlp_ratio,
        valid=valid,
        rotations=rotations,
        name="encoder",
    )

    # === Decoder ===
    target = token_input((None,), name="target")
    x = embed_tokens(target, outputs, width, positions, name="target_")
    x, rotations = with_positions(x, positions, options, heads=heads, longest=maximum_length, name="target_")
    x = transformer_blocks(
        x,
        options,
        depth=depth,
        heads=heads,
        mlp_ratio=mlp_ratio,
        causal=True,
        rotations=rotations,
        memory=memory,
        memory_valid=valid,
        name="decoder",
    )

    # === Functional model ===
    return keras.Model([source, target], head(x, outputs), name="seq2seq_transformer")


@register(
    tasks=("forecasting", "sequence_regression", "sequence_classification"),
    input_shape=(96, 1),
    outputs=24,
    paper="arXiv:2211.14730",
)
def ts_transformer(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    patch: Count = 8,
    stride: Count = 4,
    width: Count = 64,
    depth: Count = 2,
    heads: Count = 4,
    mlp_ratio: Factor = 2.0,
    positions: Positions = "learned",
    pool: SeriesPool = "flatten",
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    feed_forward: FeedForward = "gelu",
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Transformer over patches of a time series, in the form of PatchTST; a patch contains all channels.

    Nie, Nguyen, Sinthong and Kalagnanam, 2022, arXiv:2211.14730.

    Args:
        input_shape: `(steps, channels)`, scaled beforehand.
        outputs: the horizon of a forecast; number of values or classes.
        patch: steps in a patch; `patch=1` and `stride=1` take the steps one by one.
        stride: steps from one patch to the next, at most `patch`; the last patch ends at the last step.
        width: features of each patch, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned", "sinusoidal" or "rotary".
        pool: input of the head: all patches concatenated ("flatten", as in the paper), or their "mean".
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post") each residual branch.
        feed_forward: activation of the feed-forward branch.
        dropout: fraction of the embedding, of each branch's output and of the features dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length, the patches skip steps, or the heads do not divide
            the width.
    """
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth)
    if stride > patch:
        raise ValueError(f"stride must be at most patch: no step is left out. Received: patch={patch}, stride={stride}")

    # === Layers ===
    inputs = _series_input(input_shape)
    x = embed_windows(inputs, patch, stride, width)
    x, rotations = with_positions(x, positions, options, heads=heads, longest=x.shape[1])
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, rotations=rotations)
    pooling = keras.layers.Flatten(name="pool") if pool == "flatten" else TokenPooling("mean", name="pool")

    # === Functional model ===
    return keras.Model(inputs, head(pooling(x), outputs, dropout=dropout), name="ts_transformer")


@register(
    tasks=("forecasting", "sequence_regression", "sequence_classification"),
    input_shape=(96, 1),
    outputs=24,
    paper="arXiv:2211.14730",
)
def patch_tst(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    patch: Count = 16,
    stride: Count = 8,
    width: Count = 128,
    depth: Count = 3,
    heads: Count = 16,
    mlp_ratio: Factor = 2.0,
    positions: Positions = "learned",
    pool: SeriesPool = "flatten",
    norm: SeriesNorm = "batch",
    norm_position: NormPosition = "post",
    feed_forward: FeedForward = "gelu",
    dropout: DropRate = 0.2,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """PatchTST: a transformer over the patches of each channel by itself; the channels share its weights.

    Nie, Nguyen, Sinthong and Kalagnanam, 2022, arXiv:2211.14730. The series ends with `stride` times its last value
    more, as in the paper. The head reads the patches of all channels, so that a forecast takes account of covariates.

    Args:
        input_shape: `(steps, channels)`, scaled beforehand.
        outputs: the horizon of a forecast; number of values or classes.
        patch: steps in a patch.
        stride: steps from one patch to the next, at most `patch`.
        width: features of each patch, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        positions: "learned", "sinusoidal" or "rotary".
        pool: input of the head: all patches concatenated ("flatten", as in the paper), or their "mean".
        norm: normalization by "batch" (as in the paper), "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post", as in the paper) each residual branch.
        feed_forward: activation of the feed-forward branch.
        dropout: fraction of the embedding, of each branch's output and of the features dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, steps, channels)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no series of known length or shorter than a patch, the patches skip steps, or the heads
            do not divide the width.
    """
    options = BlockOptions(norm, norm_position, feed_forward, dropout, stochastic_depth)
    if stride > patch:
        raise ValueError(f"stride must be at most patch: no step is left out. Received: patch={patch}, stride={stride}")

    # === Layers ===
    inputs = _series_input(input_shape)
    steps, channels = inputs.shape[1:]
    if steps is None or steps < patch:
        raise ValueError(f"needs a series of at least patch={patch} steps. Received: input_shape={tuple(input_shape)}")
    x = ops.reshape(ops.transpose(inputs, (0, 2, 1)), (-1, steps, 1))  # each channel as an example
    x = ops.concatenate([x, ops.repeat(x[:, -1:], stride, axis=1)], axis=1)
    x = keras.layers.Conv1D(width, patch, strides=stride, name="embedding")(x)
    patches = x.shape[1]
    x, rotations = with_positions(x, positions, options, heads=heads, longest=patches)
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, rotations=rotations)
    if pool == "mean":
        x, patches = TokenPooling("mean", name="pool")(x), 1
    x = ops.reshape(x, (-1, channels * patches * width))

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="patch_tst")


def _series_input(input_shape: Sequence[int | None]) -> keras.KerasTensor:
    shape = tuple(input_shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(
            "needs (steps, features), of which only the first may be open, or tokens (steps,) with a vocabulary. "
            f"Received: input_shape={shape}, vocabulary=None"
        )
    return keras.Input(shape)
