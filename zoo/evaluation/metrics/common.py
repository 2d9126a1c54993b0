"""What the kinds share: checks of shapes, names of symbols, and the choice of examples to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WORST = 24
TYPICAL = 4


def check(y: np.ndarray, output: np.ndarray, fits: bool, expected: str) -> None:
    """Raise a ValueError that names both shapes, unless they fit and there are examples."""
    if not fits or not len(y):
        raise ValueError(f"expected {expected}; received {np.shape(y)} and {np.shape(output)}")


def ratio(part: float, whole: float) -> float:
    """Return `part / whole`, or NaN if there is nothing to divide by."""
    return float(part / whole) if whole else float("nan")


def label_of(labels: Sequence[str], index: int) -> str:
    """Return the name of a class or symbol, or its number where it has none."""
    return labels[index] if 0 <= index < len(labels) else str(int(index))


def text_of(ids: np.ndarray, labels: Sequence[str]) -> str:
    """Return symbols as text: side by side if each is one character, else with spaces between.

    Args:
        ids: symbols, with 0 where there is none, shape `(length,)`.
        labels: the symbols' names by number; those in angle brackets are special symbols.
    """
    return separator(labels).join(label_of(labels, int(i)) for i in ids if i)


def separator(labels: Sequence[str]) -> str:
    """Return what stands between two symbols in text: nothing if all plain symbols are single characters."""
    plain = [name for name in labels if name and not (name[0] == "<" and name[-1] == ">" and len(name) > 1)]
    return "" if plain and all(len(name) == 1 for name in plain) else " "


def highest(values: np.ndarray, most: int = WORST) -> np.ndarray:
    """Return the indices of the highest values, highest first and equal ones in order; those that are NaN last."""
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:most]


def typical(values: np.ndarray, most: int = TYPICAL) -> list[int]:
    """Return the indices of the values nearest to their median."""
    distance = np.abs(values - np.nanmedian(values)) if np.isfinite(values).any() else np.zeros(len(values))
    return [int(i) for i in highest(-distance, most)]
