"""Bags of n-grams: linear models of texts that know of each n-gram, and little of their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from zoo.layers.embedding import token_input
from zoo.layers.head import head
from zoo.layers.ngrams import NgramIds, TfIdf, WeightedSum
from zoo.layers.types import Count, DropRate
from zoo.registry import register

Weighting = Literal["tf_idf", "mean"]


@register(
    tasks=("sequence_classification", "sequence_regression"),
    input_shape=(256,),
    outputs=4,
    vocabulary=20_000,
    paper="arXiv:1607.01759",
)
def fasttext(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    shortest: Count = 1,
    longest: Count = 2,
    buckets: Count = 131_072,
    width: Count = 32,
    weighting: Weighting = "tf_idf",
    ngram_dropout: DropRate = 0.0,
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Linear model on the sum of the embeddings of a text's n-grams (fastText), weighted by TF-IDF.

    Joulin, Grave, Bojanowski and Mikolov, 2016. N-grams of several tokens are hashed, and there is no list of them.

    Args:
        input_shape: `(steps,)`, which may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids; id 0 is padding, on the right.
        shortest: tokens of the shortest n-gram.
        longest: tokens of the longest n-gram.
        buckets: values of the hash; different n-grams with the same one have the same embedding.
        width: numbers of an embedding.
        weighting: of the n-grams: "tf_idf", by the texts of the training split; or the "mean", as in the paper.
        ngram_dropout: fraction of the n-grams of a text dropped while training.
        dropout: fraction of features dropped before the head while training.

    Returns:
        A model from `(batch, steps)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is not tokens, or the shortest n-gram is longer than the longest.
    """
    if vocabulary is None:
        raise ValueError(f"needs tokens with a vocabulary. Received: input_shape={tuple(input_shape)}, vocabulary=None")
    if shortest > longest:
        raise ValueError(f"shortest must be at most longest. Received: shortest={shortest}, longest={longest}")

    # === Layers ===
    inputs = token_input(input_shape)
    numbers = NgramIds(vocabulary, shortest, longest, buckets, name="ngrams")(inputs)
    size = vocabulary + (buckets if longest > 1 else 0)
    if weighting == "tf_idf":  # from 0, so that what no training text holds stays there
        numbers, weights = TfIdf(size, name="tf_idf")(numbers)
        initializer: keras.initializers.Initializer = keras.initializers.Zeros()
    else:
        weights = keras.ops.cast(keras.ops.not_equal(numbers, 0), "float32")
        weights = weights / keras.ops.maximum(keras.ops.sum(weights, axis=1, keepdims=True), 1)
        initializer = keras.initializers.RandomUniform(-1 / width, 1 / width)
    if ngram_dropout:
        weights = keras.layers.Dropout(ngram_dropout, name="ngram_dropout")(weights)
    x = keras.layers.Embedding(size, width, embeddings_initializer=initializer, name="embedding")(numbers)
    x = WeightedSum(name="weighted_sum")(x, weights)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="fasttext")
