"""The rows of sequences in a table in long form: their numbers and their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.tables.file import Table
from zoo.data.tables.time_order import TimeColumn, moments
from zoo.errors import ZooError


def value_rows(table: Table, columns: Sequence[Column]) -> np.ndarray:
    """Return columns of numbers side by side, float64 `(rows, channels)`, NaN where a value is missing."""
    found = []
    for column in columns:
        values = numbers(table, column)
        refuse_wrong(table, column, values, table.where)
        found.append(values)
    return np.stack(found, axis=1)


def order_keys(table: Table, time: TimeColumn) -> np.ndarray | None:
    """Return what the rows of a table are ordered by: moments, numbers, or None for the order of the file."""
    if not time.name:
        return None
    if time.form:
        return moments(table, time.name, time.form).astype(np.int64)
    column = Column(time.name, "number", missing=table.reading.missing)
    values = numbers(table, column)
    refuse_wrong(table, column, values, table.where)
    return values


def in_time(table: Table, name: str, rows: np.ndarray, order: np.ndarray | None, *, sort: bool) -> np.ndarray:
    """Return the rows of a sequence in the order of time.

    Raises:
        ZooError: a moment stands twice, or rows are in another order and may not be sorted.
    """
    if order is None:
        return rows
    between = np.diff(order[rows])
    if sort:
        rows = rows[np.argsort(order[rows], kind="stable")]
        between = np.diff(order[rows])
    wrong = np.flatnonzero(~(between > 0))
    if len(wrong):
        at = int(rows[wrong[0] + 1])
        what = "is not later than the row before" if not sort else "has a moment that stands twice"
        advice = "" if sort else "; data.sort: true sorts them"
        raise ZooError(
            f"{table.where}: sequence '{name}': {table.row(at)} {what} ({len(wrong)} such of {len(rows)} rows){advice}"
        )
    return rows
