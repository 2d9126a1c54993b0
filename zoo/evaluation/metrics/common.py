"""Helpers of all kinds of task: checks of shapes, names of symbols, and the choice of examples to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Statistic = Callable[[np.ndarray], np.ndarray]  # how often each example counts, `(n,)`, to the values of metrics

MAX_WORST_EXAMPLES = 24  # entries of `worst` in report.json
TYPICAL_EXAMPLES = 4  # entries of `typical` in report.json


def check(y: np.ndarray, output: np.ndarray, fits: bool, expected: str) -> None:
    """Raise a ValueError that names both shapes, unless they fit and there are examples."""
    if not fits or not len(y):
        raise ValueError(f"expected {expected}; received {np.shape(y)} and {np.shape(output)}")


def ratio(part: float, whole: float) -> float:
    """Return `part / whole`, NaN where the denominator is 0."""
    return float(part / whole) if whole else float("nan")


def label_of(labels: Sequence[str], index: int) -> str:
    """Return the name of a class or symbol, or its number where it has none."""
    return labels[index] if 0 <= index < len(labels) else str(int(index))


def text_of(ids: np.ndarray, labels: Sequence[str]) -> str:
    """Return symbols as text: side by side if each is one character, else separated by spaces.

    Args:
        ids: symbols, 0 for padding, shape `(length,)`.
        labels: the symbols' names by number; those in angle brackets are special symbols.
    """
    return separator(labels).join(label_of(labels, int(i)) for i in ids if i)


def separator(labels: Sequence[str]) -> str:
    """Return what separates two symbols in text: nothing if all plain symbols are single characters."""
    plain = [name for name in labels if name and not (name[0] == "<" and name[-1] == ">" and len(name) > 1)]
    return "" if plain and all(len(name) == 1 for name in plain) else " "


def highest(values: np.ndarray, most: int = MAX_WORST_EXAMPLES) -> np.ndarray:
    """Return the indices of the highest values, highest first, ties in order; NaN come last."""
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:most]


def typical(values: np.ndarray, most: int = TYPICAL_EXAMPLES) -> list[int]:
    """Return the indices of the values nearest to their median."""
    distance = np.abs(values - np.nanmedian(values)) if np.isfinite(values).any() else np.zeros(len(values))
    return [int(i) for i in highest(-distance, most)]


def draw_at_most(examples: int, most: int, seed: int) -> np.ndarray:
    """Return the indices, in rising order, of all examples, or of `most` of them drawn at random."""
    if examples <= most:
        return np.arange(examples)
    return np.sort(np.random.default_rng(seed).choice(examples, most, replace=False))
