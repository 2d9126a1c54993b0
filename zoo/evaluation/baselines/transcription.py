"""Transcription: one constant text."""

from __future__ import annotations

import numpy as np

from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method


def most_frequent_text(target: np.ndarray, examples: int) -> np.ndarray:
    """Return the most frequent training target for each example, int32 of shape `(examples, length)`.

    Args:
        target: training targets, symbols padded with 0, shape `(m, length)`.
        examples: number of examples to answer.
    """
    unique, counts = np.unique(target, axis=0, return_counts=True)
    return np.repeat(unique[counts.argmax()][None], examples, axis=0).astype(np.int32)


def answer_most_frequent(data: BaselineData, seed: int) -> BaselineResult:
    """Answer with `most_frequent_text`."""
    y = data.targets
    return BaselineResult({split: most_frequent_text(y["train"], len(y[split])) for split in EVALUATED_SPLITS})


METHODS: dict[str, Method] = {"most_frequent_text": answer_most_frequent}
