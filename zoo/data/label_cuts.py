"""Cuts of examples with several labels each, which keep how often every label occurs."""

from __future__ import annotations

import numpy as np


def spread_labels(marks: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Return the part of each example by iterative stratification.

    The label with the fewest examples left is spread first, each of its examples to the part that lacks it most. A part
    of two that is due less than one example of a label gets one all the same where the label has two or more.

    Sechidis, Tsoumakas & Vlahavas 2011, "On the Stratification of Multi-label Data". Here the sizes are exact.

    Args:
        marks: 1 where an example has a label, `(examples, labels)`.
        sizes: number of examples of each part, `(parts,)`; their sum is the number of examples.
        seed: the same seed gives the same parts.

    Returns:
        The part of each example, from 0, `(examples,)`.
    """
    marks = marks.astype(bool)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(marks))
    free, lacking = sizes.astype(int), _wanted(marks.sum(axis=0), sizes)
    found = np.full(len(marks), -1)
    while True:
        left = marks[found < 0].sum(axis=0)
        if not left.any():
            break
        label = int(np.argmin(np.where(left > 0, left, len(marks) + 1)))
        for example in order[marks[order, label] & (found[order] < 0)]:
            ranks = np.lexsort((generator.random(len(sizes)), free, lacking[:, label], free > 0))
            part = int(ranks[-1])
            found[example] = part
            free[part] -= 1
            lacking[part] -= marks[example]
    found[order[found[order] < 0]] = np.repeat(np.arange(len(sizes)), free)
    return found


def _wanted(counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return how many examples of each label a part is due, `(parts, labels)`."""
    wanted = counts * (sizes / sizes.sum())[:, None]
    if len(sizes) > 2:
        return wanted
    rest = np.where(counts > 1, np.clip(wanted[0], 1, np.maximum(counts - 1, 1)), counts)
    return np.stack([rest, counts - rest])
