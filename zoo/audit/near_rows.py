"""Rows of a table that are equal, within rounding, in all but a few columns."""

from __future__ import annotations

import numpy as np

from zoo.audit.subject import HELD_OUT, Subject
from zoo.audit.tabular import sampled
from zoo.data.rare_rows import INDEPENDENCE, MAX_CHANCE

_MAX_ROWS = 200_000  # of a split
_GROUPS = 4  # of the columns: rows that agree in all columns of a group are compared in full
_MIN_COLUMNS = 5
_MAX_BUCKET = 20  # rows that agree in a group, up to which all are compared with the first ones
_MAX_DIFFERENT, _MOST_DIFFERENT = 8, 2  # one column in so many may differ, and at most two
_DIGITS = 3  # of a number that are compared


def close_rows(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Return, by split, rows that differ from one of training in a column or two, and its position."""
    columns = [c for c in subject.dataset.signature.columns if c.type in ("number", "category")]
    if len(columns) < _MIN_COLUMNS:
        return {}
    rows = {name: sampled(len(subject.splits[name]), _MAX_ROWS) for name in ("train", *HELD_OUT)}
    codes, logs = [], []
    for column in columns:
        values = np.concatenate([subject.column(name, column.name)[at] for name, at in rows.items()])
        _, inverse, counts = np.unique(_rounded(values), return_inverse=True, return_counts=True)
        codes.append(inverse.astype(np.int32))
        logs.append(np.log(counts / len(values)).astype(np.float32)[inverse])
    code, log = np.stack(codes, axis=1), np.stack(logs, axis=1)
    twins = _twins(code, log, train=len(rows["train"]))
    found, start = {}, 0
    for name, at in rows.items():
        own = twins[start : start + len(at)]
        has = np.flatnonzero(own >= 0)
        if len(has):
            found[name] = (at[has], rows["train"][own[has]], len(at))
        start += len(at)
    return found


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return numbers rounded to three digits of their spread, and texts as they are."""
    if values.dtype == object:
        return values.astype(str)
    values = values.astype(np.float64)
    spread = np.nanstd(values)
    unit = 10.0 ** (np.floor(np.log10(spread)) - _DIGITS + 1) if spread > 0 else 1.0
    return np.nan_to_num(np.round(values / unit), nan=-1e18)


def _twins(code: np.ndarray, log: np.ndarray, *, train: int) -> np.ndarray:
    """Return, for each row, an earlier row of training that differs in few columns; -1 where there is none.

    Of training rows, which stand first, the twin is an earlier one; of all others any of training.
    """
    rows, columns = code.shape
    allowed = min(_MOST_DIFFERENT, max(1, columns // _MAX_DIFFERENT))
    order = np.argsort(log.mean(axis=0))  # the most telling columns go to different groups
    twins = np.full(rows, -1)
    for group in range(_GROUPS):
        members = order[group::_GROUPS]
        key = _hash(code[:, members])
        by_key = np.argsort(key, kind="stable")
        edges = np.flatnonzero(np.diff(key[by_key], prepend=key[by_key][:1] - np.uint64(1)))
        sizes = np.diff(np.append(edges, rows))
        for size in range(2, _MAX_BUCKET + 1):
            starts = edges[sizes == size]
            if not len(starts):
                continue
            bucket = by_key[starts[:, None] + np.arange(size)]  # rows in their order, (buckets, size)
            for later in range(1, size):
                for earlier in range(min(later, 3)):
                    a, b = bucket[:, later], bucket[:, earlier]
                    use = (b < train) & (twins[a] < 0)
                    a, b = a[use], b[use]
                    equal = code[a] == code[b]
                    chance = rows * np.exp(INDEPENDENCE * np.where(equal, log[a], 0).sum(axis=1))
                    close = (columns - equal.sum(axis=1) <= allowed) & (chance < MAX_CHANCE)
                    twins[a[close]] = b[close]
    return twins


def _hash(code: np.ndarray) -> np.ndarray:
    """Return a hash of 64 bits of each row of whole numbers."""
    key = np.full(len(code), 1469598103934665603, np.uint64)
    with np.errstate(over="ignore"):
        for column in code.T:
            key = (key ^ column.astype(np.uint64)) * np.uint64(1099511628211)
            key ^= key >> np.uint64(29)
    return key
