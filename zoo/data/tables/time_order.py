"""The order of a series: its column of time, which has to rise by even steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.number_style import is_missing_number, parse_numbers
from zoo.data.tables.reading import tidy
from zoo.data.tables.times import (
    Step,
    column_times,
    even_step,
    likely_step,
    named_as_time,
    places,
    read_times,
    time_forms,
)
from zoo.errors import ZooError

_MAX_GROUP_FRACTION = 0.5  # of the rows; a column with more values tells no series apart
_IGNORE = "or list it under data.ignore to take the rows as they come"


class OrderError(ZooError):
    """A column of time that is not as it has to be: the fault, and what to do about it in a recipe."""

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}; {advice}")
        self.fault, self.advice = fault, advice


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """The column of time of a series.

    Attributes:
        name: of the column; empty where the series has none and its rows are taken in order.
        form: how moments are written (`zoo.data.tables.times`).
        step: between two of them.
        last: the last moment that the series has, as ISO 8601.
        sort: rows are sorted by it.
        fill: how steps and values that are missing are filled; empty where they are refused.
    """

    name: str = ""
    form: str = ""
    step: Step = field(default_factory=lambda: Step("us", 1))
    last: str = ""
    sort: bool = False
    fill: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the column as plain data."""
        return {
            "name": self.name,
            "form": self.form,
            "step": {"unit": self.step.unit, "count": self.step.count},
            "last": self.last,
            "sort": self.sort,
            "fill": self.fill,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> TimeColumn:
        """Return what `to_json` wrote."""
        return cls(**{**facts, "step": Step(**facts["step"])})


def with_composed_time(table: Table) -> Table:
    """Return a table with a column of time in front where its columns `year` and `month` or `quarter` make one."""
    named = {name.casefold(): name for name in table.columns}
    for part, most, write in _YEAR_PARTS:
        if not {"year", part} <= set(named) or f"year-{part}" in named:
            continue
        years, parts = _whole(table.columns[named["year"]]), _whole(table.columns[named[part]])
        if years is None or parts is None or len(np.unique(years)) == len(years):
            continue
        if parts.min() >= 1 and parts.max() <= most and years.min() >= 1000 and years.max() < 3000:
            texts = [write(int(year), int(number)) for year, number in zip(years, parts, strict=True)]
            composed = {f"year-{part}": np.array(texts, dtype=object)}
            return Table(table.where, {**composed, **table.columns}, table.lines, table.reading, table.notes)
    return table


_YEAR_PARTS = (  # columns beside `year`, their largest value, and how both are written as one
    ("month", 12, lambda year, month: f"{year:04d}-{month:02d}"),
    ("quarter", 4, lambda year, quarter: f"{year:04d}Q{quarter}"),
)


def _whole(values: np.ndarray) -> np.ndarray | None:
    """Return whole numbers; None where a value is none."""
    numbers = values if values.dtype.kind in "iuf" else None
    if values.dtype == object:
        numbers = parse_numbers([tidy(text) for text in as_texts(values)])
    return None if numbers is None or not (numbers == np.floor(numbers)).all() else numbers


def find_time(table: Table, names: Sequence[str], wanted: str | None) -> tuple[str, list[str]] | None:
    """Return the column of time and the forms in which it reads as moments; None where no column does.

    Args:
        table: the series.
        names: the columns that may be it.
        wanted: the column that the recipe names.

    Raises:
        ZooError: the recipe names a column that does not read as time.
    """
    if wanted is not None:
        forms = _forms(table, wanted, numbers=True)
        if not forms:
            texts = [text for text in table.texts(wanted) if text]
            raise ZooError(
                f"{table.where}: data.time: column '{wanted}' does not read as time: "
                f"'{texts[0] if texts else ''}'; expected moments such as 2023-05-01, 2023-05-01 12:00 or 05/2023"
            )
        return wanted, forms
    found = [(name, forms) for name in names if (forms := _forms(table, name, numbers=named_as_time(name)))]
    found.sort(key=lambda pair: not named_as_time(pair[0]))  # stable: the first of those whose name says time
    return found[0] if found else None


def _forms(table: Table, name: str, *, numbers: bool) -> list[str]:
    values = table.columns[name]
    if column_times(values) is not None:
        return ["iso8601"]
    if values.dtype.kind == "b" or (values.dtype.kind == "f" and (not numbers or (values != np.floor(values)).any())):
        return []
    texts = [text for text in table.texts(name) if not is_missing_number(text, table.reading.missing)]
    return time_forms(texts, numbers=numbers)


def moments(table: Table, name: str, form: str) -> np.ndarray:
    """Return the moments of a column.

    Raises:
        ZooError: a row has none.
    """
    times = column_times(table.columns[name])
    if times is None:
        times = read_times(table.texts(name), form)
    wrong = np.flatnonzero(np.isnat(times))
    if len(wrong):
        raise OrderError(
            f"{table.where}: column '{name}' is time, and {table.rows(wrong)} has '{table.texts(name)[wrong[0]]}' "
            f"({len(wrong)} such of {len(table)} rows)",
            f"correct it, {_IGNORE}",
        )
    return times


def best_form(table: Table, name: str, forms: Sequence[str]) -> str:
    """Return the form in which a column of time is read: of several, the one that gives even steps.

    Raises:
        ZooError: none or several do.
    """
    if len(forms) == 1:
        return forms[0]
    even = [form for form in forms if even_step(np.sort(moments(table, name, form))) is not None]
    if len(even) == 1:
        return even[0]
    raise ZooError(
        f"{table.where}: column '{name}' is time, and values such as '{table.texts(name)[0]}' can be read in "
        f"{len(forms)} ways ({', '.join(forms)}); write year, month, day, {_IGNORE}"
    )


def in_order(
    table: Table, name: str, form: str, *, sort: bool, fill: bool
) -> tuple[Table, np.ndarray, Step, list[str]]:
    """Bring a series into the order of time.

    Args:
        table: the series.
        name: the column of time.
        form: how its moments are written.
        sort: rows may stand in another order.
        fill: steps may be missing.

    Returns:
        The series, the moment of each row, the step between them, and a note where rows were sorted.

    Raises:
        OrderError: a row has no moment, rows are not in order, a moment stands twice, or the steps are not even.
    """
    times = moments(table, name, form)
    positions, step = order_of(table, times, name, sort=sort, fill=fill)
    notes = [f"rows are sorted by column '{name}'"] if (np.diff(positions) < 0).any() else []
    return table.take(positions), times[positions], step, notes


def order_of(table: Table, times: np.ndarray, name: str, *, sort: bool, fill: bool) -> tuple[np.ndarray, Step]:
    """Return the positions of the rows in the order of time, and the step between them; see `in_order`."""
    positions = np.argsort(times, kind="stable")
    ordered = times[positions]
    _refuse_doubles(table, positions, ordered, name)
    backwards = np.flatnonzero(np.diff(times) < np.timedelta64(0))
    if len(backwards) and not sort:
        at = int(backwards[0]) + 1
        raise OrderError(
            f"{table.where}: column '{name}' is time, and {table.row(at)} has {iso_text(times[at])}, before the row "
            f"above, {iso_text(times[at - 1])} ({len(backwards)} such of {len(table)} rows)",
            f"set data.sort: true to sort the rows, {_IGNORE}",
        )
    if len(times) < 2:
        return positions, Step("us", 1)
    step = even_step(ordered)
    if step is None:
        step = likely_step(ordered)
        if step is None or not fill:
            raise _uneven(table, positions, ordered, name, step)
    return positions, step


def _refuse_doubles(table: Table, positions: np.ndarray, ordered: np.ndarray, name: str) -> None:
    doubles = np.flatnonzero(np.diff(ordered) == np.timedelta64(0)) + 1
    if not len(doubles):
        return
    rows = np.sort(positions[doubles])
    first = int(rows[0])
    moment = iso_text(ordered[doubles[np.flatnonzero(positions[doubles] == first)[0]]])
    groups = telling_apart(table, positions, ordered, name)
    if groups:
        advice = (
            f"column '{groups}' seems to tell several series apart, one below the other: add it to data.series, as in "
            f"data.series: {groups}"
        )
    else:
        advice = f"leave one row for each moment, {_IGNORE}"
    raise OrderError(
        f"{table.where}: column '{name}' is time, and {table.row(first)} has {moment} again ({len(rows)} such of "
        f"{len(table)} rows)",
        advice,
    )


def telling_apart(table: Table, positions: np.ndarray, ordered: np.ndarray, name: str) -> str:
    """Return the column with few values whose groups have each moment once; empty where there is none."""
    for other, values in table.columns.items():
        if other == name or (values.dtype != object and values.dtype.kind not in "iub"):
            continue
        texts = table.texts(other)[positions]
        few = 1 < len(set(texts)) <= _MAX_GROUP_FRACTION * len(table)
        if few and len(set(zip(texts.tolist(), ordered.tolist(), strict=True))) == len(table):
            return other
    return ""


def _uneven(table: Table, positions: np.ndarray, ordered: np.ndarray, name: str, step: Step | None) -> OrderError:
    """Return the error for moments that do not rise by even steps."""
    if step is not None:
        where = places(ordered, step)
        wide = np.flatnonzero(np.diff(where) != 1) + 1
        at, lacking = int(wide[0]), int(where[-1]) + 1 - len(ordered)
        return OrderError(
            f"{table.where}: column '{name}' is time, and {table.row(positions[at])} has {iso_text(ordered[at])}, more "
            f"than {step} after {iso_text(ordered[at - 1])} ({len(wide)} gaps, {lacking} steps missing)",
            f"set data.fill: previous or linear to fill them, {_IGNORE}",
        )
    between = np.diff(ordered)
    usual = np.sort(between)[len(between) // 2]
    at = int(np.flatnonzero(between != usual)[0]) + 1
    count = int((between != usual).sum())
    return OrderError(
        f"{table.where}: column '{name}' is time, and {table.row(positions[at])} has {iso_text(ordered[at])}, "
        f"{_duration(between[at - 1])} after the row before; the usual step is {_duration(usual)} ({count} such of "
        f"{len(table)} rows)",
        f"bring it to even steps, {_IGNORE}",
    )


def _duration(between: np.timedelta64) -> Step:
    return Step("us", int(between.astype(np.int64)))


def iso_text(moment: np.datetime64) -> str:
    """Return a moment as ISO 8601, without a time of day of zero."""
    day = moment.astype("datetime64[D]")
    if moment == day:
        return str(day)
    second = moment.astype("datetime64[s]")
    return str(second if second == moment else moment).replace("T", " ")
