"""Permutation importance: how far the metric falls when one part of the examples is shuffled among them.

Breiman, "Random forests", 2001, https://doi.org/10.1023/A:1010933404324.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

REPEATS = 5


class _Rows:
    """What scikit-learn permutes: of each part, the example that it is taken from. There is nothing to fit."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> _Rows:
        return self


def permutation_importance(
    score: Callable[[np.ndarray], float], names: Sequence[str], examples: int, *, seed: int, repeats: int = REPEATS
) -> list[dict[str, Any]]:
    """Shuffle each part of the examples among them, and measure how far the score falls.

    Args:
        score: takes, of each part, the examples that it is taken from, integers `(examples, parts)`; greater is better.
        names: of the parts.
        examples: their number.
        seed: seed of the shuffles.
        repeats: shuffles of each part.

    Returns:
        Of each part `name`, and `mean` and `std` of the fall over the shuffles, the largest mean first.
    """
    from sklearn.inspection import permutation_importance as importance

    rows = np.repeat(np.arange(examples)[:, None], len(names), axis=1)
    found = importance(
        _Rows(), rows, None, scoring=lambda _, x, y: score(x), n_repeats=repeats, random_state=seed, n_jobs=1
    )
    order = np.argsort(-found.importances_mean, kind="stable")
    return [
        {"name": names[i], "mean": float(found.importances_mean[i]), "std": float(found.importances_std[i])}
        for i in order
    ]
