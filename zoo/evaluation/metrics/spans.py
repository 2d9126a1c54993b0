"""Spans of tags, such as the names that BIO tags mark: precision, recall and F1 of whole spans.

A span counts as found where its first and last token and its type are right, as in CoNLL's evaluation (Tjong Kim Sang
and De Meulder 2003) and in seqeval's default mode, which these numbers equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.evaluation.metrics.common import ratio

METRICS = ("span_f1", "span_precision", "span_recall")
_TAG = re.compile(r"([BIESLU])-(.+)")
_OUTSIDE = "O"
_SAME = {"L": "E", "U": "S"}  # BILOU's names for the last token of a span, and for a span of one


class Span(NamedTuple):
    """A span: its type, and the positions of its first and last token."""

    type: str
    first: int
    last: int


def mark_spans(labels: Sequence[str]) -> bool:
    """Return whether tags mark spans: all are `O` or a letter of BIO, IOBES or BILOU with a type, such as `B-PER`.

    Args:
        labels: names of the tags, the first that of padding.
    """
    tags = [label for label in labels[1:] if label != _OUTSIDE]
    begins = _OUTSIDE in labels or any(tag[0] in "BSU" for tag in tags)
    return bool(tags) and begins and all(_TAG.fullmatch(tag) for tag in tags)


def spans_of(tags: Sequence[str]) -> set[Span]:
    """Return the spans that the tags of a sentence mark.

    A span ends where the next tag begins another or none; one that begins with `I` or `E` counts as begun.
    """
    found = set()
    start, before, kind = 0, _OUTSIDE, ""
    for position, tag in enumerate([*tags, _OUTSIDE]):
        matched = _TAG.fullmatch(tag)
        letter, own = (_SAME.get(matched[1], matched[1]), matched[2]) if matched else (_OUTSIDE, "")
        if before != _OUTSIDE and (before in "ES" or letter in "BSO" or own != kind):
            found.add(Span(kind, start, position - 1))
        if letter != _OUTSIDE and (before in "OES" or letter in "BS" or own != kind):
            start = position
        before, kind = letter, own
    return found


def span_counts(y: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """Return, for each type, how many spans each sentence has, how many were predicted, and how many of them are right.

    Args:
        y: the tags as class indices `(n, length)`, 0 where a sentence has ended.
        predicted: the most probable tags, of the same shape.
        labels: names of the tags, the first that of padding.

    Returns:
        Type to counts `(n, 3)`.
    """
    counts: dict[str, np.ndarray] = {}
    for row, (true, own) in enumerate(zip(np.asarray(y), np.asarray(predicted).astype(int), strict=True)):
        length = int((true != 0).sum())
        wanted = spans_of([labels[i] for i in true[:length]])
        given = spans_of([labels[i] if i else _OUTSIDE for i in own[:length]])
        for column, spans in enumerate((wanted, given, wanted & given)):
            for span in spans:
                counts.setdefault(span.type, np.zeros((len(y), 3)))[row, column] += 1
    return counts


def rates(wanted: float, given: float, right: float) -> tuple[float, float, float]:
    """Return F1, precision and recall; 0 where there is nothing to divide by, as seqeval has it."""
    precision, recall = ratio(right, given) if given else 0.0, ratio(right, wanted) if wanted else 0.0
    return (2 * precision * recall / (precision + recall) if precision + recall else 0.0), precision, recall


def per_type(counts: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return a row for each type: `type`, `support`, `f1`, `precision` and `recall`."""
    rows = []
    for name, each in sorted(counts.items()):
        f1, precision, recall = rates(*each.sum(axis=0))
        support = int(each[:, 0].sum())
        rows.append({"type": name, "support": support, "f1": f1, "precision": precision, "recall": recall})
    return rows
