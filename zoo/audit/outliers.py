"""Values that are far outside the range of the others, whatever the shape of their distribution."""

from __future__ import annotations

import numpy as np

_TAIL = 0.02  # of the values, on both sides together, that may be outliers
_WIDTHS = 3.0  # of the range of the others, beyond which a value is far from them
_LOG_WIDTHS = 0.5  # likewise of their logarithms, where all are positive: sizes and prices spread over decades
_MIN_VALUES = 30


def far_values(values: np.ndarray) -> np.ndarray:
    """Return the positions of values that are far from the others, by their range and by that of their logarithms.

    The range is that between the quantiles 1% and 99%. A value is far where it lies more than three ranges outside;
    of positive values with a long tail the logarithm has to lie half a range of the logarithms outside, too.
    """
    present = values[np.isfinite(values)]
    if len(present) < _MIN_VALUES:
        return np.empty(0, int)
    trim = max(1, round(len(present) * _TAIL / 2))
    ordered = np.sort(present)
    core = ordered[trim:-trim]
    is_far = _outside(values, core[0], core[-1], _WIDTHS)
    if core[0] > 0:
        with np.errstate(invalid="ignore", divide="ignore"):
            is_far &= _outside(np.log(values), np.log(core[0]), np.log(core[-1]), _LOG_WIDTHS) | (values <= 0)
    far = np.flatnonzero(is_far)
    return far if len(far) <= _TAIL * len(values) else np.empty(0, int)


def _outside(values: np.ndarray, low: float, high: float, widths: float) -> np.ndarray:
    width = high - low
    if not width > 0:
        return np.zeros(len(values), bool)
    with np.errstate(invalid="ignore"):
        return (values > high + widths * width) | (values < low - widths * width)
