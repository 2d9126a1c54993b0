"""Sequences of numbers from a table in long form or a `.ts` file, as a model of sequences takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import check_columns
from zoo.data.sources.long_rows import in_time, order_keys, value_rows
from zoo.data.sources.padded import padded
from zoo.data.sources.ts_text import SUFFIX as TS_SUFFIX
from zoo.data.sources.ts_text import read_ts
from zoo.data.tables.file import read_table
from zoo.data.tables.panel import series_rows
from zoo.data.tables.time_order import TimeColumn
from zoo.errors import ZooError, listing
from zoo.serving.history import SeriesWindows, say_unused

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel

__all__ = ["TS_SUFFIX", "read_sequences"]


def read_sequences(model: ExportedModel, path: Path, say: Callable[[str], None]) -> SeriesWindows:
    """Return the sequences of a file, padded to the longest.

    Args:
        model: what they are for.
        path: the file.
        say: takes what a reader of the answers should know.

    Raises:
        ZooError: the file does not hold such sequences, or they do not fit the model.
    """
    if path.suffix.lower() == TS_SUFFIX:
        file = read_ts(path)
        names, values = file.names, file.values
        if values[0].shape[1] != model.shape[-1]:
            raise ZooError(f"{path}: the model takes {model.shape[-1]} channels, and the file has {values[0].shape[1]}")
    else:
        names, values = _long_form(model, path, say)
    gaps = [name for name, each in zip(names, values, strict=True) if not np.isfinite(each).all()]
    if gaps:
        raise ZooError(
            f"{path}: {len(gaps)} of {len(values)} sequences lack a value: {listing(gaps[:5])}; fill them in"
        )
    steps = model.shape[0]
    others = [name for name, each in zip(names, values, strict=True) if steps is not None and len(each) != steps]
    if others:
        raise ZooError(
            f"{path}: the model takes sequences of {steps} steps, and {len(others)} of {len(values)} have another "
            f"number: {listing(others[:5])}"
        )
    return SeriesWindows(tuple(names), padded(values, max(map(len, values))))


def _long_form(model: ExportedModel, path: Path, say: Callable[[str], None]) -> tuple[list[str], list[np.ndarray]]:
    """Return names and values of the sequences of a table."""
    signature = model.signature
    if not signature.series or not signature.columns:
        raise ZooError(f"input {path}: {model.path} takes arrays in an npz file or a .ts file, not a table")
    table = read_table(path, signature.reading, signature.columns[0].name)
    time = signature.time or TimeColumn()
    check_columns(table, [column.name for column in signature.columns], "the model")
    check_columns(table, [time.name] if time.name else [], "the model")
    rows = series_rows(table, signature.series)
    order = order_keys(table, time)
    places = {name: in_time(table, name, each, order, sort=time.sort) for name, each in rows.items()}
    every = value_rows(table, signature.columns)
    say_unused(table, signature, say)
    return list(places), [every[each] for each in places.values()]
