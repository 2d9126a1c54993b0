"""Corruptions of arrays: vectors `(features,)`, sequences `(steps, channels)`, and the series that windows come from.

Strengths of noise and offset are standard deviations of the training split, by channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.evaluation.robustness.corruption import Corruption, Generators, Training

STRETCHES = 4  # into which the steps that are lost fall; fewer in short sequences
ARRAY = "array"  # the name under which the moments of arrays stand in `Training`


def add_noise(values: np.ndarray, strength: float, generator: np.random.Generator, deviation: Any) -> np.ndarray:
    """Add Gaussian noise to an example."""
    return values + strength * deviation * generator.normal(size=values.shape)


def lose_stretches(values: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Lose this fraction of the steps `(steps, …)` in up to four stretches; the last value before each is held.

    The first step is never lost.
    """
    lost = round(strength * len(values))
    parts = [len(part) for part in np.array_split(np.arange(lost), min(STRETCHES, lost) or 1)]
    places: Any = np.sort(generator.integers(0, len(values) - lost, len(parts), endpoint=False)) if lost else []
    found, done = np.array(values), 0
    for place, length in zip(places, parts, strict=False):
        start = 1 + int(place) + done
        found[start : start + length] = found[start - 1]
        done += length
    return found


def add_offset(values: np.ndarray, strength: float, generator: np.random.Generator, deviation: Any) -> np.ndarray:
    """Add a constant to all steps, or take it away, by chance."""
    return values + strength * deviation * (1.0 if generator.random() < 0.5 else -1.0)


def noise(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Add Gaussian noise."""
    deviation = training.deviation[ARRAY]
    return _same(raw, [add_noise(x, strength, g, deviation) for x, g in zip(raw, generators, strict=True)])


def missing_stretches(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Lose stretches of steps."""
    return _same(raw, [_lose(x, strength, g) for x, g in zip(raw, generators, strict=True)])


def missing_values(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Replace this fraction of the numbers of vectors by the mean of their feature."""
    lost = np.stack([generator.random(raw.shape[1]) for generator in generators]) < strength
    return np.where(lost, training.mean[ARRAY], raw).astype(raw.dtype)


def offset(raw: Any, strength: float, generators: Generators, training: Training) -> Any:
    """Move the level."""
    deviation = training.deviation[ARRAY]
    return _same(raw, [add_offset(x, strength, g, deviation) for x, g in zip(raw, generators, strict=True)])


def _lose(example: np.ndarray, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Lose stretches of the steps that are no padding (NaN)."""
    steps = int((~np.isnan(example).all(axis=-1)).sum())
    return np.concatenate([lose_stretches(example[:steps], strength, generator), example[steps:]])


def _same(raw: np.ndarray, examples: list[np.ndarray]) -> np.ndarray:
    return np.stack(examples).astype(raw.dtype)


def _has_steps(training: Training) -> bool:
    return len(training.signature.shape) > 1


LOST_FRACTIONS = (0.05, 0.1, 0.2, 0.3, 0.5)
DEVIATIONS = (0.1, 0.2, 0.4, 0.7, 1.0)
CORRUPTIONS = (
    Corruption(name="noise", unit="standard deviations", strengths=DEVIATIONS, apply=noise),
    Corruption(
        name="missing stretches",
        unit="fraction of the steps",
        strengths=LOST_FRACTIONS,
        apply=missing_stretches,
        fits=_has_steps,
    ),
    Corruption(
        name="missing values",
        unit="fraction of the values",
        strengths=LOST_FRACTIONS,
        apply=missing_values,
        fits=lambda training: not _has_steps(training),
    ),
    Corruption(name="offset", unit="standard deviations", strengths=DEVIATIONS, apply=offset, fits=_has_steps),
)
