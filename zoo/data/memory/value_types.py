"""What the values of a column are, whatever its type says: text, numbers, moments, or what no table holds."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from zoo.data.tables.file import is_gap

_OF_KIND = {  # `dtype.kind` of a column: what it holds
    "b": "true and false",
    "i": "numbers",
    "u": "numbers",
    "f": "numbers",
    "M": "moments",
    "U": "text",
}


def family(value: Any) -> str | None:
    """Return what a value is: "text", "numbers", "true and false", "moments", or its type's name; None of a gap."""
    if isinstance(value, list | tuple | dict | set | np.ndarray):
        return f"values of type {type(value).__name__}"
    if is_gap(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "true and false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, numbers.Real | Decimal):
        return "numbers"
    if isinstance(value, datetime.date | np.datetime64):
        return "moments"
    return f"values of type {type(value).__name__}"


def families(values: np.ndarray) -> dict[str, list[int]]:
    """Return what the values of a column are, each with the rows that hold such; gaps are none."""
    if values.dtype.kind in _OF_KIND:
        return {_OF_KIND[values.dtype.kind]: list(range(len(values)))} if len(values) else {}
    found: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        name = family(value)
        if name is not None:
            found.setdefault(name, []).append(row)
    return found


def is_table_value(name: str) -> bool:
    """Return whether a table can hold such values."""
    return not name.startswith("values of type ")


def rows_of(rows: Iterable[int]) -> list[str]:
    """Return what messages call rows."""
    return [f"row {row + 1}" for row in rows]
