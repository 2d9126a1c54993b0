"""The nearest neighbor of each vector, by products of matrices, and which are too near to be so by chance."""

from __future__ import annotations

import numpy as np

_CHUNK_PRODUCTS = 1 << 25  # distances that are held at a time, 128 MiB


def nearest(queries: np.ndarray, base: np.ndarray, *, same: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the nearest row of `base`, and which it is.

    Args:
        queries: float32 `(queries, numbers)`.
        base: float32 `(rows, numbers)`.
        same: both are the same array, of which no row is its own neighbor.
    """
    squares = np.einsum("ij,ij->i", base, base)
    found = np.empty(len(queries), int)
    step = max(1, _CHUNK_PRODUCTS // max(1, len(base)))
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        distances = squares - 2 * (part @ base.T)  # less the square of the query, which changes no order
        if same:
            distances[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        found[start : start + step] = distances.argmin(axis=1)
    return np.linalg.norm(queries - base[found], axis=1), found  # exact, where the product loses small distances


def near_limit(distances: np.ndarray, ratio: float) -> tuple[float, float]:
    """Return the distance below which rows are near duplicates, and the fraction that chance puts there.

    Near ones are `ratio` times as far from their neighbor as the median row. For small distances x the fraction of rows
    grows like x^m, where m is the dimension of the data; the quartile and the median give m.
    """
    quartile, median = np.quantile(distances, [0.25, 0.5])
    if not median > 0:
        return 0.0, 1.0
    if not quartile > 0 or quartile >= median:
        return ratio * median, 1.0
    dimension = np.log(2) / np.log(median / quartile)
    return float(ratio * median), float(0.5 * ratio**dimension)
