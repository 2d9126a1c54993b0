"""Odd series: values that stand still, and changes of level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import Subject

_MIN_RUN = 8  # equal values one after another
_MAX_STANDING = 0.2  # of the steps that equal the one before; a series with more, such as of sales, stands often
_MIN_STEPS = 40
_MIN_LEVEL_CHANGE = 3.0  # robust deviations within the parts, between their medians
_MAX_SERIES = 1000


def series_findings(subject: Subject) -> Iterator[Finding]:
    """Yield where a series stands still, or moves to another level for good; of many series the first 1,000."""
    series = subject.dataset.series
    if series is None:
        return
    values = series.values if series.values.ndim == 2 else series.values[:, None]
    ends = [*series.starts[1:], len(values)]
    gaps, levels = [], []
    for name, start, end in list(zip(series.names, series.starts, ends, strict=True))[:_MAX_SERIES]:
        for i, target in enumerate(subject.dataset.signature.targets or (subject.dataset.signature.target,)):
            one = values[start:end, i].astype(np.float64)
            place = {"series": name, "column": target}
            gaps += [place | run for run in standing_runs(one)]
            change = level_change(one)
            levels += [place | change] if change is not None else []
    if gaps:
        longest = max(gap["steps"] for gap in gaps)
        yield found(
            "series_gaps",
            f"{len(gaps)} times the series stands still, for up to {longest} steps: were values missing and filled?",
            count=len(gaps),
            evidence=gaps,
        )
    if levels:
        first = levels[0]
        yield found(
            "level_change",
            f"{len(levels)} series move to another level for good, the first at step {first['step']}: from "
            f"{first['before']:.4g} to {first['after']:.4g}",
            count=len(levels),
            evidence=levels,
        )


def standing_runs(values: np.ndarray) -> list[dict[str, float]]:
    """Return runs of equal values that are far longer than is usual for the series."""
    still = np.diff(values) == 0
    if len(values) < _MIN_STEPS or still.mean() > _MAX_STANDING:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2] + 1
    long = lengths >= _MIN_RUN
    return [
        {"step": int(at), "steps": int(count), "value": float(values[at])}
        for at, count in zip(starts[long], lengths[long], strict=True)
    ]


def level_change(values: np.ndarray) -> dict[str, float] | None:
    """Return the step at which a series moves to another level for good: one step, not a trend or a season.

    The step is that at which two constant levels fit best (least squares). Both levels have to be far apart in units of
    what is left within them, and most of the change has to happen within a few steps.
    """
    n = len(values)
    if n < _MIN_STEPS or not values.std():
        return None
    margin = max(10, n // 20)
    centered = values - values.mean()
    sums, squares = np.cumsum(centered), np.cumsum(centered**2)
    at = np.arange(margin, n - margin)
    rest = sums[-1] - sums[at - 1]
    left = squares[at - 1] - sums[at - 1] ** 2 / at
    right = squares[-1] - squares[at - 1] - rest**2 / (n - at)
    best = int(at[np.argmin(left + right)])
    before, after = np.median(values[:best]), np.median(values[best:])
    residual = np.concatenate([values[:best] - before, values[best:] - after])
    spread = 1.4826 * np.median(np.abs(residual))
    near = max(3, n // 50)
    jump = np.median(values[best : best + near]) - np.median(values[best - near : best])
    is_level = abs(after - before) > _MIN_LEVEL_CHANGE * spread
    if not (is_level and np.sign(jump) == np.sign(after - before) and abs(jump) > abs(after - before) / 2):
        return None
    return {"step": best, "before": float(before), "after": float(after)}
