"""The search for slices: one bucket of a property, or of two, on which the errors are clearly larger than elsewhere.

Every slice that is looked at counts in the correction for looking often (Benjamini and Hochberg, 1995).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.evaluation.slices.buckets import Property

MIN_EXAMPLES = 20  # in a slice
FALSE_DISCOVERY_RATE = 0.05
MAX_PAIRED = 12  # properties whose pairs are looked at: those with the largest differences by themselves
MAX_SLICES = 10  # that are kept
MAX_SHARED = 0.5  # examples in common, of all in either, with a slice that is kept


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some examples, on which the errors are larger.

    Attributes:
        where: in words, such as "age > 60 and sex = f".
        members: which examples are in it, bool `(n,)`.
        mean: their mean error.
        p_value: of the one-sided test against the other examples, corrected for all slices that were looked at.
    """

    where: str
    members: np.ndarray
    mean: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Number of examples, sum of their errors and of the squares, of several slices at once."""

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """The mean error of each."""
        return self.total / np.maximum(self.count, 1)


def find_slices(properties: Sequence[Property], errors: np.ndarray) -> tuple[list[Slice], int]:
    """Return the worst slices, the largest mean error first, and how many were looked at.

    A slice has at least 20 examples. One of two properties is kept only where it is worse than the rest of the bucket
    of either (p < 0.05, divided by the number of pairs with that bucket), and none that shares more than half of its
    examples with a worse one.

    Args:
        properties: of the examples.
        errors: of each example, `(n,)`.
    """
    whole = _sums(np.zeros(len(errors), int), errors, 1)
    looked: list[tuple[tuple[int, ...], tuple[int, ...], int, float, float]] = []  # properties, codes, count, mean, p
    single = [_sums(each.codes, errors, len(each.names)) for each in properties]
    for i, sums in enumerate(single):
        p = larger(sums, whole, errors)
        looked += [((i,), (c,), int(sums.count[c]), float(sums.means[c]), float(p[c])) for c in _large(sums, whole)]
    gaps = [max([entry[3] for entry in looked if entry[0] == (i,)], default=-np.inf) for i in range(len(properties))]
    paired = sorted(np.argsort(gaps, kind="stable")[::-1][:MAX_PAIRED].tolist())
    for i, j in itertools.combinations(paired, 2):
        width = len(properties[j].names)
        codes = properties[i].codes * width + properties[j].codes
        sums = _sums(codes, errors, len(properties[i].names) * width)
        p = larger(sums, whole, errors)
        looked += [
            ((i, j), (int(c) // width, int(c) % width), int(sums.count[c]), float(sums.means[c]), float(p[c]))
            for c in _large(sums, whole)
        ]
    return _worst(properties, errors, looked), len(looked)


def larger(part: Sums, whole: Sums, errors: np.ndarray) -> np.ndarray:
    """Return one-sided p-values: are the errors of parts larger than those of the other examples?

    Where an example is right or wrong it is the exact test of the hypergeometric distribution, which is what permuting
    the errors would give (Fisher 1935); else Welch's test (1947).
    """
    from scipy.stats import hypergeom, ttest_ind_from_stats

    if np.isin(errors, (0.0, 1.0)).all():
        return np.asarray(hypergeom.sf(part.total - 1, whole.count[0], whole.total[0], part.count))
    rest = Sums(count=whole.count - part.count, total=whole.total - part.total, squares=whole.squares - part.squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = ttest_ind_from_stats(
            *(part.means, _deviations(part), part.count, rest.means, _deviations(rest), rest.count),
            equal_var=False,
            alternative="greater",
        )
    return np.nan_to_num(np.asarray(found.pvalue), nan=1.0)


def _worst(
    properties: Sequence[Property],
    errors: np.ndarray,
    looked: Sequence[tuple[tuple[int, ...], tuple[int, ...], int, float, float]],
) -> list[Slice]:
    from scipy.stats import false_discovery_control

    if not looked:
        return []
    corrected = false_discovery_control([entry[-1] for entry in looked])
    pairs = Counter(
        bucket for places, codes, *_ in looked if len(places) == 2 for bucket in zip(places, codes, strict=True)
    )
    found: list[Slice] = []
    for place in np.argsort([-entry[3] for entry in looked], kind="stable"):
        places, codes, _, mean, _ = looked[place]
        if corrected[place] >= FALSE_DISCOVERY_RATE or mean <= errors.mean():
            continue
        buckets = list(zip(places, codes, strict=True))
        marks = [properties[i].codes == code for i, code in buckets]
        members = np.logical_and.reduce(marks)
        if len(marks) == 2 and not all(
            _is_worse_within(members, mark, errors, FALSE_DISCOVERY_RATE / pairs[bucket])
            for mark, bucket in zip(marks, buckets, strict=True)
        ):
            continue
        if any((members & kept.members).sum() > MAX_SHARED * (members | kept.members).sum() for kept in found):
            continue
        where = " and ".join(properties[i].names[code] for i, code in buckets)
        found.append(Slice(where=where, members=members, mean=mean, p_value=float(corrected[place])))
        if len(found) == MAX_SLICES:
            break
    return found


def _is_worse_within(members: np.ndarray, outer: np.ndarray, errors: np.ndarray, level: float) -> bool:
    """Return whether a slice is worse than the rest of a larger one that holds it, at a level of significance."""
    inside = errors[outer]
    sums, whole = _sums(members[outer].astype(int), inside, 2), _sums(np.zeros(len(inside), int), inside, 1)
    return bool(sums.count[0] and larger(sums, whole, inside)[1] < level)


def _large(sums: Sums, whole: Sums) -> np.ndarray:
    """Return which slices have enough examples, and leave some out."""
    return np.flatnonzero((sums.count >= MIN_EXAMPLES) & (sums.count < whole.count[0]))


def _sums(codes: np.ndarray, errors: np.ndarray, size: int) -> Sums:
    count, total, squares = (np.bincount(codes, w, size) for w in (np.ones(len(errors)), errors, errors**2))
    return Sums(count=count, total=total, squares=squares)


def _deviations(sums: Sums) -> np.ndarray:
    spread = sums.squares - sums.total**2 / np.maximum(sums.count, 1)
    return np.sqrt(np.maximum(spread, 0) / np.maximum(sums.count - 1, 1))
