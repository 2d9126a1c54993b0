"""A property of examples, cut into buckets: quarters of numbers, and values of categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MAX_CATEGORIES = 10  # by themselves; the rarer ones are one bucket
MAX_WHOLE_VALUES = 6  # different numbers, up to which each is a bucket
MIN_NUMBERS = 0.95  # fraction of the values that are there, from which texts that are numbers are cut as such
MAX_SHOWN_CHARACTERS = 40  # of a value


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property of examples.

    Attributes:
        codes: number of the bucket of each example, `(n,)`.
        names: of the buckets, such as "age > 60".
    """

    codes: np.ndarray
    names: tuple[str, ...]


def number_property(name: str, values: np.ndarray) -> Property:
    """Cut numbers at their quartiles; where there are few different ones, each is a bucket. NaN is missing."""
    values = np.asarray(values, np.float64)
    finite = values[np.isfinite(values)]
    distinct = np.unique(finite)
    if len(distinct) <= MAX_WHOLE_VALUES:
        texts = [f"{value:.6g}" if np.isfinite(value) else "" for value in values]
        return category_property(name, texts)
    cuts = np.unique(np.quantile(finite, [0.25, 0.5, 0.75]))
    cuts = cuts[cuts < distinct[-1]] if cuts[0] < distinct[-1] else distinct[-2:-1]  # most are the largest one
    shown = [f"{cut:.4g}" for cut in cuts]
    names = [f"{name} ≤ {shown[0]}", *(f"{name} > {a} to {b}" for a, b in pairwise(shown))]
    names += [f"{name} > {shown[-1]}", f"{name} missing"]
    codes = np.searchsorted(cuts, np.nan_to_num(values), side="left")
    return Property(codes=np.where(np.isfinite(values), codes, len(names) - 1), names=tuple(names))


def category_property(name: str, values: Sequence[str]) -> Property:
    """Give each of the ten most frequent values a bucket, and the others one; the empty text is missing."""
    counts = Counter(values)
    frequent = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_CATEGORIES]]
    place = {value: i for i, value in enumerate(frequent)}
    codes = np.array([place.get(value, len(frequent)) for value in values], int)
    names = [f"{name} = {value[:MAX_SHOWN_CHARACTERS]}" if value else f"{name} missing" for value in frequent]
    return Property(codes=codes, names=(*names, f"{name}: a rarer value"))


def mixed_property(name: str, values: Sequence[object]) -> Property:
    """Cut the values of a column of which nothing is known: as numbers where they are such, else as categories."""
    texts = ["" if _is_missing(value) else str(value) for value in values]
    numbers = np.array([_number(text) for text in texts])
    there = np.array([bool(text) for text in texts])
    if there.any() and np.isfinite(numbers[there]).mean() >= MIN_NUMBERS:
        return number_property(name, numbers)
    return category_property(name, texts)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or str(value) in ("NaT", "<NA>")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
