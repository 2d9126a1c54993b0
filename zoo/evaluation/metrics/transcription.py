"""Transcription: the symbols of an image or a signal, decoded after connectionist temporal classification.

Targets are integers of shape `(n, length)`, symbols from 1, padded with 0 (the number of the blank). The output is the
decoded symbols, shape `(n, other length)`, padded with 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import Statistic, check
from zoo.evaluation.metrics.edit_distance import cut, edit_distances
from zoo.evaluation.metrics.sequences import decoded_details, rates

METRICS = ("character_error_rate", "exact_match")


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`.

    The error rate is all edits over all characters of the targets; it exceeds 1 where far too many symbols are decoded.

    Raises:
        ValueError: shapes that do not fit.
    """
    return rates(*arrays(y, output), order=(1, 0))


def correct(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return which examples are read without an error, bool of shape `(n,)`."""
    return edit_distances(*arrays(y, output)) == 0


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `worst` (the most edits) and `by_length`; see `decoded_details`."""
    return decoded_details(*arrays(y, output), labels)


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return true and decoded symbols, padded with 0."""
    y, output = np.asarray(y), np.asarray(output)
    fits = y.ndim == output.ndim == 2 and len(y) == len(output)
    check(y, output, fits, "y of shape (n, length) and decoded symbols of shape (n, other length)")
    return cut(y, 0), cut(output, 0)
