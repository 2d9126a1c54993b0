"""Sequences: the target of the most similar training source."""

from __future__ import annotations

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.evaluation.metrics.edit_distance import cut, edit_distances
from zoo.tasks import END

NEIGHBORS = 10  # candidates that the edit distance chooses among
_FIRST_CHARACTER = 0xF0000  # of the private use area, where no character has two cases or is white space


def nearest_source(source: np.ndarray, target: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the target of the training source that is most similar to each query.

    Among the ten sources with the most similar counts of one to three consecutive symbols (by cosine), it is the one
    with the smallest edit distance.

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
    index.fit(counter.fit_transform(as_texts(source)))
    near = np.sort(index.kneighbors(counter.transform(as_texts(queries)), return_distance=False), axis=1)
    repeated = np.repeat(queries, near.shape[1], axis=0)
    distance = edit_distances(repeated, source[near.ravel()]).reshape(near.shape)
    best = near[np.arange(len(near)), distance.argmin(1)]
    return cut(target, END)[best].astype(np.int32)


def as_texts(tokens: np.ndarray) -> list[str]:
    """Return rows of token ids, 0 for padding, as texts with a character for each token."""
    return ["".join(chr(_FIRST_CHARACTER + int(i)) for i in row if i) for row in tokens]


def answer_nearest(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with `nearest_source`."""
    inputs = data.required("inputs")
    source = inputs("train")
    return BaselineResult({s: nearest_source(source, data.targets["train"], inputs(s)) for s in EVALUATED_SPLITS})


METHODS: dict[str, Method] = {"nearest_source": answer_nearest}
