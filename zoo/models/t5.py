"""T5: an encoder and a decoder with relative positions and one embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from zoo.layers.embedding import not_padding, token_input
from zoo.layers.head import FEATURES, head
from zoo.layers.relative_positions import RelativeScores
from zoo.layers.tied_embedding import TiedEmbedding
from zoo.layers.token_steps import require_vocabulary
from zoo.layers.transformer import BlockOptions, transformer_blocks
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register


@register(
    tasks=("sequence_to_sequence",),
    input_shape=(None,),
    outputs=32_128,
    vocabulary=32_128,
    family="transformer",
    paper="Raffel et al. (2019), arXiv:1910.10683",
)
def t5(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    width: Count = 512,
    depth: Count = 6,
    heads: Count = 8,
    head_size: Count = 64,
    hidden: Count = 2048,
    feed_forward: Literal["relu", "geglu"] = "relu",
    tie_embeddings: bool = True,
    buckets: Count = 32,
    longest: Count = 128,
    epsilon: Factor = 1e-6,
    dropout: DropRate = 0.1,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """T5, small: 60.5M parameters, as the authors'.

    Source and target have one embedding. T5 1.1 is `feed_forward="geglu", tie_embeddings=False` with a `hidden` of
    1024, 8 blocks and 6 heads.

    Args:
        input_shape: `(steps,)` of the source, which may be None; the length of the target is always open.
        outputs: number of token ids of the target.
        vocabulary: number of token ids of the source; id 0 is padding, on the right.
        width: features of each step.
        depth: blocks of the encoder, and of the decoder.
        heads: attention heads.
        head_size: features of an attention head.
        hidden: hidden width of the feed-forward branch.
        feed_forward: activation of the feed-forward branch: "relu", or gated "geglu".
        tie_embeddings: compute the logits with the embedding matrix, of features scaled by the root of the width.
        buckets: of distances between steps.
        longest: distance from which on all have one bucket.
        epsilon: added to the mean square in the normalization.
        dropout: fraction of the embeddings, of each branch's output and of the features dropped while training.
        stochastic_depth: fraction of examples for which the last blocks are dropped while training.

    Returns:
        A model from source `(batch, steps)` and decoder input `(batch, target steps)`, which begins with the start
        token, to the logits of each next token, `(batch, target steps, outputs)`.

    Raises:
        ValueError: the source is not tokens, or there are too few buckets or too short a longest distance.
    """
    options = BlockOptions(
        "rms",
        "pre",
        feed_forward,
        dropout,
        stochastic_depth,
        epsilon,
        bias=False,
        head_size=head_size,
        scaled=False,
    )
    vocabulary = require_vocabulary(vocabulary, input_shape)
    embedding = TiedEmbedding(max(vocabulary, outputs), width, outputs=outputs, stddev=1.0, name="embedding")

    def embedded(tokens: keras.KerasTensor, name: str) -> keras.KerasTensor:
        x = embedding(tokens)
        return keras.layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x

    def scores(x: keras.KerasTensor, name: str, *, causal: bool) -> keras.KerasTensor:
        return RelativeScores(heads, buckets=buckets, longest=longest, causal=causal, name=f"{name}_positions")(x)

    # === Encoder ===
    source = token_input(input_shape, name="source")
    valid = not_padding(source)
    x = embedded(source, "source")
    memory = transformer_blocks(
        x,
        options,
        depth=depth,
        heads=heads,
        hidden=hidden,
        valid=valid,
        added_scores=scores(x, "source", causal=False),
        name="encoder",
    )
    if dropout:
        memory = keras.layers.Dropout(dropout, name="memory_dropout")(memory)

    # === Decoder ===
    target = token_input((None,), name="target")
    x = embedded(target, "target")
    x = transformer_blocks(
        x,
        options,
        depth=depth,
        heads=heads,
        hidden=hidden,
        causal=True,
        added_scores=scores(x, "target", causal=True),
        memory=memory,
        memory_valid=valid,
        name="decoder",
    )
    if not tie_embeddings:
        logits = head(x, outputs, dropout=dropout, use_bias=False)
    else:
        x = keras.layers.Identity(name=FEATURES)(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name="head_dropout")(x)
        x = keras.layers.Rescaling(width**-0.5, name="features_scale")(x)
        logits = embedding(x, to_logits=True)

    # === Functional model ===
    return keras.Model([source, target], logits, name="t5")
