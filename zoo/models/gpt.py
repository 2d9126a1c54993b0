"""Causal transformers of tokens: GPT-2, Llama and the models of their form."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.embedding import token_input
from zoo.layers.head import FEATURES, head
from zoo.layers.positions import BASE, Positions
from zoo.layers.tied_embedding import TiedEmbedding
from zoo.layers.token_steps import embed_tokens, embedding_stddev, require_vocabulary, with_positions
from zoo.layers.transformer import (
    EPSILON,
    BlockNorm,
    BlockOptions,
    LanguageFeedForward,
    NormPosition,
    transformer_blocks,
)
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register


@register(
    tasks=("language_modeling", "sequence_labeling"),
    input_shape=(256,),
    outputs=260,
    vocabulary=260,
    family="transformer",
    paper="Radford et al. (2019), Language models are unsupervised multitask learners",
)
def gpt(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = True,
    width: Count = 128,
    depth: Count = 4,
    heads: Count = 4,
    kv_heads: Count | None = None,
    head_size: Count | None = None,
    mlp_ratio: Factor = 4.0,
    hidden: Count | None = None,
    positions: Positions = "learned",
    maximum_length: Count = 1024,
    rotary_base: Factor = BASE,
    norm: BlockNorm = "layer",
    norm_position: NormPosition = "pre",
    epsilon: Factor = EPSILON,
    feed_forward: LanguageFeedForward = "gelu",
    bias: bool = True,
    qkv_bias: bool | None = None,
    tie_embeddings: bool = False,
    dropout: DropRate = 0.0,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """Causal transformer in the form of GPT-2 or Llama: every step attends to itself and the steps before it.

    Radford et al., 2019; the parameter count equals the authors'. GPT-2 is `feed_forward="gelu_tanh",
    tie_embeddings=True, epsilon=1e-5`; Llama (Touvron et al., 2023, arXiv:2302.13971) `positions="rotary", norm="rms",
    feed_forward="swiglu", bias=False` with its own `hidden`; Qwen2 that with `qkv_bias=True`.

    Args:
        input_shape: `(steps,)` of tokens, which may be None.
        outputs: number of classes; in language modeling of token ids.
        vocabulary: number of token ids; id 0 is padding, on the right.
        every_step: has no effect: every step always has its output.
        width: features of each step, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        kv_heads: heads of keys and values, a divisor of `heads`, each for as many heads of queries (grouped-query
            attention, arXiv:2305.13245); fewer make the cache of a text that is generated smaller. None: `heads`.
        head_size: features of an attention head. None: the width divided by `heads`.
        mlp_ratio: hidden width of the feed-forward branch, in widths; a gated one has two thirds of it.
        hidden: hidden width of the feed-forward branch as a number, of a gated one too. None: by `mlp_ratio`.
        positions: "learned", as far as `maximum_length`; "sinusoidal"; or "rotary".
        maximum_length: number of learned positions.
        rotary_base: of rotary positions, of which the longest wave has 2 pi times as many steps.
        norm: normalization by "layer" or root mean square.
        norm_position: normalization before ("pre") or after ("post") each residual branch.
        epsilon: added to the variance, or the mean square, in the normalization.
        feed_forward: activation of the feed-forward branch: "gelu", "gelu_tanh" (its approximation by the tanh),
            "relu", or gated "swiglu" or "geglu".
        bias: dense layers have biases.
        qkv_bias: those to queries, keys and values have biases. None: as `bias`.
        tie_embeddings: compute the logits with the embedding matrix of the tokens; logit i belongs to token i.
        dropout: fraction of the embedding and of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, steps)` to `(batch, steps, outputs)`; the logits of a step depend on the tokens up to it.

    Raises:
        ValueError: the input is not tokens or is longer than learned positions reach, or the heads do not divide the
            width, or `kv_heads` not the heads; or tied embeddings have fewer tokens than outputs.
    """
    options = BlockOptions(
        norm,
        norm_position,
        feed_forward,
        dropout,
        stochastic_depth,
        epsilon,
        bias=bias,
        qkv_bias=qkv_bias,
        head_size=head_size,
    )
    vocabulary = require_vocabulary(vocabulary, input_shape)

    # === Layers ===
    inputs = token_input(input_shape)
    tied = None
    if tie_embeddings:
        tied = TiedEmbedding(
            vocabulary, width, outputs=outputs, stddev=embedding_stddev(width, positions), name="embedding"
        )
    x = embed_tokens(inputs, vocabulary, width, positions, layer=tied)
    x, rotations = with_positions(x, positions, options, heads=heads, longest=maximum_length, base=rotary_base)
    x = transformer_blocks(
        x,
        options,
        depth=depth,
        heads=heads,
        mlp_ratio=mlp_ratio,
        hidden=hidden,
        kv_heads=kv_heads,
        causal=True,
        rotations=rotations,
    )
    if tied is None:
        logits = head(x, outputs, use_bias=bias)
    else:
        logits = tied(keras.layers.Identity(name=FEATURES)(x), to_logits=True)

    # === Functional model ===
    return keras.Model(inputs, logits, name="gpt")
