"""Tokens: the most frequent token, the most frequent tag of each token, and n-gram models of characters."""

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
        Shape `(n, length, 3)`, float32.
    """
    counts = np.bincount(train[train != 0], minlength=classes) + 1.0
    counts[0] = 0
    nll = -np.log(counts / counts.sum(), out=np.zeros(len(counts)), where=counts > 0)
    best, counted = counts.argmax(), np.asarray(y) != 0
    return np.stack([nll[y] * counted, (y == best) & counted, best * counted], axis=-1).astype(np.float32)


def answer_most_frequent(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with `most_frequent_token`."""
    y = data.targets
    return BaselineResult({s: most_frequent_token(y["train"], y[s], data.classes) for s in EVALUATED_SPLITS})


def tag_by_token(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with the tags that a token has in training; a token that is not there, with those of all tokens."""
    inputs, y = data.required("inputs"), data.targets
    tokens, counted = inputs("train"), y["train"] != 0
    counts = np.zeros((int(max(inputs(split).max(initial=0) for split in y)) + 1, data.classes))
    np.add.at(counts, (tokens[counted], y["train"][counted]), 1)
    every = counts.sum(axis=0) + 1.0
    every[0] = 0
    probabilities = counts + every / every.sum()  # one token more, spread as all of them are
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)

    def scored(tokens: np.ndarray, y: np.ndarray) -> np.ndarray:
        nll = -np.log(probabilities[tokens, y], out=np.zeros(y.shape), where=y != 0)
        counted = y != 0
        return np.stack([nll, (best[tokens] == y) & counted, best[tokens] * counted], axis=-1).astype(np.float32)

    return BaselineResult({split: scored(inputs(split), y[split]) for split in EVALUATED_SPLITS})


def predict_by_ngrams(order: int, data: BaselineData, seed: int) -> BaselineResult:
    """Fit an n-gram model of this order."""
    inputs = data.required("inputs")
    windows = {split: (inputs(split), data.targets[split]) for split in EVALUATED_SPLITS}
    outputs, converged = run_ngrams(data.required("text"), windows, "validation", vocabulary=data.classes, order=order)
    return BaselineResult(outputs, converged)


METHODS: dict[str, Method] = {
    "most_frequent_token": answer_most_frequent,
    "unigram_tagger": tag_by_token,
    "unigram": partial(predict_by_ngrams, 1),
    "ngram": partial(predict_by_ngrams, ORDER),
}
