"""Baselines for sequences and transcriptions that copy a target of the training split, and for tokens that count."""

from __future__ import annotations

import numpy as np

from zoo.evaluation.metrics.edit_distance import cut, edit_distances
from zoo.tasks import END

NEIGHBORS = 10
_FIRST_CHARACTER = 0xF0000  # private use: none is a letter with two cases, or white space


def nearest_source(source: np.ndarray, target: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Copy the target of the training source that is most like each query.

    Of the ten sources with the most alike runs of one to three symbols (cosine similarity of their counts), it is the
    one at the smallest edit distance.

    Args:
        source: training sources, tokens padded with 0, shape `(m, length)`.
        target: their targets, tokens, then 3, then 0, shape `(m, target length)`.
        queries: sources to answer, shape `(n, any length)`.

    Returns:
        Symbols without the end, padded with 0, int32 of shape `(n, target length)`.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.neighbors import NearestNeighbors

    counter = CountVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False, dtype=np.float32)
    index = NearestNeighbors(n_neighbors=min(NEIGHBORS, len(source)), metric="cosine", algorithm="brute")
    index.fit(counter.fit_transform(_texts(source)))
    near = np.sort(index.kneighbors(counter.transform(_texts(queries)), return_distance=False), axis=1)
    repeated = np.repeat(queries, near.shape[1], axis=0)
    distance = edit_distances(repeated, source[near.ravel()]).reshape(near.shape)
    best = near[np.arange(len(near)), distance.argmin(1)]
    return cut(target, END)[best].astype(np.int32)


def most_frequent_text(target: np.ndarray, examples: int) -> np.ndarray:
    """Return the most frequent training target for each example, int32 of shape `(examples, length)`.

    Args:
        target: training targets, symbols padded with 0, shape `(m, length)`.
        examples: number of examples to answer.
    """
    unique, counts = np.unique(target, axis=0, return_counts=True)
    return np.repeat(unique[counts.argmax()][None], examples, axis=0).astype(np.int32)


def most_frequent_token(train: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Return the compact output of a model that predicts each token as often as it occurs in training.

    Args:
        train: training targets, 0 where nothing counts, shape `(m, length)`.
        y: targets to score, shape `(n, length)`.
        classes: number of token ids; each counts once more than it occurs, so that none is impossible.

    Returns:
        Shape `(n, length, 2)`, float32.
    """
    counts = np.bincount(train[train != 0], minlength=classes) + 1.0
    counts[0] = 0
    nll = -np.log(counts / counts.sum(), out=np.zeros(len(counts)), where=counts > 0)
    hit = np.asarray(y) == counts.argmax()
    return np.stack([nll[y] * (y != 0), hit & (y != 0)], axis=-1).astype(np.float32)


def _texts(tokens: np.ndarray) -> list[str]:
    return ["".join(chr(_FIRST_CHARACTER + int(i)) for i in row if i) for row in tokens]
