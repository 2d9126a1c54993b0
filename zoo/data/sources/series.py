"""Series cut into windows, by time alone: no window's forecast reaches across a cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoo.data.columns import Column, check_columns, numbers
from zoo.data.dataset import Series, Signature, SourceData, Split
from zoo.data.inputs import ArrayInputs
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.fill import filled
from zoo.data.tables.infer import infer_columns, infer_number
from zoo.data.tables.precision import series_needs_double
from zoo.data.tables.time_order import (
    TimeColumn,
    best_form,
    find_time,
    in_order,
    iso_text,
    with_composed_time,
)
from zoo.data.tables.times import column_times, time_forms
from zoo.errors import ZooError
from zoo.recipe.schema import Data


def load_series(table: Table, data: Data) -> SourceData:
    """Load a table whose rows are steps of time: the target's column, then the other columns of numbers.

    Raises:
        ZooError: the rows are not in the order of time or not even, a column lacks a value, or the series is too short.
    """
    target = str(data.one_target)
    table = table if data.time is not None else with_composed_time(table)
    if data.time is not None:
        check_columns(table, [data.time], "data.time")
    others = [name for name in table.columns if name != target and name not in data.ignore]
    found = find_time(table, others, data.time)
    notes, time, times = list(table.notes), TimeColumn(sort=data.sort, fill=data.fill or ""), None
    if found is None:
        notes.append(
            "no column reads as time: rows are taken in the order of the file, as even steps (data.time names a column)"
        )
        if data.sort:
            raise ZooError(f"{table.where}: data.sort: no column reads as time; name it under data.time")
    else:
        name = found[0]
        form = best_form(table, *found)
        table, times, step, more_notes = in_order(table, name, form, sort=data.sort, fill=data.fill is not None)
        notes += more_notes
        time = replace(time, name=name, form=form, step=step, last=iso_text(times[-1]))
        others.remove(name)
        notes.append(f"column '{name}' is time, from {iso_text(times[0])} to {time.last}, a row every {step}")
    columns, more_notes = _channels(table, target, others)
    notes += more_notes
    values = series_values(table, columns)
    if data.fill is not None:
        values, more_notes = filled(values, times, time.step, data.fill, table.where)
        notes += more_notes
    _refuse_gaps(table, columns, values)
    result = forecast_windows(values, data, target, table.where)
    signature = replace(result.signature, columns=tuple(columns), time=time, reading=table.reading)
    return replace(result, signature=signature, notes=[*notes, *result.notes])


def _channels(table: Table, target: str, others: list[str]) -> tuple[list[Column], list[str]]:
    """Return the columns of numbers, the target first, and notes on those that are left out.

    Raises:
        ZooError: the target holds text, or a column of numbers has something else in it.
    """
    goal, notes = infer_number(table, target)
    if goal.type == "category":
        raise ZooError(f"{table.where}: data.target: column '{target}' holds text, and forecasting predicts numbers")
    inputs = [name for name in others if not _is_time(table, name)]
    for name in others:
        if name not in inputs:
            notes.append(f"column '{name}' reads as time, too, and is left out")
    columns, more_notes = infer_columns(table, inputs)
    notes += more_notes
    for column in columns:
        if column.type == "category":
            different = len(set(as_texts(table.columns[column.name])))
            notes = [note for note in notes if f"'{column.name}'" not in note]
            notes.append(
                f"column '{column.name}' holds text ({different} different) and is left out: a series takes numbers"
            )
    return [goal, *(column for column in columns if column.type == "number")], notes


def _is_time(table: Table, name: str) -> bool:
    values = table.columns[name]
    if values.dtype.kind in "iufb":
        return False
    return column_times(values) is not None or bool(time_forms([text for text in table.texts(name) if text]))


def series_values(table: Table, columns: list[Column]) -> np.ndarray:
    """Return the columns of a series, `(time, channels)`: float32, or float64 where that would lose differences."""
    values = np.stack([numbers(table, column) for column in columns], axis=1)
    if any(series_needs_double(channel) for channel in values.T):
        return values
    return values.astype(np.float32)


def _refuse_gaps(table: Table, columns: list[Column], values: np.ndarray) -> None:
    """Refuse missing values, by column and row.

    Raises:
        ZooError: a step lacks a value.
    """
    if not np.isnan(values).any():
        return
    lacking = {c.name: int(np.isnan(channel).sum()) for c, channel in zip(columns, values.T, strict=True)}
    named = ", ".join(f"'{name}' ({count})" for name, count in lacking.items() if count)
    rows = np.flatnonzero(np.isnan(values).any(axis=1))
    raise ZooError(
        f"{table.where}: {len(rows)} of {len(values)} steps lack a value, in column {named}: {table.rows(rows)}; fill "
        "them in, set data.fill: previous or linear, or list the column under data.ignore"
    )


def forecast_windows(values: np.ndarray, data: Data, target: str, where: str) -> SourceData:
    """Cut a series into windows of history and forecast.

    The last `data.test` of the steps are the test part, the `data.validation` before them the validation part. A window
    belongs to the part that holds its whole forecast. Its history may reach back across the cut, as in service, where
    the past is known. Targets are `(windows, horizon + 1)`: the future values, then the mean absolute error of the
    seasonal naive forecast on the training part, which MASE divides by (Hyndman and Koehler 2006).

    Args:
        values: `(time, channels)` float32 or float64; the first channel is predicted.
        data: the recipe's section.
        target: name of what is predicted.
        where: the source, for messages.

    Raises:
        ZooError: the recipe names no window, a value is missing, or a part is too short for one window.
    """
    window = data.window
    if window is None:
        raise ZooError(f"{where}: forecasting needs data.window, for example {{history: 48, horizon: 12, season: 12}}")
    gaps = int((~np.isfinite(values)).any(axis=1).sum())
    if gaps:
        raise ZooError(f"{where}: {gaps} of {len(values)} steps lack a value; fill them in")
    count = len(values)
    if window.history + window.horizon > count:
        raise ZooError(
            f"{where}: data.window: {window.history} + {window.horizon} steps (history, horizon) are more than the "
            f"series, which has {count}; shorten the window"
        )
    test_start = count - round(count * data.test)
    train_end = test_start - round(count * data.validation)
    cuts = {"train": (window.history, train_end), "validation": (train_end, test_start), "test": (test_start, count)}
    if train_end <= window.season:
        raise ZooError(
            f"{where}: the training part has {train_end} steps, fewer than a season ({window.season}) and one more"
        )
    naive = float(np.abs(values[window.season : train_end, 0] - values[: train_end - window.season, 0]).mean())
    inputs = ArrayInputs(np.lib.stride_tricks.sliding_window_view(values, window.history, 0).transpose(0, 2, 1))
    splits, origins = {}, {}
    for name, (first, end) in cuts.items():
        origins[name] = np.arange(max(first, window.history), end - window.horizon + 1)
        if not len(origins[name]):
            raise ZooError(
                f"{where}: the {name} part has {end - first} of {count} steps, too few for a window of "
                f"{window.history} + {window.horizon}; shorten data.window or change data.{name}"
            )
        future = values[origins[name][:, None] + np.arange(window.horizon), 0]
        targets = np.concatenate([future, np.full((len(future), 1), naive or 1.0)], axis=1).astype(values.dtype)
        splits[name] = Split(inputs, origins[name] - window.history, targets)
    shape = (window.history, values.shape[1])
    validation = test_start - train_end
    return SourceData(
        signature=Signature(
            "array", target, shape, season=window.season, horizon=window.horizon, double=values.dtype == np.float64
        ),
        splits=splits,
        notes=[f"split by time: {train_end} steps train, {validation} validate, {count - test_start} test"],
        series=Series(values=values[:, 0], origins=origins, train_end=train_end),
    )
