"""Tokens: the most frequent token, and n-gram models of characters."""

from __future__ import annotations

from functools import partial

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method
from zoo.evaluation.baselines.ngrams import ORDER, run_ngrams


def most_frequent_token(train: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Return the compact output of a model that predicts each token as often as it occurs in training.

    Args:
        train: training targets, 0 where nothing counts, shape `(m, length)`.
        y: targets of the examples to answer, shape `(n, length)`.
        classes: number of token ids; each counts once more than it occurs, so that none is impossible.

    Returns:
        Shape `(n, length, 2)`, float32.
    """
    counts = np.bincount(train[train != 0], minlength=classes) + 1.0
    counts[0] = 0
    nll = -np.log(counts / counts.sum(), out=np.zeros(len(counts)), where=counts > 0)
    hit = np.asarray(y) == counts.argmax()
    return np.stack([nll[y] * (y != 0), hit & (y != 0)], axis=-1).astype(np.float32)


def answer_most_frequent(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with `most_frequent_token`."""
    y = data.targets
    return BaselineResult({s: most_frequent_token(y["train"], y[s], data.classes) for s in EVALUATED_SPLITS})


def predict_by_ngrams(order: int, data: BaselineData, seed: int) -> BaselineResult:
    """Fit an n-gram model of this order."""
    inputs = data.required("inputs")
    windows = {split: (inputs(split), data.targets[split]) for split in EVALUATED_SPLITS}
    outputs, converged = run_ngrams(data.required("text"), windows, "validation", vocabulary=data.classes, order=order)
    return BaselineResult(outputs, converged)


METHODS: dict[str, Method] = {
    "most_frequent_token": answer_most_frequent,
    "unigram": partial(predict_by_ngrams, 1),
    "ngram": partial(predict_by_ngrams, ORDER),
}
