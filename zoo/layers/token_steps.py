"""Token ids to steps: their vectors, with positions; the beginning of every transformer of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.positions import Positions, add_positions
from zoo.layers.transformer import BlockOptions


def require_vocabulary(vocabulary: int | None, input_shape: Sequence[int | None]) -> int:
    """Return the number of token ids.

    Raises:
        ValueError: there is none: the input is no tokens.
    """
    if vocabulary is None:
        raise ValueError(f"needs tokens with a vocabulary. Received: input_shape={tuple(input_shape)}, vocabulary=None")
    return vocabulary


def embed_tokens(
    tokens: keras.KerasTensor,
    vocabulary: int,
    width: int,
    positions: Positions,
    *,
    layer: keras.Layer | None = None,
    name: str = "",
) -> keras.KerasTensor:
    """Return the vectors of the tokens, of about the same scale as the positions that are added."""
    if layer is None:
        initializer = keras.initializers.RandomNormal(stddev=embedding_stddev(width, positions))
        layer = keras.layers.Embedding(vocabulary, width, embeddings_initializer=initializer, name=f"{name}embedding")
    x = layer(tokens)
    if positions == "sinusoidal":  # section 3.4 of the paper
        x = keras.layers.Rescaling(width**0.5, name=f"{name}embedding_scale")(x)
    return x


def embedding_stddev(width: int, positions: Positions) -> float:
    """Return the standard deviation of the initial embedding."""
    return width**-0.5 if positions == "sinusoidal" else 0.02


def with_positions(
    x: keras.KerasTensor,
    positions: Positions,
    options: BlockOptions,
    *,
    heads: int,
    longest: int,
    base: float | None = None,
    name: str = "",
) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Add positions and dropout; also return the rotations of rotary positions.

    Args:
        x: sequences, `(batch, steps, width)`.
        positions: their kind.
        options: of the blocks: dropout, and the features of a head.
        heads: attention heads.
        longest: number of learned positions.
        base: of rotary positions; see `zoo.layers.positions.add_positions`.
        name: prefix of the layers' names.
    """
    x, rotations = add_positions(
        x, positions, heads=heads, longest=longest, base=base, size=options.head_size, name=f"{name}positions"
    )
    if options.dropout:
        x = keras.layers.Dropout(options.dropout, name=f"{name}dropout")(x)
    return x, rotations
