"""From the table of a series to the window that a forecaster takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.tables.file import Table
from zoo.data.tables.fill import filled
from zoo.data.tables.infer import infer_columns
from zoo.data.tables.time_order import OrderError, in_order, with_composed_time
from zoo.errors import ZooError, counted, did_you_mean, listing

if TYPE_CHECKING:
    from zoo.serving.metadata import FileSignature

Say = Callable[[str], None]


def say_unused(table: Table, signature: FileSignature, say: Say) -> None:
    """Say which columns of a file the model does not take."""
    time = signature.time.name if signature.time else ""
    known = {signature.target, time, *(column.name for column in signature.columns)}
    unused = [name for name in table.columns if name not in known]
    for note in table.notes:
        say(f"{table.where}: {note}")
    if unused and signature.columns:
        say(f"{table.where}: the model does not take {counted([repr(name) for name in unused], 'columns')}")


def last_steps(table: Table, model: FileSignature, say: Say = lambda note: None) -> np.ndarray:
    """Return the last steps of a series, `(history, channels)`: the columns by name, in the order of time.

    Args:
        table: the series.
        model: what the exported file says of itself.
        say: takes what was done to the series.

    Raises:
        ZooError: a column is missing, a value is, or the moments are not those of the series the model was trained on.
    """
    steps = int(model.shape[0] or 0)
    if model.time is not None and model.time.name not in table.columns:
        table = with_composed_time(table)
    columns = model.columns or _unnamed(table, model, say)
    needed = [*(column.name for column in columns), *([model.time.name] if model.time and model.time.name else [])]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise ZooError(
            f"{table.where}: lacks {'columns' if len(missing) > 1 else 'the column'} {listing(map(repr, missing))}"
            f"{did_you_mean(missing[0], table.columns)} (columns: {', '.join(table.columns)})"
        )
    time, times, notes = model.time, None, list[str]()
    if time is not None and time.name:
        try:
            table, times, step, notes = in_order(table, time.name, time.form, sort=time.sort, fill=bool(time.fill))
        except OrderError as error:
            raise ZooError(
                f"{error.fault}; the model takes rows in the order of time, {time.step} apart, as it was trained on"
            ) from error
        if len(table) > 1 and step != time.step:
            raise ZooError(
                f"{table.where}: column '{time.name}' has a row every {step}, and the model was trained on a row every "
                f"{time.step}"
            )
    values = np.stack([_numbers(table, column) for column in columns], axis=1)
    if time is not None and time.fill:
        values, added = filled(values, times, time.step, time.fill, table.where)
        notes += added
    for note in notes:
        say(f"{table.where}: {note}")
    if len(values) < steps:
        raise ZooError(f"{table.where}: the model takes {steps} steps, and the file has {len(values)}")
    values = values[-steps:]
    gaps = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(gaps):
        raise ZooError(
            f"{table.where}: {len(gaps)} of the last {steps} steps of {listing(c.name for c in columns)} lack a value; "
            "fill them in"
        )
    return values if model.double else values.astype(np.float32)


def _numbers(table: Table, column: Column) -> np.ndarray:
    values = numbers(table, column)
    refuse_wrong(table, column, values, table.where)
    return values


def _unnamed(table: Table, model: FileSignature, say: Say) -> list[Column]:
    """Return the columns of a file that does not name them: the target, then the first others of numbers."""
    channels = int(model.shape[1] or 1)
    if model.target not in table.columns:
        raise ZooError(f"{table.where}: lacks the column '{model.target}' (columns: {', '.join(table.columns)})")
    if channels == 1:
        return [Column(model.target, "number")]
    lenient = replace(table, reading=replace(table.reading, skip=True))
    others, _ = infer_columns(lenient, [name for name in table.columns if name != model.target])
    found = [Column(model.target, "number"), *(column for column in others if column.type == "number")]
    if len(found) < channels:
        raise ZooError(f"{table.where}: the model takes {channels} columns of numbers, and the file has {len(found)}")
    say(
        f"{table.where}: the exported file does not name its columns, which are taken in this order: "
        f"{', '.join(column.name for column in found[:channels])}"
    )
    return found[:channels]
