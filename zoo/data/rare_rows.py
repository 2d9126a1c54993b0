"""Which rows of a table are too rare to be repeated by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_CHANCE = 0.01  # repeats that chance would give a row, up to which it counts as rare
INDEPENDENCE = 0.5  # exponent of the probability of a row: columns depend on each other, and tell half as much


def rare_rows(columns: Sequence[np.ndarray], every: Sequence[np.ndarray]) -> np.ndarray:
    """Return which rows are rare, bool `(rows,)`.

    The product of the frequencies of a row's values, to the power 0.5, times the number of all rows is how many repeats
    chance would give it.

    Args:
        columns: of the rows in question, numbers or texts.
        every: the same columns of all rows.
    """
    log = np.zeros(len(columns[0]))
    for values, known in zip(columns, every, strict=True):
        names, counts = np.unique(_sortable(known), return_counts=True)
        at = np.clip(np.searchsorted(names, _sortable(values)), 0, len(names) - 1)
        log += np.log(np.where(names[at] == _sortable(values), counts[at], 1) / len(known))
    return np.asarray(len(every[0]) * np.exp(INDEPENDENCE * log) < MAX_CHANCE)


def _sortable(values: np.ndarray) -> np.ndarray:
    return values.astype(str) if values.dtype == object else np.nan_to_num(values)
