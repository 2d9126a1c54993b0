"""Rows of a table that a caller hands over: by column, as a data frame, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.columns import take_columns
from zoo.data.tables.file import from_arrays
from zoo.errors import ZooError, did_you_mean, first_few, listing
from zoo.serving.metadata import FileSignature
from zoo.serving.values import as_array, form, shown

WANTED_TABLE = "a dict or data frame of columns, or rows as a list of dicts"


def check_table(raw: Any, signature: FileSignature) -> dict[str, np.ndarray]:
    """Return columns `(rows,)`: float32 with NaN where a value is missing, or text.

    Raises:
        ZooError: a column is missing or unknown, has another length, or text where numbers are expected.
    """
    names = [column.name for column in signature.columns]
    columns = _by_name(raw, names)
    missing = [name for name in names if name not in columns]
    unknown = [name for name in columns if name not in names]
    if missing:
        hint = did_you_mean(missing[0], map(str, columns))
        raise ZooError(f"missing columns: {listing(missing)}{hint} (received: {listing(columns)})")
    if unknown and isinstance(raw, Mapping):
        hint = did_you_mean(str(unknown[0]), names)
        raise ZooError(f"unknown columns: {listing(unknown)}{hint} (the file takes: {listing(names)})")
    arrays = {name: _column(columns[name], name) for name in names}
    if all(np.ndim(columns[name]) == 0 for name in names):
        arrays = {name: values.reshape(1) for name, values in arrays.items()}
    lengths = {name: len(values) if values.ndim else 0 for name, values in arrays.items()}
    if len(set(lengths.values())) > 1 or any(not values.ndim for values in arrays.values()):
        received = first_few([f"'{name}' {n or 'one value'}" for name, n in lengths.items()])
        raise ZooError(f"every column needs a value for each example; received {received}")
    if not lengths[names[0]]:
        return {c.name: np.zeros(0, c.dtype) for c in signature.columns}
    return take_columns(from_arrays(arrays, "table"), signature.columns)


def _by_name(raw: Any, names: Sequence[str]) -> Mapping[Any, Any]:
    """Return what was given as columns by name: a dict or data frame, one row as a dict, or rows as a list of dicts."""
    if isinstance(raw, Mapping):
        return raw
    if hasattr(raw, "columns") and hasattr(raw, "__getitem__"):  # pandas, polars
        return {str(name): raw[name] for name in raw.columns}
    if isinstance(raw, Sequence) and not isinstance(raw, str | bytes):
        if not raw:
            return {name: [] for name in names}
        if all(isinstance(row, Mapping) for row in raw):
            every = dict.fromkeys(name for row in raw for name in row)
            for place, row in enumerate(raw, start=1):
                lacking = [name for name in names if name not in row]
                if lacking:
                    raise ZooError(f"row {place}: missing columns: {listing(lacking)} (received: {listing(row)})")
            return {name: [row.get(name) for row in raw] for name in every}
    raise ZooError(f"expected {WANTED_TABLE}, received {shown(raw)}")


def _column(values: Any, name: str) -> np.ndarray:
    """Return a column `(examples,)` as it is typed, or a single value without an axis."""
    if isinstance(values, Mapping):
        raise ZooError(f"column '{name}': expected one value for each example, received {shown(values)}")
    array = as_array(values, f"column '{name}'")
    if array.dtype.kind in "US" or array.dtype == object:
        array = as_array(values, f"column '{name}'", object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim > 1:
        raise ZooError(f"column '{name}': expected (examples,), received {form(array)}")
    return array
