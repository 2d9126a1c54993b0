"""BERT and the encoders of its form: MiniLM, DistilBERT, RoBERTa."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.embedding import not_padding, token_input
from zoo.layers.head import head
from zoo.layers.norms import normalization
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import BlockOptions, TokenPool, TokenPooling, transformer_blocks
from zoo.layers.types import Count, DropRate, Factor
from zoo.registry import register


@register(
    tasks=("sequence_classification", "sequence_labeling", "sequence_regression"),
    input_shape=(128,),
    outputs=2,
    vocabulary=30_522,
    family="transformer",
    paper="Devlin et al. (2018), arXiv:1810.04805; Wang et al. (2020), arXiv:2002.10957",
)
def bert(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    width: Count = 768,
    depth: Count = 12,
    heads: Count = 12,
    mlp_ratio: Factor = 4.0,
    maximum_length: Count = 512,
    pool: TokenPool = "mean",
    epsilon: Factor = 1e-12,
    dropout: DropRate = 0.1,
    stochastic_depth: DropRate = 0.0,
) -> keras.Model:
    """BERT: an encoder of texts, 109M parameters in its base size; MiniLM-L6 is `width=384, depth=6` with 22.6M.

    One text at a time: the embedding of the first segment is part of that of the positions. DistilBERT is `depth=6`,
    RoBERTa `epsilon=1e-5`.

    Args:
        input_shape: `(steps,)` of tokens, which may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids; id 0 is padding, on the right.
        every_step: give one output for each step.
        width: features of each step, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        maximum_length: number of learned positions.
        pool: input of the head: "mean" of the steps or "first" step; unused with `every_step`.
        epsilon: added to the variance in layer normalization.
        dropout: fraction of the embedding, of each branch's output and of the features dropped while training.
        stochastic_depth: fraction of examples for which the last block is dropped while training.

    Returns:
        A model from `(batch, steps)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.

    Raises:
        ValueError: the input is not tokens or is longer than the positions reach, or the heads do not divide the width.
    """
    if vocabulary is None:
        raise ValueError(f"needs tokens with a vocabulary. Received: input_shape={tuple(input_shape)}, vocabulary=None")
    if input_shape[0] is not None and input_shape[0] > maximum_length:
        raise ValueError(
            f"learned positions reach maximum_length={maximum_length} steps. Received: {input_shape[0]} steps"
        )
    options = BlockOptions("layer", "post", "gelu", dropout, stochastic_depth, epsilon)

    # === Layers ===
    inputs = token_input(input_shape)
    valid = not_padding(inputs)
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    x = keras.layers.Embedding(vocabulary, width, embeddings_initializer=initializer, name="embedding")(inputs)
    x = LearnedPositions(maximum_length, name="positions")(x)
    x = normalization(x, "layer", epsilon=epsilon, name="embedding_norm")
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio, valid=valid)
    if not every_step:
        x = TokenPooling(pool, name="pool")(x, valid)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="bert")
