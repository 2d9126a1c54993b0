"""Layers of bags of n-grams: the n-grams of tokens as numbers, their weights, and the weighted sum of embeddings."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted import AdaptedLayer
from zoo.layers.types import Shape
from zoo.tasks import END, PADDING, START

# Two rolling hashes: primes below 2**15.5 and smaller factors, so that no product leaves int32.
PRIMES, FACTORS = (46337, 46327), (31393, 27191)
JOIN = 45989  # puts both together to one number below 2**31
MAX_COUNT = 8  # occurrences of an n-gram in a text that are counted
EPSILON = 1e-6  # a text without a known n-gram stays 0


@keras.saving.register_keras_serializable("zoo")
class NgramIds(keras.layers.Layer):
    """Number the n-grams of each text: single tokens keep their ids, longer ones are hashed.

    Longer n-grams also begin before the first token and end behind the last one, so that they know of both.

    Input: token ids `(batch, steps)` int32, 0 for padding, on the right. Output: `(batch, ngrams of all lengths)` int32
    in `[0, vocabulary + buckets)`, 0 where there is none.

    Args:
        vocabulary: number of token ids.
        shortest: tokens of the shortest n-gram.
        longest: tokens of the longest n-gram.
        buckets: number of different values of the hash.
    """

    def __init__(self, vocabulary: int, shortest: int, longest: int, buckets: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "int32", **kwargs})
        self.vocabulary, self.shortest, self.longest, self.buckets = vocabulary, shortest, longest, buckets

    def call(self, tokens: Any) -> Any:
        """Return the numbers."""
        found = [tokens] if self.shortest == 1 else []
        zeros = ops.zeros_like(tokens[:, :1])
        shifted = ops.concatenate([zeros + START, tokens, zeros], axis=1)
        before = ops.concatenate([zeros, shifted[:, :-1]], axis=1)
        is_end = ops.logical_and(ops.equal(shifted, PADDING), ops.not_equal(before, PADDING))
        marked = ops.where(is_end, ops.full_like(shifted, END), shifted)
        hashes = [ops.mod(marked, prime) for prime in PRIMES]
        first = hashes
        for length in range(2, self.longest + 1):
            hashes = [
                ops.mod(so_long[:, :-1] * factor + single[:, length - 1 :], prime)
                for so_long, single, factor, prime in zip(hashes, first, FACTORS, PRIMES, strict=True)
            ]
            if length >= self.shortest:
                numbers = ops.mod(hashes[0] * JOIN + hashes[1], self.buckets) + self.vocabulary
                is_there = ops.not_equal(marked[:, length - 1 :], PADDING)
                found.append(ops.where(is_there, numbers, ops.zeros_like(numbers)))
        return ops.concatenate(found, axis=1)

    def compute_output_spec(self, tokens: Any) -> Any:
        """Return `(batch, ngrams)`, an open number where the number of steps is open."""
        steps = tokens.shape[1]
        lengths = range(self.shortest, self.longest + 1)
        # a text and its two marks; of single tokens the text alone
        count = None if steps is None else sum(steps if n == 1 else max(0, steps + 3 - n) for n in lengths)
        return keras.KerasTensor((tokens.shape[0], count), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"shortest": self.shortest, "longest": self.longest, "buckets": self.buckets}
        return {**super().get_config(), "vocabulary": self.vocabulary, **own}


@keras.saving.register_keras_serializable("zoo")
class TfIdf(AdaptedLayer):
    """Weights of n-grams as scikit-learn's `TfidfVectorizer(sublinear_tf=True)` has them, by the training split.

    An n-gram that occurs c times in a text has the weight (1 + log c) * (1 + log((1 + texts) / (1 + texts with it))), 0
    if no training text has it; the weights of a text have the Euclidean length 1. At most eight occurrences count.

    Input: numbers of n-grams `(batch, ngrams)` int32, 0 for none. Output: these in rising order, and of each its part
    of the weight, float32 of the same shape: an n-gram that occurs several times stands there so often.

    Args:
        size: number of different n-grams, with 0.
    """

    max_examples = None

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.size = size
        self._texts, self._texts_with = 0, np.zeros(0, np.int64)

    def build(self, shape: Shape) -> None:
        """Give all n-grams the same weight."""
        self.idf = self.add_weight(name="idf", shape=(self.size,), initializer="ones", trainable=False)

    def adapt(self, examples: np.ndarray) -> None:
        """Count in how many texts each n-gram occurs."""
        if not self._texts:
            self._texts_with = np.zeros(self.size, np.int64)
        self._texts += len(examples)
        ordered = np.sort(examples, axis=1)
        is_first = np.diff(ordered, axis=1, prepend=-1) != 0
        self._texts_with += np.bincount(ordered[is_first], minlength=self.size)

    def finish_adapting(self) -> None:
        """Set the weights by the counts."""
        idf = 1 + np.log((1 + self._texts) / (1 + self._texts_with))
        self.idf.assign(np.where(self._texts_with, idf, 0))
        self._texts, self._texts_with = 0, np.zeros(0, np.int64)

    def call(self, numbers: Any) -> tuple[Any, Any]:
        """Return the ordered numbers and their weights."""
        ordered = ops.sort(numbers, axis=1)
        padded = ops.pad(ordered, [[0, 0], [MAX_COUNT, 0]], constant_values=-1)
        before = sum(  # equal ones before each, as far as they count
            ops.cast(ops.equal(padded[:, MAX_COUNT - i : -i], ordered), "int32") for i in range(1, MAX_COUNT + 1)
        )
        weight = ops.take(self.idf, ordered) * ops.cast(ops.not_equal(ordered, 0), self.compute_dtype)
        counted = np.array([0.0, *(1 + np.log(np.arange(1, MAX_COUNT + 1))), 1 + np.log(MAX_COUNT)], "float32")
        added, added_squares = (ops.take(ops.convert_to_tensor(np.diff(x)), before) for x in (counted, counted**2))
        length = ops.sqrt(ops.sum(ops.square(weight) * added_squares, axis=1, keepdims=True))
        return ordered, weight * added / ops.maximum(length, EPSILON)

    def compute_output_spec(self, numbers: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the specs of numbers and weights."""
        return keras.KerasTensor(numbers.shape, "int32"), keras.KerasTensor(numbers.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("zoo")
class WeightedSum(keras.layers.Layer):
    """Sum vectors `(batch, steps, width)` with weights `(batch, steps)`, to `(batch, width)`."""

    def call(self, vectors: Any, weights: Any) -> Any:
        """Return the sum."""
        return ops.matmul(ops.cast(weights, vectors.dtype)[:, None, :], vectors)[:, 0]

    def compute_output_shape(self, vectors_shape: Shape, weights_shape: Shape) -> Shape:
        """Return `(batch, width)`."""
        return (vectors_shape[0], vectors_shape[-1])
