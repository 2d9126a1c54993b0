"""How far two distributions over the same cells are apart."""

from __future__ import annotations

import numpy as np


def psi(counts: np.ndarray) -> float:
    """Return the population stability index of two rows of counts: Σ (q - p) ln(q / p), each cell with a half more.

    What counts of this size have by chance, (cells - 1)(1/n + 1/m), is taken off.
    """
    counts = counts[:, counts.sum(axis=0) > 0]
    p, q = ((row + 0.5) / (row + 0.5).sum() for row in counts)
    chance = (counts.shape[1] - 1) * (1 / counts[0].sum() + 1 / counts[1].sum())
    return float(((q - p) * np.log(q / p)).sum() - chance)
