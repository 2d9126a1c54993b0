"""Targets that a Python program gives beside its examples, as one column of one type."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.memory.given import type_of
from zoo.data.memory.value_types import families, is_table_value, rows_of
from zoo.errors import ZooError, first_few


def target_column(y: Any, where: str) -> np.ndarray:
    """Return targets `(examples,)`: numbers, booleans or text in NumPy's types, or objects with None in a gap.

    Args:
        y: a list, an array, a tensor or a series; `(examples, 1)` counts as `(examples,)`.
        where: what holds it, for messages.

    Raises:
        ZooError: it is not one label or number an example, or of several types.
    """
    values = _array(y, where)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        advice = "; of one-hot targets give the number of the class, y.argmax(axis=1)" if values.ndim == 2 else ""
        raise ZooError(f"{where}: targets must be one label or number an example, received {type_of(values)}{advice}")
    found = families(values)
    strange = [kind for kind in found if not is_table_value(kind) or kind == "moments"]
    if values.dtype.kind in "mc":
        strange = [f"values of type {values.dtype}"]
    if strange or len(found) > 1:
        listed = " and ".join(
            f"{kind} in {len(rows)} of {len(values)} rows ({first_few(rows_of(rows))})" for kind, rows in found.items()
        )
        raise ZooError(f"{where}: targets must be labels or numbers of one type, found {listed or strange[0]}")
    if values.dtype == object and len(found) == 1 and all(value is not None for value in values):
        kinds = {"text": object, "true and false": bool, "numbers": None}
        return np.array(values.tolist(), dtype=kinds[next(iter(found))])
    return values


def several_numbers(y: Any, where: str) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return several numbers an example, float64 `(examples, targets)`, and their names; None of one target.

    Args:
        y: an array, a list of rows, or a data frame, whose columns name the numbers; else they are `y_1`, `y_2` …
        where: what holds it, for messages.

    Raises:
        ZooError: it has several columns, and holds what is no number.
    """
    values = np.asarray(y) if hasattr(y, "columns") else _array(y, where)
    if values.ndim != 2 or values.shape[1] < 2:
        return None
    names = tuple(map(str, getattr(y, "columns", (f"y_{i + 1}" for i in range(values.shape[1])))))
    if values.dtype.kind not in "iufb":
        raise ZooError(f"{where}: several targets an example must be numbers, received {type_of(values)}")
    return values.astype(np.float64), names


def is_one_hot(values: np.ndarray) -> bool:
    """Return whether every row of `(examples, classes)` has a single 1 among zeros."""
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())


def _array(y: Any, where: str) -> np.ndarray:
    """Return targets as an array, values of a list as they are, None in each gap of a series."""
    if hasattr(y, "isna") and hasattr(y, "astype"):  # pandas
        gaps = np.asarray(y.isna())
        plain = isinstance(getattr(y, "dtype", None), np.dtype) and y.dtype.kind in "iufbmcM"
        if plain or gaps.ndim != 1:
            return np.asarray(y)
        values = np.asarray(y.astype(object), dtype=object)
        return np.array([None if gap else v for v, gap in zip(values, gaps, strict=True)] or [], dtype=object)
    if hasattr(y, "to_list") and not isinstance(y, np.ndarray):  # Polars
        y = y.to_list()
    if isinstance(y, list | tuple) and not any(hasattr(value, "__len__") and not isinstance(value, str) for value in y):
        values = np.empty(len(y), object)
        values[:] = y
        return values
    try:
        return np.asarray(y)
    except ValueError as error:
        raise ZooError(f"{where}: targets must be one label or number an example, received {type_of(y)}") from error
