"""Tokens: a prediction for each position of a sequence. Targets are integers `(n, length)`, 0 where nothing counts.

The output, `(n, length, 2)`, is the target's negative log-likelihood in nats, and 1 where it is the most probable;
where spans of tags are counted, `(n, length, 3)`, with the most probable class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import (
    MAX_WORST_EXAMPLES,
    TYPICAL_EXAMPLES,
    Statistic,
    check,
    highest,
    label_of,
    ratio,
)
from zoo.evaluation.metrics.spans import mark_spans, per_type, rates, span_counts

PREDICTED = 2  # where an output has the most probable class
METRICS = ("bits_per_token", "perplexity", "token_accuracy")
MAX_TOKEN_ROWS = 100  # tokens with a row of their own in report.json; vocabularies have thousands


def resampled(y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function from how often each row counts, shape `(n,)`, to `METRICS`.

    Each is a mean over all tokens that count, so that a long row weighs more than a short one.

    Raises:
        ValueError: shapes that do not fit.
    """
    counted, surprise, hit = arrays(y, output)
    each = np.stack([counted.sum(1), surprise.sum(1), hit.sum(1)], axis=1)

    def statistic(counts: np.ndarray) -> np.ndarray:
        tokens, nats, hits = counts @ each
        mean = ratio(nats, tokens)
        return np.array([mean / math.log(2), math.exp(mean) if mean < 700 else math.inf, ratio(hits, tokens)])

    return statistic


def resampled_with_spans(labels: Sequence[str], y: np.ndarray, output: np.ndarray) -> Statistic:
    """Return a function like that of `resampled`, to `METRICS` and then those of spans.

    Args:
        labels: names of the tags, the first that of padding.
        y: the targets.
        output: with the most probable class of each position.
    """
    of_tokens = resampled(y, output)
    counts = span_counts(y, output[..., PREDICTED], labels)
    each = np.sum([*counts.values()], axis=0) if counts else np.zeros((len(y), 3))

    def statistic(times: np.ndarray) -> np.ndarray:
        return np.concatenate([of_tokens(times), rates(*(times @ each))])

    return statistic


def arrays(y: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check shapes, and return which positions count (bool), nats and hits, each `(n, length)` and 0 elsewhere."""
    y, output = np.asarray(y), np.asarray(output, dtype=np.float64)
    fits = y.ndim == 2 and output.shape in ((*y.shape, 2), (*y.shape, 3))
    check(y, output, fits, "y of shape (n, length) and output of shape (n, length, 2 or 3)")
    counted = y != 0
    return counted, np.where(counted, output[..., 0], 0), np.where(counted, output[..., 1], 0)


def details(
    y: np.ndarray, output: np.ndarray, labels: Sequence[str], baseline: np.ndarray | None = None
) -> dict[str, Any]:
    """Return metrics per token and by position, and the rows with the most bits a token.

    Returns:
        `per_class`: for each target, at most the 100 with the most bits in all: `label`, `support`, `token_accuracy`,
            `bits` (each) and `share` (fraction of all bits); `by_position`: bits at each position of a row, for
            `model` and `baseline`, None where no target counts; `worst` and `typical`; and `spans`, where the tags mark
            such: for each type `support`, `f1`, `precision` and `recall`.
    """
    counted, nats, hit = arrays(y, output)
    bits = nats / math.log(2)
    by_position: dict[str, Any] = {"model": _by_position(counted, bits), "baseline": None}
    if baseline is not None and np.isfinite(baseline).all():
        by_position["baseline"] = _by_position(counted, arrays(y, baseline)[1] / math.log(2))
    tokens = counted.sum(1)
    rate = np.where(tokens > 0, bits.sum(1) / np.maximum(tokens, 1), np.nan)
    middle = np.nanmedian(rate) if tokens.any() else 0.0
    marked = mark_spans(labels) and np.shape(output)[-1] > PREDICTED
    spans = {"spans": per_type(span_counts(y, np.asarray(output)[..., PREDICTED], labels))} if marked else {}
    return {
        **spans,
        "per_class": _per_class(np.asarray(y)[counted], bits[counted], hit[counted], labels),
        "by_position": by_position,
        "worst": [_row(int(i), rate, hit, tokens) for i in highest(rate, MAX_WORST_EXAMPLES) if tokens[i]],
        "typical": [
            _row(int(i), rate, hit, tokens) for i in highest(-np.abs(rate - middle), TYPICAL_EXAMPLES) if tokens[i]
        ],
    }


def _row(i: int, rate: np.ndarray, hit: np.ndarray, tokens: np.ndarray) -> dict[str, Any]:
    return {
        "index": i,
        "bits": float(rate[i]),
        "token_accuracy": float(hit[i].sum() / tokens[i]),
        "tokens": int(tokens[i]),
    }


def _per_class(y: np.ndarray, bits: np.ndarray, hit: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    support = np.bincount(y)
    cost, hits = np.bincount(y, bits), np.bincount(y, hit)
    chosen = [i for i in highest(cost, MAX_TOKEN_ROWS) if support[i]]
    return [
        {
            "label": label_of(labels, int(i)),
            "support": int(support[i]),
            "token_accuracy": float(hits[i] / support[i]),
            "bits": float(cost[i] / support[i]),
            "share": ratio(cost[i], cost.sum()),
        }
        for i in chosen
    ]


def _by_position(counted: np.ndarray, bits: np.ndarray) -> np.ndarray:
    rows = counted.sum(0)
    return np.where(rows > 0, bits.sum(0) / np.maximum(rows, 1), np.nan)
