"""Edit distances of many pairs of sequences at once."""

from __future__ import annotations

import numpy as np

_CHUNK_CELLS = 1 << 22  # int64, 32 MiB, a few times over


def edit_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the least number of insertions, deletions and replacements that turn one sequence into the other.

    Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966. The table of each
    pair is filled row by row, all pairs at once; within a row, the running minimum of (cell - column) takes the place
    of the loop over insertions. By hand, because no dependency compares arrays of sequences.

    Args:
        first: symbols, padded with 0 on the right, integers of shape `(n, length)`.
        second: the same, of shape `(n, other length)`.

    Returns:
        Integers of shape `(n,)`.
    """
    chunk = max(1, _CHUNK_CELLS // (second.shape[1] + 1))
    if len(first) > chunk:
        starts = range(0, len(first), chunk)
        return np.concatenate([edit_distances(first[i : i + chunk], second[i : i + chunk]) for i in starts])
    sizes, others = lengths(first), lengths(second)
    columns = np.arange(second.shape[1] + 1)
    row = np.tile(columns, (len(first), 1))
    found = row[np.arange(len(first)), others]
    for i in range(int(sizes.max(initial=0))):
        new = row + 1
        np.minimum(new[:, 1:], row[:, :-1] + (first[:, i, None] != second), out=new[:, 1:])
        row = np.minimum.accumulate(new - columns, axis=1) + columns
        ends = sizes == i + 1
        found[ends] = row[ends, others[ends]]
    return found


def lengths(sequences: np.ndarray) -> np.ndarray:
    """Return how many symbols come before the padding, shape `(n,)`, for sequences `(n, length)` padded with 0."""
    return (np.asarray(sequences) != 0).sum(1)


def cut(sequences: np.ndarray, end: int) -> np.ndarray:
    """Return a copy of the sequences `(n, length)` with 0 from the first `end` on."""
    sequences = np.array(sequences)
    sequences[np.logical_or.accumulate(sequences == end, axis=1)] = 0
    return sequences
