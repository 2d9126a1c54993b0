"""How much each key of a space mattered for the score, as far as the trials tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.search.records import TrialRecord

MIN_TRIALS = 8  # below which nothing is said
_TREES = 200  # of the forest
_REPEATS = 20  # shuffles of each key


def importance(trials: Sequence[TrialRecord], keys: Sequence[str]) -> dict[str, Any] | None:
    """Return the fraction that each key has in a forest's prediction of the score; None for too few trials.

    Permutation importance (Breiman, 2001): how much worse the forest is when a key's values are shuffled among the
    trials. `out_of_bag_r2` says how good the forest itself is: near or below zero, the fractions mean nothing.

    Args:
        trials: those that have a score.
        keys: of the space.

    Returns:
        `shares` by key, fractions that sum to one, and `out_of_bag_r2`.
    """
    if len(trials) < MIN_TRIALS:
        return None
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    columns = np.stack([_column(trials, key) for key in keys], axis=1)
    y = np.array([trial.score for trial in trials], np.float64)
    if np.ptp(y) == 0:
        return None
    forest = RandomForestRegressor(_TREES, oob_score=True, random_state=0, min_samples_leaf=2).fit(columns, y)
    found = permutation_importance(forest, columns, y, n_repeats=_REPEATS, random_state=0).importances_mean
    found = np.maximum(found, 0)
    total = found.sum()
    fractions = found / total if total > 0 else found
    return {
        "shares": {key: float(fraction) for key, fraction in zip(keys, fractions, strict=True)},
        "out_of_bag_r2": float(forest.oob_score_),
    }


def _column(trials: Sequence[TrialRecord], key: str) -> np.ndarray:
    """Return a key's values as numbers: those of a choice in the order of their first trial; -1 where it has none."""
    values = [trial.value_of(key) for trial in trials]
    if all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values):
        return np.array([-1.0 if v is None else float(v) for v in values])
    texts = [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values]
    known = {text: i for i, text in enumerate(dict.fromkeys(t for t in texts if t is not None))}
    return np.array([-1.0 if t is None else float(known[t]) for t in texts])
