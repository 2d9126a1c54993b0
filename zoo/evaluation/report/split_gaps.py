"""Gaps between the splits: when one is clear, how it is said, and what it suggests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.tasks import Kind, Task, as_task

MIN_GAP_FRACTION = 0.30  # of the larger error; a smaller gap between two splits is usual
MIN_GAP_POINTS = 0.05  # of a metric where greater is better

_UNBOUNDED = ("psnr",)  # without a best value that an error could be counted from
_SPLITS = ("train", "validation", "test")

Metrics = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class GapTexts:
    """What a gap between two splits suggests.

    Attributes:
        training_harder: the training error is clearly above the validation error.
        test_easier: the validation error is clearly above the test error.
        test_harder: the test error is clearly above the validation error.
    """

    training_harder: str
    test_easier: str
    test_harder: str


_EXAMPLES = GapTexts(
    training_harder=(
        "Dropout or augmentation may be too strong, or the validation split may be too easy, too small, or share "
        "examples with training."
    ),
    test_easier="Look for duplicates between the splits, and for a test split drawn in another way.",
    test_harder="The splits may come from different sources, or settings were tuned to the validation split.",
)
_SERIES = GapTexts(
    training_harder="Dropout may be too strong, or the later part of the series calmer than the training part.",
    test_easier="The series may be calmer in its last part, or that part may be too short.",
    test_harder="The series may have changed since: train on its later part, or more often.",
)
_GAP_TEXTS: dict[Kind, GapTexts] = {**dict.fromkeys(get_args(Kind), _EXAMPLES), "forecasting": _SERIES}


def gap_texts(task: str | Task) -> GapTexts:
    """Return what clear gaps between the splits suggest for a task."""
    return _GAP_TEXTS[as_task(task).kind]


def clearly_above(
    task: str | Task, metrics: Mapping[str, Metrics], examples: Mapping[str, int], worse: str, better: str
) -> bool:
    """Return whether the error of one split is clearly above that of another, as `diagnose` defines it."""
    above, below = error_of(task, metrics.get(worse)), error_of(task, metrics.get(better))
    if above is None or below is None:
        return False
    gap, least = above - below, MIN_GAP_FRACTION * above
    if as_task(task).primary in PERCENT:
        noise = math.sqrt(sum(_variance(e, examples.get(split)) for e, split in ((above, worse), (below, better))))
        least = max(least, 2 * noise)
    return gap > max(least, MIN_GAP_POINTS if as_task(task).greater_is_better else 0)


def _variance(error: float, examples: int | None) -> float:
    """Return the variance of an error rate, with one success and one failure added so that it is never zero."""
    if not examples:
        return 0.0
    rate = min(1.0, (error * examples + 1) / (examples + 2))
    return rate * (1 - rate) / examples


def error_of(task: str | Task, metrics: Metrics | None) -> float | None:
    """Return the error in the primary metric, None where it is unknown or not finite."""
    value = (metrics or {}).get(as_task(task).primary)
    if value is None or not math.isfinite(value) or as_task(task).primary in _UNBOUNDED:
        return None
    return 1 - value if as_task(task).greater_is_better else value


def describe_pair(task: str | Task, metrics: Mapping[str, Metrics], first: str, second: str) -> str:
    """Return, for example, "Accuracy is 99.1% in training but 91.0% in validation"."""
    name, (first, second) = as_task(task).primary, sorted((first, second), key=_SPLITS.index)
    texts = [format(metrics[split][name], ".1%" if name in PERCENT else ".3g") for split in (first, second)]
    where = [{"train": "training"}.get(split, split) for split in (first, second)]
    title = TITLES[name]
    return f"{title[0].upper()}{title[1:]} is {texts[0]} in {where[0]} but {texts[1]} in {where[1]}"
