"""Padding of token ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pad_rows(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays of token ids of different lengths, padded with 0 on the right."""
    width = max((r.shape[1] for r in rows), default=1)
    return np.concatenate([np.pad(r, ((0, 0), (0, width - r.shape[1]))) for r in rows])
