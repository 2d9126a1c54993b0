"""When numbers need 64 bits: where float32 would merge values, or lose what differs between them."""

from __future__ import annotations

import numpy as np

_MAX_RATIO = 1000.0  # of the largest value to the spread: float32, with 24 bits, then keeps 14 bits of a difference
_MAX_STEP_RATIO = 10_000.0  # the same of a series to its usual step, which is smaller than what its windows span
_MAX_MERGED_FRACTION = 0.1  # of the different values; a few random ones are merged in any large column
_RANGE = (1e-30, 1e30)  # of the spread and of the values: outside of it, float32 loses squares and then numbers
EXACT_INTEGERS = 1 << 53  # up to here float64 holds every whole number


def needs_double(values: np.ndarray) -> bool:
    """Return whether float32 would lose what differs between numbers: float64, NaN where missing."""
    present = values[np.isfinite(values)]
    return _needs_double(present, float(present.std()) if len(present) else 0.0, _MAX_RATIO)


def series_needs_double(values: np.ndarray) -> bool:
    """Return the same of a series, in which the steps from one value to the next have to differ."""
    return _needs_double(values[np.isfinite(values)], usual_step(values), _MAX_STEP_RATIO)


def _needs_double(present: np.ndarray, spread: float, most: float) -> bool:
    if not len(present) or present.min() == present.max():
        return False
    largest = float(np.abs(present).max())
    if largest > _RANGE[1] or 0 < spread < _RANGE[0] or largest > most * spread > 0:
        return True
    different = len(np.unique(present))
    with np.errstate(over="ignore"):
        merged = different - len(np.unique(present.astype(np.float32)))
    return merged > _MAX_MERGED_FRACTION * different


def usual_step(values: np.ndarray) -> float:
    """Return the usual step of a series, the median of the differences that are not 0."""
    steps = np.abs(np.diff(values))
    steps = steps[np.isfinite(steps) & (steps > 0)]
    return float(np.median(steps)) if len(steps) else 0.0
