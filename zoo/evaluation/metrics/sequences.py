"""Sequences: a decoded sequence for each source sequence.

Targets are integers of shape `(n, length)`: symbols, then 3 (the end), then 0. The output is the decoded symbols,
shape `(n, other length)`, without the end and padded with 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import MAX_WORST_EXAMPLES, Statistic, check, highest, ratio, text_of
from zoo.evaluation.metrics.edit_distance import cut, edit_distances, lengths
from zoo.tasks import END

METRICS = ("exact_match", "token_error_rate")
MAX_LENGTH_BINS = 10  # rows of `by_length` in report.json


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each example counts, shape `(n,)`, to `METRICS`.

    The error rate is all edits over all symbols of the targets, so that a long target weighs more than a short one.

    Raises:
        ValueError: shapes that do not fit.
    """
    return rates(*arrays(y, output), order=(0, 1))


def correct(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return which examples are decoded without an error, bool of shape `(n,)`."""
    return edit_distances(*arrays(y, output)) == 0


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return `worst` (the most edits) and `by_length`; see `decoded_details`."""
    return decoded_details(*arrays(y, output), labels)


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return true and decoded symbols, without the end and padded with 0."""
    y, output = np.asarray(y), np.asarray(output)
    fits = y.ndim == output.ndim == 2 and len(y) == len(output)
    check(y, output, fits, "y of shape (n, length) and decoded symbols of shape (n, other length)")
    return cut(cut(y, END), 0), cut(cut(output, END), 0)


def rates(true: np.ndarray, decoded: np.ndarray, order: tuple[int, int]) -> Statistic:
    """Return a function from counts to exact match and error rate, in this order or, with `(1, 0)`, the other."""
    edits = edit_distances(decoded, true)
    each = np.stack([edits == 0, edits, lengths(true)], axis=1).astype(np.float64)

    def statistic(counts: np.ndarray) -> np.ndarray:
        exact, wrong, symbols = counts @ each
        return np.array([exact / counts.sum(), ratio(wrong, symbols)])[list(order)]

    return statistic


def decoded_details(true: np.ndarray, decoded: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Return the wrong examples, and the errors by length of the target.

    Args:
        true: symbols, padded with 0, shape `(n, length)`.
        decoded: the same, shape `(n, other length)`.
        labels: names of the symbols by number.

    Returns:
        `worst`: wrong examples with the most edits (on a tie, the shorter target): `index`, `true`, `predicted`
            and `edits`; `by_length`: for each length, or range of lengths, `low`, `high`, `examples`, `exact_match`
            and `error_rate`.
    """
    edits, length = edit_distances(decoded, true), lengths(true)
    chosen = highest(edits - length / (length.max() + 1), MAX_WORST_EXAMPLES)
    worst = [
        {
            "index": int(i),
            "true": text_of(true[i], labels),
            "predicted": text_of(decoded[i], labels),
            "edits": int(edits[i]),
        }
        for i in chosen
        if edits[i]
    ]
    rows = []
    for low, high in _bins(length):
        inside = (length >= low) & (length <= high)
        rows.append(
            {
                "low": low,
                "high": high,
                "examples": int(inside.sum()),
                "exact_match": float((edits[inside] == 0).mean()),
                "error_rate": ratio(edits[inside].sum(), length[inside].sum()),
            }
        )
    return {"worst": worst, "by_length": rows}


def _bins(length: np.ndarray) -> list[tuple[int, int]]:
    """Return ranges of lengths with about equally many examples: each length alone if there are few."""
    values = np.unique(length)
    if len(values) > MAX_LENGTH_BINS:
        edges = np.quantile(length, np.linspace(0, 1, MAX_LENGTH_BINS + 1)[1:], method="inverted_cdf")
        highs = np.unique(edges)
    else:
        highs = values
    lows = [values[0], *(values[values > high][0] for high in highs[:-1])]
    return [(int(low), int(high)) for low, high in zip(lows, highs, strict=True)]
