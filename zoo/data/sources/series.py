"""A table as series: one, or several that columns tell apart, cut into windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.columns import Column, check_columns, numbers
from zoo.data.dataset import SourceData
from zoo.data.sources.covariates import static_columns, window_columns
from zoo.data.sources.windows import OneSeries, panel_windows
from zoo.data.tables.file import Table
from zoo.data.tables.fill import fill_notes, filled
from zoo.data.tables.panel import OrderedPanel, order_panel, series_rows, static_values
from zoo.data.tables.precision import series_needs_double
from zoo.data.tables.time_order import (
    TimeColumn,
    best_form,
    find_time,
    in_order,
    iso_text,
    with_composed_time,
)
from zoo.data.tables.times import places
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def load_series(table: Table, data: Data) -> SourceData:
    """Load a table whose rows are steps of time: the target's column, then the other columns of numbers.

    Raises:
        ZooError: the rows are not in the order of time or not even, a column lacks a value, or the series is too short.
    """
    read = read_series(table, data)
    result = panel_windows(read.parts, data, table.where, read.static)
    return read.described(result)


@dataclass(frozen=True, kw_only=True)
class ReadSeries:
    """The series of a table.

    Attributes:
        table: the rows, in the order of time, one series behind the other.
        parts: the series.
        columns: their channels.
        time: the column of time.
        series: the columns that tell them apart; empty where there is one.
        static: the columns of static covariates.
        notes: what was found out.
    """

    table: Table
    parts: list[OneSeries]
    columns: tuple[Column, ...]
    time: TimeColumn
    series: tuple[str, ...] = ()
    static: tuple[Column, ...] = ()
    notes: list[str]

    def described(self, source: SourceData) -> SourceData:
        """Return what was cut from the series, with what is known of their columns."""
        signature = replace(
            source.signature,
            columns=self.columns,
            time=self.time,
            reading=self.table.reading,
            series=self.series,
        )
        return replace(source, signature=signature, notes=[*self.notes, *source.notes])


def read_series(table: Table, data: Data) -> ReadSeries:
    """Return the series of a table, each in the order of time; the errors are those of `load_series`."""
    table = table if data.time is not None else with_composed_time(table)
    if data.time is not None:
        check_columns(table, [data.time], "data.time")
    if data.series_columns:
        return _read_panel(table, data)
    return _read_one(table, data)


def _read_one(table: Table, data: Data) -> ReadSeries:
    """Return the only series of a table."""
    others = [name for name in table.columns if name not in (*data.targets, *data.ignore)]
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
        others = [other for other in others if other != name]
        notes.append(f"column '{name}' is time, from {iso_text(times[0])} to {time.last}, a row every {step}")
    columns, more_notes = window_columns(table, data, others)
    notes += more_notes
    values = _as_double_or_float([_values(table, columns)])[0]
    if data.fill is not None:
        values, added, lacking = filled(values, times, time.step, data.fill, table.where)
        notes += fill_notes(data.fill, added, lacking)
    _refuse_gaps(table, columns, values)
    parts = [OneSeries(values=values)]
    return ReadSeries(table=table, parts=parts, columns=tuple(columns), time=time, notes=notes)


def _read_panel(table: Table, data: Data) -> ReadSeries:
    """Return the series that columns of a table tell apart."""
    series_columns = data.series_columns
    others = [c for c in table.columns if c not in (*data.targets, *data.ignore, *series_columns)]
    rows = series_rows(table, series_columns)
    if len(rows) < 2:
        raise ZooError(f"{table.where}: data.series: all rows belong to the series '{next(iter(rows))}'; leave it out")
    found = find_time(table, others, data.time)
    if found is None:
        raise ZooError(
            f"{table.where}: data.series: no column reads as time, by which the series are split at the same moments; "
            f"name it under data.time (columns: {', '.join(table.columns)})"
        )
    name, longest = found[0], max(rows.values(), key=len)
    form = best_form(table.take(longest), *found)
    panel = order_panel(table, name, form, rows, sort=data.sort, fill=data.fill is not None)
    first, last = (iso_text(end(times)) for end, times in ((min, _ends(panel, 0)), (max, _ends(panel, -1))))
    time = TimeColumn(sort=data.sort, fill=data.fill or "", name=name, form=form, step=panel.step, last=last)
    notes = [
        *table.notes,
        *panel.notes,
        f"column '{name}' is time, from {first} to {last}, a row every {panel.step}; "
        f"{len(rows)} series by {' and '.join(map(repr, series_columns))}, of {_lengths(panel)} rows",
    ]
    columns, more_notes = window_columns(panel.table, data, [other for other in others if other != name])
    every = _values(panel.table, columns)
    if data.fill is None:
        _refuse_gaps(panel.table, columns, every)
    series = [every[rows] for rows in panel.slices()]
    times = list(panel.times)
    if data.fill is not None:
        series, times, fill_note = _filled_panel(panel, series, data.fill)
        more_notes += fill_note
    static = static_columns(panel.table, data)
    of_series = static_values(panel, static, "data.static_covariates")
    begins = places(np.array([min(_ends(panel, 0)), *_ends(panel, 0)]), panel.step)[1:]
    parts = [
        OneSeries(
            name=name,
            values=values,
            begin=int(begins[place]),
            times=times[place],
            static=tuple(of_series[column.name][place] for column in static),
        )
        for place, (name, values) in enumerate(zip(panel.names, _as_double_or_float(series), strict=True))
    ]
    return ReadSeries(
        table=panel.table,
        parts=parts,
        columns=tuple(columns),
        time=time,
        series=series_columns,
        static=tuple(static),
        notes=[*notes, *more_notes],
    )


def _ends(panel: OrderedPanel, place: int) -> list[np.datetime64]:
    return [times[place] for times in panel.times]


def _lengths(panel: OrderedPanel) -> str:
    lengths = sorted(len(times) for times in panel.times)
    return f"{lengths[0]:,} to {lengths[-1]:,}" if lengths[0] < lengths[-1] else f"{lengths[0]:,}"


def _filled_panel(
    panel: OrderedPanel, series: list[np.ndarray], how: str
) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """Return the series with the steps and values that are missing, the moments, and a note."""
    found, moments, total, touched = [], [], np.zeros(2, int), 0
    for name, values, times in zip(panel.names, series, panel.times, strict=True):
        values, added, lacking = filled(values, times, panel.step, how, f"{panel.table.where}: series '{name}'")
        wide = np.full(len(values), np.datetime64("NaT", "us"))
        wide[places(times, panel.step)] = times
        found.append(values)
        moments.append(wide)
        total += (added, lacking)
        touched += bool(added or lacking)
    notes = [f"{note} in {touched} of {len(series)} series" for note in fill_notes(how, *total.tolist())]
    return found, moments, notes


def _values(table: Table, columns: list[Column]) -> np.ndarray:
    """Return the columns side by side, float64 `(rows, channels)`.

    Raises:
        ZooError: there is none.
    """
    if not columns:
        raise ZooError(f"{table.where}: no column of numbers is left (columns: {', '.join(table.columns)})")
    return np.stack([numbers(table, column) for column in columns], axis=1)


def _as_double_or_float(series: list[np.ndarray]) -> list[np.ndarray]:
    """Return series in float32, or all in float64 where float32 would lose differences of one of them."""
    if any(series_needs_double(channel) for values in series for channel in values.T):
        return series
    return [values.astype(np.float32) for values in series]


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
