"""Prediction intervals: a half-width for each number that is predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

ROUNDING = {"float32": 1e-6, "float64": 1e-12}  # deviation, relative to the mean, below which a window is constant


@dataclass(frozen=True, kw_only=True)
class PredictionIntervals:
    """Bounds around predictions: each minus and plus a half-width.

    Attributes:
        level: fraction of values that are to lie between the bounds.
        half_widths: of each number that is predicted, in the order of the output.
        shape: of these: `(horizon,)`, `(horizon, targets)` or `(targets,)`; empty for one number.
        by_window: half-widths are in standard deviations of a window's own values.
    """

    level: float
    half_widths: tuple[float, ...]
    shape: tuple[int, ...] = ()
    by_window: bool = False

    @property
    def array(self) -> np.ndarray:
        """Return the half-widths, float64 of `shape`."""
        return np.array(self.half_widths, np.float64).reshape(self.shape)

    def bounds(self, output: np.ndarray, raw: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper bounds, of the shape of the output.

        Args:
            output: predictions, `(examples, *shape)`.
            raw: the raw examples; of windows `(examples, steps, channels)`, or a dict with these under `array`.
        """
        widths = self.array[None]
        if self.by_window:
            widths = widths * deviations(raw, self.shape[1:])
        return output - widths, output + widths

    def to_json(self) -> dict[str, Any]:
        """Return the intervals as plain data."""
        return {
            "level": self.level,
            "half_widths": list(self.half_widths),
            "shape": list(self.shape),
            "by_window": self.by_window,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> PredictionIntervals:
        """Return what `to_json` wrote.

        Raises:
            ValueError: it holds something else.
        """
        widths, shape = tuple(map(float, facts["half_widths"])), tuple(facts["shape"])
        if math.prod(shape) != len(widths) or not all(math.isfinite(width) and width >= 0 for width in widths):
            raise ValueError(f"expected half-widths of the shape {shape}")
        return cls(level=float(facts["level"]), half_widths=widths, shape=shape, by_window=bool(facts["by_window"]))


def deviations(raw: Any, targets: tuple[int, ...] = ()) -> np.ndarray:
    """Return the standard deviation of the predicted channels of each window, as `WindowStandardize` takes it.

    Args:
        raw: windows `(examples, steps, channels)`, or a dict with these under `array`.
        targets: number of the first channels, which are predicted; empty for one.

    Returns:
        `(examples, 1)`, or `(examples, 1, targets)`; 1 for a constant window.
    """
    windows = raw["array"] if isinstance(raw, dict) else raw
    rounding = ROUNDING[str(windows.dtype)]
    values = np.asarray(windows[..., : targets[0]] if targets else windows[..., 0], np.float64)
    mean, deviation = values.mean(1, keepdims=True), values.std(1, keepdims=True)
    return np.where(deviation > rounding * (1 + np.abs(mean)), deviation, 1.0)


def rank_of_bound(examples: int, level: float) -> int:
    """Return which of the sorted residuals of so many examples is the half-width: ceil((examples + 1) level)."""
    return math.ceil((examples + 1) * Fraction(str(level)))


def min_examples(level: float) -> int:
    """Return the fewest examples whose residuals give an interval."""
    return math.ceil(Fraction(str(level)) / (1 - Fraction(str(level))))
