"""Sequences of numbers of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def padded(sequences: Sequence[np.ndarray], longest: int) -> np.ndarray:
    """Return sequences as one array, float32 `(examples, longest, channels)`, NaN behind the last step of each."""
    found = np.full((len(sequences), longest, sequences[0].shape[1]), np.nan, np.float32)
    for row, values in zip(found, sequences, strict=True):
        row[: len(values)] = values
    return found
