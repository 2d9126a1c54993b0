"""Telling early that a trial will not win: the median stopping rule of Golovin et al., 2017 (Google Vizier)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def is_hopeless(own: Sequence[float], rivals: Sequence[Sequence[float]], *, greater_is_better: bool) -> bool:
    """Return whether a trial's best figure is worse than the median of what the others had on average by then.

    Args:
        own: the trial's figure by epoch, up to now.
        rivals: the figures of finished trials by epoch; of those that ended earlier, all count.
        greater_is_better: the direction of the figure.
    """
    if not own or not rivals:
        return False
    averages = [statistics.fmean(rival[: len(own)]) for rival in rivals if rival]
    median = statistics.median(averages)
    return max(own) < median if greater_is_better else min(own) > median
