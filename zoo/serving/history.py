"""From a table of one series, or several, to the windows that a forecaster takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import Column, numbers, refuse_wrong
from zoo.data.dataset import KNOWN
from zoo.data.tables.file import Table
from zoo.data.tables.fill import fill_notes, filled
from zoo.data.tables.infer import infer_columns
from zoo.data.tables.panel import order_panel, series_rows, static_values
from zoo.data.tables.time_order import OrderError, TimeColumn, in_order, with_composed_time
from zoo.data.tables.times import Step, rises_by
from zoo.errors import ZooError, counted, did_you_mean, first_few, listing

if TYPE_CHECKING:
    from zoo.serving.metadata import FileSignature

Say = Callable[[str], None]


def say_unused(table: Table, signature: FileSignature, say: Say) -> None:
    """Say which columns of a file the model does not take."""
    time = signature.time.name if signature.time else ""
    known = {
        signature.target,
        *signature.targets,
        time,
        *signature.series,
        *(c.name for c in signature.static),
        *(column.name for column in signature.columns),
    }
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
        inputs: `(series, history, channels)`, or a dict of the file's inputs where it takes covariates.
    """

    names: tuple[str, ...]
    inputs: Any


def windows_of(table: Table, model: FileSignature, say: Say = lambda note: None) -> Any:
    """Return the window of the one series of a table, as `ExportedModel.predict` takes it, or that of each of several.

    Args:
        table: the series.
        model: what the exported file says of itself.
        say: takes what was done to the series.

    Raises:
        ZooError: a column is missing, a value is, or the moments are not those of the series the model was trained on.
    """
    if model.series:
        return last_windows(table, model, say)
    if model.known:
        return {name: values[None] for name, values in _one_window(table, model, say).items()}
    return last_steps(table, model, say)[None]


def last_steps(table: Table, model: FileSignature, say: Say = lambda note: None) -> np.ndarray:
    """Return the last steps of a series, `(history, channels)`; the arguments and errors are those of `windows_of`."""
    return _one_window(table, model, say)["array"]


def _one_window(table: Table, model: FileSignature, say: Say) -> dict[str, np.ndarray]:
    """Return the window of a series by the names of the file's inputs."""
    table, columns = _with_columns(table, model, say)
    time, times, notes = model.time, None, list[str]()
    if time is not None and time.name:
        with _as_trained(time):
            table, times, step, notes = in_order(table, time.name, time.form, sort=time.sort, fill=bool(time.fill))
        _check_step(step, time, len(table), table.where)
    values = np.stack([_numbers(table, column) for column in columns], axis=1)
    window, counts = cut_window(values, times, model, columns, table.where)
    if window is None:
        raise ZooError(f"{table.where}: the model takes {model.shape[0]} steps, and the file has {counts}")
    for note in [*notes, *fill_notes(time.fill if time else "", *counts)]:
        say(f"{table.where}: {note}")
    return window


def last_windows(table: Table, model: FileSignature, say: Say = lambda note: None) -> SeriesWindows:
    """Return the window of each series of a table; the arguments and errors are those of `windows_of`."""
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
        window, counts = cut_window(every[part], times, model, columns, f"{table.where}: series '{name}'")
        if window is None:
            short.append(f"'{name}' ({counts})")
        else:
            windows.append(window)
            total += counts
    if short:
        raise ZooError(
            f"{table.where}: the model takes {model.shape[0]} steps, and {len(short)} of {len(rows)} series have "
            f"fewer: {first_few(short)}; leave them out or add their earlier steps"
        )
    for note in [*panel.notes, *fill_notes(time.fill, *total.tolist())]:
        say(f"{table.where}: {note}")
    inputs = {name: np.stack([window[name] for window in windows]) for name in windows[0]}
    static = static_values(panel, model.static, "the model")
    inputs |= {model.inputs[name]: values for name, values in static.items()}
    return SeriesWindows(panel.names, inputs if model.kind == "series" else inputs["array"])


