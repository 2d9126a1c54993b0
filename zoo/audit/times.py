"""Leakage of time: training on what came later than the test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import HELD_OUT, Subject
from zoo.data.tables.file import Table
from zoo.data.tables.time_order import OrderError, best_form, find_time, iso_text, moments
from zoo.errors import ZooError

_MIN_ROWS = 50
_NEIGHBORS = 5  # in time, by which the target of a row is predicted
_MIN_EXPLAINED = 0.1  # of what there is to explain, by the neighbors in time
_MAX_CHANCE = 1e-4
_MIN_MOMENTS = 20
_MICROSECONDS_PER_DAY = 86_400_000_000


def time_findings(subject: Subject) -> Iterator[Finding]:
    """Yield columns of moments along which training comes after a split, or that a random cut ignores."""
    dataset = subject.dataset
    for name, moments_of in _moment_columns(subject):
        if dataset.cut is not None and dataset.cut.values.dtype.kind == "M":
            return  # cut along time, which loading says
        if len(np.unique(moments_of["train"])) < _MIN_MOMENTS:
            continue
        for split in HELD_OUT:
            if subject.is_own(split) and len(moments_of[split]):
                yield from _own(subject, name, split, moments_of)
        if all(not subject.is_own(split) for split in HELD_OUT):
            yield from _drawn(subject, name, moments_of)


def _own(subject: Subject, name: str, split: str, times: dict[str, np.ndarray]) -> Iterator[Finding]:
    train, held = times["train"], times[split]
    if np.nanmax(held) < np.nanmin(train):
        yield found(
            "time_leakage",
            f"every {split} row is earlier than the training rows: '{name}' ends at {_text(np.nanmax(held))}, and "
            f"training begins at {_text(np.nanmin(train))}",
            count=len(held),
            evidence=[{"column": name, "split": split, "last": _text(np.nanmax(held)), "training": _text(train.min())}],
            remedy=f"data: {{time: {name}}}, on one file with all rows",
        )
        return
    later = float(np.mean(train > np.nanmin(held)))
    if later > 0 and np.nanmedian(held) > np.nanquantile(train, 0.9) and later < 0.5:
        yield found(
            "time_leakage",
            f"{later:.0%} of the training rows are later than the first {split} row by '{name}'",
            count=round(later * len(train)),
            evidence=[{"column": name, "split": split, "first": _text(np.nanmin(held))}],
            severity="warning",
            remedy=f"data: {{time: {name}}}, on one file with all rows",
        )


def _drawn(subject: Subject, name: str, times: dict[str, np.ndarray]) -> Iterator[Finding]:
    """Yield a random cut of rows whose target depends on when they were."""
    explained, chance = _by_neighbors(subject, times["train"])
    if explained < _MIN_EXPLAINED or chance > _MAX_CHANCE:
        return
    yield found(
        "time_leakage",
        f"the splits are drawn at random, and the target depends on '{name}': the rows next in time explain "
        f"{explained:.0%} of it; when the model is used, those that come later are not known",
        evidence=[{"column": name, "explained": explained}],
        severity="warning",
        remedy=f"data: {{time: {name}}}",
    )


def _by_neighbors(subject: Subject, times: np.ndarray) -> tuple[float, float]:
    """Return what the rows next in time explain of the target, and the probability of that by chance."""
    from scipy import stats

    known = ~np.isnan(times)
    y = subject.dataset.train.targets[known]
    if known.sum() < _MIN_ROWS or not (subject.has_classes or subject.has_numbers):
        return 0.0, 1.0
    order = np.argsort(times[known], kind="stable")
    y = y[order]
    near = np.stack([np.roll(y, k) for k in range(-_NEIGHBORS, _NEIGHBORS + 1) if k], axis=1)[_NEIGHBORS:-_NEIGHBORS]
    y = y[_NEIGHBORS:-_NEIGHBORS]
    if subject.has_numbers:
        usual, errors = (y - y.mean()) ** 2, (y - near.mean(axis=1)) ** 2
        chance = stats.spearmanr(y, near.mean(axis=1)).pvalue
        return (float(1 - errors.sum() / usual.sum()) if usual.sum() else 0.0), float(np.nan_to_num(chance, nan=1.0))
    votes = np.stack([(near == c).sum(axis=1) for c in range(len(subject.labels))], axis=1)
    right, usual = votes.argmax(axis=1) == y, np.bincount(y).argmax() == y
    better, worse = int((right & ~usual).sum()), int((usual & ~right).sum())
    chance = stats.binomtest(better, better + worse, alternative="greater").pvalue if better + worse else 1.0
    return float((right.mean() - usual.mean()) / max(1e-9, 1 - usual.mean())), float(chance)


def _moment_columns(subject: Subject) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield columns of moments, inputs or not, with their values by split: days since 1970, NaN where missing."""
    dataset = subject.dataset
    if dataset.signature.kind == "table":
        for column in dataset.signature.columns:
            if column.form == "time":
                yield column.name, {s: subject.column(s, column.name).astype(np.float64) for s in subject.splits}
    if dataset.table is not None:
        for name in dataset.table.columns:
            values = _moments(dataset.table, name)
            if values is not None:
                yield name, {s: values[split.indices] for s, split in subject.splits.items()}


def _moments(table: Table, name: str) -> np.ndarray | None:
    """Return the moments of a column; None where it holds others, or some that cannot be read."""
    if table.columns[name].dtype.kind in "iufb":
        return None
    try:
        one = table.select([name])
        found_time = find_time(one, [name], None)
        if found_time is None:
            return None
        values = moments(one, name, best_form(one, *found_time))
    except (OrderError, ZooError):
        return None
    return values.astype("datetime64[us]").astype(np.int64) / _MICROSECONDS_PER_DAY


def _text(days: float) -> str:
    return iso_text(np.datetime64(round(days * _MICROSECONDS_PER_DAY), "us"))
