"""Exact repeats: within the training split, across two splits, and under different labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import MAX_EVIDENCE, Finding, found
from zoo.audit.rarity import rare_examples
from zoo.audit.subject import HELD_OUT, Subject

MIN_LEAKED = 5  # rare examples that are in training, too, from which on the metrics are untrue
MIN_LEAKED_FRACTION = 0.01  # of the split


def repeat_findings(subject: Subject) -> Iterator[Finding]:
    """Yield exact repeats; windows of one series overlap by design."""
    if subject.dataset.series is not None:
        return
    yield from _within(subject)
    for name in HELD_OUT:
        yield from _leaked(subject, name)
    if subject.has_classes:
        yield from _conflicts(subject)


def _within(subject: Subject) -> Iterator[Finding]:
    hashes = subject.hashes["train"]
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(hashes)))
    if not len(again):
        return
    rare = int(rare_examples(subject, "train", again).sum())
    is_many = rare >= max(MIN_LEAKED, MIN_LEAKED_FRACTION * len(hashes))
    yield found(
        "exact_duplicates",
        f"{len(again)} training examples repeat another",
        count=len(again),
        evidence=[subject.example("train", at, of=subject.example("train", first[inverse[at]])) for at in _few(again)],
        severity=None if is_many else "note",
    )


def _leaked(subject: Subject, name: str) -> Iterator[Finding]:
    train, hashes = subject.hashes["train"], subject.hashes[name]
    leaked = np.flatnonzero(np.isin(hashes, train))
    if not len(leaked):
        return
    rare = int(rare_examples(subject, name, leaked).sum())
    is_error = rare >= max(MIN_LEAKED, MIN_LEAKED_FRACTION * len(hashes), len(leaked) / 2)
    message = f"{len(leaked)} of {len(hashes)} {name} examples are also in the training split: metrics are optimistic"
    if rare < len(leaked):
        message += f"; {len(leaked) - rare} of them have values so frequent that they repeat by chance"
    order = np.argsort(train, kind="stable")
    twins = order[np.searchsorted(train[order], hashes[leaked])]
    yield found(
        "leaked_examples",
        message,
        count=len(leaked),
        evidence=[
            subject.example(name, at, of=subject.example("train", twin))
            for at, twin in zip(_few(leaked), twins, strict=False)
        ],
        severity="error" if is_error else "warning" if rare else "note",
    )


def _conflicts(subject: Subject) -> Iterator[Finding]:
    hashes, targets = subject.hashes["train"], subject.dataset.train.targets
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    clashes = np.flatnonzero(targets[first[inverse]] != targets)
    if not len(clashes):
        return
    natural = not rare_examples(subject, "train", clashes).any()
    yield found(
        "conflicting_labels",
        f"{len(clashes)} training examples repeat another under a different label",
        count=len(clashes),
        evidence=[
            subject.example("train", at, of=subject.example("train", first[inverse[at]])) for at in _few(clashes)
        ],
        severity="note" if natural else None,
    )


def _few(positions: np.ndarray) -> np.ndarray:
    return positions[:MAX_EVIDENCE]
