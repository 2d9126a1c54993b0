"""Corruptions of series that are forecast: the past gets worse, what is to come stays.

A step has one value, whichever window it is seen in. The training part stays, so that the baseline is fitted to it as
before; the steps that a test window sees are corrupted, those before the first of them are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset, Series, Split
from zoo.data.inputs import Inputs
from zoo.evaluation.robustness.arrays import DEVIATIONS, LOST_FRACTIONS, add_noise, add_offset, lose_stretches

_Change = Callable[[np.ndarray, float, np.random.Generator, Any], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class SeriesCorruption:
    """One way in which the past of a series gets worse.

    Attributes:
        name: of the corruption.
        unit: what the strength counts, for people.
        strengths: from weak to strong.
        change: takes the steps of one series that test windows see, the strength, a generator, and the deviation of
            the series over its training part; returns new values.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    change: _Change


def _lose(values: np.ndarray, strength: float, generator: np.random.Generator, deviation: Any) -> np.ndarray:
    return lose_stretches(values, strength, generator)


CORRUPTIONS = (
    SeriesCorruption(name="noise", unit="standard deviations", strengths=DEVIATIONS, change=add_noise),
    SeriesCorruption(name="missing stretches", unit="fraction of the steps", strengths=LOST_FRACTIONS, change=_lose),
    SeriesCorruption(name="offset", unit="standard deviations", strengths=DEVIATIONS, change=add_offset),
)


@dataclass(frozen=True, kw_only=True)
class CorruptedWindows:
    """Windows whose predicted channels are cut from other values.

    Attributes:
        inputs: the windows; the first channels of each are what is predicted.
        values: the other values, `(time, …)` as `Series.values`.
    """

    inputs: Inputs
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: np.ndarray) -> Any:
        """Return the windows that begin at the steps `indices`."""
        raw = self.inputs.take(indices)
        windows = np.array(raw["array"] if isinstance(raw, dict) else raw)
        own = self.values[np.asarray(indices)[:, None] + np.arange(windows.shape[1])]
        own = own.reshape(*windows.shape[:2], -1)
        windows[..., : own.shape[-1]] = own
        return {**raw, "array": windows} if isinstance(raw, dict) else windows

    def digest(self) -> str:
        """Return what the windows depend on."""
        return f"{self.inputs.digest()} {hash(self.values.tobytes())}"

    def chunk_size(self, limit: int) -> int:
        """Return how many windows to take at a time."""
        return self.inputs.chunk_size(limit)


def corrupted_series(dataset: Dataset, corruption: SeriesCorruption, strength: float, seed: int) -> Series:
    """Return the series with the steps corrupted that test windows see, from where the first of them begins."""
    series, history = dataset.series, int(dataset.signature.shape[0] or 0)
    assert series is not None
    values, of_window = np.array(series.values), series.series_of("test")
    ends = np.append(series.starts[1:], len(values))
    for place, (start, end) in enumerate(zip(series.starts, ends, strict=True)):
        own = series.origins["test"][of_window == place]
        if not len(own):
            continue
        seen = slice(max(int(own.min()) - history, int(start)), int(end))
        deviation = values[start : series.train_ends[place]].std(axis=0, dtype=np.float64)
        generator = np.random.default_rng((seed, place))
        values[seen] = corruption.change(values[seen], strength, generator, deviation)
    return replace(series, values=values)


def corrupted_windows(split: Split, values: np.ndarray) -> Split:
    """Return the windows of a split with their past cut from other values."""
    return Split(CorruptedWindows(inputs=split.inputs, values=values), split.indices, split.targets)
