"""From a table of one series, or several, to the windows that a forecaster takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.tables.file import Table
from zoo.data.tables.fill import fill_notes, filled
from zoo.data.tables.infer import infer_columns
from zoo.data.tables.panel import order_panel, series_rows
from zoo.data.tables.time_order import OrderError, TimeColumn, in_order, with_composed_time
from zoo.data.tables.times import Step
from zoo.errors import ZooError, counted, did_you_mean, first_few, listing

if TYPE_CHECKING:
    from zoo.serving.metadata import FileSignature

Say = Callable[[str], None]


def say_unused(table: Table, signature: FileSignature, say: Say) -> None:
    """Say which columns of a file the model does not take."""
    time = signature.time.name if signature.time else ""
    known = {signature.target, time, *signature.series, *(column.name for column in signature.columns)}
    unused = [name for name in table.columns if name not in known]
    for note in table.notes:
        say(f"{table.where}: {note}")
    if unused and signature.columns:
        say(f"{table.where}: the model does not take {counted([repr(name) for name in unused], 'columns')}")


@dataclass(frozen=True)
class SeriesWindows:
    """The windows of several series, for the model to forecast from.

    Attributes:
        names: of the series.
        inputs: `(series, history, channels)`.
    """

    names: tuple[str, ...]
    inputs: np.ndarray


def windows_of(table: Table, model: FileSignature, say: Say = lambda note: None) -> np.ndarray | SeriesWindows:
    """Return the last steps of the one series of a table, `(1, history, channels)`, or of each of several."""
    return last_windows(table, model, say) if model.series else last_steps(table, model, say)[None]


def last_steps(table: Table, model: FileSignature, say: Say = lambda note: None) -> np.ndarray:
    """Return the last steps of a series, `(history, channels)`: the columns by name, in the order of time.

    Args:
        table: the series.
        model: what the exported file says of itself.
        say: takes what was done to the series.

    Raises:
        ZooError: a column is missing, a value is, or the moments are not those of the series the model was trained on.
    """
    table, columns = _with_columns(table, model, say)
    time, times, notes = model.time, None, list[str]()
    if time is not None and time.name:
        with _as_trained(time):
            table, times, step, notes = in_order(table, time.name, time.form, sort=time.sort, fill=bool(time.fill))
        _check_step(step, time, len(table), table.where)
    values = np.stack([_numbers(table, column) for column in columns], axis=1)
    if time is not None and time.fill:
        values, added, lacking = filled(values, times, time.step, time.fill, table.where)
        notes += fill_notes(time.fill, added, lacking)
    for note in notes:
        say(f"{table.where}: {note}")
    return _last(values, model, columns, table.where)


def last_windows(table: Table, model: FileSignature, say: Say = lambda note: None) -> SeriesWindows:
    """Return the last steps of each series of a table; the arguments and errors are those of `last_steps`."""
    table, columns = _with_columns(table, model, say)
    time = model.time
    assert time is not None, "series are told apart in tables with a column of time alone"
    rows = series_rows(table, model.series)
    with _as_trained(time):
        panel = order_panel(table, time.name, time.form, rows, sort=time.sort, fill=bool(time.fill))
    _check_step(panel.step, time, max(map(len, panel.times)), table.where)
    every = np.stack([_numbers(panel.table, column) for column in columns], axis=1)
    windows, short, total = [], list[str](), np.zeros(2, int)
    for name, part, times in zip(panel.names, panel.slices(), panel.times, strict=True):
        values, where = every[part], f"{table.where}: series '{name}'"
        if time.fill:
            values, *counts = filled(values, times, time.step, time.fill, where)
            total += counts
        if len(values) < int(model.shape[0] or 0):
            short.append(f"'{name}' ({len(values)})")
        else:
            windows.append(_last(values, model, columns, where))
    if short:
        raise ZooError(
            f"{table.where}: the model takes {model.shape[0]} steps, and {len(short)} of {len(rows)} series have "
            f"fewer: {first_few(short)}; leave them out or add their earlier steps"
        )
    for note in [*panel.notes, *fill_notes(time.fill, *total.tolist())]:
        say(f"{table.where}: {note}")
    return SeriesWindows(panel.names, np.stack(windows))


def _with_columns(table: Table, model: FileSignature, say: Say) -> tuple[Table, Sequence[Column]]:
    """Return a table with the columns that a model takes, and these.

    Raises:
        ZooError: one is missing.
    """
    if model.time is not None and model.time.name not in table.columns:
        table = with_composed_time(table)
    columns = model.columns or _unnamed(table, model, say)
    time = [model.time.name] if model.time and model.time.name else []
    missing = [name for name in (*(c.name for c in columns), *time, *model.series) if name not in table.columns]
    if missing:
        raise ZooError(
            f"{table.where}: lacks {'columns' if len(missing) > 1 else 'the column'} {listing(map(repr, missing))}"
            f"{did_you_mean(missing[0], table.columns)} (columns: {', '.join(table.columns)})"
        )
    return table, columns


@contextmanager
def _as_trained(time: TimeColumn) -> Iterator[None]:
    """Say of a fault in the order of time what the model takes, in place of what a recipe could say."""
    try:
        yield
    except OrderError as error:
        raise ZooError(
            f"{error.fault}; the model takes rows in the order of time, {time.step} apart, as it was trained on"
        ) from error


def _check_step(step: Step, time: TimeColumn, rows: int, where: str) -> None:
    if rows > 1 and step != time.step:
        raise ZooError(
            f"{where}: column '{time.name}' has a row every {step}, and the model was trained on a row every "
            f"{time.step}"
        )


def _last(values: np.ndarray, model: FileSignature, columns: Sequence[Column], where: str) -> np.ndarray:
    """Return the last steps of a series, as many as the model takes and in its type."""
    steps = int(model.shape[0] or 0)
    if len(values) < steps:
        raise ZooError(f"{where}: the model takes {steps} steps, and the file has {len(values)}")
    values = values[-steps:]
    gaps = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(gaps):
        raise ZooError(
            f"{where}: {len(gaps)} of the last {steps} steps of {listing(c.name for c in columns)} lack a value; "
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
