"""New examples against the distribution of training: what has drifted, by size and by significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.serving.drift.distribution import Distribution, FeatureDistribution
from zoo.serving.drift.features import Feature, rows_of
from zoo.serving.drift.statistics import (
    adjusted,
    chi_squared_p_value,
    effective_size,
    ks_distance,
    ks_p_value,
    rank_p_value,
)
from zoo.utils.stability_index import psi

ALPHA = 0.01  # rate of false alarms of all features together, by Benjamini and Hochberg
MIN_PSI = 0.1  # population stability index from which a difference is large enough to matter


def drift_report(
    distribution: Distribution,
    inputs: Sequence[Feature],
    predictions: Sequence[Feature],
    *,
    ood_threshold: float | None = None,
    overlap: int = 1,
) -> dict[str, Any]:
    """Compare new examples with training.

    A feature has drifted where its population stability index is above `MIN_PSI` and its p-value below `ALPHA`. The
    p-value of a number is three times the least of three tests: Kolmogorov and Smirnov (any change of shape), Mann and
    Whitney (location) and chi-squared over the bins with the missing values (spread); that of a category is of
    chi-squared. All are adjusted for the number of features. Where training examples hardly repeat, repeated new ones
    count as the sample of fewer that they are (Kish 1965).

    Args:
        distribution: that of the file.
        inputs: features of the new examples.
        predictions: features of their predictions; empty where they are not compared.
        ood_threshold: the out-of-distribution score above which an example is unusual.
        overlap: examples in which each step occurs, where they are windows of a series.

    Returns:
        `drift`, `examples`, `effective_examples`, `training_examples`, `features`, the worst first, each with `name`,
        `type`, `psi`, `ks`, `p_value`, `drift`, `missing` (rate) and `unseen` (rate of categories that training
        lacks), and `split`, what it is compared with; and `predictions` with `drift`, `features`, the same of
        predictions, and the rate of examples that is `unusual`.
    """
    count = len(inputs[0]) if inputs else 0
    rate = _effective_rate(distribution, inputs) / overlap
    training = distribution.effective / max(1, distribution.examples)
    found = _compare(distribution.inputs, inputs, rate, training)
    predicted = _compare(distribution.predictions, predictions, rate, 1.0)
    every = found + predicted
    if every:
        for row, p in zip(every, adjusted(np.array([row["p_value"] for row in every])), strict=True):
            row["p_value"] = float(p)
            row["drift"] = bool(p < ALPHA and row["psi"] > MIN_PSI)
    scores = next((f.values for f in predictions if f.name == "ood_score"), None)
    unusual = None if scores is None or ood_threshold is None else float(np.mean(scores > ood_threshold))
    return {
        "drift": any(row["drift"] for row in every),
        "examples": count,
        "effective_examples": round(rate * count, 1),
        "training_examples": distribution.examples,
        "features": _worst_first(found),
        "predictions": {
            "drift": any(row["drift"] for row in predicted),
            "features": _worst_first(predicted),
            "unusual": unusual,
        },
        "left_out": distribution.left_out,
    }


def _effective_rate(distribution: Distribution, inputs: Sequence[Feature]) -> float:
    """Return what one new example is worth: less than 1 where they repeat and those of training do not."""
    if distribution.repeats or not inputs or not len(inputs[0]):
        return 1.0
    return effective_size(rows_of(inputs)) / len(inputs[0])


def _worst_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-row["drift"], -row["psi"], row["name"]))


def _compare(
    known: Sequence[FeatureDistribution], new: Sequence[Feature], rate: float, training: float
) -> list[dict[str, Any]]:
    given: Mapping[str, Feature] = {feature.name: feature for feature in new if len(feature)}
    return [_compare_one(each, given[each.name].values, rate, training) for each in known if each.name in given]


def _compare_one(known: FeatureDistribution, values: np.ndarray, rate: float, training: float) -> dict[str, Any]:
    cells = np.stack([known.cells, known.count(values)])
    rates = cells[1] / cells[1].sum()
    weighted = cells * [[training], [rate]]
    p = chi_squared_p_value(weighted)
    distance = None
    present = weighted[:, :-1]
    if known.is_number and present.sum(axis=1).min() > 0:
        distance = ks_distance(present)
        p = min(1.0, 3 * min(p, ks_p_value(distance, *present.sum(axis=1)), rank_p_value(present)))
    other = cells[0, -2] / cells[0].sum()
    return {
        "name": known.name,
        "type": "number" if known.is_number else "category",
        "psi": psi(weighted),
        "ks": distance,
        "p_value": p,
        "drift": False,
        "missing": float(rates[-1]),
        "split": known.split,
        "unseen": None if known.is_number else float(max(0.0, rates[-2] - other)),
    }
