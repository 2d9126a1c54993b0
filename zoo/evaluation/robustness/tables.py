"""Corruptions of the rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.columns import MISSING, Column
from zoo.evaluation.robustness.corruption import Corruption, Generators, Training

UNSEEN = "\N{REPLACEMENT CHARACTER} unseen"  # no category of a training split


def missing_values(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Lose this fraction of the values of all columns."""
    columns = training.signature.columns
    lost = _drawn(generators, len(columns)) < strength
    found = dict(raw)
    for i, column in enumerate(columns):
        nothing = np.nan if column.type == "number" else MISSING
        found[column.name] = np.where(lost[:, i], nothing, raw[column.name]).astype(raw[column.name].dtype)
    return found


def noise(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Add Gaussian noise to numbers, in standard deviations of their column."""
    columns = _numbers(training)
    drawn = np.stack([generator.normal(size=len(columns)) for generator in generators])
    found = dict(raw)
    for i, column in enumerate(columns):
        values = raw[column.name]
        found[column.name] = (values + strength * training.deviation[column.name] * drawn[:, i]).astype(values.dtype)
    return found


def unseen_categories(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Replace this fraction of the categories by one that no training example has."""
    columns = _categories(training)
    chosen = _drawn(generators, len(columns)) < strength
    found = dict(raw)
    for i, column in enumerate(columns):
        found[column.name] = np.where(chosen[:, i], UNSEEN, raw[column.name]).astype(object)
    return found


def _drawn(generators: Generators, count: int) -> np.ndarray:
    return np.stack([generator.random(count) for generator in generators])


def _numbers(training: Training) -> list[Column]:
    """Return the columns of plain numbers: noise on truth values and moments means nothing."""
    return [column for column in training.signature.columns if column.type == "number" and column.form == "number"]


def _categories(training: Training) -> list[Column]:
    return [column for column in training.signature.columns if column.type == "category"]


CORRUPTIONS = (
    Corruption(
        name="missing values",
        unit="fraction of the values",
        strengths=(0.05, 0.1, 0.2, 0.3, 0.5),
        apply=missing_values,
    ),
    Corruption(
        name="noise",
        unit="standard deviations",
        strengths=(0.1, 0.2, 0.4, 0.7, 1.0),
        apply=noise,
        fits=lambda training: bool(_numbers(training)),
    ),
    Corruption(
        name="unseen categories",
        unit="fraction of the categories",
        strengths=(0.05, 0.1, 0.2, 0.3, 0.5),
        apply=unseen_categories,
        fits=lambda training: bool(_categories(training)),
    ),
)
