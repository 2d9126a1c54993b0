"""Several series in one table: the rows of each, brought into the order of time, each series by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.data.columns import Column, categories, check_columns, numbers, refuse_wrong
from zoo.data.tables.file import Table
from zoo.data.tables.time_order import OrderError, moments, order_of
from zoo.data.tables.times import Step, rises_by
from zoo.errors import ZooError, first_few

BETWEEN = " / "  # the values of several columns in the name of a series


@dataclass(frozen=True, kw_only=True)
class OrderedPanel:
    """The rows of a table, one series behind the other, each in the order of time.

    Attributes:
        table: the rows.
        names: of the series.
        times: of each series, the moment of each of its rows.
        step: between two moments of a series.
        notes: what was done to the order.
    """

    table: Table
    names: tuple[str, ...]
    times: tuple[np.ndarray, ...]
    step: Step
    notes: list[str]

    def slices(self) -> list[slice]:
        """Return where the rows of each series stand."""
        ends = np.cumsum([len(times) for times in self.times]).tolist()
        return [slice(end - len(times), end) for end, times in zip(ends, self.times, strict=True)]


def series_rows(table: Table, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the rows of each series, by its name, sorted by it, as numbers where all names are.

    Args:
        table: the series, in any order.
        columns: whose values tell the series apart.

    Raises:
        ZooError: a column is missing, or a row does not say which series it belongs to.
    """
    check_columns(table, columns, "data.series")
    texts = [table.texts(column) for column in columns]
    lacking = np.flatnonzero(np.any([column == "" for column in texts], axis=0))
    if len(lacking):
        raise ZooError(
            f"{table.where}: data.series: {len(lacking)} of {len(table)} rows do not say which series they belong to, "
            f"in column {', '.join(map(repr, columns))}: {table.rows(lacking)}; fill them in or remove the rows"
        )
    found: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*(column.tolist() for column in texts), strict=True)):
        found.setdefault(key, []).append(row)
    are_numbers = all(text.isdecimal() for key in found for text in key)
    keys = sorted(found, key=(lambda key: [int(text) for text in key]) if are_numbers else None)
    return {BETWEEN.join(key): np.array(found[key]) for key in keys}


def series_table(table: Table, name: str, rows: np.ndarray) -> Table:
    """Return the rows of one series as a table whose messages name it, and its rows by their place in the file."""
    return replace(numbered(table, rows), where=f"{table.where}: series '{name}'")


def numbered(table: Table, rows: np.ndarray) -> Table:
    """Return some rows of a table, which messages call by their numbers in the file."""
    part = table.take(rows)
    return part if part.numbers is not None else replace(part, numbers=rows + 1)


def order_panel(
    table: Table, time: str, form: str, rows: Mapping[str, np.ndarray], *, sort: bool, fill: bool
) -> OrderedPanel:
    """Bring each series into the order of time; the step is that of the longest, and has to be that of the others.

    Args:
        table: the series.
        time: the column of time.
        form: how its moments are written.
        rows: of each series.
        sort: the rows of a series may stand in another order.
        fill: steps may be missing.

    Raises:
        OrderError: a row has no moment; or the rows of a series are not in order, not even or have another step, of
            which all series are counted.
    """
    times = moments(table, time, form)
    positions, steps, faults = {}, {}, dict[str, OrderError]()
    unsorted = 0
    for name, places in rows.items():
        try:
            order, steps[name] = order_of(series_table(table, name, places), times[places], time, sort=sort, fill=fill)
        except OrderError as error:
            faults[name] = error
            continue
        unsorted += bool((np.diff(order) < 0).any())
        positions[name] = places[order]
    _refuse(faults, len(rows))
    longest = max(rows, key=lambda name: len(rows[name]))
    step = steps[longest]
    for name, places in positions.items():
        if not rises_by(times[places], step, gaps=fill):
            faults[name] = OrderError(
                f"{table.where}: series '{name}': column '{time}' has a row every {steps[name]}, and the longest "
                f"series, '{longest}', a row every {step}",
                "bring all series to one step, or leave such series out of the file",
            )
    _refuse(faults, len(rows))
    order = np.concatenate(list(positions.values()))
    notes = [f"rows are sorted by column '{time}' in {unsorted} of {len(rows)} series"] if unsorted else []
    return OrderedPanel(
        table=numbered(table, order),
        names=tuple(positions),
        times=tuple(times[places] for places in positions.values()),
        step=step,
        notes=notes,
    )


def _refuse(faults: Mapping[str, OrderError], series: int) -> None:
    """Refuse the series that have a fault: the first in full, all others by their names."""
    if not faults:
        return
    first, *others = faults
    named = first_few([f"'{name}'" for name in others])
    also = f"; {len(faults)} of {series} series have such a fault, also {named}" if others else ""
    raise OrderError(f"{faults[first].fault}{also}", faults[first].advice)


def static_values(panel: OrderedPanel, columns: Sequence[Column], key: str) -> dict[str, np.ndarray]:
    """Return, by column, the one value of each series.

    Args:
        panel: the series.
        columns: that tell something of a whole series.
        key: what names the columns, for messages.

    Raises:
        ZooError: a series lacks a value, or has several; all are counted.
    """
    found = {}
    for column in columns:
        if column.type == "category":
            values = categories(panel.table, column)
        else:
            values = numbers(panel.table, column)
            refuse_wrong(panel.table, column, values, panel.table.where)
        is_missing = values == "" if column.type == "category" else np.isnan(values)
        lacking = [name for name, part in zip(panel.names, panel.slices(), strict=True) if is_missing[part].any()]
        several = [
            f"'{name}' ({first_few(list(dict.fromkeys(map(str, values[part]))))})"
            for name, part in zip(panel.names, panel.slices(), strict=True)
            if name not in lacking and len(set(values[part].tolist())) > 1
        ]
        if lacking or several:
            fault = f"{len(lacking)} lack a value: {first_few(list(map(repr, lacking)))}" if lacking else ""
            fault += f"{'; ' * bool(fault)}{len(several)} have several: {first_few(several)}" if several else ""
            raise ZooError(
                f"{panel.table.where}: {key}: column '{column.name}' has to have one value in each series, and of "
                f"{len(panel.names)} series {fault}; correct it, or take what changes over time as past or known"
            )
        firsts = values[[part.start for part in panel.slices()]]
        found[column.name] = firsts if column.type == "category" else firsts.astype(np.float32)
    return found
