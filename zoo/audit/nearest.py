"""The nearest neighbor of each vector, by products of matrices, and which are too near to be so by chance."""

from __future__ import annotations

import numpy as np

_QUANTILES = (0.75, 0.95)  # of the distances to the nearest neighbor
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

    In m dimensions the fraction of rows whose neighbor is nearer than x is 1 - exp(-c x^m). Two upper quantiles give c
    and m, which copies of up to three rows in four leave as they are. Near ones are `ratio` times as far from their
    neighbor as half of the rows would be without copies.
    """
    first, second = np.quantile(distances, _QUANTILES)
    if not 0 < first < second:
        return 0.0, 1.0
    masses = -np.log(1 - np.array(_QUANTILES))
    dimension = np.log(masses[1] / masses[0]) / np.log(second / first)
    half = first * (np.log(2) / masses[0]) ** (1 / dimension)
    return float(ratio * half), float(1 - np.exp(-np.log(2) * ratio**dimension))
