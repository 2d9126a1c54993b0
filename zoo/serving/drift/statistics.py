"""Tests of two rows of counts over the same cells: Kolmogorov and Smirnov, Mann and Whitney, chi-squared.

Written out because SciPy is 100 MB that a server has no other use for; the tests compare them with SciPy's.
"""

from __future__ import annotations

import math

import numpy as np

_MIN_EXPECTED = 5.0  # counts of a cell below which cells are merged (Cochran 1954)
_TERMS = 100  # of the series of Kolmogorov's distribution


def ks_distance(counts: np.ndarray) -> float:
    """Return the largest distance of the cumulative frequencies of two rows of counts `(2, bins)`."""
    cumulative = np.cumsum(counts / counts.sum(axis=1, keepdims=True), axis=1)
    return float(np.abs(cumulative[0] - cumulative[1]).max())


def ks_p_value(distance: float, n: float, m: float) -> float:
    """Return the p-value of a distance between samples of n and m: Kolmogorov's, corrected by Stephens (1970)."""
    size = math.sqrt(n * m / (n + m))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.1:  # the p-value is 1 to the last digit
        return 1.0
    k = np.arange(1, _TERMS + 1)
    if x < 1:
        p = 1 - math.sqrt(2 * math.pi) / x * np.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)).sum()
    else:
        p = 2 * ((-1.0) ** (k - 1) * np.exp(-2 * k**2 * x * x)).sum()
    return float(np.clip(p, 0, 1))


def rank_p_value(counts: np.ndarray) -> float:
    """Return the two-sided p-value of Mann and Whitney, normal and corrected for ties, of counts in ordered bins."""
    n, m = counts.sum(axis=1)
    both, total = counts.sum(axis=0), n + m
    ranks = np.cumsum(both) - (both - 1) / 2
    u = float((counts[0] * ranks).sum() - n * (n + 1) / 2)
    variance = n * m / 12 * (total + 1 - (both**3 - both).sum() / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    return math.erfc(abs(u - n * m / 2) / math.sqrt(2 * variance))


def chi_squared_p_value(counts: np.ndarray) -> float:
    """Return the p-value of chi-squared that two rows of counts have one distribution.

    Cells in which either row is expected to have fewer than 5 are merged into one.
    """
    share = counts.sum(axis=1, keepdims=True) / counts.sum()
    rare = (counts.sum(axis=0) * share.min()) < _MIN_EXPECTED
    counts = np.concatenate([counts[:, ~rare], counts[:, rare].sum(axis=1, keepdims=True)], axis=1)
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return 1.0
    expected = share * counts.sum(axis=0)
    return chi_squared_tail(float(((counts - expected) ** 2 / expected).sum()), counts.shape[1] - 1)


def chi_squared_tail(x: float, degrees: int) -> float:
    """Return the probability that chi-squared of whole degrees of freedom is above x (Abramowitz and Stegun 26.4)."""
    if x <= 0:
        return 1.0
    half, odd = x / 2, degrees % 2
    total = math.erfc(math.sqrt(half)) if odd else 0.0
    for i in range((degrees - odd) // 2):
        power = i + odd / 2
        total += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
    return min(1.0, total)


def adjusted(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for their number (Benjamini and Hochberg 1995)."""
    count = len(p_values)
    order = np.argsort(p_values)[::-1]
    scaled = np.minimum.accumulate(p_values[order] * count / np.arange(count, 0, -1))
    found = np.empty(count)
    found[order] = np.minimum(scaled, 1)
    return found


def effective_size(rows: np.ndarray) -> float:
    """Return the effective number of rows `(rows, columns)` where some repeat, n² / Σ counts² (Kish 1965).

    Rows that are drawn with replacement from few tell no more than those few.
    """
    _, counts = np.unique(rows, axis=0, return_counts=True)
    return float(len(rows) ** 2 / (counts.astype(float) ** 2).sum()) if len(rows) else 0.0