def scanned_windows(table: Table, model: FileSignature, say: Say = lambda note: None) -> SeriesWindows:
    """Return each window of the series of a table; its name is the row of its last step.

    The arguments and errors are those of `windows_of`.
    """
    table, columns = _with_columns(table, model, say)
    time, history = model.time or TimeColumn(), int(model.shape[0] or 0)
    lengths, notes = [len(table)], list[str]()
    with _as_trained(time):
        if model.series:
            rows = series_rows(table, model.series)
            panel = order_panel(table, time.name, time.form, rows, sort=time.sort, fill=False)
            table, step, notes = panel.table, panel.step, panel.notes
            lengths = [len(times) for times in panel.times]
        elif time.name:
            table, _, step, notes = in_order(table, time.name, time.form, sort=time.sort, fill=False)
    if time.name:
        _check_step(step, time, max(lengths), table.where)
    values = _complete(
        np.stack([_numbers(table, column) for column in columns], axis=1),
        [column.name for column in columns],
        "all steps",
        table.where,
    )
    starts = np.cumsum([0, *lengths])
    last = np.concatenate([np.arange(s + history - 1, e) for s, e in pairwise(starts)])
    if not len(last):
        raise ZooError(f"{table.where}: the model takes {history} steps, and the longest series has {max(lengths)}")
    for note in [*notes, f"the first {history - 1} steps of a series have no window before them, and no score"]:
        say(f"{table.where}: {note}")
    windows = np.lib.stride_tricks.sliding_window_view(values, history, 0).transpose(0, 2, 1)[last + 1 - history]
    return SeriesWindows(
        tuple(table.row(int(step)).partition(" (")[0] for step in last),
        windows if model.double else windows.astype(np.float32),
    )


def cut_window(
    values: np.ndarray, times: np.ndarray | None, model: FileSignature, columns: Sequence[Column], where: str
) -> tuple[dict[str, np.ndarray] | None, Any]:
    """Return the window at the end of a series by the names of the file's inputs, and the numbers of steps filled.

    With known covariates the last rows are the steps to forecast, whose target is empty.

    Returns:
        The window, and the numbers of steps and of values that were filled; or None, and the number of steps, where
        these are too few.

    Raises:
        ZooError: a value is missing.
    """
    steps, horizon, fill = int(model.shape[0] or 0), model.horizon, model.time.fill if model.time else ""
    end = len(values)
    if model.known:
        targets = values[:, : max(1, len(model.targets))]
        end = _first_to_forecast(np.where(np.isnan(targets).all(axis=1), np.nan, 0), model, model.target, where)
    past, added, lacking = values[:end], 0, 0
    if fill:
        assert model.time is not None
        past, added, lacking = filled(past, None if times is None else times[:end], model.time.step, fill, where)
    if len(past) < steps:
        return None, len(past)
    names, dtype = [column.name for column in columns], np.float64 if model.double else np.float32
    window = {"array": _complete(past[-steps:], names, f"the last {steps} steps", where).astype(dtype)}
    if model.known:
        ahead = slice(end, end + horizon)
        if fill and times is not None and model.time is not None:
            _refuse_gap_ahead(times[end - 1 : end + horizon], model.time, where)
        known = values[ahead, len(columns) - len(model.known) :]
        window[KNOWN] = _complete(known, model.known, f"the {horizon} steps to forecast", where).astype(dtype)
    return window, (added, lacking)


def _refuse_gap_ahead(times: np.ndarray, time: TimeColumn, where: str) -> None:
    if not rises_by(times, time.step, gaps=False):
        raise ZooError(f"{where}: column '{time.name}': a row is missing among the steps to forecast; add it")


def _first_to_forecast(target: np.ndarray, model: FileSignature, name: str, where: str) -> int:
    """Return the first row that is to be forecast: the target is empty from there on.

    Raises:
        ZooError: there are fewer such rows than the model forecasts.
    """
    present = np.flatnonzero(~np.isnan(target))
    end = int(present[-1]) + 1 if len(present) else 0
    if len(target) - end < model.horizon:
        raise ZooError(
            f"{where}: the model needs {listing(model.known)} for the {model.horizon} steps that it forecasts: add "
            f"rows in which '{name}' is empty; found {len(target) - end}"
        )
    return end


def _complete(values: np.ndarray, names: Sequence[str], what: str, where: str) -> np.ndarray:
    gaps = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(gaps):
        raise ZooError(f"{where}: {len(gaps)} of {what} of {listing(names)} lack a value; fill them in")
    return values


def _with_columns(table: Table, model: FileSignature, say: Say) -> tuple[Table, Sequence[Column]]:
    """Return a table with the columns that a model takes, and these.

    Raises:
        ZooError: one is missing.
    """
    if model.time is not None and model.time.name not in table.columns:
        table = with_composed_time(table)
    columns = model.columns or _unnamed(table, model, say)
    time = [model.time.name] if model.time and model.time.name else []
    needed = (*(column.name for column in columns), *time, *model.series, *(column.name for column in model.static))
    missing = [name for name in dict.fromkeys(needed) if name not in table.columns]
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
